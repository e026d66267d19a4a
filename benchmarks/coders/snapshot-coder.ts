/**
 * What a coder of whole snapshots is: one end of a link that remembers the snapshots both ends hold.
 *
 * Invariant: a snapshot is coded against one that the far end has, and against nothing newer.
 */
import { BODY_INTS } from './quantized-trace.ts'

export interface SnapshotCoder {
  /**
   * @param baselineTick of the snapshot that the far end has acked; -1 for none
   * @returns bytes, borrowed until the next call
   */
  encode(tick: number, values: Int32Array, baselineTick: number): Uint8Array
  /** @returns the snapshot, borrowed until it falls out of the history */
  decode(tick: number, bytes: Uint8Array, baselineTick: number): Int32Array
}

/** Snapshots that may be referred to: 1 s at 60 Hz, as in the article. */
const HISTORY = 64

/** One snapshot that an end holds, with what it was coded against. */
export interface HeldSnapshot {
  tick: number
  /** The state before anything was received is all zeros. */
  readonly values: Int32Array
  /** What each body's x, y, z and rotation moved from this snapshot's own baseline to it. */
  readonly delta: Int32Array
}

export class SnapshotHistory<T extends HeldSnapshot = HeldSnapshot> {
  readonly #held: readonly T[]
  readonly #first: T

  constructor(create: () => T) {
    this.#held = Array.from({ length: HISTORY }, create)
    this.#first = create()
  }

  /** The baseline of that tick. @throws Error when it is not held any more */
  get(tick: number): T {
    if (tick < 0) return this.#first
    const held = this.#held[tick % HISTORY]!
    if (held.tick !== tick) throw new Error(`SnapshotHistory: tick ${tick} is not held any more`)
    return held
  }

  /** The place for a new snapshot; what was there is forgotten. */
  begin(tick: number): T {
    const held = this.#held[tick % HISTORY]!
    held.tick = tick
    return held
  }
}

export function createHeldSnapshot(count: number): HeldSnapshot {
  return { tick: -1, values: new Int32Array(count * BODY_INTS), delta: new Int32Array(count * BODY_INTS) }
}

/** Signed to unsigned with small magnitudes first: 0, -1, 1, -2, 2 … become 0, 1, 2, 3, 4. */
export function fold(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

export function unfold(value: number): number {
  return (value >>> 1) ^ -(value & 1)
}
