/**
 * What this peer publishes of one component: when each row last changed, the states it has been in, and which
 * rows somebody may lack.
 *
 * Invariant: a row that is no candidate is held by every far end that encoded in the publication before (CG3).
 */
import type { ComponentSchema } from '../schema/component-schema.ts'
import { StateHistory, isLater, resized } from './baseline.ts'
import type { Reference } from './delta.ts'
import { SPACING_BITS, WHOLE_ROW, worstRowBits } from './row-header.ts'
import { PUBLISHED } from './row-store.ts'

/** Rows of one component, in rising order of their NetworkIds. */
export interface RowList {
  /** Index of the component in the registry. */
  readonly component: number
  /** Entity indices; the first `count` are valid. */
  readonly indices: Int32Array
  readonly count: number
  /**
   * Who is not sent these rows, or any other name for those who are: a row that comes to a list of another
   * audience may be new to somebody. Left out: everybody hears all lists of the component.
   */
  readonly audience?: number | undefined
  /** One per entry of `indices`, 1 to 16; see `interest/priority.ts`. Without it all are equal. */
  readonly priorities?: Float32Array | undefined
}

/** The rows as they are now, as `RowStore` holds them: `laneCount` lanes and a source tick per entity index. */
export interface CurrentRows {
  readonly current: Int32Array
  readonly tick: Uint32Array
  /** See `ComponentRows.seen`. Without it all rows are compared. */
  readonly seen?: Uint8Array
}

/** The same, and which rows there are. */
export interface HeldRows extends CurrentRows {
  /** 1 where the entity has the component. */
  readonly present: Uint8Array
}

/** Places in one list of the rows that are not known to be held by every far end that hears of them. */
export interface Candidates {
  publication: number
  places: Int32Array
  count: number
}

/** One component's published rows. Read by encoders, written by `PublishedRows` alone. */
export class PublishedComponent {
  readonly schema: ComponentSchema
  /** 1 where the row has been published. */
  present: Uint8Array
  /** The tick at which the row took its present lanes. */
  changedTick: Uint32Array
  sourceTick: Uint32Array
  /** Lanes as published last. */
  lanes: Int32Array
  /** Sixteenths of the bits that a row has taken of late, to whomever. */
  usualBits: number
  /** How often rows of this component have been published. */
  publication = 0
  /** 1 where some encoder has found the row lacking since it was a candidate last. */
  wanted: Uint8Array
  /** Audience of the list that the row was published in last. */
  #audience: Int32Array
  #tick: number | undefined
  /** Kept for as long as its owner keeps a list. */
  readonly #candidates = new WeakMap<RowList, Candidates>()
  readonly #earlier: StateHistory

  constructor(schema: ComponentSchema, capacity: number) {
    this.schema = schema
    this.present = new Uint8Array(capacity)
    this.changedTick = new Uint32Array(capacity)
    this.sourceTick = new Uint32Array(capacity)
    this.lanes = new Int32Array(capacity * schema.laneCount)
    this.usualBits = worstRowBits(schema) << 4
    this.wanted = new Uint8Array(capacity)
    this.#audience = new Int32Array(capacity)
    this.#earlier = new StateHistory(schema.laneCount, capacity)
  }

  /** Copies the lanes the row had at `tick`. False when that is too long ago or before it was published. */
  read(index: number, tick: number, out: Int32Array): boolean {
    if (this.present[index] === 0) return false
    if (isLater(this.changedTick[index]!, tick)) return this.#earlier.readAt(index, tick, out, 0)
    const { laneCount } = this.schema
    const offset = index * laneCount
    for (let lane = 0; lane < laneCount; lane += 1) out[lane] = this.lanes[offset + lane]!
    return true
  }

  /**
   * Puts the states that a row of `tick` may refer to into `ref`, where they are known still.
   * @param baseline as `AckedRows.baseline` has it
   * @returns the baseline's age; `WHOLE_ROW` when there is none
   */
  refer(index: number, tick: number, baseline: number, ref: Reference): number {
    const age = baseline >>> SPACING_BITS
    const spacing = baseline & ((1 << SPACING_BITS) - 1)
    const newest = (tick - age) >>> 0
    ref.age = age
    ref.spacing = 0
    if (age === WHOLE_ROW || !this.read(index, newest, ref.newest)) return WHOLE_ROW
    if (spacing > 0 && this.read(index, (newest - spacing) >>> 0, ref.older)) ref.spacing = spacing
    return age
  }

  /** @returns true when the lanes are not those published before */
  update(index: number, tick: number, rows: CurrentRows): boolean {
    this.sourceTick[index] = rows.tick[index]!
    const { seen } = rows
    if (seen !== undefined) {
      if ((seen[index]! & PUBLISHED) !== 0 && this.present[index] === 1) return false
      seen[index] = seen[index]! | PUBLISHED
    }
    const { laneCount } = this.schema
    const offset = index * laneCount
    const { current } = rows
    const { lanes } = this
    if (this.present[index] === 1) {
      let lane = 0
      while (lane < laneCount && lanes[offset + lane] === current[offset + lane]) lane += 1
      if (lane === laneCount) return false
      this.#earlier.push(index, this.changedTick[index]!, lanes, offset)
    }
    this.present[index] = 1
    this.changedTick[index] = tick
    for (let lane = 0; lane < laneCount; lane += 1) lanes[offset + lane] = current[offset + lane]!
    return true
  }

  /** Before the first list of a tick. */
  beginTick(tick: number): void {
    if (this.#tick === tick) return
    this.#tick = tick
    this.publication += 1
  }

  /** Takes the rows of one list. @returns rows that changed */
  publish(list: RowList, tick: number, rows: CurrentRows): number {
    const { indices, count, audience = 0 } = list
    const { wanted } = this
    const heard = this.#audience
    const candidates = this.#candidatesFor(list)
    let changed = 0
    for (let place = 0; place < count; place += 1) {
      const index = indices[place]!
      const isChanged = this.update(index, tick, rows)
      if (isChanged) changed += 1
      else if (wanted[index] === 0 && heard[index] === audience) continue
      wanted[index] = 0
      heard[index] = audience
      candidates.places[candidates.count++] = place
    }
    return changed
  }

  /** Of a list published last; `undefined` for any other. */
  candidatesOf(list: RowList): Candidates | undefined {
    const candidates = this.#candidates.get(list)
    return candidates?.publication === this.publication ? candidates : undefined
  }

  #candidatesFor(list: RowList): Candidates {
    let candidates = this.#candidates.get(list)
    if (candidates === undefined || candidates.places.length < list.count) {
      candidates = { publication: 0, places: new Int32Array(2 ** (32 - Math.clz32(list.count))), count: 0 }
      this.#candidates.set(list, candidates)
    }
    candidates.publication = this.publication
    candidates.count = 0
    return candidates
  }

  forget(index: number): void {
    this.present[index] = 0
    this.#earlier.forget(index)
  }

  /** Forgets all rows, then takes those that are held, as of `tick`. */
  restart(tick: number, indices: Int32Array, count: number, rows: HeldRows): void {
    for (let index = 0; index < this.present.length; index += 1) this.forget(index)
    for (let at = 0; at < count; at += 1) {
      const index = indices[at]!
      if (rows.present[index] === 1) this.update(index, tick, rows)
    }
  }

  grow(capacity: number): void {
    this.present = resized(this.present, capacity)
    this.changedTick = resized(this.changedTick, capacity)
    this.sourceTick = resized(this.sourceTick, capacity)
    this.lanes = resized(this.lanes, capacity * this.schema.laneCount)
    this.wanted = resized(this.wanted, capacity)
    this.#audience = resized(this.#audience, capacity)
    this.#earlier.grow(capacity)
  }
}
