/**
 * The bytes under a typed buffer: where an offset lands, and what happens at the end of each kind.
 *
 * Invariant: `usedBytes <= sizeBytes <= MAX_BUFFER_BYTES`; only `reserve` and `resize` move the memory.
 */

import { invariant } from '../errors.ts'
import type { BufferKind } from './buffer-types.ts'
import { MAX_BUFFER_BYTES } from './buffer-types.ts'

/** Owns the bytes of one buffer. Offsets of a wrap buffer count modulo its size, negative ones too. */
export class BufferMemory {
  readonly kind: BufferKind
  bytes: Uint8Array<ArrayBuffer>
  view: DataView
  /** One past the last byte that was written. */
  usedBytes = 0

  constructor(sizeBytes: number, kind: BufferKind) {
    this.kind = kind
    this.bytes = new Uint8Array(sizeBytes)
    this.view = new DataView(this.bytes.buffer)
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  /** The offset itself, or for a wrap buffer the place on the ring. */
  place(offset: number): number {
    if (this.kind !== 'wrap') return offset
    const size = this.sizeBytes
    if (size === 0) return 0
    const rest = offset % size
    return rest < 0 ? rest + size : rest
  }

  /** Whether `count` bytes from `offset` on are there to be read. */
  holds(offset: number, count: number): boolean {
    if (!Number.isInteger(offset)) return false
    if (this.kind === 'wrap') return this.sizeBytes > 0 || count === 0
    return offset >= 0 && offset + count <= this.sizeBytes
  }

  /** Makes room for `count` bytes from `offset` on, or throws. */
  reserve(method: string, offset: number, count: number): void {
    const size = this.sizeBytes
    const isWrap = this.kind === 'wrap'
    if (Number.isInteger(offset) && (isWrap ? size > 0 || count === 0 : offset >= 0 && offset + count <= size)) return
    invariant(Number.isInteger(offset), `TypedBuffer.${method}: an offset of ${offset}; give a whole number of bytes`)
    invariant(!isWrap, `TypedBuffer.${method}: a wrap buffer of 0 bytes has no place; resize it first`)
    invariant(offset >= 0, `TypedBuffer.${method}: an offset of ${offset}; count from the start of the buffer`)
    const end = offset + count
    invariant(
      this.kind === 'grow',
      `TypedBuffer.${method}: bytes ${offset} to ${end} do not fit a ${this.kind} buffer of ${size}; make it larger or use a grow buffer`,
    )
    invariant(
      end <= MAX_BUFFER_BYTES,
      `TypedBuffer.${method}: growing to ${end} bytes is over the limit of ${MAX_BUFFER_BYTES}; use several buffers`,
    )
    let grown = Math.max(size, 1)
    while (grown < end) grown *= 2
    this.resize(Math.min(grown, MAX_BUFFER_BYTES))
  }

  /** Writes `bytes` from `offset` on, around the end of a wrap buffer. Returns the place after them. */
  store(method: string, offset: number, bytes: Uint8Array): number {
    this.reserve(method, offset, bytes.length)
    if (bytes.length === 0) return this.place(offset)
    const size = this.sizeBytes
    const at = this.place(offset)
    if (at + bytes.length <= size) {
      this.bytes.set(bytes, at)
      return this.wrote(at + bytes.length)
    }
    // Only the last lap of a ring stays; what comes before it would be overwritten at once.
    const lost = Math.max(bytes.length - size, 0)
    const start = this.place(at + lost)
    const turn = Math.min(lost + size - start, bytes.length)
    this.bytes.set(bytes.subarray(lost, turn), start)
    this.bytes.set(bytes.subarray(turn), 0)
    this.usedBytes = size
    return this.place(at + bytes.length)
  }

  /** Notes that bytes up to `end` are written. Returns the place after them. */
  wrote(end: number): number {
    if (end > this.usedBytes) this.usedBytes = end
    return this.place(end)
  }

  /**
   * `count` bytes from `offset` on: a view where they lie in one piece, else a copy.
   * The caller has asked `holds`. A wrap buffer gives its bytes again when `count` is over its size.
   */
  load(offset: number, count: number): Uint8Array {
    const size = this.sizeBytes
    const at = this.place(offset)
    if (at + count <= size) return this.bytes.subarray(at, at + count)
    const copy = new Uint8Array(count)
    copy.set(this.bytes.subarray(at))
    copy.set(this.bytes.subarray(0, Math.min(at, count - (size - at))), size - at)
    for (let done = size; done < count; done *= 2) copy.copyWithin(done, 0, Math.min(done, count - done))
    return copy
  }

  /** As `load`, for a range the caller of the buffer named: throws when it is not all there. */
  range(method: string, offset: number, count: number): Uint8Array {
    invariant(
      Number.isInteger(count) && count >= 0 && count <= MAX_BUFFER_BYTES && this.holds(offset, count),
      `TypedBuffer.${method}: ${count} bytes from offset ${offset} are not in a ${this.kind} buffer of ${this.sizeBytes}; name a range inside it`,
    )
    return this.load(offset, count)
  }

  /** Bytes from `offset` up to the first zero, or all there are; around the end of a wrap buffer. */
  loadToZero(offset: number): { bytes: Uint8Array; isClosed: boolean } {
    const start = this.place(offset)
    const zero = this.bytes.indexOf(0, start)
    if (zero !== -1) return { bytes: this.bytes.subarray(start, zero), isClosed: true }
    if (this.kind !== 'wrap') return { bytes: this.bytes.subarray(start), isClosed: false }
    const around = this.bytes.indexOf(0)
    const isClosed = around !== -1
    return { bytes: this.load(start, this.sizeBytes - start + (isClosed ? around : start)), isClosed }
  }

  /** New memory of `sizeBytes` with the old content at its start and zeros after it. */
  resize(sizeBytes: number): void {
    const old = this.bytes
    this.bytes = new Uint8Array(sizeBytes)
    this.bytes.set(sizeBytes < old.length ? old.subarray(0, sizeBytes) : old)
    this.view = new DataView(this.bytes.buffer)
    if (this.usedBytes > sizeBytes) this.usedBytes = sizeBytes
  }
}
