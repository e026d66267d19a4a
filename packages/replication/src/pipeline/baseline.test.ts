import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HISTORY_STATES, StateHistory, isLater } from './baseline.ts'

/** The naive history: all states of a row in tick order, cut to the newest 64. */
class NaiveHistory {
  states: { tick: number; lanes: number[] }[] = []

  push(tick: number, lanes: number[]): void {
    this.states = this.states.filter((state) => state.tick !== tick)
    this.states.push({ tick, lanes })
    this.states.sort((a, b) => (b.tick - a.tick) | 0)
    this.states.length = Math.min(this.states.length, HISTORY_STATES)
  }
}

const LANES = 3

describe('StateHistory', () => {
  test('BL3: keeps the 64 newest states by tick, in whatever order they come', () => {
    const step = fc.tuple(fc.nat(2), fc.integer({ min: -100, max: 12 }), fc.nat(3))
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 50, maxLength: 400 }),
        fc.constantFrom<number[]>(0, 100, 0xffff_ff80, 0x7fff_ff80),
        (steps, firstTick) => {
          const history = new StateHistory(LANES, 3)
          const naive = [0, 1, 2].map(() => new NaiveHistory())
          const newest = [firstTick, firstTick, firstTick]
          const out = new Int32Array(LANES)
          let value = 0
          for (const [row, offset, action] of steps) {
            const tick = (newest[row]! + offset) >>> 0
            if (isLater(tick, newest[row]!)) newest[row] = tick
            value += 1
            history.push(row, tick, Int32Array.of(0, value, -value, ~value), 1)
            naive[row]!.push(tick, [value, -value, ~value])
            if (action === 3 && value % 40 === 0) {
              const to = (row + 1) % 3
              history.move(row, to)
              naive[to]!.states = naive[row]!.states
              naive[row]!.states = []
              newest[to] = newest[row]!
            }
            if (action === 2 && value % 97 === 0) {
              history.forget(row)
              naive[row]!.states = []
            }
          }
          for (let row = 0; row < 3; row += 1) {
            const { states } = naive[row]!
            expect(history.count(row)).toBe(states.length)
            for (let back = -2; back < 140; back += 1) {
              const tick = (newest[row]! - back) >>> 0
              const exact = states.find((state) => state.tick === tick)
              expect(history.readExact(row, tick, out, 0)).toBe(exact !== undefined)
              if (exact) expect([...out]).toEqual(exact.lanes)
              const before = states.find((state) => !isLater(state.tick, tick))
              expect(history.readAt(row, tick, out, 0)).toBe(before !== undefined)
              if (before) expect([...out]).toEqual(before.lanes)
              expect(history.isNewest(row, tick)).toBe(states[0]?.tick === tick)
            }
            expect(history.readNewest(row, out, 0)).toBe(states.length > 0)
            if (states.length > 0) expect([...out]).toEqual(states[0]!.lanes)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('BL7: takes pages as states come in, gives them back, and says how many are left', () => {
    const history = new StateHistory(1, 10, 12)
    const lane = Int32Array.of(5)
    for (let tick = 1; tick <= 8; tick += 1) history.push(0, tick, lane, 0)
    expect(history.pagesLeft).toBe(10)
    for (let tick = 9; tick <= 200; tick += 1) history.push(0, tick, lane, 0)
    expect(history.pagesLeft).toBe(4)
    history.push(1, 1, lane, 0)
    expect(history.pagesLeft).toBe(3)
    history.move(0, 1)
    expect(history.pagesLeft).toBe(4)
    history.forget(1)
    expect(history.pagesLeft).toBe(12)
  })

  test('keeps its states when it grows', () => {
    const history = new StateHistory(1, 1)
    history.push(0, 7, Int32Array.of(42), 0)
    history.grow(5_000)
    history.grow(10)
    history.push(4_999, 8, Int32Array.of(43), 0)
    const out = new Int32Array(1)
    expect(history.readExact(0, 7, out, 0) && out[0] === 42).toBe(true)
    expect(history.readExact(4_999, 8, out, 0) && out[0] === 43).toBe(true)
  })
})
