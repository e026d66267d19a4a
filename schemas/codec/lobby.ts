/**
 * Entry `@baton/schemas/lobby`: what peers and the lobby say to one another, as bytes and as JSON text.
 *
 * Invariant: both forms carry the same messages; what one form can say, the other can.
 */
import { lobbyLayout, type LobbyMessage } from '../generated/lobby.layout.ts'
import { decodeMessage } from './decode.ts'
import { encodeMessage } from './encode.ts'
import type { Decoded } from './layout.ts'

export type * from '../generated/lobby.layout.ts'
export type { Decoded } from './layout.ts'
export { MAX_LOBBY_TEXT_BYTES, decodeLobbyText, encodeLobbyText } from './json.ts'

/** Upper bound of one lobby message in bytes; longer ones are neither sent nor read. */
export const MAX_LOBBY_BYTES = 16_384

/**
 * One lobby message as bytes, for a binary frame.
 * @returns the caller's own array, sized exactly
 * @throws RangeError when a value does not fit its field or the message exceeds `MAX_LOBBY_BYTES`, which
 *   a relay that stamps the sender's id must expect of the longest messages it gets
 */
export function encodeLobby(message: LobbyMessage): Uint8Array<ArrayBuffer> {
  return encodeMessage(lobbyLayout, message)
}

/**
 * Verifies and reads one lobby message from a binary frame.
 * @param bytes borrowed; the result shares no memory with them
 */
export function decodeLobby(bytes: Uint8Array): Decoded<LobbyMessage> {
  return decodeMessage(lobbyLayout, bytes)
}
