/**
 * The members of the room in order of succession, as one immutable value.
 *
 * Invariant: the first member is the host; slots are unique, and `nextSlot` is above every slot that
 * was ever given, so that none is given twice.
 */
import type { Member, Roster as RosterBody } from '@baton/schemas'
import { MAX_VOTERS } from '../host/quorum.ts'
import type { PeerId } from '../transport/transport.ts'

/** The network id of an entity has 12 bits for the slot of who spawned it. 0 is nobody. */
export const MAX_SLOT = 4_095
/** A roster must fit one control message. */
export const MAX_CAPACITY = 96
export const MAX_DISPLAY_NAME_BYTES = 48
const MAX_PEER_ID_BYTES = 64

export interface RosterEntry {
  readonly peer: PeerId
  readonly slot: number
  readonly displayName: string
  /** Counts toward quorums. */
  readonly voter: boolean
  readonly canHost: boolean
}

export interface Roster {
  /** The slot of the next member to come. */
  readonly nextSlot: number
  /** Voters first, each kind in order of succession. */
  readonly members: readonly RosterEntry[]
  /** Who left of late, and gets its slot again when it comes back. */
  readonly former: readonly RosterEntry[]
  /** When it was written. */
  readonly tick: number
}

export function memberOf(roster: Roster | undefined, peer: PeerId): RosterEntry | undefined {
  return roster?.members.find((member) => member.peer === peer)
}

export function memberOfSlot(roster: Roster | undefined, slot: number): RosterEntry | undefined {
  return roster?.members.find((member) => member.slot === slot)
}

export function rosterBody(roster: Roster): { type: 'Roster' } & RosterBody {
  const { nextSlot, members, former, tick } = roster
  return { type: 'Roster', nextSlot, members: members.map(writeEntry), former: former.map(writeEntry), tick }
}

function writeEntry({ peer, slot, displayName, voter, canHost }: RosterEntry): Member {
  return { slot, peer, displayName, voter, canHost }
}

/** Reads a roster from the wire. @returns what is wrong with it instead, when something is */
export function parseRoster(body: RosterBody): Roster | string {
  const slots = new Set<number>()
  const peers = new Set<PeerId>()
  const members: RosterEntry[] = []
  const former: RosterEntry[] = []
  for (const one of body.members) {
    const { slot, peer } = one
    const fault = entryFault(one, body.nextSlot)
    if (fault !== undefined) return fault
    if (slots.has(slot) || peers.has(peer)) return `slot ${slot} or its peer is there twice`
    slots.add(slot)
    peers.add(peer)
    members.push(readEntry(one))
  }
  for (const one of body.former) {
    const fault = entryFault(one, body.nextSlot)
    if (fault !== undefined) return fault
    former.push(readEntry(one))
  }
  if (members.length === 0 || members.length > MAX_CAPACITY) return `${members.length} members`
  if (former.length > MAX_CAPACITY) return `${former.length} former members`
  if (members.filter((member) => member.voter).length > MAX_VOTERS) return 'too many voters'
  if (!members[0]!.voter) return 'its first member does not vote'
  return { nextSlot: body.nextSlot, members, former, tick: body.tick }
}

function entryFault({ slot, peer }: Member, nextSlot: number): string | undefined {
  if (slot < 1 || slot > MAX_SLOT || slot >= nextSlot) return `slot ${slot} of ${nextSlot}`
  if (peer.length === 0 || peer.length > MAX_PEER_ID_BYTES) return `peer id of ${peer.length} characters`
  return undefined
}

function readEntry({ slot, peer, displayName, voter, canHost }: Member): RosterEntry {
  return { slot, peer, displayName: cleanName(displayName), voter, canHost }
}

const encoder = new TextEncoder()

/** Shortens a name to its limit without cutting a character in two, and takes line breaks out. */
export function cleanName(name: string | undefined): string {
  if (name === undefined) return ''
  let clean = ''
  let sizeBytes = 0
  for (const character of name) {
    const code = character.codePointAt(0)!
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) continue
    sizeBytes += encoder.encode(character).length
    if (sizeBytes > MAX_DISPLAY_NAME_BYTES) break
    clean += character
  }
  return clean
}
