/**
 * Estimates another peer's tick clock and the link to it from pings.
 *
 * Invariant: one slow round trip cannot move the estimate: the sample with the least delay of the
 * last few seconds decides, as in NTP's clock filter (RFC 5905, section 10).
 */
import { tickDifference, wrapTick } from './tick-clock.ts'

/** Samples that compete; at four pings a second the last four seconds. */
const SAMPLE_COUNT = 16
/** A sample's doubt grows with its age by this much: two clocks may drift apart by 1 in 1,000. */
const DRIFT_PER_MS = 0.001
/** What clocks of a browser are rounded to, and more. */
const SLACK_MS = 5
/** Weight of a new sample in the smoothed figures, as TCP's (RFC 6298). */
const RTT_GAIN = 1 / 8
const JITTER_GAIN = 1 / 4

interface Sample {
  rttMs: number
  receivedMs: number
  /** The other clock's exact tick at our `receivedMs`, less the ticks of our own time. */
  offset: number
}

export class ClockSync {
  readonly #rateHz: () => number
  readonly #samples: Sample[] = []
  #rttMs: number | undefined
  #jitterMs = 0
  #lastRttMs = 0

  /** @param rateHz the rate of the other's ticks; asked each time, since a guest learns it late */
  constructor(rateHz: () => number) {
    this.#rateHz = rateHz
  }

  /** Smoothed round-trip time, or `undefined` before the first pong. */
  get rttMs(): number | undefined {
    return this.#rttMs
  }

  /** Smoothed difference between one round trip and the next. */
  get jitterMs(): number {
    return this.#jitterMs
  }

  /** True when `estimate` means something. */
  get hasEstimate(): boolean {
    return this.#samples.length > 0
  }

  /** Ticks that the other's clock is ahead of local time counted from 0 ms; for display. */
  get offset(): number | undefined {
    return this.#best(0)?.offset
  }

  /** Takes one round trip. @param tick the other's exact tick when it answered; `undefined` if it has none */
  addSample(sentMs: number, receivedMs: number, tick: number | undefined): void {
    const rttMs = Math.max(0, receivedMs - sentMs)
    if (this.#rttMs === undefined) this.#rttMs = rttMs
    else {
      this.#jitterMs += (Math.abs(rttMs - this.#lastRttMs) - this.#jitterMs) * JITTER_GAIN
      this.#rttMs += (rttMs - this.#rttMs) * RTT_GAIN
    }
    this.#lastRttMs = rttMs
    if (tick === undefined) return
    // The answer was under way for half the round trip, as far as anyone can tell.
    const tickNow = tick + this.#ticks(rttMs / 2)
    const sample = { rttMs, receivedMs, offset: wrapTick(tickNow - this.#ticks(receivedMs)) }
    this.#forgetContradicted(sample)
    if (this.#samples.length >= SAMPLE_COUNT) this.#samples.shift()
    this.#samples.push(sample)
  }

  /** The other's exact tick at `nowMs`, 0 to 2^32; `undefined` before the first sample with a tick. */
  estimate(nowMs: number): number | undefined {
    const best = this.#best(nowMs)
    return best === undefined ? undefined : wrapTick(best.offset + this.#ticks(nowMs))
  }

  /** Forgets the other's ticks, as after a change of host; the link's figures stay. */
  forgetTicks(): void {
    this.#samples.length = 0
  }

  /**
   * Half a round trip is the most that a sample can be wrong. Where two are further apart than that, a clock stood
   * still or was set between them: the older one tells of a time before it, however good it was.
   */
  #forgetContradicted(newest: Sample): void {
    for (let at = this.#samples.length - 1; at >= 0; at -= 1) {
      const older = this.#samples[at]!
      const apartTicks = Math.abs(tickDifference(newest.offset, older.offset))
      const driftMs = (newest.receivedMs - older.receivedMs) * DRIFT_PER_MS
      const mayDifferMs = (newest.rttMs + older.rttMs) / 2 + driftMs + SLACK_MS
      if (apartTicks > this.#ticks(mayDifferMs)) this.#samples.splice(at, 1)
    }
  }

  #ticks(ms: number): number {
    return (ms * this.#rateHz()) / 1_000
  }

  #best(nowMs: number): Sample | undefined {
    let best: Sample | undefined
    let bestDoubtMs = Infinity
    for (const sample of this.#samples) {
      const doubtMs = sample.rttMs / 2 + Math.max(0, nowMs - sample.receivedMs) * DRIFT_PER_MS
      if (doubtMs >= bestDoubtMs) continue
      best = sample
      bestDoubtMs = doubtMs
    }
    return best
  }
}
