import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { SeededRandom } from '../testing/seeded-random.ts'
import { ClockSync } from './clock-sync.ts'
import { TickClock, tickDifference, wrapTick } from './tick-clock.ts'

const startTick = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.integer({ min: 0xffff_ff00, max: 0xffff_ffff }),
  fc.integer({ min: 0x7fff_ff00, max: 0x8000_0100 }),
)

describe('TickClock', () => {
  it('CK1: counts whole ticks as u32 from where it was started, across the wrap', () => {
    fc.assert(
      fc.property(startTick, fc.integer({ min: 1, max: 240 }), fc.nat(100_000), (tick, rateHz, count) => {
        const clock = new TickClock({ rateHz })
        expect(clock.tick(5)).toBe(0)
        clock.start(1_000, tick)
        const nowMs = 1_000 + ((count + 0.5) * 1_000) / rateHz
        expect(clock.tick(nowMs)).toBe((tick + count) >>> 0)
        expect(clock.exact(nowMs) - clock.tick(nowMs)).toBeCloseTo(0.5, 3)
      }),
    )
  })

  it('CK2: never goes back, whatever it is steered to, and runs at most 5 % off unless it jumps ahead or waits', () => {
    const steps = fc.array(
      fc.record({
        // Whole milliseconds: most doubles up to 500 are next to nothing.
        stepMs: fc.integer({ min: 0, max: 500 }),
        // Between whole ticks, where the limits are: on one of them rounding decides.
        errorTicks: fc.integer({ min: -500, max: 500 }).map((ticks) => ticks + 0.5),
      }),
      { minLength: 1, maxLength: 100 },
    )
    fc.assert(
      fc.property(startTick, steps, (tick, moves) => {
        const rateHz = 60
        const clock = new TickClock({ rateHz })
        clock.start(0, tick)
        let nowMs = 0
        let previous = clock.exact(0)
        let limit = 0.05
        for (const { stepMs, errorTicks } of moves) {
          nowMs += stepMs
          const current = clock.exact(nowMs)
          const moved = tickDifference(current, previous)
          const free = (stepMs * rateHz) / 1_000
          expect(moved).toBeGreaterThanOrEqual(free * (1 - limit) - 1e-4)
          expect(moved).toBeLessThanOrEqual(free * (1 + limit) + 1e-4)
          expect(moved).toBeGreaterThanOrEqual(-1e-4)
          const target = wrapTick(current + errorTicks)
          clock.steer(nowMs, target)
          previous = clock.exact(nowMs)
          const jumped = tickDifference(previous, current)
          expect(jumped).toBeCloseTo(errorTicks > rateHz ? errorTicks : 0, 3)
          const isWaiting = limit === 1
          limit = -errorTicks > (isWaiting ? 0.1 : 0.25) * rateHz ? 1 : 0.05
        }
      }),
    )
  })

  it('CK2: reaches what it is steered to, and stays there', () => {
    fc.assert(
      fc.property(startTick, fc.integer({ min: -50, max: 50 }), (tick, errorTicks) => {
        const clock = new TickClock({ rateHz: 60 })
        clock.start(0, tick)
        clock.steer(100, wrapTick(clock.exact(100) + errorTicks))
        const truth = (nowMs: number) => wrapTick(tick + (nowMs * 60) / 1_000 + errorTicks)
        for (const nowMs of [60_000, 120_000]) {
          expect(tickDifference(clock.exact(nowMs), truth(nowMs))).toBeCloseTo(0, 2)
        }
      }),
    )
  })

  it('CK2: more than a quarter of a second ahead it waits until it is level, and not for the rest at 5 %', () => {
    const clock = new TickClock({ rateHz: 60 })
    clock.start(0, 24)
    const aheadAt = (nowMs: number): number => clock.exact(nowMs) - (nowMs * 60) / 1_000
    for (let nowMs = 250; nowMs <= 750; nowMs += 250) clock.steer(nowMs, (nowMs * 60) / 1_000)
    expect(aheadAt(750)).toBeLessThan(0.1 * 60)
    expect(aheadAt(750)).toBeGreaterThanOrEqual(0)
  })

  it('CK3: let go, it runs on from where it is at its own rate', () => {
    const clock = new TickClock({ rateHz: 60 })
    clock.start(0, 0xffff_fff0)
    clock.steer(0, 20)
    clock.release(500)
    const then = clock.exact(500)
    expect(tickDifference(clock.exact(1_500), then)).toBeCloseTo(60, 3)
  })
})

describe('ClockSync', () => {
  it('CK4: with jitter, loss and drift the estimate stays within half the least round trip', () => {
    fc.assert(
      fc.property(fc.integer(), startTick, fc.double({ min: -0.001, max: 0.001, noNaN: true }), (seed, tick, drift) => {
        const random = new SeededRandom(seed)
        const sync = new ClockSync(() => 60)
        const truth = (nowMs: number) => wrapTick(tick + (nowMs * (1 + drift) * 60) / 1_000)
        for (let nowMs = 0; nowMs < 20_000; nowMs += 250) {
          if (random.chance(0.3)) continue
          const thereMs = 40 + random.range(0, 60)
          const backMs = 40 + random.range(0, 60)
          const receivedMs = nowMs + thereMs + backMs
          sync.addSample(nowMs, receivedMs, truth(nowMs + thereMs))
          const errorMs = (Math.abs(tickDifference(sync.estimate(receivedMs)!, truth(receivedMs))) * 1_000) / 60
          expect(errorMs).toBeLessThan(60 / 2 + 10)
        }
        expect(sync.rttMs).toBeGreaterThan(80)
        expect(sync.rttMs).toBeLessThan(200)
        expect(sync.jitterMs).toBeGreaterThan(1)
        expect(sync.jitterMs).toBeLessThan(80)
      }),
      { numRuns: 50 },
    )
  })

  it('CK4: one slow round trip does not move the estimate', () => {
    const sync = new ClockSync(() => 60)
    sync.addSample(0, 20, 100)
    const before = sync.estimate(1_000)!
    // All of it on the way back, so that it is as wrong as it can be.
    sync.addSample(1_000, 3_000, 160)
    expect(tickDifference(sync.estimate(3_000)!, before)).toBeCloseTo(120, 6)
    sync.forgetTicks()
    expect(sync.estimate(3_000)).toBeUndefined()
    expect(sync.rttMs).toBeGreaterThan(20)
  })

  it('CK4: a clock that stood still is believed by its first answer, however good the answers before were', () => {
    const sync = new ClockSync(() => 60)
    let standsForMs = 0
    const ask = (sentMs: number, rttMs: number): void =>
      sync.addSample(sentMs, sentMs + rttMs, ((sentMs + rttMs / 2 - standsForMs) * 60) / 1_000)
    for (let at = 0; at < 3_000; at += 250) ask(at, 10)
    standsForMs = 2_000
    ask(5_000, 260)
    const wrongByMs = Math.abs((sync.estimate(5_300)! * 1_000) / 60 - 3_300)
    expect(wrongByMs).toBeLessThan(131)
  })

  it('CK5: an answer without a tick measures the link and leaves the clock alone', () => {
    const sync = new ClockSync(() => 60)
    sync.addSample(0, 30, undefined)
    expect([sync.rttMs, sync.hasEstimate, sync.estimate(50), sync.offset]).toEqual([30, false, undefined, undefined])
  })
})
