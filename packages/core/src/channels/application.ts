/**
 * Reliable messages of the application as control messages: pieces that fit a transport message.
 *
 * Invariant: other control messages may come between two pieces, but no piece of another message.
 */
import { encodeControl } from '@baton/schemas'
import { invariant } from '../errors.ts'
import type { EncodedMessage } from './message-data.ts'

/** The longest reliable `send` or `broadcast`. */
export const MAX_APPLICATION_MESSAGE_BYTES = 1_048_576
/** What a piece may carry: 16 KiB less the envelope, with room to spare. */
const MAX_PIECE_BYTES = 16_128

/**
 * Cuts a message into encoded control messages: one at least, also for an empty message.
 * @throws InvariantError over the limit: nothing has been queued
 */
export function encodeApplicationMessage(message: EncodedMessage, term: number, place: string): Uint8Array[] {
  const { bytes, text } = message
  invariant(
    bytes.length <= MAX_APPLICATION_MESSAGE_BYTES,
    `${place}: ${bytes.length} bytes are over the ${MAX_APPLICATION_MESSAGE_BYTES} of a message; send it in parts`,
  )
  const frames: Uint8Array[] = []
  let offset = 0
  do {
    const data = bytes.subarray(offset, offset + MAX_PIECE_BYTES)
    offset += data.length
    const last = offset >= bytes.length
    frames.push(encodeControl({ term, index: 0, body: { type: 'ApplicationMessage', text, last, data } }))
  } while (offset < bytes.length)
  return frames
}
