/**
 * Frames of application messages outside the control plane: numbered channels, and unreliable
 * messages on the state channel. Layout: docs/wire-format.md, LF rules.
 *
 * Invariant: a frame names its channel's kind, so that ends that opened different kinds notice.
 */
import { invariant } from '../errors.ts'
import { MAX_DATAGRAM_BYTES, MAX_TRANSPORT_MESSAGE_BYTES } from '../transport/transport.ts'
import type { EncodedMessage } from './message-data.ts'

/** Bits of a frame's first byte. The others are zero. */
export const LANE_FLAG = { text: 1, last: 2, reliable: 4 } as const
const ALL_FLAGS = 7

/** First byte on the state channel: an unreliable message of the application follows as a lane frame. */
export const STATE_KIND_MESSAGE = 0x01

const RELIABLE_HEADER_BYTES = 1
const UNRELIABLE_HEADER_BYTES = 3
const MAX_PIECE_BYTES = MAX_TRANSPORT_MESSAGE_BYTES - RELIABLE_HEADER_BYTES

/** The longest unreliable message of a numbered channel: it must fit one datagram with its header. */
export const MAX_UNRELIABLE_LANE_BYTES = MAX_DATAGRAM_BYTES - UNRELIABLE_HEADER_BYTES
/** The longest unreliable `send` or `broadcast`: one byte more of header, the packet's kind. */
export const MAX_UNRELIABLE_MESSAGE_BYTES = MAX_UNRELIABLE_LANE_BYTES - 1

/** Cuts a message into frames for a reliable channel: one at least, also for an empty message. */
export function frameReliable(message: EncodedMessage): Uint8Array[] {
  const { bytes, text } = message
  const frames: Uint8Array[] = []
  let offset = 0
  do {
    const piece = bytes.subarray(offset, offset + MAX_PIECE_BYTES)
    offset += piece.length
    const frame = new Uint8Array(RELIABLE_HEADER_BYTES + piece.length)
    frame[0] = LANE_FLAG.reliable | (text ? LANE_FLAG.text : 0) | (offset >= bytes.length ? LANE_FLAG.last : 0)
    frame.set(piece, RELIABLE_HEADER_BYTES)
    frames.push(frame)
  } while (offset < bytes.length)
  return frames
}

/**
 * One frame for an unreliable channel. Its sequence is stamped when it leaves.
 * @param prefixBytes bytes left free in front, for the packet kind of the state channel
 * @throws InvariantError when the message does not fit one datagram
 */
export function frameUnreliable(message: EncodedMessage, prefixBytes: number, place: string): Uint8Array {
  const { bytes, text } = message
  const limitBytes = MAX_UNRELIABLE_LANE_BYTES - prefixBytes
  invariant(
    bytes.length <= limitBytes,
    `${place}: ${bytes.length} bytes are over the ${limitBytes} of an unreliable message; send less, or reliably`,
  )
  const frame = new Uint8Array(prefixBytes + UNRELIABLE_HEADER_BYTES + bytes.length)
  frame[prefixBytes] = LANE_FLAG.last | (text ? LANE_FLAG.text : 0)
  frame.set(bytes, prefixBytes + UNRELIABLE_HEADER_BYTES)
  return frame
}

/** Writes the sequence into an unreliable frame. */
export function stampSequence(frame: Uint8Array, prefixBytes: number, sequence: number): void {
  frame[prefixBytes + 1] = sequence & 0xff
  frame[prefixBytes + 2] = (sequence >>> 8) & 0xff
}

/** The flags of a received frame, or -1 when it is malformed. */
export function laneFlags(frame: Uint8Array, prefixBytes: number): number {
  const flags = frame[prefixBytes]
  if (flags === undefined || (flags & ~ALL_FLAGS) !== 0) return -1
  if ((flags & LANE_FLAG.reliable) !== 0) return flags
  // Unreliable messages are never cut, and always carry their sequence.
  const isWhole = (flags & LANE_FLAG.last) !== 0 && frame.length >= prefixBytes + UNRELIABLE_HEADER_BYTES
  return isWhole ? flags : -1
}

/** The sequence of an unreliable frame whose flags were found good. */
export function laneSequence(frame: Uint8Array, prefixBytes: number): number {
  return frame[prefixBytes + 1]! | (frame[prefixBytes + 2]! << 8)
}

/** The message, or piece of one, that a frame with these flags carries; a view, not a copy. */
export function lanePayload(frame: Uint8Array, prefixBytes: number, flags: number): Uint8Array {
  const headerBytes = (flags & LANE_FLAG.reliable) !== 0 ? RELIABLE_HEADER_BYTES : UNRELIABLE_HEADER_BYTES
  return frame.subarray(prefixBytes + headerBytes)
}
