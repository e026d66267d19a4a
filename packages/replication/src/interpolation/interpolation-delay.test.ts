import { tickDifference, wrapTick } from '@baton/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createInterpolationDelay, type InterpolationDelay } from './interpolation-delay.ts'

interface Arrival {
  readonly at: number
  readonly source: number
}

/** Packets of each tick, `transit(tick)` ticks later; undefined for one that is lost. */
function arrivalsOf(count: number, transit: (tick: number) => number | undefined): Arrival[] {
  const all: Arrival[] = []
  for (let source = 0; source < count; source++) {
    const ticks = transit(source)
    if (ticks !== undefined) all.push({ at: source + ticks, source })
  }
  return all.sort((a, b) => a.at - b.at)
}

/** Frames of one tick; `each` sees what is shown and the newest source that has arrived by then. */
function play(
  delay: InterpolationDelay,
  start: number,
  arrivals: readonly Arrival[],
  frames: number,
  each: (now: number, playback: number, newest: number) => void,
): void {
  let next = 0
  let newest = -Infinity
  for (let now = 0; now < frames; now++) {
    for (; next < arrivals.length && arrivals[next]!.at <= now; next++) {
      const { source } = arrivals[next]!
      newest = Math.max(newest, source)
      // As a game does: arrivals are seen at the next frame.
      delay.noteArrival(3, wrapTick(start + source), wrapTick(start + now))
    }
    delay.advance(wrapTick(start + now))
    each(now, tickDifference(delay.playbackTick(3), start), newest)
  }
}

const starts = fc.constantFrom(0, 5000, 2 ** 31 - 300, 2 ** 32 - 300)

test('IN2: playback never falls, and its speed stays between 3/4 and 11/10, whatever arrives', () => {
  fc.assert(
    fc.property(
      starts,
      fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: -50, max: 120 })), { maxLength: 400 }),
      (start, raw) => {
        const delay = createInterpolationDelay()
        const arrivals = raw.map(([source, transit]) => ({ at: source + transit, source })).sort((a, b) => a.at - b.at)
        const speeds: number[] = []
        const delays: number[] = []
        let before: number | undefined
        play(delay, start, arrivals, 500, (_, playback) => {
          if (before !== undefined) speeds.push(playback - before)
          before = playback
          delays.push(delay.delayTicks)
        })
        // One expectation for all frames: thousands of them take seconds.
        expect(Math.min(...speeds)).toBeGreaterThanOrEqual(0.75 - 1e-6)
        expect(Math.max(...speeds)).toBeLessThanOrEqual(1.1 + 1e-6)
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(2)
        expect(Math.max(...delays)).toBeLessThanOrEqual(30)
      },
    ),
    { numRuns: 200 },
  )
})

test('IN2: playback never falls when the timeline is set back, and goes on once it has caught up', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -40, max: 60, noNaN: true }), { minLength: 2, maxLength: 100 }), (steps) => {
      const delay = createInterpolationDelay()
      let now = 2 ** 32 - 100
      let before: number | undefined
      for (const step of steps) {
        now = wrapTick(now + step)
        delay.noteArrival(3, Math.floor(now), now)
        delay.advance(now)
        const playback = delay.playbackTick(3)
        if (before !== undefined) expect(tickDifference(playback, before)).toBeGreaterThanOrEqual(0)
        before = playback
      }
    }),
  )
})

test('IN3: the delay grows with jitter until what is shown has arrived, and shrinks when the path gets better', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 10 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (latency, jitter, noise) => {
        const delay = createInterpolationDelay()
        const random = (): number => noise.next().value as number
        // 900 frames of jitter, then 900 of a calm path with the same latency.
        const arrivals = arrivalsOf(1800, (tick) => latency + (tick < 900 ? random() * jitter : 0))
        let dry = 0
        let noisy = 0
        play(delay, 1000, arrivals, 1800, (now, playback, newest) => {
          if (now > 300 && now < 900 && playback > newest) dry++
          if (now === 899) noisy = delay.delayTicks
        })
        // 2 of 128 may come late, and each late one shows for as long as it is late.
        expect(dry / 600).toBeLessThanOrEqual(0.06)
        expect(noisy).toBeLessThanOrEqual(Math.max(2, latency + jitter + 3.5))
        expect(delay.delayTicks).toBeLessThanOrEqual(Math.max(2, latency + 2.5 + 1e-9))
      },
    ),
    { numRuns: 60 },
  )
})

test('IN3: loss counts as well as lateness', () => {
  const delay = createInterpolationDelay()
  // Two of three are lost: news is up to three ticks apart.
  play(
    delay,
    0,
    arrivalsOf(600, (tick) => (tick % 3 === 0 ? 1 : undefined)),
    600,
    () => undefined,
  )
  expect(delay.delayTicks).toBeGreaterThanOrEqual(4)
})

test('IN3: rest is not lateness, and rows that are sent again are not news', () => {
  const delay = createInterpolationDelay()
  for (let now = 0; now < 6000; now++) {
    // Moves for a second, rests for nine; all the while an old row comes again.
    if (now % 600 < 60) delay.noteArrival(3, now, now + 1)
    if (now > 60) delay.noteArrival(3, 30, now + 1)
    delay.advance(now)
  }
  expect(delay.delayTicks).toBeLessThanOrEqual(3)
})

test('IN3: each peer has its own delay, so a slow one delays nobody else', () => {
  const delay = createInterpolationDelay()
  for (let now = 0; now < 1000; now++) {
    delay.noteArrival(1, now, now + 0.5)
    if (now >= 20) delay.noteArrival(2, now - 20, now)
    delay.advance(now)
  }
  expect(delay.delayTicksOf(1)).toBeLessThan(3)
  expect(delay.delayTicksOf(2)).toBeGreaterThan(20)
  expect(delay.delayTicks).toBe(delay.delayTicksOf(2))
  expect(999 - delay.playbackTick(1)).toBeCloseTo(delay.delayTicksOf(1))
  delay.forget(2)
  expect(delay.delayTicks).toBe(delay.delayTicksOf(1))
  expect(999 - delay.playbackTick(2)).toBe(6)
})

test('IN3: bounds hold, and are checked', () => {
  const delay = createInterpolationDelay({ minTicks: 4, initialTicks: 5, maxTicks: 8 })
  for (let now = 0; now < 400; now++) {
    delay.noteArrival(1, now, now + 200)
    delay.noteArrival(2, now, now)
    delay.advance(now)
  }
  expect(delay.delayTicksOf(1)).toBe(8)
  expect(delay.delayTicksOf(2)).toBe(4)
  expect(() => createInterpolationDelay({ minTicks: 5, maxTicks: 3 })).toThrow(/give them in this order/)
})
