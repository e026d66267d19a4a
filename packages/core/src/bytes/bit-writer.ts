/**
 * Packs values of 1 to 32 bits into a caller's bytes. Lowest layer of every packet.
 *
 * Invariant: the first `byteLength` bytes of the target are all that is ever touched, and a write
 * happens whole or not at all. Format: docs/wire-format.md BR1–BR8.
 */

import { InvariantError, invariant } from '../errors.ts'

/** Positions are kept as 32-bit signed integers, so a buffer ends before bit 2^31. */
export const MAX_BIT_BUFFER_BYTES = 2 ** 28 - 1

const NOTHING = new Uint8Array(0)

/**
 * Writes bits, lowest first, into a buffer that the caller owns.
 *
 * What does not fit is not written at all and sets `failed`; everything after it is ignored until
 * `rewind` or `reset`, so one check at the end is enough. Nothing is allocated while writing.
 * The target is complete only after `finish`: the last bits are held back until then.
 *
 * @throws InvariantError for a width outside 1..32, or a patch or rewind ahead of the position
 * @see docs/wire-format.md BR1–BR8
 */
export class BitWriter {
  #target: Uint8Array = NOTHING
  #capacityBits = 0
  #position = 0
  /** Bits of the word the position stands in; the bits above the position are zero. */
  #word = 0
  #failed = false

  constructor(target: Uint8Array) {
    this.reset(target)
  }

  /** Starts again at bit 0, in another buffer when one is given. Old content is overwritten, never read. */
  reset(target: Uint8Array = this.#target): void {
    // Messages are put together only where they are needed: a packet costs no string.
    if (target.length > MAX_BIT_BUFFER_BYTES) {
      invariant(
        false,
        `BitWriter.reset: target of ${target.length} bytes is over ${MAX_BIT_BUFFER_BYTES}; write in smaller pieces`,
      )
    }
    this.#target = target
    this.#capacityBits = target.length * 8
    this.#position = 0
    this.#word = 0
    this.#failed = false
  }

  /** True once something did not fit. Stays true until `rewind` or `reset`. */
  get failed(): boolean {
    return this.#failed
  }

  /** Bits written so far. */
  get bitPosition(): number {
    return this.#position
  }

  /** Bytes written so far; a last byte that is begun counts. */
  get byteLength(): number {
    return (this.#position + 7) >>> 3
  }

  /** Writes the low `bitCount` bits (1..32) of `value`, taken modulo 2^32 as `value >>> 0` takes it. */
  write(value: number, bitCount: number): void {
    if (!isBitWidth(bitCount)) rejectWidth('write', bitCount)
    const position = this.#position
    const end = position + bitCount
    if (this.#failed || end > this.#capacityBits) {
      this.#failed = true
      return
    }
    const bits = value & (0xffffffff >>> (32 - bitCount))
    const used = position & 31
    const word = this.#word | (bits << used)
    const usedAfter = used + bitCount
    if (usedAfter < 32) {
      this.#word = word
    } else {
      const target = this.#target
      const at = (position >>> 5) << 2
      target[at] = word
      target[at + 1] = word >>> 8
      target[at + 2] = word >>> 16
      target[at + 3] = word >>> 24
      // A shift by 32 is a shift by 0 in JavaScript: the exact fit has to be told apart.
      this.#word = usedAfter === 32 ? 0 : bits >>> (32 - used)
    }
    this.#position = end
  }

  writeBool(value: boolean): void {
    this.write(value ? 1 : 0, 1)
  }

  /** Writes all of `bytes` or, when they do not fit, none. No length is written and no alignment is needed. */
  writeBytes(bytes: Uint8Array): void {
    const count = bytes.length
    if (this.#failed || count * 8 > this.#capacityBits - this.#position) {
      this.#failed = true
      return
    }
    if ((this.#position & 7) === 0) {
      this.#store()
      this.#target.set(bytes, this.#position >>> 3)
      this.#position += count * 8
      this.#load()
      return
    }
    for (let index = 0; index < count; index++) this.write(bytes[index]!, 8)
  }

  /**
   * Overwrites bits that were written before, such as a count known only at the end. The position
   * stays. Does nothing after a failure: what it would overwrite may never have been written.
   */
  patch(bitPosition: number, value: number, bitCount: number): void {
    if (!isBitWidth(bitCount)) rejectWidth('patch', bitCount)
    if (this.#failed) return
    if (!(Number.isInteger(bitPosition) && bitPosition >= 0 && bitPosition + bitCount <= this.#position)) {
      invariant(
        false,
        `BitWriter.patch: bits ${bitPosition} to ${bitPosition + bitCount} are not all written (position ${this.#position}); write them first`,
      )
    }
    this.#store()
    const target = this.#target
    let bits = value >>> 0
    let position = bitPosition
    let left = bitCount
    while (left > 0) {
      const at = position >>> 3
      const shift = position & 7
      const count = Math.min(8 - shift, left)
      const mask = (0xff >>> (8 - count)) << shift
      target[at] = (target[at]! & ~mask) | ((bits << shift) & mask)
      bits >>>= count
      position += count
      left -= count
    }
    this.#load()
  }

  /** Forgets everything written after `bitPosition`, a failure too: what failed came after it. */
  rewind(bitPosition: number): void {
    if (!(Number.isInteger(bitPosition) && bitPosition >= 0 && bitPosition <= this.#position)) {
      invariant(
        false,
        `BitWriter.rewind: bit ${bitPosition} is not behind the position ${this.#position}; rewind only to a position passed before`,
      )
    }
    this.#store()
    this.#position = bitPosition
    this.#load()
    this.#failed = false
  }

  /**
   * Puts the last bits in place and returns the bytes written, the last one padded with zeros.
   * A view of the target, valid until the next write into it. Writing may go on afterwards.
   */
  finish(): Uint8Array {
    this.complete()
    const target = this.#target
    // Not `subarray`: on a subclass such as Node's Buffer that would hand the subclass on.
    return new Uint8Array(target.buffer, target.byteOffset, this.byteLength)
  }

  /** Puts the last bits in place, like `finish`, without a view. @returns `byteLength` */
  complete(): number {
    this.#store()
    return this.byteLength
  }

  /** Writes the bits held back into the target, without a byte past `byteLength`. */
  #store(): void {
    const end = this.byteLength
    let word = this.#word
    for (let at = (this.#position >>> 5) << 2; at < end; at++) {
      this.#target[at] = word
      word >>>= 8
    }
  }

  /** Takes the bits before the position, in its word, back from the target. */
  #load(): void {
    const start = (this.#position >>> 5) << 2
    const used = this.#position & 31
    let word = 0
    for (let at = start, shift = 0; shift < used; at++, shift += 8) word |= this.#target[at]! << shift
    this.#word = used === 0 ? 0 : word & (0xffffffff >>> (32 - used))
  }
}

/** 1 to 32, whole. A fraction would leave the position between two bits. */
export function isBitWidth(bitCount: number): boolean {
  return (bitCount | 0) === bitCount && bitCount > 0 && bitCount <= 32
}

function rejectWidth(method: string, bitCount: number): never {
  throw new InvariantError(`BitWriter.${method}: a width of ${bitCount} bits; use 1 to 32`)
}
