/**
 * The buffer of the GameMaker-style document as a class: typed values in bytes, with a position.
 *
 * Invariant: a mistake of the caller throws, a byte that is not there never does (rule 6 of the house:
 * writes trust, reads check). Behavior: docs/behavior.md TB1–TB16.
 */

import { invariant } from '../errors.ts'
import { checkShape, checkSize, checkType, checkValue } from './buffer-checks.ts'
import { base64Decode, base64Encode, compress, crc32Of, decompress, md5Hex, sha1Hex } from './buffer-codecs.ts'
import { BufferMemory } from './buffer-memory.ts'
import type { BufferStore } from './buffer-store.ts'
import type { BufferInput, BufferKind, BufferSeek, BufferType, BufferValue, Decoded } from './buffer-types.ts'
import { BUFFER_SEEK, DEFAULT_DECOMPRESSED_BYTES, bufferSizeOf } from './buffer-types.ts'
import { decodeText, encodeValue, loadNumber, nothingOf, putValue } from './buffer-values.ts'

/**
 * Bytes that are written and read as typed values, little-endian, at a position that moves along.
 *
 * New memory is zero. `read` and `write` first move the position up to a multiple of the alignment;
 * methods that take an offset do not. Offsets count bytes from the start, modulo the size in a wrap
 * buffer. Buffers that a method returns are grow buffers with alignment 1 and position 0.
 *
 * @throws InvariantError from any method for a wrong type or offset, for no room, and after `delete`
 * @see docs/behavior.md TB1–TB16; BUFFER_KIND and BUFFER_TYPE for what kinds and types mean
 */
export class TypedBuffer {
  readonly kind: BufferKind
  /** Power of two; 1 packs values without gaps. */
  readonly alignment: number
  #memory: BufferMemory
  #position = 0
  #failed = false
  #deleted = false

  constructor(sizeBytes: number, kind: BufferKind, alignment = 1) {
    checkShape(sizeBytes, kind, alignment)
    this.kind = kind
    this.alignment = alignment
    this.#memory = new BufferMemory(sizeBytes, kind)
  }

  /** A buffer that holds a copy of `bytes`, all of them counted as written. */
  static from(bytes: Uint8Array, kind: BufferKind = 'grow', alignment = 1): TypedBuffer {
    const buffer = new TypedBuffer(bytes.length, kind, alignment)
    buffer.#memory.store('from', 0, bytes)
    return buffer
  }

  /**
   * True once a read found too few bytes and gave 0, false or '', or a string without its closing
   * zero. Stays until a `seek` from the start or the end.
   */
  get failed(): boolean {
    return this.#failed
  }

  /** One past the last byte that was written, through this buffer's methods. */
  get usedSize(): number {
    return this.#alive('usedSize').usedBytes
  }

  getSize(): number {
    return this.#alive('getSize').sizeBytes
  }

  tell(): number {
    this.#alive('tell')
    return this.#position
  }

  /**
   * Moves the position and returns it. `end` counts from the end, so offsets back are negative. Beyond
   * either end it stops there, or goes on around in a wrap buffer. `start` and `end` clear `failed`;
   * `relative` does not, since a reader that skips must not lose what went wrong before.
   */
  seek(base: BufferSeek, offset: number): number {
    const memory = this.#alive('seek')
    invariant(Object.hasOwn(BUFFER_SEEK, base), `TypedBuffer.seek: no base ${String(base)}; use start, relative or end`)
    invariant(Number.isInteger(offset), `TypedBuffer.seek: an offset of ${offset}; give a whole number of bytes`)
    const size = memory.sizeBytes
    const from = base === 'start' ? 0 : base === 'end' ? size : this.#position
    if (base !== 'relative') this.#failed = false
    this.#position = this.kind === 'wrap' ? memory.place(from + offset) : Math.min(Math.max(from + offset, 0), size)
    return this.#position
  }

  write<T extends BufferType>(type: T, value: BufferInput<T>): void {
    this.#position = putValue(this.#alive('write'), 'write', this.#aligned(), type, value)
  }

  /** As `write`, at `offset` and without moving the position. Makes a grow buffer grow too. */
  poke<T extends BufferType>(offset: number, type: T, value: BufferInput<T>): void {
    putValue(this.#alive('poke'), 'poke', offset, type, value)
  }

  /** The value at the position, which moves past it; to the end when it is not all there (see `failed`). */
  read<T extends BufferType>(type: T): BufferValue<T> {
    return this.#get('read', this.#aligned(), type, true)
  }

  /** As `read`, at `offset` and without moving the position. */
  peek<T extends BufferType>(offset: number, type: T): BufferValue<T> {
    return this.#get('peek', offset, type, false)
  }

  /**
   * Sets `size` bytes from `offset` on: the value at each multiple of the alignment where it fits
   * whole, zeros in the gaps. The position stays.
   */
  fill<T extends BufferType>(offset: number, type: T, value: BufferInput<T>, size: number): void {
    const memory = this.#alive('fill')
    checkType('fill', this.kind, type)
    checkValue('fill', type, value)
    checkSize('fill', size)
    memory.reserve('fill', offset, size)
    const one = encodeValue('fill', type, value)
    invariant(one.length > 0, 'TypedBuffer.fill: an empty text fills nothing; give at least one character')
    const block = new Uint8Array(size)
    const step = this.#up(one.length)
    // Offsets below zero are left to a wrap buffer; the remainder of a power of two is right for them too.
    const first = -offset & (this.alignment - 1)
    for (let at = first; at + one.length <= size; at += step) block.set(one, at)
    memory.store('fill', offset, block)
  }

  /** Copies `size` bytes into `target`, which may be this buffer: the bytes are those from before. */
  copy(offset: number, size: number, target: TypedBuffer, targetOffset: number): void {
    const bytes = this.#alive('copy').range('copy', offset, size)
    target.#alive('copy').store('copy', targetOffset, target === this ? bytes.slice() : bytes)
  }

  /** Keeps what fits, zeros after it; the position stays inside. Moves the memory. */
  resize(sizeBytes: number): void {
    const memory = this.#alive('resize')
    checkSize('resize', sizeBytes)
    invariant(this.kind !== 'vbuffer', 'TypedBuffer.resize: the memory of a vbuffer stays; copy into another buffer')
    memory.resize(sizeBytes)
    this.#position = memory.place(Math.min(this.#position, sizeBytes))
  }

  /** A copy of `size` bytes from `offset` on; by default of the whole buffer. */
  toBytes(offset = 0, size = this.getSize() - offset): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#alive('toBytes').range('toBytes', offset, size))
  }

  /**
   * The memory itself, borrowed. Stale once the buffer grows or is resized (a vbuffer never is) or
   * deleted; what is written into it is not counted by `usedSize`.
   */
  view(): Uint8Array<ArrayBuffer> {
    return this.#alive('view').bytes
  }

  /** Padded base64 (RFC 4648). */
  base64Encode(offset = 0, size = this.getSize() - offset): string {
    return base64Encode(this.#alive('base64Encode').range('base64Encode', offset, size))
  }

  static base64Decode(text: string): Decoded<TypedBuffer> {
    return wrapped(base64Decode(text))
  }

  /** Lower-case hexadecimal MD5, for finding damage only. */
  md5(offset = 0, size = this.getSize() - offset): string {
    return md5Hex(this.#alive('md5').range('md5', offset, size))
  }

  /** Lower-case hexadecimal SHA-1, for finding damage only. */
  sha1(offset = 0, size = this.getSize() - offset): string {
    return sha1Hex(this.#alive('sha1').range('sha1', offset, size))
  }

  /** Unsigned CRC-32 as zlib has it; the documented engine leaves out the last inversion (`~crc >>> 0`). */
  crc32(offset = 0, size = this.getSize() - offset): number {
    return crc32Of(this.#alive('crc32').range('crc32', offset, size))
  }

  /** zlib data in a new buffer. */
  compress(offset = 0, size = this.getSize() - offset): TypedBuffer {
    return TypedBuffer.from(compress(this.#alive('compress').range('compress', offset, size)))
  }

  /** What the zlib data in the used bytes holds; refused when it is damaged or over `limitBytes`. */
  decompress(limitBytes = DEFAULT_DECOMPRESSED_BYTES): Decoded<TypedBuffer> {
    const memory = this.#alive('decompress')
    checkSize('decompress', limitBytes)
    return wrapped(decompress(memory.load(0, memory.usedBytes), limitBytes))
  }

  /** Stores the whole buffer under `name`. Rejects when the store does. */
  async save(store: BufferStore, name: string): Promise<void> {
    await store.write(name, this.toBytes())
  }

  /** The buffer stored under `name`, or undefined when there is none. Rejects when the store does. */
  static async load(store: BufferStore, name: string): Promise<TypedBuffer | undefined> {
    const bytes = await store.read(name)
    return bytes && TypedBuffer.from(bytes)
  }

  /** Lets go of the memory. Every later use throws. */
  delete(): void {
    this.#alive('delete')
    this.#memory = new BufferMemory(0, this.kind)
    this.#deleted = true
  }

  #alive(method: string): BufferMemory {
    if (this.#deleted) invariant(false, `TypedBuffer.${method}: the buffer was deleted; create another`)
    return this.#memory
  }

  #up(offset: number): number {
    return (offset + this.alignment - 1) & -this.alignment
  }

  /** The position moved up to the alignment; past the end of a wrap buffer that is its start. */
  #aligned(): number {
    const at = this.#up(this.#position)
    return this.kind === 'wrap' && at >= this.#memory.sizeBytes ? 0 : at
  }

  #get<T extends BufferType>(method: string, offset: number, type: T, moves: boolean): BufferValue<T>
  #get(method: string, offset: number, type: BufferType, moves: boolean): BufferValue<BufferType> {
    const memory = this.#alive(method)
    checkType(method, this.kind, type)
    const size = bufferSizeOf(type)
    if (!memory.holds(offset, size ?? 0)) {
      this.#failed = true
      if (moves) this.#position = memory.place(memory.sizeBytes)
      return nothingOf(type)
    }
    const at = memory.place(offset)
    if (size === undefined) {
      const { bytes, isClosed } = memory.loadToZero(at)
      // What is there is given all the same: text files are read as strings without a closing zero.
      if (type === 'string' && !isClosed) this.#failed = true
      if (moves) this.#position = memory.place(at + bytes.length + (type === 'string' && isClosed ? 1 : 0))
      return decodeText(bytes)
    }
    if (moves) this.#position = memory.place(at + size)
    if (at + size <= memory.sizeBytes) return loadNumber(memory.view, at, type)
    return loadNumber(new DataView(memory.load(at, size).buffer), 0, type)
  }
}

function wrapped(decoded: Decoded<Uint8Array>): Decoded<TypedBuffer> {
  return decoded.ok ? { ok: true, value: TypedBuffer.from(decoded.value) } : decoded
}
