/**
 * A guest hears what a host says to its hello.
 *
 * Invariant: only the host this peer follows, or the one it asked to be let back in, can end its stay.
 */
import type { Refuse } from '@baton/schemas'
import { NetworkError, type ErrorCode } from '../errors.ts'
import { breach } from '../peers/dismissal.ts'
import type { Link } from '../peers/link.ts'
import { memberOf } from '../peers/roster.ts'
import { endRoom, isHost, type Room } from '../room.ts'
import { MAX_REASON_LENGTH } from './hello.ts'

/** What a host may refuse with; anything else it says counts as a room that closed. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  'lobby/room-full',
  'peer/protocol-breach',
  'peer/slow',
  'peer/timeout',
  'protocol/version-mismatch',
  'protocol/hash-mismatch',
])

/** Takes an answer to this peer's hello. */
export function takeAnswer(room: Room, link: Link, term: number, body: NonNullable<Link['answer']>['body']): void {
  if (room.state === 'joining') {
    link.answer = { term, body }
    return
  }
  if (term < room.term) return
  const isFromHost = link.id === room.host?.id
  if (!isFromHost && (term === room.term || memberOf(room.roster, link.id) === undefined)) {
    return breach(room, link, `${body.type} from a peer that is not the host`)
  }
  link.answer = { term, body }
  applyAnswer(room, link)
}

/** Joined: acts on what a host said, as soon as it is the one this peer follows. */
export function applyAnswer(room: Room, link: Link): void {
  const { answer } = link
  if (answer === undefined || answer.term < room.term || isHost(room)) return
  const isAsked = room.machine?.strangers?.slot === memberOf(room.roster, link.id)?.slot
  if (answer.body.type === 'Refuse') {
    if (link.id === room.host?.id || isAsked) endRoom(room, refusal(answer.body))
  }
}

export function refusal(body: Refuse): NetworkError {
  const isKnown = REFUSALS.has(body.code)
  // eslint-disable-next-line no-control-regex
  const message = body.message.slice(0, MAX_REASON_LENGTH).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return new NetworkError(isKnown ? (body.code as ErrorCode) : 'network/closed', message)
}
