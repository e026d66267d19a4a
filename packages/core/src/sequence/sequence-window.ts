/**
 * Keeps a stream of 16-bit sequences from being used twice, over a longer stretch than an ack window.
 *
 * Invariant: a sequence is accepted at most once; what is too old to know about is not accepted.
 */
import { serialDifference16 } from './serial.ts'

/** Sequences before the newest that are told apart; later copies of older ones are turned away. */
export const SEQUENCE_WINDOW_SIZE = 256

export class SequenceWindow {
  readonly #seen = new Uint8Array(SEQUENCE_WINDOW_SIZE)
  #newest = -1

  /** @returns true when the sequence has not been accepted before and is less than 256 behind the newest */
  accept(sequence: number): boolean {
    if (this.#newest < 0) {
      this.#newest = sequence & 0xffff
      this.#seen[sequence % SEQUENCE_WINDOW_SIZE] = 1
      return true
    }
    const ahead = serialDifference16(sequence, this.#newest)
    if (ahead > 0) {
      if (ahead >= SEQUENCE_WINDOW_SIZE) this.#seen.fill(0)
      else for (let step = 1; step < ahead; step++) this.#seen[(this.#newest + step) % SEQUENCE_WINDOW_SIZE] = 0
      this.#newest = sequence & 0xffff
    } else if (ahead <= -SEQUENCE_WINDOW_SIZE || this.#seen[sequence % SEQUENCE_WINDOW_SIZE] === 1) return false
    this.#seen[sequence % SEQUENCE_WINDOW_SIZE] = 1
    return true
  }
}
