/**
 * Unpacks values of 1 to 32 bits from bytes nobody vouches for. Lowest layer of every packet.
 *
 * Invariant: no input makes it throw, loop or allocate more than the input's own size; past the end
 * everything reads as zero and `failed` stays set. Format: docs/wire-format.md BR1–BR8.
 */

import { MAX_BIT_BUFFER_BYTES, isBitWidth } from './bit-writer.ts'

const NOTHING = new Uint8Array(0)

/**
 * Reads bits, lowest first, from bytes it does not own and never changes.
 *
 * The first read that does not fit sets `failed` and moves the position to the end, so that a loop
 * over `remainingBits` stops; it and all later reads give 0, false or no bytes. Check `failed` once,
 * after the last read, and drop the whole packet when it is set.
 *
 * @see docs/wire-format.md BR1–BR8
 */
export class BitReader {
  #source: Uint8Array = NOTHING
  #endBits = 0
  #position = 0
  #failed = false

  constructor(source: Uint8Array = NOTHING) {
    this.reset(source)
  }

  /**
   * Starts again in `source`, at `byteOffset`. The source is borrowed until the next reset.
   * An offset past the end or a source over the size limit is a failed read, not a throw.
   */
  reset(source: Uint8Array, byteOffset = 0): void {
    const fits =
      source.length <= MAX_BIT_BUFFER_BYTES &&
      Number.isInteger(byteOffset) &&
      byteOffset >= 0 &&
      byteOffset <= source.length
    this.#source = fits ? source : NOTHING
    this.#endBits = this.#source.length * 8
    this.#position = fits ? byteOffset * 8 : 0
    this.#failed = !fits
  }

  /** True once something was read that is not there. Stays true until `reset`. */
  get failed(): boolean {
    return this.#failed
  }

  /** The next bit to read, counted from the start of the source. */
  get bitPosition(): number {
    return this.#position
  }

  /** Bits not read yet; padding counts. 0 after a failure. */
  get remainingBits(): number {
    return this.#endBits - this.#position
  }

  /** The next `bitCount` bits (1..32) as an unsigned number. A width outside 1..32 is a failed read. */
  read(bitCount: number): number {
    const position = this.#position
    const end = position + bitCount
    // `failed` needs no check of its own: a failure leaves the position at the end.
    if (!isBitWidth(bitCount) || end > this.#endBits) return this.#fail()
    this.#position = end
    const source = this.#source
    const shift = position & 7
    const first = position >>> 3
    const last = (end - 1) >>> 3
    let bits = source[first]! >>> shift
    // Byte by byte up to the last one needed, so that nothing past the end is asked for.
    if (last > first) {
      bits |= source[first + 1]! << (8 - shift)
      if (last > first + 1) {
        bits |= source[first + 2]! << (16 - shift)
        if (last > first + 2) {
          bits |= source[first + 3]! << (24 - shift)
          // Five bytes only when the value straddles them, and then `shift` is at least 1.
          if (last > first + 3) bits |= source[first + 4]! << (32 - shift)
        }
      }
    }
    return (bits & (0xffffffff >>> (32 - bitCount))) >>> 0
  }

  readBool(): boolean {
    return this.read(1) === 1
  }

  /**
   * Counts the ones before the next zero, and reads that too; past the end there are zeros.
   * @returns -1 when there are more than `limit`; one more than that is read then
   */
  readOnes(limit: number): number {
    let count = 0
    while (count <= limit) {
      const position = this.#position
      if (position >= this.#endBits) {
        this.#fail()
        return count
      }
      // The rest of a byte at a time; above it stand zeros.
      const left = 8 - (position & 7)
      const zeros = ~(this.#source[position >>> 3]! >>> (position & 7))
      const ones = Math.min(31 - Math.clz32(zeros & -zeros), limit + 1 - count)
      this.#position = position + (ones < left && count + ones <= limit ? ones + 1 : ones)
      count += ones
      if (ones < left) break
    }
    return count <= limit ? count : -1
  }

  /** A copy of the next `count` bytes, which need no alignment; empty and `failed` when fewer are left. */
  readBytes(count: number): Uint8Array {
    // The check comes before the allocation: `count` may be a number an attacker wrote.
    if (!Number.isInteger(count) || count < 0 || count * 8 > this.remainingBits) {
      this.#fail()
      return new Uint8Array(0)
    }
    const bytes = new Uint8Array(count)
    if ((this.#position & 7) === 0) {
      const start = this.#position >>> 3
      // Not `slice`: on Node's Buffer that is a view, and the caller keeps what it gets.
      bytes.set(this.#source.subarray(start, start + count))
      this.#position += count * 8
      return bytes
    }
    for (let index = 0; index < count; index++) bytes[index] = this.read(8)
    return bytes
  }

  #fail(): 0 {
    this.#failed = true
    this.#position = this.#endBits
    return 0
  }
}
