import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineReplicated } from '../schema/define-replicated.ts'
import { uint } from '../schema/fields.ts'
import { createRegistry } from '../schema/registry.ts'
import { createJitterBuffers, type JitterBuffers } from './jitter-buffer.ts'

function twoLanes() {
  const component = defineReplicated('Pair', { a: uint(32), b: uint(32) }, { capacity: 8 })
  return createRegistry([component]).byComponent(component)!
}

/** Every tick has a content of its own, so that a sample in the wrong place shows. */
const lanesOf = (tick: number): Int32Array => Int32Array.of(99, tick | 0, (tick * 7) | 0)
const put = (buffers: JitterBuffers, index: number, tick: number): boolean =>
  buffers.insert(index, tick, lanesOf(tick), 1)

function contents(buffers: JitterBuffers, index: number): number[] {
  return Array.from({ length: buffers.count(index) }, (_, order) => {
    const place = buffers.place(index, order)
    const tick = buffers.ticks[place]!
    expect([...buffers.lanes.subarray(place * 2, place * 2 + 2)]).toEqual([tick | 0, (tick * 7) | 0])
    return tick
  })
}

const starts = fc.constantFrom(0, 1000, 2 ** 31 - 20, 2 ** 32 - 20)

test('IN1: whatever the order and however often, a ring holds the newest ticks, rising, each once', () => {
  fc.assert(
    fc.property(
      starts,
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 200 }),
      fc.constantFrom(4, 8, 32),
      (start, arrivals, depth) => {
        const buffers = createJitterBuffers(twoLanes(), 3, { depth })
        let model: number[] = []
        let floor = -Infinity
        for (const arrival of arrivals) {
          const fresh = arrival > floor && !model.includes(arrival)
          const fits = model.length < depth || arrival > model[0]!
          if (model.length === 0) floor = arrival
          expect(put(buffers, 1, (start + arrival) >>> 0)).toBe(fresh && fits)
          if (!fresh || !fits) continue
          model = [...model, arrival].sort((a, b) => a - b)
          if (model.length > depth) floor = model.shift()!
        }
        expect(contents(buffers, 1)).toEqual(model.map((tick) => (start + tick) >>> 0))
        expect([buffers.count(0), buffers.count(2)]).toEqual([0, 0])
      },
    ),
    { numRuns: 400 },
  )
})

test('IN1: entities do not touch each other, also when the store grows', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 40 })), { maxLength: 100 }),
      fc.nat(99),
      (arrivals, growAt) => {
        const together = createJitterBuffers(twoLanes(), 3, { depth: 8 })
        const alone = [0, 1, 2].map(() => createJitterBuffers(twoLanes(), 1, { depth: 8 }))
        arrivals.forEach(([index, tick], at) => {
          if (at === growAt) together.grow(50)
          expect(put(together, index, tick)).toBe(put(alone[index]!, 0, tick))
        })
        for (const index of [0, 1, 2]) expect(contents(together, index)).toEqual(contents(alone[index]!, 0))
      },
    ),
    { numRuns: 150 },
  )
})

test('IN1: after a reset nothing from before it is taken', () => {
  const buffers = createJitterBuffers(twoLanes(), 2)
  for (const tick of [10, 11, 12]) put(buffers, 0, tick)
  buffers.reset(0, 20, lanesOf(20), 1)
  expect(contents(buffers, 0)).toEqual([20])
  for (const tick of [12, 19, 20]) expect(put(buffers, 0, tick)).toBe(false)
  expect(put(buffers, 0, 22)).toBe(true)
  expect(put(buffers, 0, 21)).toBe(true)
  expect(contents(buffers, 0)).toEqual([20, 21, 22])
})

test('IN1: the newest sample can be read back, and a forgotten entity has none', () => {
  const buffers = createJitterBuffers(twoLanes(), 2)
  const out = Int32Array.of(5, 5, 5)
  expect(buffers.newest(1, out, 1)).toBeUndefined()
  expect([...out]).toEqual([5, 5, 5])
  put(buffers, 1, 7)
  put(buffers, 1, 9)
  put(buffers, 1, 8)
  expect(buffers.newest(1, out, 1)).toBe(9)
  expect([...out]).toEqual([5, 9, 63])
  buffers.forget(1)
  expect(buffers.newest(1, out, 1)).toBeUndefined()
  expect(put(buffers, 1, 3)).toBe(true)
})

test('IN1: depth and interval are checked', () => {
  expect(() => createJitterBuffers(twoLanes(), 2, { depth: 12 })).toThrow(/give a power of two/)
  expect(() => createJitterBuffers(twoLanes(), 2, { intervalTicks: 0 })).toThrow(/give at least 1/)
})
