/**
 * What has been received of a stream of 16-bit sequences: the newest, and which of the 32 before it.
 *
 * Invariant: `ack` only moves forward, and a sequence is `new` at most once.
 */
import { serialDifference16 } from './serial.ts'

/** How many sequences before the newest one packet's ack bits tell of. */
export const ACK_BIT_COUNT = 32

/** The receiver's half of packet acks; its two numbers travel in every packet back. */
export class AckWindow {
  #ack = 0xffff
  #ackBits = 0
  #isEmpty = true

  /** The newest sequence received. 65,535 before the first, which the sender has not used yet. */
  get ack(): number {
    return this.#ack
  }

  /** Bit i is set when `ack - 1 - i` was received too. Unsigned, 32 bits. */
  get ackBits(): number {
    return this.#ackBits >>> 0
  }

  /** True until the first sequence was noted. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** How many of the newest sequence and the 32 before it were received: 0 to 33. */
  get receivedCount(): number {
    if (this.#isEmpty) return 0
    let bits = this.#ackBits
    let count = 1
    while (bits !== 0) {
      bits &= bits - 1
      count++
    }
    return count
  }

  /**
   * Takes note of a received sequence.
   * @returns `old` when it lies before the window: whether it came before is no longer known, so
   *   what must not be used twice must not be used then
   */
  note(sequence: number): 'new' | 'duplicate' | 'old' {
    if (this.#isEmpty) {
      this.#isEmpty = false
      this.#ack = sequence & 0xffff
      return 'new'
    }
    const ahead = serialDifference16(sequence, this.#ack)
    if (ahead > 0) {
      // The bit of the previous newest joins the others; a jump past the window leaves none of them.
      if (ahead > ACK_BIT_COUNT) this.#ackBits = 0
      else {
        const shifted = ahead === ACK_BIT_COUNT ? 0 : this.#ackBits << ahead
        this.#ackBits = shifted | (1 << (ahead - 1))
      }
      this.#ack = sequence & 0xffff
      return 'new'
    }
    if (ahead === 0) return 'duplicate'
    const bit = -ahead - 1
    if (bit >= ACK_BIT_COUNT) return 'old'
    if ((this.#ackBits & (1 << bit)) !== 0) return 'duplicate'
    this.#ackBits |= 1 << bit
    return 'new'
  }

  /** Forgets everything, as for a new link. */
  reset(): void {
    this.#ack = 0xffff
    this.#ackBits = 0
    this.#isEmpty = true
  }
}
