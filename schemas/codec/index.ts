/**
 * Entry `@baton/schemas`: control-plane messages, from plain objects to bytes and back.
 *
 * Invariant: bytes from the wire never throw here; a value that does not fit throws at the sender.
 */
import { controlLayout, type ControlMessage } from '../generated/control.layout.ts'
import { decodeMessage } from './decode.ts'
import { encodeMessage } from './encode.ts'
import type { Decoded } from './layout.ts'

export type * from '../generated/control.layout.ts'
export type { Decoded } from './layout.ts'

/** Upper bound of one control message in bytes; longer ones are neither sent nor read. */
export const MAX_CONTROL_BYTES = 16_384

/** A control message to be sent: what is left out of the envelope is 0. */
export type ControlEnvelope = Pick<ControlMessage, 'term' | 'index' | 'body'> & Partial<ControlMessage>

/**
 * One control message as bytes.
 * @returns the caller's own array, sized exactly
 * @throws RangeError when a value does not fit its field or the message exceeds `MAX_CONTROL_BYTES`
 */
export function encodeControl(message: ControlEnvelope): Uint8Array<ArrayBuffer> {
  return encodeMessage(controlLayout, { entryTerm: 0, requester: 0, generation: 0, ...message })
}

/**
 * Verifies and reads one control message. Absent vectors come as empty ones, absent numbers as their default.
 * @param bytes borrowed; the result shares no memory with them
 */
export function decodeControl(bytes: Uint8Array): Decoded<ControlMessage> {
  return decodeMessage(controlLayout, bytes)
}
