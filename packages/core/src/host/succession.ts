/**
 * Who hosts: pure functions over rosters. This is the simple form, by order of the roster; terms with
 * votes and leases will replace these functions and nothing else.
 *
 * Invariant: peers that hold the same roster and have lost the same members name the same host in the
 * same term.
 */
import { memberOf, type Roster } from '../peers/roster.ts'
import type { PeerId } from '../transport/transport.ts'

/** Slots left free at a change of host: the old host may have given them without the new one hearing of it. */
export const SLOT_GAP = 16

/** True when this peer is the lobby's first and so founds the room, if nobody hosts it already. */
export function isFirst(lobbyMembers: readonly PeerId[], local: PeerId): boolean {
  return lobbyMembers[0] === local
}

/**
 * The roster after the loss of its host: without it, and without the members after it that are gone
 * as well. Each of them would have been host for a term, whether or not it got to say so; counting
 * them all keeps two successors from using one term.
 */
export function succeed(roster: Roster, isGone: (peer: PeerId) => boolean): Roster {
  let lost = 1
  while (lost < roster.members.length && isGone(roster.members[lost]!.peer)) lost++
  return { ...roster, term: roster.term + lost, members: roster.members.slice(lost) }
}

/** The roster a new host begins its term with: those it can reach, and slots nobody can have been given. */
export function takeOver(roster: Roster, isGone: (peer: PeerId) => boolean): Roster {
  const members = roster.members.filter((member, index) => index === 0 || !isGone(member.peer))
  return { ...roster, nextSlot: roster.nextSlot + SLOT_GAP, members }
}

/**
 * What to do with a roster from `sender`.
 * `accept`: it comes from the host this peer follows. `remember`: its sender may be the host before
 * this peer has seen the last one go. `stale`: from a term that is over. `foreign`: not a member's to send.
 */
export function judgeRoster(
  current: Roster,
  incoming: Roster,
  sender: PeerId,
): 'accept' | 'remember' | 'stale' | 'foreign' {
  // The last words of a host that is gone may come late.
  if (incoming.term < current.term) return 'stale'
  if (current.members[0]?.peer === sender) return 'accept'
  if (memberOf(current, sender) === undefined || incoming.term === current.term) return 'foreign'
  return 'remember'
}
