/**
 * Passes offers, answers, candidates and requests from one member of a room to another.
 *
 * Place in the house: pure, under `lobby.ts`.
 * Invariant: what comes out goes to a member of the sender's own room and names the true sender,
 * whatever the message said; a session description is opaque text of bounded length.
 */
import type { LobbyBody } from '@baton/schemas/lobby'
import { createBucket, ID_MAX_CHARACTERS, take } from './limits.ts'
import type { LobbyLimits } from './limits.ts'
import { refuse } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import type { Member, Pair } from './rooms.ts'

export type SignalBody = Extract<LobbyBody, { type: 'Offer' | 'Answer' | 'Candidate' | 'ConnectRequest' }>

export type RelayResult =
  | { readonly to: Member; readonly body: SignalBody }
  /** Nobody of that id in the room: he may just have left, so it is nobody's fault. */
  | { readonly to: undefined }
  | Refusal

/** Control characters except tab and line ends: no description has them, and JSON would blow each up to six. */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/

export function relaySignal(from: Member, body: SignalBody, limits: LobbyLimits, nowMs: number): RelayResult {
  const fault = findFault(body, limits)
  if (fault !== undefined) return fault
  const to = from.room.members.get(body.toId)
  if (to === undefined || to === from) return { to: undefined }

  const pair = pairOf(from, to, limits, nowMs)
  if (body.type === 'Candidate') {
    if (++pair.candidates > limits.candidatesPerPair) return refuse.candidates(limits)
  } else {
    pair.candidates = 0
    const affordable = take(pair.descriptions, 1, limits.descriptionBurst, limits.descriptionsPerSecond, nowMs)
    if (!affordable) return refuse.descriptions(limits)
  }
  return { to, body: stamp(body, from) }
}

function findFault(body: SignalBody, limits: LobbyLimits): Refusal | undefined {
  if (body.toId.length > ID_MAX_CHARACTERS) return refuse.signal(`toId has ${body.toId.length} characters`)
  if (body.type === 'ConnectRequest') return undefined
  const text = body.type === 'Candidate' ? body.candidate : body.sdp
  const limitBytes = body.type === 'Candidate' ? limits.candidateBytes : limits.sdpBytes
  // A UTF-16 unit is at least one byte, so the first test also bounds the work of the second.
  if (text.length > limitBytes || utf8Length(text) > limitBytes) return refuse.signalSize(body.type, limitBytes)
  if (UNPRINTABLE.test(text)) return refuse.signal(`${body.type} text holds control characters`)
  if (body.type === 'Candidate' && (body.sdpMid?.length ?? 0) > ID_MAX_CHARACTERS)
    return refuse.signal('sdpMid is too long')
  return undefined
}

/** The stamp is the whole of the authorization: `fromId` says who holds the socket, not what was claimed. */
function stamp(body: SignalBody, from: Member): SignalBody {
  return { ...body, fromId: from.id }
}

function pairOf(from: Member, to: Member, limits: LobbyLimits, nowMs: number): Pair {
  let pair = from.pairs.get(to.id)
  if (pair === undefined) {
    pair = { candidates: 0, descriptions: createBucket(limits.descriptionBurst, nowMs) }
    from.pairs.set(to.id, pair)
  }
  return pair
}

function utf8Length(text: string): number {
  let length = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff)) length += 2
    else if (unit >= 0x80) length += 1 // half of a pair: two units make four bytes
  }
  return length
}
