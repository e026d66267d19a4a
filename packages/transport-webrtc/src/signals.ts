/**
 * Between what a connection signals and what the lobby carries.
 *
 * Invariant: a description that is accepted describes a data connection and nothing else.
 */
import type { PeerId } from '@baton/core'
import type { LobbyBody } from '@baton/schemas/lobby'
import type { Signal } from './peer-connection.ts'

/** A data channel's description has a few hundred bytes, with candidates a few thousand. */
const MAX_SDP_CHARACTERS = 16_384

/** What a connection wants its far end to hear, as the lobby carries it. */
export function toLobbyBody(toId: PeerId, attempt: number, signal: Signal): LobbyBody {
  if (signal.kind === 'candidate') {
    const { candidate, sdpMid, sdpMLineIndex } = signal
    return { type: 'Candidate', toId, attempt, candidate, sdpMid, sdpMLineIndex }
  }
  return { type: signal.kind === 'offer' ? 'Offer' : 'Answer', toId, attempt, sdp: signal.sdp }
}

/** One application section and nothing else: a description with media would make this side open media too. */
export function isDataOnly(sdp: string): boolean {
  if (sdp.length > MAX_SDP_CHARACTERS) return false
  const sections = sdp.match(/^m=\w+/gm)
  return sections?.length === 1 && sections[0] === 'm=application'
}
