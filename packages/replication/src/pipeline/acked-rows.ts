/**
 * What one far end surely holds of each row of a component: the ticks of the two newest packets it
 * has acked that carried the row.
 *
 * Invariant: an ack counts for the entity that the packet meant: a stamp tells it from a later one
 * at the same index (BL6).
 */
import { HISTORY_STATES, isLater, lengthened } from './baseline.ts'
import type { Reference } from './delta.ts'
import type { PublishedComponent } from './published-rows.ts'
import { MAX_BASELINE_AGE, MAX_LINE_TICKS, MAX_SPACING, WHOLE_ROW } from './row-header.ts'

export class AckedRows {
  /** 0, 1 or 2 acked states are known. */
  count: Uint8Array
  /** Packet tick of the newest acked state, and of the one before it. */
  newest: Uint32Array
  older: Uint32Array
  /** Value of `sends` when the newest was sent. */
  #newestSends: Uint16Array
  /** How often the row was sent, modulo 2^16. */
  #sends: Uint16Array
  #generation: Uint16Array
  /** Tick of the last sending, or of when the row was first wanted; valid where `isKnown`. */
  lastSent: Uint32Array
  isKnown: Uint8Array
  /** 1 where a packet with the row was lost and it was not sent since. */
  isUrgent: Uint8Array

  constructor(capacity: number) {
    this.count = new Uint8Array(capacity)
    this.newest = new Uint32Array(capacity)
    this.older = new Uint32Array(capacity)
    this.#newestSends = new Uint16Array(capacity)
    this.#sends = new Uint16Array(capacity)
    this.#generation = new Uint16Array(capacity)
    this.lastSent = new Uint32Array(capacity)
    this.isKnown = new Uint8Array(capacity)
    this.isUrgent = new Uint8Array(capacity)
  }

  /** Does the far end lack the state the row has had since `changedTick`? */
  isDirty(index: number, changedTick: number): boolean {
    return this.count[index] === 0 || isLater(changedTick, this.newest[index]!)
  }

  /** Is the newest acked state among the 64 that the far end keeps (BL3)? */
  holdsNewest(index: number): boolean {
    return this.count[index]! > 0 && ((this.#sends[index]! - this.#newestSends[index]!) & 0xffff) < HISTORY_STATES
  }

  /** From now on the row waits to be sent, if it does not already. */
  want(index: number, tick: number): void {
    if (this.isKnown[index] === 1) return
    this.isKnown[index] = 1
    this.lastSent[index] = tick - 1
  }

  /** @returns a stamp for `settle` */
  noteSent(index: number, tick: number): number {
    this.#sends[index]! += 1
    this.lastSent[index] = tick
    this.isUrgent[index] = 0
    return (this.#sends[index]! | (this.#generation[index]! << 16)) >>> 0
  }

  /** A packet of this tick that carried the row was acked or lost. */
  settle(index: number, stamp: number, tick: number, isAcked: boolean): void {
    if (stamp >>> 16 !== this.#generation[index]) return
    if (!isAcked) {
      // Sent again since: that packet may still arrive.
      if (this.lastSent[index] === tick) this.isUrgent[index] = 1
      return
    }
    this.#hold(index, tick, stamp & 0xffff)
  }

  /** The far end holds the row's state at `tick` by other means, such as a baseline it was given. */
  seed(index: number, tick: number): void {
    this.#hold(index, tick, this.#sends[index]!)
  }

  #hold(index: number, tick: number, sends: number): void {
    const count = this.count[index]!
    if (count === 0 || isLater(tick, this.newest[index]!)) {
      this.older[index] = this.newest[index]!
      this.newest[index] = tick
      this.#newestSends[index] = sends
      this.count[index] = count === 0 ? 1 : 2
    } else if (tick !== this.newest[index] && (count === 1 || isLater(tick, this.older[index]!))) {
      this.older[index] = tick
      this.count[index] = 2
    }
  }

  /** Forgets one entity before its index is used for another, or when the far end has forgotten it. */
  forget(index: number): void {
    this.count[index] = 0
    this.#generation[index]! += 1
    this.isKnown[index] = 0
    this.isUrgent[index] = 0
  }

  /** Has any entity at this index been forgotten since the link began? */
  hasForgotten(index: number): boolean {
    return this.#generation[index] !== 0
  }

  /** The far end may hold nothing any more. */
  forgetAcks(): void {
    this.count.fill(0)
  }

  grow(capacity: number): void {
    this.count = lengthened(this.count, new Uint8Array(capacity))
    this.newest = lengthened(this.newest, new Uint32Array(capacity))
    this.older = lengthened(this.older, new Uint32Array(capacity))
    this.#newestSends = lengthened(this.#newestSends, new Uint16Array(capacity))
    this.#sends = lengthened(this.#sends, new Uint16Array(capacity))
    this.#generation = lengthened(this.#generation, new Uint16Array(capacity))
    this.lastSent = lengthened(this.lastSent, new Uint32Array(capacity))
    this.isKnown = lengthened(this.isKnown, new Uint8Array(capacity))
    this.isUrgent = lengthened(this.isUrgent, new Uint8Array(capacity))
  }
}

/**
 * Puts the states that a row may refer to into `ref`: what the far end has acked and both still keep.
 * @returns the baseline's age in ticks; `WHOLE_ROW` when there is none
 */
export function findBaseline(
  acked: AckedRows,
  published: PublishedComponent,
  index: number,
  tick: number,
  ref: Reference,
): number {
  ref.spacing = 0
  if (!acked.holdsNewest(index)) return WHOLE_ROW
  const newest = acked.newest[index]!
  const age = (tick - newest) >>> 0
  if (age >= MAX_BASELINE_AGE || !published.read(index, newest, ref.newest)) return WHOLE_ROW
  ref.age = age
  if (age > MAX_LINE_TICKS || acked.count[index] === 1) return age
  // At most 32 + 31 ticks old, and sent once a tick: it is among the 64, too.
  const spacing = (newest - acked.older[index]!) >>> 0
  if (spacing <= MAX_SPACING && published.read(index, acked.older[index]!, ref.older)) ref.spacing = spacing
  return age
}
