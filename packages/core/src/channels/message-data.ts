/**
 * What an application may send, and how it becomes bytes and text again.
 *
 * Invariant: text and binary stay told apart from end to end, and an empty message stays a message.
 */
import { invariant } from '../errors.ts'

/** Text, or bytes in any form. Bytes are copied when they are handed over, so they may be reused at once. */
export type MessageData = string | ArrayBuffer | ArrayBufferView

export interface EncodedMessage {
  readonly text: boolean
  /** Borrowed from the caller when it gave bytes. */
  readonly bytes: Uint8Array
}

const encoder = new TextEncoder()
// A byte order mark at the front of a text belongs to the text.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** @throws InvariantError when `data` is neither text nor bytes */
export function encodeMessage(data: MessageData, place: string): EncodedMessage {
  if (typeof data === 'string') return { text: true, bytes: encoder.encode(data) }
  if (data instanceof ArrayBuffer) return { text: false, bytes: new Uint8Array(data) }
  invariant(
    ArrayBuffer.isView(data),
    `${place}: data is ${typeof data}; give a string, an ArrayBuffer or a view of one`,
  )
  return { text: false, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/** What a receiver is given: a string, or an ArrayBuffer of its own with exactly the message. */
export function decodeMessage(text: boolean, bytes: Uint8Array): string | ArrayBuffer {
  if (text) return decoder.decode(bytes)
  // Not `slice`: a transport may hand over a subclass whose slice shares memory, as Node's Buffer does.
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  return copy.buffer
}
