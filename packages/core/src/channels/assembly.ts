/**
 * Puts the pieces of one reliable message together again.
 *
 * Invariant: never holds more than twice the limit, however the far end cuts its pieces.
 */

const FIRST_BYTES = 32_768

export class Assembly {
  readonly #limitBytes: number
  #buffer = new Uint8Array(0)
  #lengthBytes = 0
  #isText = false
  #isOpen = false

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /**
   * Takes the next piece.
   * @returns the whole message when this was its last piece: a view of memory that belongs to the
   *   caller; `undefined` when more is to come; `'bad'` over the limit or when text and binary mix
   */
  add(text: boolean, last: boolean, piece: Uint8Array): Uint8Array | undefined | 'bad' {
    const lengthBytes = this.#lengthBytes + piece.length
    if (lengthBytes > this.#limitBytes || (this.#isOpen && text !== this.#isText)) {
      this.reset()
      return 'bad'
    }
    // Most messages are one piece and need no copy.
    if (last && !this.#isOpen) return piece
    if (lengthBytes > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.max(lengthBytes, Math.min(this.#buffer.length * 2, this.#limitBytes), FIRST_BYTES),
      )
      grown.set(this.#buffer.subarray(0, this.#lengthBytes))
      this.#buffer = grown
    }
    this.#buffer.set(piece, this.#lengthBytes)
    this.#lengthBytes = lengthBytes
    this.#isText = text
    this.#isOpen = true
    if (!last) return undefined
    const message = this.#buffer.subarray(0, lengthBytes)
    this.reset()
    return message
  }

  /** Drops what was collected. */
  reset(): void {
    this.#buffer = new Uint8Array(0)
    this.#lengthBytes = 0
    this.#isOpen = false
  }
}
