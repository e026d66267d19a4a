/**
 * Which peer has which slot: by the rosters that count, and, for those who were away, by what was or what they say.
 *
 * Invariant: reads only; nobody is taken for a member by its own word.
 */
import type { ControlBody } from '@baton/schemas'
import type { Link } from '../peers/link.ts'
import { memberOf, memberOfSlot } from '../peers/roster.ts'
import type { Room } from '../room.ts'
import type { PeerId } from '../transport/transport.ts'

type RosterBody = Extract<ControlBody, { type: 'Roster' }>

/** The slot of a peer, by any roster that counts: a newcomer's may not be committed here yet. */
export function slotOf(room: Room, id: PeerId): number | undefined {
  const known = memberOf(room.roster, id)
  return known === undefined ? pendingMember(room, (member) => member.peer === id)?.slot : known.slot
}

/** The peer at a slot, by any roster that counts; else whoever says that it was given this one. */
export function peerOfSlot(room: Room, slot: number): PeerId | undefined {
  const known = memberOfSlot(room.roster, slot) ?? pendingMember(room, (member) => member.slot === slot)
  if (known !== undefined) return known.peer
  for (const link of room.links.values()) if (claimedSlot(room, link) === slot) return link.id
  return undefined
}

/**
 * The slot of a peer that no roster here names: it left, or came when this peer was away. Only enough to give or
 * take what is committed. `undefined` for whoever is not of this session, or names another's slot.
 */
export function strangerSlot(room: Room, link: Link): number | undefined {
  const slot = claimedSlot(room, link)
  return slot === undefined || peerOfSlot(room, slot) !== link.id ? undefined : slot
}

function claimedSlot({ sessionTag }: Room, { hello, isExpelled, state }: Link): number | undefined {
  if (hello === undefined || hello.slot === 0 || hello.sessionTag !== sessionTag) return undefined
  return isExpelled || state !== 'up' ? undefined : hello.slot
}

function pendingMember(room: Room, is: (member: RosterBody['members'][number]) => boolean) {
  for (const entry of room.machine?.log.pendingRosters ?? []) {
    const member = (entry.body as RosterBody).members.find(is)
    if (member !== undefined) return member
  }
  return undefined
}
