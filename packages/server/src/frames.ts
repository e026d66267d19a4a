/**
 * One message on its way to several sockets.
 *
 * Place in the house: between `lobby.ts` and the lobby's codec.
 * Invariant: it is encoded at most once per encoding, and only when somebody wants that one.
 */
import { encodeLobby, encodeLobbyText } from '@baton/schemas/lobby'
import type { LobbyBody } from '@baton/schemas/lobby'

export interface Frames {
  text(): string
  bytes(): Uint8Array
  /** Whether the message is short enough, as text, as bytes, or as both when not said. */
  fit(asText?: boolean): boolean
}

export function createFrames(body: LobbyBody): Frames {
  let text: string | undefined
  let bytes: Uint8Array | undefined
  const frames: Frames = {
    text: () => (text ??= encodeLobbyText({ body })),
    bytes: () => (bytes ??= encodeLobby({ body })),
    fit(asText) {
      try {
        if (asText !== false) frames.text()
        if (asText !== true) frames.bytes()
        return true
      } catch (error) {
        // The codec's word for "over the limit"; anything else is a bug of ours.
        if (error instanceof RangeError) return false
        throw error
      }
    },
  }
  return frames
}
