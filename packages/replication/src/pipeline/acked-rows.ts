/**
 * What one far end surely holds of each row of a component: the ticks of the two newest packets it
 * has acked that carried the row.
 *
 * Invariant: an ack counts for the entity that the packet meant: a stamp tells it from a later one
 * at the same index (BL6).
 */
import { HISTORY_STATES, isLater, resized } from './baseline.ts'
import { MAX_BASELINE_AGE, MAX_LINE_TICKS, MAX_SPACING, SPACING_BITS, WHOLE_ROW } from './row-header.ts'

/** Words per row; together, because a row that is sent needs them all. */
const WORDS = 6
/** Packet tick of the newest acked state, and of the one before it. */
const NEWEST = 0
const OLDER = 1
/** Tick of the last sending, or of when the row was first wanted; valid where it is known. */
const LAST_SENT = 2
/** How often the row was sent, modulo 2^16; above that, how often its entity was forgotten. */
const STAMP = 3
/** The stamp when the newest acked state was sent. */
const NEWEST_STAMP = 4
/** Bits 0 and 1: acked states that are known, 0 to 2. */
const FLAGS = 5
const COUNT_MASK = 3
/** The row waits to be sent, or was sent. */
const IS_KNOWN = 4
/** A packet with the row was lost and it was not sent since. */
const IS_URGENT = 8
const SENDS_MASK = 0xffff
const ONE_GENERATION = 0x10000

export class AckedRows {
  #words: Int32Array

  constructor(capacity: number) {
    this.#words = new Int32Array(capacity * WORDS)
  }

  /** Is any state known to be held? */
  isHeld(index: number): boolean {
    return (this.#words[index * WORDS + FLAGS]! & COUNT_MASK) > 0
  }

  /** Does the far end lack the state the row has had since `changedTick`? */
  isDirty(index: number, changedTick: number): boolean {
    const at = index * WORDS
    return (this.#words[at + FLAGS]! & COUNT_MASK) === 0 || isLater(changedTick, this.#words[at + NEWEST]!)
  }

  /** Ticks since the row was sent or first wanted. */
  waitedTicks(index: number, tick: number): number {
    return (tick - this.#words[index * WORDS + LAST_SENT]!) >>> 0
  }

  isUrgent(index: number): boolean {
    return (this.#words[index * WORDS + FLAGS]! & IS_URGENT) !== 0
  }

  /**
   * The states that a row of this tick may refer to, as age shifted by `SPACING_BITS`, and spacing: acked,
   * and among the 64 that the far end keeps (BL3). `WHOLE_ROW` when there are none.
   */
  baseline(index: number, tick: number): number {
    const words = this.#words
    const at = index * WORDS
    const count = words[at + FLAGS]! & COUNT_MASK
    if (count === 0 || ((words[at + STAMP]! - words[at + NEWEST_STAMP]!) & SENDS_MASK) >= HISTORY_STATES)
      return WHOLE_ROW
    const newest = words[at + NEWEST]!
    const age = (tick - newest) >>> 0
    if (age >= MAX_BASELINE_AGE) return WHOLE_ROW
    if (age > MAX_LINE_TICKS || count === 1) return age << SPACING_BITS
    // At most 32 + 31 ticks old, and sent once a tick: it is among the 64, too.
    const spacing = (newest - words[at + OLDER]!) >>> 0
    return spacing <= MAX_SPACING ? (age << SPACING_BITS) | spacing : age << SPACING_BITS
  }

  /** From now on the row waits to be sent, if it does not already. */
  want(index: number, tick: number): void {
    const at = index * WORDS
    const flags = this.#words[at + FLAGS]!
    if ((flags & IS_KNOWN) !== 0) return
    this.#words[at + FLAGS] = flags | IS_KNOWN
    this.#words[at + LAST_SENT] = tick - 1
  }

  /** @returns a stamp for `settle` */
  noteSent(index: number, tick: number): number {
    const words = this.#words
    const at = index * WORDS
    const stamp = words[at + STAMP]!
    const next = (stamp & ~SENDS_MASK) | ((stamp + 1) & SENDS_MASK)
    words[at + STAMP] = next
    words[at + LAST_SENT] = tick
    words[at + FLAGS] = words[at + FLAGS]! & ~IS_URGENT
    return next
  }

  /** A packet of this tick that carried the row was acked or lost. */
  settle(index: number, stamp: number, tick: number, isAcked: boolean): void {
    const words = this.#words
    const at = index * WORDS
    if ((stamp ^ words[at + STAMP]!) >>> 16 !== 0) return
    if (isAcked) this.#hold(at, tick, stamp)
    // Sent again since: that packet may still arrive.
    else if (words[at + LAST_SENT] === (tick | 0)) words[at + FLAGS] = words[at + FLAGS]! | IS_URGENT
  }

  /** The far end holds the row's state at `tick` by other means, such as a baseline it was given. */
  seed(index: number, tick: number): void {
    const at = index * WORDS
    this.#hold(at, tick, this.#words[at + STAMP]!)
  }

  #hold(at: number, tick: number, stamp: number): void {
    const words = this.#words
    const count = words[at + FLAGS]! & COUNT_MASK
    const newest = words[at + NEWEST]!
    if (count === 0 || isLater(tick, newest)) {
      words[at + OLDER] = newest
      words[at + NEWEST] = tick
      words[at + NEWEST_STAMP] = stamp
      this.#setCount(at, count === 0 ? 1 : 2)
    } else if ((tick | 0) !== newest && (count === 1 || isLater(tick, words[at + OLDER]!))) {
      words[at + OLDER] = tick
      this.#setCount(at, 2)
    }
  }

  #setCount(at: number, count: number): void {
    this.#words[at + FLAGS] = (this.#words[at + FLAGS]! & ~COUNT_MASK) | count
  }

  /** Forgets one entity before its index is used for another, or when the far end has forgotten it. */
  forget(index: number): void {
    const at = index * WORDS
    this.#words[at + FLAGS] = 0
    this.#words[at + STAMP] = (this.#words[at + STAMP]! + ONE_GENERATION) | 0
  }

  /** Has any entity at this index been forgotten since the link began? */
  hasForgotten(index: number): boolean {
    return this.#words[index * WORDS + STAMP]! >>> 16 !== 0
  }

  /** The far end may hold nothing any more. */
  forgetAcks(): void {
    for (let at = 0; at < this.#words.length; at += WORDS) this.#setCount(at, 0)
  }

  grow(capacity: number): void {
    this.#words = resized(this.#words, capacity * WORDS)
  }
}
