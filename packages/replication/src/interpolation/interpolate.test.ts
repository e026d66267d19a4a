import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Interpolation } from '../schema/component-schema.ts'
import { defineReplicated } from '../schema/define-replicated.ts'
import { bool, entity, enumeration, f32, quantized, quat, uint, vec3 } from '../schema/fields.ts'
import { createRegistry } from '../schema/registry.ts'
import { createJitterBuffers, type JitterBuffersOptions } from './jitter-buffer.ts'
import { presentRow, type PresentOptions, type Presented } from './interpolate.ts'

const STEP = 1 / 256
const EID = 5
const INDEX = 2

type Place = readonly [x: number, y: number, z: number]
type Turn = readonly [x: number, y: number, z: number, w: number]

/** An entity with a place and a turn, fed with samples and shown at moments. */
function stage(interpolate: Interpolation = 'linear', options: JitterBuffersOptions = {}, teleportM = 5) {
  const Body = defineReplicated(
    'Body',
    { at: vec3({ range: 500, step: STEP, interpolate, teleportM }), turn: quat({ bits: 15 }) },
    { capacity: 8 },
  )
  const schema = createRegistry([Body]).byComponent(Body)!
  const buffers = createJitterBuffers(schema, 4, options)
  const lanes = new Int32Array(schema.laneCount)
  return {
    Body,
    buffers,
    sample(tick: number, at: Place, turn: Turn = [0, 0, 0, 1]): void {
      ;[Body.at.x[7], Body.at.y[7], Body.at.z[7]] = at
      ;[Body.turn.x[7], Body.turn.y[7], Body.turn.z[7], Body.turn.w[7]] = turn
      if (!schema.door.collect(7, lanes, 0, undefined)) throw new Error('not a value that can travel')
      buffers.insert(INDEX, tick >>> 0, lanes, 0)
    },
    /** Shows one moment, as the first frame after a pause. */
    show(tick: number, more: Partial<PresentOptions> = {}): { presented: Presented; at: number[]; turn: number[] } {
      buffers.shownTick[INDEX] = NaN
      return this.frame(tick, more)
    },
    frame(tick: number, more: Partial<PresentOptions> = {}): { presented: Presented; at: number[]; turn: number[] } {
      const presented = presentRow(schema, EID, buffers, INDEX, tick, {
        elapsedTicks: 1,
        maxExtrapolationTicks: 15,
        ...more,
      })
      return {
        presented,
        at: [Body.at.x[EID]!, Body.at.y[EID]!, Body.at.z[EID]!],
        turn: [Body.turn.x[EID]!, Body.turn.y[EID]!, Body.turn.z[EID]!, Body.turn.w[EID]!],
      }
    },
  }
}

const starts = fc.constantFrom(1, 1000, 2 ** 31 - 3, 2 ** 32 - 3)
const modes = fc.constantFrom<Interpolation>('linear', 'hermite')
const meters = fc.integer({ min: -256, max: 256 }).map((steps) => steps / 256)
const axis = (turn: 'x' | 'y' | 'z', angleRad: number): Turn => {
  const s = Math.sin(angleRad / 2)
  return [turn === 'x' ? s : 0, turn === 'y' ? s : 0, turn === 'z' ? s : 0, Math.cos(angleRad / 2)]
}
const angleBetween = (a: readonly number[], b: readonly number[]): number => {
  const dot = Math.abs(a.reduce((sum, value, at) => sum + value * b[at]!, 0))
  return 2 * Math.acos(Math.min(1, dot))
}

test('IN4: at a sample its value is shown, and in between never outside of the two neighbors', () => {
  fc.assert(
    fc.property(
      starts,
      modes,
      fc.array(fc.tuple(meters, meters, meters), { minLength: 2, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 12, maxLength: 12 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (start, mode, places, gaps, part) => {
        const one = stage(mode)
        const ticks: number[] = []
        places.forEach((place, at) => {
          ticks.push(at === 0 ? start : ticks[at - 1]! + gaps[at]!)
          one.sample(ticks[at]!, place)
        })
        places.forEach((place, at) => {
          one.show(ticks[at]! % 2 ** 32).at.forEach((value, lane) => expect(value).toBeCloseTo(place[lane]!, 5))
          if (at === 0) return
          const from = places[at - 1]!
          const { presented, at: shown } = one.show((ticks[at - 1]! + part * gaps[at]!) % 2 ** 32)
          expect(['between', 'held']).toContain(presented)
          shown.forEach((value, lane) => {
            expect(value).toBeGreaterThanOrEqual(Math.min(from[lane]!, place[lane]!) - 1e-5)
            expect(value).toBeLessThanOrEqual(Math.max(from[lane]!, place[lane]!) + 1e-5)
          })
        })
      },
    ),
    { numRuns: 200 },
  )
})

test('IN4: linear goes straight at constant speed', () => {
  const one = stage('linear')
  one.sample(10, [0, 0, 0])
  one.sample(14, [4, -2, 1])
  for (const t of [0.25, 0.5, 0.875]) {
    const { presented, at } = one.show(10 + 4 * t)
    expect(presented).toBe('between')
    expect(at).toEqual([4 * t, -2 * t, t])
  }
})

test('IN4: Hermite follows a curve that a line cuts', () => {
  // One eighth of a circle per 4 ticks; in the middle of a chord the line is 2 % inside.
  const circle = (tick: number): Place => [2 * Math.cos((tick * Math.PI) / 16), 2 * Math.sin((tick * Math.PI) / 16), 0]
  const radius = (mode: Interpolation): number => {
    const one = stage(mode)
    for (const tick of [100, 104, 108, 112]) one.sample(tick, circle(tick))
    return Math.hypot(...one.show(106).at)
  }
  expect(radius('linear')).toBeLessThan(1.86)
  expect(Math.abs(radius('hermite') - 2)).toBeLessThan(0.03)
})

test('IN4: Hermite does not dip below the floor a ball bounces on', () => {
  const one = stage('hermite')
  ;[3, 1, 0, 1, 3].forEach((height, at) => one.sample(10 + 2 * at, [0, height, 0]))
  let lowest = Infinity
  for (let tick = 10; tick <= 18; tick += 0.05) lowest = Math.min(lowest, one.show(tick).at[1]!)
  expect(lowest).toBeGreaterThanOrEqual(0)
})

describe('rotations', () => {
  test('IN5: a rotation takes the shorter way at constant speed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('x', 'y', 'z'),
        fc.double({ min: -7, max: 7, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (around, start, way, t) => {
          const one = stage()
          one.sample(10, [0, 0, 0], axis(around as 'x', start))
          one.sample(18, [0, 0, 0], axis(around as 'x', start + way))
          const { turn } = one.show(10 + 8 * t)
          expect(Math.hypot(...turn)).toBeCloseTo(1, 5)
          expect(angleBetween(turn, axis(around as 'x', start + way * t))).toBeLessThan(2e-3)
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('IN6: a jump is shown as a jump, of the whole row, and not before its time', () => {
  const one = stage('linear')
  one.sample(10, [0, 0, 0], axis('y', 0))
  one.sample(11, [0, 5.1, 0], axis('y', 1))
  one.sample(12, [0, 9.9, 0], axis('y', 2))
  const before = one.show(10.99)
  expect(before.presented).toBe('held')
  expect(before.at).toEqual([0, 0, 0])
  expect(angleBetween(before.turn, axis('y', 0))).toBeLessThan(1e-3)
  expect(one.show(11).at[1]).toBeCloseTo(5.1, 2)
  // 4.8 m in a tick is motion, and so is 5.1 m in two.
  expect(one.show(11.5).presented).toBe('between')
  const two = stage('hermite')
  two.sample(10, [0, 0, 0])
  two.sample(12, [0, 5.1, 0])
  expect(two.show(11).presented).toBe('between')
})

test('IN6: a neighbor beyond a jump does not bend the curve', () => {
  const bent = stage('hermite')
  const straight = stage('hermite')
  for (const one of [bent, straight]) {
    one.sample(10, [0, 0, 0])
    one.sample(12, [1, 0, 0])
  }
  bent.sample(13, [1, 90, 0])
  expect(bent.show(11).at).toEqual(straight.show(11).at)
})

test('IN6: teleportM Infinity never jumps', () => {
  const one = stage('linear', {}, Infinity)
  one.sample(10, [-400, 0, 0])
  one.sample(12, [400, 0, 0])
  expect(one.show(11).at[0]).toBeCloseTo(0, 5)
})

test('IN7: after rest the old value holds until shortly before the new one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 13, max: 5000 }),
      modes,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (gap, mode, part) => {
        const one = stage(mode)
        one.sample(99, [0.5, 0, 0])
        one.sample(100, [1, 0, 0])
        one.sample(100 + gap, [2, 0, 0])
        one.sample(101 + gap, [3, 0, 0])
        const held = one.show(100 + part * (gap - 2))
        expect(held.presented).toBe('held')
        expect(held.at).toEqual([1, 0, 0])
        const moving = one.show(100 + gap - 1)
        expect(moving.presented).toBe('between')
        expect(moving.at[0]).toBeGreaterThan(1)
        expect(moving.at[0]).toBeLessThan(2)
      },
    ),
  )
})

test('IN7: a gap that may be loss is bridged', () => {
  const one = stage()
  one.sample(100, [1, 0, 0])
  one.sample(112, [2, 0, 0])
  expect(one.show(106).at[0]).toBe(1.5)
})

test('IN7: what is sent at a tenth of the rate is not at rest between two samples, and is shown later', () => {
  const one = stage('linear', { intervalTicks: 10 })
  one.sample(100, [1, 0, 0])
  one.sample(120, [2, 0, 0])
  const { presented, at } = one.show(119)
  expect(presented).toBe('between')
  expect(at[0]).toBe(1.5)
})

describe('past the newest sample', () => {
  test('IN8: on a link that is alive an entity rests where it was last seen', () => {
    const one = stage()
    one.sample(10, [0, 0, 0], axis('y', 0))
    one.sample(11, [1, 0, 0], axis('y', 0.1))
    for (const tick of [11, 11.5, 12, 500]) {
      const { presented, at } = one.show(tick)
      expect(presented).toBe('held')
      expect(at).toEqual([1, 0, 0])
    }
  })
  test('IN8: on a silent link motion goes on, says so, and stops after the limit', () => {
    const one = stage('hermite')
    one.sample(10, [0, 0, 0], axis('y', 0))
    one.sample(11, [0.5, 0, 0], axis('y', 0.05))
    const silent = { silentSinceTick: 11, maxExtrapolationTicks: 15 }
    const after = one.show(15, silent)
    expect(after.presented).toBe('extrapolated')
    expect(after.at[0]).toBeCloseTo(2.5, 5)
    expect(angleBetween(after.turn, axis('y', 0.25))).toBeLessThan(5e-3)
    expect(one.show(26, silent).presented).toBe('extrapolated')
    const late = one.show(400, silent)
    expect(late.presented).toBe('stalled')
    expect(late.at[0]).toBeCloseTo(0.5 + 15 * 0.5, 5)
  })
  test('IN8: what had come to rest before the silence does not drift', () => {
    const one = stage()
    one.sample(10, [0, 0, 0])
    one.sample(11, [1, 0, 0])
    // The link brought a tick without news of it.
    expect(one.show(15, { silentSinceTick: 12 })).toMatchObject({ presented: 'held', at: [1, 0, 0] })
  })
  test('IN8: a jump or a rest before the silence gives no speed to go on with', () => {
    const jumped = stage()
    jumped.sample(10, [0, 0, 0])
    jumped.sample(11, [50, 0, 0])
    expect(jumped.show(15, { silentSinceTick: 11 })).toMatchObject({ presented: 'held', at: [50, 0, 0] })
    const rested = stage()
    rested.sample(10, [0, 0, 0])
    rested.sample(40, [1, 0, 0])
    expect(rested.show(45, { silentSinceTick: 40 })).toMatchObject({ presented: 'held', at: [1, 0, 0] })
    const single = stage()
    single.sample(10, [1, 0, 0])
    expect(single.show(45, { silentSinceTick: 10 })).toMatchObject({ presented: 'held', at: [1, 0, 0] })
  })
})

test('IN9: discrete kinds keep the older value until the newer one is due; floats go between', () => {
  const Mixed = defineReplicated(
    'Mixed',
    {
      count: uint(8),
      on: bool(),
      mood: enumeration(['a', 'b', 'c']),
      target: entity(),
      heat: quantized({ min: 0, max: 10, step: 0.5 }),
      weight: f32(),
      jumpy: f32({ interpolate: 'none' }),
    },
    { capacity: 8 },
  )
  const schema = createRegistry([Mixed]).byComponent(Mixed)!
  const buffers = createJitterBuffers(schema, 1)
  const lanes = new Int32Array(schema.laneCount)
  const put = (tick: number, n: number): void => {
    Mixed.count[7] = n
    Mixed.on[7] = n % 2
    Mixed.mood[7] = n % 3
    Mixed.target[7] = n
    Mixed.heat[7] = n
    Mixed.weight[7] = n
    Mixed.jumpy[7] = n
    schema.door.collect(7, lanes, 0, (eid) => eid + 100)
    buffers.insert(0, tick, lanes, 0)
  }
  put(10, 4)
  put(12, 5)
  const show = (tick: number): (number | undefined)[] => {
    buffers.shownTick[0] = NaN
    presentRow(schema, 1, buffers, 0, tick, { elapsedTicks: 1, maxExtrapolationTicks: 15, resolve: (id) => id - 100 })
    return [Mixed.count[1], Mixed.on[1], Mixed.mood[1], Mixed.target[1], Mixed.heat[1], Mixed.weight[1], Mixed.jumpy[1]]
  }
  expect(show(11.5)).toEqual([4, 0, 1, 4, 4.75, 4.75, 4])
  expect(show(12)).toEqual([5, 1, 2, 5, 5, 5, 5])
})

test('IN10: nothing known is nothing written; before the oldest sample it is shown as it will be', () => {
  const one = stage()
  one.Body.at.x[EID] = 42
  expect(one.show(10)).toMatchObject({ presented: 'empty', at: [42, 0, 0] })
  one.sample(20, [1, 2, 3])
  expect(one.show(10)).toMatchObject({ presented: 'early', at: [1, 2, 3] })
})

test('IN11: when its playback changes an entity slews and never goes back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: -25, max: 25 })), {
        minLength: 1,
        maxLength: 8,
      }),
      (changes) => {
        const one = stage('linear', { depth: 128 })
        for (let tick = 0; tick < 128; tick++) one.sample(tick, [tick / 8, 0, 0])
        let base = 0
        let before = -Infinity
        for (const [frames, change] of changes) {
          for (let frame = 0; frame < frames; frame++) {
            base += 0.5
            const target = 30 + base + change
            // The samples end at 127.
            if (Math.max(target, before) > 120) return
            const x = one.frame(target, { elapsedTicks: 0.5 }).at[0]! * 8
            if (before !== -Infinity) {
              expect(x - before).toBeGreaterThanOrEqual(0.375 - 1e-4)
              expect(x - before).toBeLessThanOrEqual(0.625 + 1e-4)
            }
            before = x
          }
        }
      },
    ),
    { numRuns: 80 },
  )
})

test('IN11: it arrives, and from very far it jumps ahead', () => {
  const one = stage('linear', { depth: 128 })
  for (let tick = 0; tick < 128; tick++) one.sample(tick, [tick / 8, 0, 0])
  one.frame(10)
  let last = 0
  for (let frame = 1; frame <= 60; frame++) last = one.frame(20 + frame).at[0]! * 8
  expect(last).toBeCloseTo(80, 4)
  const two = stage('linear', { depth: 128 })
  for (let tick = 0; tick < 128; tick++) two.sample(tick, [tick / 8, 0, 0])
  two.frame(10)
  expect(two.frame(100).at[0]! * 8).toBeCloseTo(100, 4)
})
