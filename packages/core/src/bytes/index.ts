/**
 * `@baton/core/bytes`: bits and bytes, for packets and for games that write their own messages.
 *
 * Invariant: one name per thing and no code here, so that a bundle holds only what is imported: the
 * bit reader and writer bring no hash and no inflater.
 */

export { BitReader } from './bit-reader.ts'
export { BitWriter, MAX_BIT_BUFFER_BYTES } from './bit-writer.ts'
export type { BufferStore } from './buffer-store.ts'
export { memoryStore } from './buffer-store.ts'
export type { BufferInput, BufferKind, BufferSeek, BufferType, BufferValue, Decoded } from './buffer-types.ts'
export {
  BUFFER_KIND,
  BUFFER_SEEK,
  BUFFER_TYPE,
  DEFAULT_DECOMPRESSED_BYTES,
  MAX_BUFFER_ALIGNMENT,
  MAX_BUFFER_BYTES,
  bufferSizeOf,
} from './buffer-types.ts'
export { TypedBuffer } from './typed-buffer.ts'
