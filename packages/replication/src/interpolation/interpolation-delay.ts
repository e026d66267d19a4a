/**
 * How far in the past others are shown: as little as their jitter allows, per peer that simulates. One
 * per replication; `incoming.ts` notes arrivals, `present.ts` advances it once per frame.
 *
 * Invariant: a playback tick never falls and never jumps ahead of the time that passed by more than the
 * slew rate, whatever arrives, however late.
 */

import { invariant, tickDifference, wrapTick } from '@baton/core'

export interface InterpolationDelayOptions {
  /** Never less than this. 2 when left out: one sample to come from and one to go to. */
  readonly minTicks?: number
  /** Never more than this. 30 when left out; a jitter buffer holds 32. */
  readonly maxTicks?: number
  /** Until enough has arrived to tell. 6 when left out: 100 ms at 60 Hz. */
  readonly initialTicks?: number
}

/** Arrivals that the delay is judged by: about two seconds of packets. */
const WINDOW = 128
/** Of these, so many may come too late. */
const LATE_ALLOWED = 2
/** Arrivals before the estimate replaces the initial delay, and between two estimates. */
const ESTIMATE_EVERY = 16
/** A longer gap between two sources is rest or a pause, and says nothing about the path. */
const REST_TICKS = 12
/** Room for the frame that shows: arrivals and frames do not fall together. */
const MARGIN_TICKS = 0.5
/** Share of the passing time by which playback may run slower, and faster. Starving shows more than lag. */
const SLOWER = 0.25
const FASTER = 0.1

interface Track {
  /** Newest source tick heard, u32. */
  newestTick: number
  readonly ages: Float64Array
  noted: number
  delayTicks: number
  targetTicks: number
  /** Exact tick that is shown; NaN before the first advance. */
  playbackTick: number
}

export class InterpolationDelay {
  readonly #minTicks: number
  readonly #maxTicks: number
  readonly #initialTicks: number
  readonly #tracks = new Map<number, Track>()
  readonly #sorted = new Float64Array(WINDOW)
  #nowTick = NaN

  constructor(options: InterpolationDelayOptions = {}) {
    const { minTicks = 2, maxTicks = 30 } = options
    const { initialTicks = Math.min(maxTicks, Math.max(minTicks, 6)) } = options
    invariant(
      minTicks >= 0 && minTicks <= initialTicks && initialTicks <= maxTicks && maxTicks < Infinity,
      `interpolation: minTicks ${minTicks}, initialTicks ${initialTicks}, maxTicks ${maxTicks}; give them in this order`,
    )
    this.#minTicks = minTicks
    this.#maxTicks = maxTicks
    this.#initialTicks = initialTicks
  }

  /**
   * Notes that news of `slot`'s entities arrived, for each row or once per packet.
   *
   * @param slot       the peer that simulates them, not the one that passed the news on
   * @param sourceTick the newest tick they tell of; what is not newer than before is ignored, so a row
   *   that is sent again does not count as late
   * @param nowTick    the shared timeline's exact tick now
   */
  noteArrival(slot: number, sourceTick: number, nowTick: number): void {
    const track = this.#trackOf(slot, sourceTick - 1)
    const gap = tickDifference(sourceTick, track.newestTick)
    if (gap <= 0) return
    track.newestTick = sourceTick >>> 0
    // How old the news before this one had become when it came: what the delay has to cover.
    const age = tickDifference(nowTick, sourceTick) + (gap > REST_TICKS ? 1 : gap)
    track.ages[track.noted % WINDOW] = age
    track.noted += 1
    if (track.noted % ESTIMATE_EVERY === 0) track.targetTicks = this.#estimate(track)
  }

  /**
   * Moves every playback on to `nowTick`, the shared timeline's exact tick of this frame.
   * @returns ticks that passed since the last call, 0 when the timeline stood still or was set back
   */
  advance(nowTick: number): number {
    const elapsed = Number.isNaN(this.#nowTick) ? 0 : Math.max(0, tickDifference(nowTick, this.#nowTick))
    this.#nowTick = nowTick
    for (const track of this.#tracks.values()) {
      const error = track.targetTicks - track.delayTicks
      track.delayTicks += Math.max(-FASTER * elapsed, Math.min(SLOWER * elapsed, error))
      const wanted = wrapTick(nowTick - track.delayTicks)
      // Where the timeline itself was set back, playback waits for it.
      if (!(tickDifference(wanted, track.playbackTick) < 0)) track.playbackTick = wanted
    }
    return elapsed
  }

  /** The exact tick at which entities that `slot` simulates are shown; NaN before the first advance. */
  playbackTick(slot: number): number {
    const tick = this.#tracks.get(slot)?.playbackTick ?? NaN
    return Number.isNaN(tick) ? wrapTick(this.#nowTick - this.#initialTicks) : tick
  }

  /** Forgets a peer that left, or all when the timeline starts anew. */
  forget(slot?: number): void {
    if (slot === undefined) this.#tracks.clear()
    else this.#tracks.delete(slot)
  }

  /** The longest delay at work now, for people to look at; the initial one while nothing was heard. */
  get delayTicks(): number {
    let longest = -1
    for (const track of this.#tracks.values()) longest = Math.max(longest, track.delayTicks)
    return longest < 0 ? this.#initialTicks : longest
  }

  /** The delay at work for one peer's entities. */
  delayTicksOf(slot: number): number {
    return this.#tracks.get(slot)?.delayTicks ?? this.#initialTicks
  }

  #trackOf(slot: number, before: number): Track {
    const known = this.#tracks.get(slot)
    if (known !== undefined) return known
    const track: Track = {
      newestTick: before >>> 0,
      ages: new Float64Array(WINDOW),
      noted: 0,
      delayTicks: this.#initialTicks,
      targetTicks: this.#initialTicks,
      playbackTick: NaN,
    }
    this.#tracks.set(slot, track)
    return track
  }

  #estimate(track: Track): number {
    const count = Math.min(track.noted, WINDOW)
    const sorted = this.#sorted.subarray(0, count)
    sorted.set(track.ages.subarray(0, count))
    sorted.sort()
    // Of a short window none may be late.
    const allowed = count === WINDOW ? LATE_ALLOWED : 0
    const wanted = sorted[count - 1 - allowed]! + MARGIN_TICKS
    return Math.max(this.#minTicks, Math.min(this.#maxTicks, wanted))
  }
}

export function createInterpolationDelay(options?: InterpolationDelayOptions): InterpolationDelay {
  return new InterpolationDelay(options)
}
