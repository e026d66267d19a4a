/**
 * What has been sent and not yet acknowledged, by 16-bit sequence.
 *
 * Invariant: each sequence is reported once, as acked or as lost, and never both.
 */
import { ACK_BIT_COUNT } from './ack-window.ts'
import { serialDifference16, serialGreaterThan16 } from './serial.ts'

/** Sequences in flight that are remembered; at 60 packets a second more than four seconds. */
export const SENT_WINDOW_SIZE = 256

type Report = (sequence: number) => void

/** The sender's half of packet acks. */
export class SentWindow {
  /** 1 while the sequence in this slot is in flight. */
  readonly #inFlight = new Uint8Array(SENT_WINDOW_SIZE)
  #nextSequence: number
  /** The oldest sequence that may still be in flight. */
  #oldest: number
  #ackedCount = 0
  #lostCount = 0

  /** @param firstSequence where to begin; other than 0 only to test the wrap */
  constructor(firstSequence = 0) {
    this.#nextSequence = firstSequence & 0xffff
    this.#oldest = this.#nextSequence
  }

  get ackedCount(): number {
    return this.#ackedCount
  }

  /** Sequences that an ack's window has passed, or that were pushed out, without an ack. */
  get lostCount(): number {
    return this.#lostCount
  }

  /** Takes the next sequence. With 256 in flight the oldest counts as lost. */
  next(onLost?: Report): number {
    const sequence = this.#nextSequence
    if (serialDifference16(sequence, this.#oldest) >= SENT_WINDOW_SIZE) this.#dropOldest(onLost)
    this.#inFlight[sequence % SENT_WINDOW_SIZE] = 1
    this.#nextSequence = (sequence + 1) & 0xffff
    return sequence
  }

  /**
   * Takes the two numbers of a received packet. Acks of what was never sent, or was reported
   * already, do nothing; so do acks that arrive late or twice.
   */
  acknowledge(ack: number, ackBits: number, onAcked: Report, onLost?: Report): void {
    const newest = (this.#nextSequence - 1) & 0xffff
    if (serialGreaterThan16(ack, newest)) return
    for (let bit = ACK_BIT_COUNT - 1; bit >= 0; bit--) {
      if ((ackBits & (1 << bit)) !== 0) this.#report((ack - 1 - bit) & 0xffff, onAcked)
    }
    this.#report(ack & 0xffff, onAcked)
    while (serialDifference16(ack, this.#oldest) > ACK_BIT_COUNT) this.#dropOldest(onLost)
  }

  #report(sequence: number, onAcked: Report): void {
    if (serialGreaterThan16(this.#oldest, sequence) || !serialGreaterThan16(this.#nextSequence, sequence)) return
    const slot = sequence % SENT_WINDOW_SIZE
    if (this.#inFlight[slot] === 0) return
    this.#inFlight[slot] = 0
    this.#ackedCount++
    onAcked(sequence)
  }

  #dropOldest(onLost: Report | undefined): void {
    const sequence = this.#oldest
    this.#oldest = (sequence + 1) & 0xffff
    const slot = sequence % SENT_WINDOW_SIZE
    if (this.#inFlight[slot] === 0) return
    this.#inFlight[slot] = 0
    this.#lostCount++
    onLost?.(sequence)
  }
}
