/**
 * What arrived for each entity's component and has yet to be shown: a short ring of samples per entity,
 * by tick. Filled by `incoming.ts`, read by `interpolate.ts`.
 *
 * Invariant: samples of a ring have rising ticks, each once, all later than its floor, whatever order
 * and however often they arrive; the memory is fixed by the capacity.
 */

import { invariant } from '@baton/core'
import type { ComponentSchema } from '../schema/component-schema.ts'

export interface JitterBuffersOptions {
  /** Samples kept per entity, a power of two; has to cover the longest delay. 32 when left out. */
  readonly depth?: number
  /** Ticks between two samples of something that moves all the time. 1 when left out. */
  readonly intervalTicks?: number
}

const DEFAULT_DEPTH = 32
/**
 * A longer time without a sample is rest and not loss: 200 ms at 60 Hz. Losing that many in a row is
 * rarer than an entity that stood still.
 */
const MIN_REST_TICKS = 12

/** Rings for one component of every entity, keyed by the caller's dense entity index. */
export class JitterBuffers {
  readonly schema: ComponentSchema
  readonly depth: number
  readonly intervalTicks: number
  /** A gap longer than this is rest: the older value holds until `leadTicks` before the newer. */
  readonly restTicks: number
  readonly leadTicks: number
  /** Tick of each place; lanes of place p start at `p * laneCount`. For `interpolate.ts` only. */
  ticks: Uint32Array
  lanes: Int32Array
  /** The tick last shown of each entity, NaN for none yet. For `interpolate.ts` only. */
  shownTick: Float64Array
  /** 1 where the newest sample has been shown and the far end has had nothing newer to say: see `settle`. */
  isSettled: Uint8Array
  /** Values of samples being mixed; their content means nothing between two calls. */
  readonly mixing: readonly Float64Array[]
  #capacity: number
  #start: Uint8Array
  #count: Uint8Array
  #floor: Uint32Array

  constructor(schema: ComponentSchema, capacity: number, options: JitterBuffersOptions = {}) {
    const { depth = DEFAULT_DEPTH, intervalTicks = 1 } = options
    invariant(
      Number.isInteger(depth) && depth >= 4 && depth <= 128 && (depth & (depth - 1)) === 0,
      `jitter buffers: depth ${depth}; give a power of two from 4 to 128`,
    )
    invariant(intervalTicks >= 1, `jitter buffers: intervalTicks ${intervalTicks}; give at least 1`)
    this.schema = schema
    this.depth = depth
    this.intervalTicks = intervalTicks
    this.restTicks = Math.max(MIN_REST_TICKS, 4 * intervalTicks)
    this.leadTicks = Math.max(2, intervalTicks)
    this.#capacity = capacity
    this.ticks = new Uint32Array(capacity * depth)
    this.lanes = new Int32Array(capacity * depth * schema.laneCount)
    this.shownTick = new Float64Array(capacity).fill(NaN)
    this.isSettled = new Uint8Array(capacity)
    this.mixing = Array.from({ length: 5 }, () => new Float64Array(schema.laneCount))
    this.#start = new Uint8Array(capacity)
    this.#count = new Uint8Array(capacity)
    this.#floor = new Uint32Array(capacity)
  }

  /** Entity indices below this fit. */
  get capacity(): number {
    return this.#capacity
  }

  /** Makes room for more entities; what is buffered stays. */
  grow(capacity: number): void {
    if (capacity <= this.#capacity) return
    const { depth, schema } = this
    this.#capacity = capacity
    this.ticks = lengthened(this.ticks, new Uint32Array(capacity * depth))
    this.lanes = lengthened(this.lanes, new Int32Array(capacity * depth * schema.laneCount))
    this.shownTick = lengthened(this.shownTick, new Float64Array(capacity).fill(NaN))
    this.isSettled = lengthened(this.isSettled, new Uint8Array(capacity))
    this.#start = lengthened(this.#start, new Uint8Array(capacity))
    this.#count = lengthened(this.#count, new Uint8Array(capacity))
    this.#floor = lengthened(this.#floor, new Uint32Array(capacity))
  }

  /** Samples of an entity. */
  count(index: number): number {
    return this.#count[index]!
  }

  /** Where the `order`th oldest sample of an entity lies in `ticks`. */
  place(index: number, order: number): number {
    return index * this.depth + ((this.#start[index]! + order) & (this.depth - 1))
  }

  /**
   * Takes a sample; the lanes are copied. When the ring is full its oldest sample makes room.
   * @returns false when that tick is there already, or lies at or before what was given up
   */
  insert(index: number, tick: number, lanes: Int32Array, offset: number): boolean {
    const count = this.#count[index]!
    if (count === 0) {
      this.reset(index, tick, lanes, offset)
      return true
    }
    if (serial(tick, this.#floor[index]!) <= 0) return false
    this.isSettled[index] = 0
    let order = count
    while (order > 0) {
      const difference = serial(tick, this.ticks[this.place(index, order - 1)]!)
      if (difference === 0) return false
      if (difference > 0) break
      order -= 1
    }
    if (count === this.depth) {
      // Older than everything in a full ring: it would be the one to make room.
      if (order === 0) return false
      this.#floor[index] = this.ticks[this.place(index, 0)]!
      this.#start[index] = (this.#start[index]! + 1) & (this.depth - 1)
      order -= 1
    } else {
      this.#count[index] = count + 1
    }
    for (let at = this.#count[index]! - 1; at > order; at--) {
      this.#copy(this.place(index, at - 1), this.place(index, at))
    }
    this.#write(this.place(index, order), tick, lanes, offset)
    return true
  }

  /**
   * Forgets what is buffered and holds this one sample: the value was set, by a spawn, a change of
   * authority or a resend. What arrives from before `tick` is refused from now on.
   */
  reset(index: number, tick: number, lanes: Int32Array, offset: number): void {
    this.#start[index] = 0
    this.#count[index] = 1
    this.#floor[index] = tick
    this.shownTick[index] = NaN
    this.isSettled[index] = 0
    this.#write(index * this.depth, tick, lanes, offset)
  }

  /**
   * What was to be shown has been, down to the newest sample, which alone is kept: until another comes
   * there is nothing to show, and no way back to what was before (IN12).
   */
  settle(index: number): void {
    const newest = this.place(index, this.#count[index]! - 1)
    this.#start[index] = newest & (this.depth - 1)
    this.#count[index] = 1
    this.#floor[index] = this.ticks[newest]!
    this.shownTick[index] = NaN
    this.isSettled[index] = 1
  }

  /** What is shown of an entity may not be what it was left at: look again. */
  wake(index: number): void {
    this.isSettled[index] = 0
  }

  /** Forgets an entity before its index is used for another. */
  forget(index: number): void {
    this.#count[index] = 0
    this.shownTick[index] = NaN
    this.isSettled[index] = 0
  }

  /** Would a sample of this tick be the newest? */
  isNewest(index: number, tick: number): boolean {
    const count = this.#count[index]!
    return count === 0 || serial(tick, this.ticks[this.place(index, count - 1)]!) > 0
  }

  /** Copies the newest sample's lanes out; its tick, or undefined with nothing written when there is none. */
  newest(index: number, out: Int32Array, offset: number): number | undefined {
    const count = this.#count[index]!
    if (count === 0) return undefined
    const place = this.place(index, count - 1)
    const { laneCount } = this.schema
    for (let lane = 0; lane < laneCount; lane++) out[offset + lane] = this.lanes[place * laneCount + lane]!
    return this.ticks[place]!
  }

  #write(place: number, tick: number, lanes: Int32Array, offset: number): void {
    const { laneCount } = this.schema
    this.ticks[place] = tick
    for (let lane = 0; lane < laneCount; lane++) this.lanes[place * laneCount + lane] = lanes[offset + lane]!
  }

  #copy(from: number, to: number): void {
    const { laneCount } = this.schema
    this.ticks[to] = this.ticks[from]!
    for (let lane = 0; lane < laneCount; lane++)
      this.lanes[to * laneCount + lane] = this.lanes[from * laneCount + lane]!
  }
}

/** @param capacity entity indices below this fit at first; `grow` makes room for more */
export function createJitterBuffers(
  schema: ComponentSchema,
  capacity: number,
  options?: JitterBuffersOptions,
): JitterBuffers {
  return new JitterBuffers(schema, capacity, options)
}

/** `a - b` in ticks, the shorter way round the wrap. */
function serial(a: number, b: number): number {
  return (a - b) | 0
}

function lengthened<Column extends { set(source: Column): void }>(from: Column, to: Column): Column {
  to.set(from)
  return to
}
