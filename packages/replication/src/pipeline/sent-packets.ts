/**
 * Which rows each packet in flight carried, so that its ack can be credited to them.
 *
 * Invariant: a packet's rows are reported at most once, as acked or as lost (SentWindow), and memory
 * is bounded: at most 256 packets and `MAX_ROWS_IN_FLIGHT` rows; the oldest count as lost.
 */
import { SENT_WINDOW_SIZE, SentWindow } from '@baton/core'

/** Two words a row: 1 MiB at most for one peer. */
export const MAX_ROWS_IN_FLIGHT = 131_072
const FIRST_ROWS = 1_024
const WORDS = 2

/** Takes one row of a packet that was acked or lost. */
export type RowReport = (component: number, index: number, stamp: number, tick: number, isAcked: boolean) => void

export class SentPackets {
  readonly #window: SentWindow
  readonly #report: RowReport
  readonly #tick = new Uint32Array(SENT_WINDOW_SIZE)
  /** Where a packet's rows begin, counted without end; the place in the ring is that modulo its size. */
  readonly #start = new Float64Array(SENT_WINDOW_SIZE)
  readonly #count = new Uint16Array(SENT_WINDOW_SIZE)
  /** 1 while a packet's rows have not been reported. */
  readonly #isOpen = new Uint8Array(SENT_WINDOW_SIZE)
  /** The oldest sequence that may be open, and the one after the newest. */
  #oldest: number
  #next: number
  /** Per row: component and index, then the stamp. */
  #rows = new Uint32Array(FIRST_ROWS * WORDS)
  #end = 0
  readonly #onAcked = (sequence: number): void => this.#settle(sequence, true)
  readonly #onLost = (sequence: number): void => this.#settle(sequence, false)

  /** @param firstSequence where to begin; other than 0 only to test the wrap */
  constructor(report: RowReport, firstSequence = 0) {
    this.#report = report
    this.#window = new SentWindow(firstSequence)
    this.#oldest = firstSequence
    this.#next = firstSequence
  }

  /** Packets that were never acked, as far as is known. */
  get lostCount(): number {
    return this.#window.lostCount
  }

  /** Takes the next sequence, for a packet of this tick. Rows added from now on are its rows. */
  begin(tick: number): number {
    const sequence = this.#window.next(this.#onLost)
    const slot = sequence % SENT_WINDOW_SIZE
    this.#tick[slot] = tick
    this.#start[slot] = this.#end
    this.#count[slot] = 0
    this.#isOpen[slot] = 1
    this.#next = (sequence + 1) & 0xffff
    return sequence
  }

  /**
   * Adds a row to the packet begun last.
   * @param component at most 255
   * @param index at most 2^24 - 1
   * @param stamp 32 bits that come back with the report
   */
  add(component: number, index: number, stamp: number): void {
    const slot = ((this.#next - 1) & 0xffff) % SENT_WINDOW_SIZE
    if (this.#end - this.#start[this.#oldest % SENT_WINDOW_SIZE]! >= this.#rows.length / WORDS) this.#makeRoom()
    const at = this.#placeOf(this.#end)
    this.#rows[at] = index | (component << 24)
    this.#rows[at + 1] = stamp
    this.#end += 1
    this.#count[slot]! += 1
  }

  /** The numbers of a received packet. */
  acknowledge(ack: number, ackBits: number): void {
    this.#window.acknowledge(ack, ackBits, this.#onAcked, this.#onLost)
  }

  /** The packet begun last did not leave: its rows are lost at once. */
  drop(): void {
    this.#settle((this.#next - 1) & 0xffff, false)
  }

  /** Forgets all packets in flight without a report; their acks will say nothing. */
  clear(): void {
    this.#isOpen.fill(0)
    this.#oldest = this.#next
  }

  #settle(sequence: number, isAcked: boolean): void {
    const slot = sequence % SENT_WINDOW_SIZE
    if (this.#isOpen[slot] === 0) return
    this.#isOpen[slot] = 0
    const rows = this.#rows
    const first = this.#start[slot]!
    const count = this.#count[slot]!
    const tick = this.#tick[slot]!
    for (let row = 0; row < count; row += 1) {
      const at = this.#placeOf(first + row)
      const word = rows[at]!
      this.#report(word >>> 24, word & 0xffffff, rows[at + 1]!, tick, isAcked)
    }
    while (this.#oldest !== this.#next && this.#isOpen[this.#oldest % SENT_WINDOW_SIZE] === 0) {
      this.#oldest = (this.#oldest + 1) & 0xffff
    }
  }

  /** Where a row stands in the ring, whose size is a power of two. */
  #placeOf(row: number): number {
    return (row & (this.#rows.length / WORDS - 1)) * WORDS
  }

  /** Doubles the ring; at its limit the oldest packet counts as lost instead. */
  #makeRoom(): void {
    const capacity = this.#rows.length / WORDS
    if (capacity >= MAX_ROWS_IN_FLIGHT) return this.#settle(this.#oldest, false)
    const rows = this.#rows
    this.#rows = new Uint32Array(rows.length * 2)
    for (let row = this.#end - capacity; row < this.#end; row += 1) {
      const from = (row % capacity) * WORDS
      const to = (row % (capacity * 2)) * WORDS
      this.#rows[to] = rows[from]!
      this.#rows[to + 1] = rows[from + 1]!
    }
  }
}
