/**
 * Lets go of peers that break the rules or cannot keep up.
 *
 * Invariant: a dismissal is decided once; what the peer says after that is not heard.
 */
import { NetworkError } from '../errors.ts'
import { pushError, type Room } from '../room.ts'
import type { Link } from './link.ts'

/** Bad messages of one peer before it is disconnected; one is forgiven per second. */
export const BREACH_LIMIT = 32

/** Lets go of a peer that does not take what it must be sent. */
export function giveUpOn(room: Room, link: Link, why: string): void {
  dismiss(room, link, new NetworkError('peer/slow', `network: ${link.id} is too slow, ${why}; it was disconnected`))
}

/** Decides that a peer has to go; it goes with the next check of the links. @param error told to the game, once */
export function dismiss(room: Room, link: Link, error: NetworkError): void {
  if (link.dismissal !== undefined) return
  link.dismissal = { code: error.code, message: error.message }
  pushError(room, error)
}

/** Counts a message that no honest peer sends. Over the limit the peer is disconnected. */
export function breach(room: Room, link: Link, reason: string): void {
  room.counters.breaches++
  const elapsedSeconds = Math.max(0, room.nowMs - link.breachMs) / 1_000
  link.breachLevel = Math.max(0, link.breachLevel - elapsedSeconds) + 1
  link.breachMs = room.nowMs
  if (link.breachLevel < BREACH_LIMIT || link.dismissal !== undefined) return
  room.counters.disconnectedForBreach++
  const message = `network: ${link.id} sent too many bad messages, last: ${reason}; it was disconnected`
  dismiss(room, link, new NetworkError('peer/protocol-breach', message))
}
