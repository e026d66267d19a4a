/** What rests is left alone, and nobody can tell from what is shown. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineReplicated } from '../schema/define-replicated.ts'
import { entity, vec3 } from '../schema/fields.ts'
import { createRegistry } from '../schema/registry.ts'
import { presentRow } from './interpolate.ts'
import { createJitterBuffers } from './jitter-buffer.ts'

const EID = 1
const DELAY_TICKS = 4

/** Shows samples at their ticks; `settles` passes over what rests, as a frame does. */
function stage(settles: boolean) {
  const Body = defineReplicated('Body', { at: vec3({ range: 500, step: 1 / 256 }) }, { capacity: 8 })
  const schema = createRegistry([Body]).byComponent(Body)!
  const buffers = createJitterBuffers(schema, 1)
  const lanes = new Int32Array(schema.laneCount)
  return {
    buffers,
    shown: Body.at.x,
    sample(tick: number, x: number): void {
      lanes.set([x + 1_000, 0, 0])
      buffers.insert(0, tick >>> 0, lanes, 0)
    },
    frame(playbackTick: number, heardTick: number, elapsedTicks: number): void {
      if (buffers.isSettled[0] === 1) return
      const options = { elapsedTicks, maxExtrapolationTicks: 15, ...(settles && { heardTick: heardTick >>> 0 }) }
      presentRow(schema, EID, buffers, 0, playbackTick, options)
    },
  }
}

test('IN12: what rests is shown as if it were written every frame', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(100, 2 ** 31 - 40, 2 ** 32 - 40),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 900 })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.integer({ min: 0, max: 2 * DELAY_TICKS }),
      (start, moves, lateTicks) => {
        const [plain, settling] = [stage(false), stage(true)]
        let next = 0
        let due = 0
        let rested = 0
        for (let tick = 0; tick < 400; tick += 1) {
          while (next < moves.length && due + moves[next]![0] + lateTicks <= tick) {
            due += moves[next]![0]
            for (const one of [plain, settling]) one.sample(start + due, moves[next]![1])
            next += 1
          }
          const playback = (start + tick - DELAY_TICKS) >>> 0
          // The link is alive: what it brings is as old as what was just taken.
          for (const one of [plain, settling]) one.frame(playback, start + tick - lateTicks, 1)
          expect(settling.shown[EID]).toBe(plain.shown[EID])
          rested += settling.buffers.isSettled[0]!
        }
        expect(rested).toBeGreaterThan(0)
        expect(plain.buffers.isSettled[0]).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
})

test('IN12: nothing settles before its last sample is shown, nor while its link is silent', () => {
  const one = stage(true)
  one.sample(100, 10)
  one.sample(101, 20)
  one.frame(100.5, 110, 1)
  expect(one.buffers.isSettled[0]).toBe(0)
  one.frame(101.5, 101, 1)
  expect(one.buffers.isSettled[0]).toBe(0)
  one.frame(102.5, 102, 1)
  expect(one.buffers.isSettled[0]).toBe(1)
})

test('IN12: what settled does not go back when its playback is set back', () => {
  const one = stage(true)
  for (let tick = 100; tick <= 110; tick += 1) one.sample(tick, tick)
  for (let tick = 105; tick <= 112; tick += 1) one.frame(tick, 120, 1)
  const shown = one.shown[EID]
  one.buffers.wake(0)
  one.frame(104, 120, 0)
  expect(one.shown[EID]).toBe(shown)
})

test('IN12: what names other entities never settles, as they come and go', () => {
  const Body = defineReplicated('Body', { of: entity() }, { capacity: 8 })
  const schema = createRegistry([Body]).byComponent(Body)!
  const buffers = createJitterBuffers(schema, 1)
  buffers.insert(0, 100, Int32Array.of(7), 0)
  const options = { elapsedTicks: 1, maxExtrapolationTicks: 15, heardTick: 200, resolve: (id: number) => id + 1 }
  presentRow(schema, EID, buffers, 0, 150, options)
  expect(Body.of[EID]).toBe(8)
  expect(buffers.isSettled[0]).toBe(0)
})
