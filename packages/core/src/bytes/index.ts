/**
 * `@baton/core/bytes`: bits and bytes, for packets and for games that write their own messages.
 *
 * Invariant: one name per thing and no code here, so that a bundle holds only what is imported.
 */

export { BitReader } from './bit-reader.ts'
export { BitWriter, MAX_BIT_BUFFER_BYTES } from './bit-writer.ts'
