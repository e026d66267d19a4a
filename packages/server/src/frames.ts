/**
 * One message on its way to several sockets.
 *
 * Place in the house: between `lobby.ts` and the lobby's codec.
 * Invariant: it is encoded at most once per encoding, and only when somebody wants that one.
 */
import { invariant } from '@baton/core'
import { encodeLobby, encodeLobbyText } from '@baton/schemas/lobby'
import type { IceServer, LobbyBody } from '@baton/schemas/lobby'
import type { LobbyLimits } from './limits.ts'

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

/**
 * Every answer must fit a frame; the longest one goes to the last member of a full room.
 * @throws InvariantError when it does not
 */
export function checkLargestAnswer(limits: LobbyLimits, iceServers: readonly IceServer[]): void {
  const id = '-'.repeat(16)
  const members = Array.from({ length: limits.maxCapacity }, () => id)
  const frames = createFrames({ type: 'SelfConnected', id, room: '-'.repeat(64), members, iceServers })
  invariant(
    frames.fit(),
    `Lobby: ${limits.maxCapacity} members and ${iceServers.length} ICE servers do not fit one message; lower limits.maxCapacity or give fewer servers`,
  )
}
