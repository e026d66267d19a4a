/**
 * Tick numbers from a monotonic clock. The host's run freely; a guest's are steered toward the host's.
 *
 * Invariant: for times that do not fall, ticks do not fall (in serial order), whatever it is steered to.
 */
import { serialDifference32 } from '../sequence/serial.ts'

const TICK_RANGE = 0x1_0000_0000
/** The most a steered clock runs faster or slower: 5 ms in 100, too little to be seen in motion. */
const SLEW_RATE = 0.05
/** Further behind than this it is not worked off slowly: it jumps. */
const JUMP_SECONDS = 1
/** Further ahead than this it stands still: what is stamped half a second ahead of a host's clock is not taken there. */
const WAIT_SECONDS = 0.25
/** One that has begun to stand still does so until it is as near as this: the rest would take it 20 times as long. */
const LEVEL_SECONDS = 0.1

/** Wraps an unbounded tick count into 0 to 2^32, keeping the fraction. */
export function wrapTick(tick: number): number {
  const wrapped = tick % TICK_RANGE
  if (wrapped >= 0) return wrapped
  // A tiny negative fraction rounds up to the range itself.
  const lifted = wrapped + TICK_RANGE
  return lifted < TICK_RANGE ? lifted : 0
}

/** `a - b` in ticks with their fractions, the shorter way round. */
export function tickDifference(a: number, b: number): number {
  const whole = serialDifference32(Math.floor(a), Math.floor(b))
  return whole + (a - Math.floor(a)) - (b - Math.floor(b))
}

export interface TickClockOptions {
  /** Ticks per second. */
  readonly rateHz: number
}

/** Counts ticks as u32 with a fraction. Does nothing until started. */
export class TickClock {
  #rateHz: number
  #isStarted = false
  #baseMs = 0
  /** Exact tick at `#baseMs`, not wrapped: doubles hold it to a millionth for centuries. */
  #baseTick = 0
  /** What is still to be worked off, in ticks; added as time passes. */
  #correction = 0
  #correctionRate = SLEW_RATE
  #isWaiting = false

  constructor(options: TickClockOptions) {
    this.#rateHz = options.rateHz
  }

  get rateHz(): number {
    return this.#rateHz
  }

  get isStarted(): boolean {
    return this.#isStarted
  }

  /** Begins to count at `tick` now, with a rate of its own if one is given. */
  start(nowMs: number, tick: number, rateHz: number = this.#rateHz): void {
    this.#rateHz = rateHz
    this.#baseMs = nowMs
    this.#baseTick = tick
    this.#correction = 0
    this.#isStarted = true
  }

  /** The tick at `nowMs`: an integer from 0 to 2^32 - 1. 0 before the start. */
  tick(nowMs: number): number {
    return Math.floor(this.exact(nowMs))
  }

  /** The tick at `nowMs` with its fraction. Times before the last steering count as that time. */
  exact(nowMs: number): number {
    return wrapTick(this.#unwrapped(nowMs))
  }

  /**
   * Moves toward `target`, the exact tick that ought to be now: at most 5 % faster or slower. More
   * than a second behind it jumps ahead; more than a quarter of a second ahead it waits.
   */
  steer(nowMs: number, target: number): void {
    const current = this.#unwrapped(nowMs)
    const error = tickDifference(target, wrapTick(current))
    this.#baseMs = Math.max(nowMs, this.#baseMs)
    const mustJump = error > JUMP_SECONDS * this.#rateHz
    this.#isWaiting = -error > (this.#isWaiting ? LEVEL_SECONDS : WAIT_SECONDS) * this.#rateHz
    this.#baseTick = mustJump ? current + error : current
    this.#correction = mustJump ? 0 : error
    this.#correctionRate = this.#isWaiting ? 1 : SLEW_RATE
  }

  /** Moves to `target` at once where that is ahead: for the first good estimate after a rough start. */
  leap(nowMs: number, target: number): void {
    const current = this.#unwrapped(nowMs)
    const error = tickDifference(target, wrapTick(current))
    if (error <= 0) return this.steer(nowMs, target)
    this.#baseMs = Math.max(nowMs, this.#baseMs)
    this.#baseTick = current + error
    this.#correction = 0
  }

  /** Stops steering: from here on this clock is the one that others follow. */
  release(nowMs: number): void {
    this.#baseTick = this.#unwrapped(nowMs)
    this.#baseMs = Math.max(nowMs, this.#baseMs)
    this.#correction = 0
  }

  #unwrapped(nowMs: number): number {
    if (!this.#isStarted) return 0
    const elapsed = (Math.max(0, nowMs - this.#baseMs) * this.#rateHz) / 1_000
    const limit = elapsed * this.#correctionRate
    return this.#baseTick + elapsed + Math.max(-limit, Math.min(limit, this.#correction))
  }
}
