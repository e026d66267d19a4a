/**
 * The members of the room in order of succession, as one immutable value.
 *
 * Invariant: the first member is the host; slots are unique, and `nextSlot` is above every slot that
 * was ever given, so that none is given twice.
 */
import type { Member, Roster as RosterBody } from '@baton/schemas'
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
}

export interface Roster {
  readonly term: number
  /** The slot of the next member to come. */
  readonly nextSlot: number
  readonly members: readonly RosterEntry[]
}

export function memberOf(roster: Roster | undefined, peer: PeerId): RosterEntry | undefined {
  return roster?.members.find((member) => member.peer === peer)
}

export function withMember(roster: Roster, entry: RosterEntry): Roster {
  const nextSlot = Math.max(roster.nextSlot, entry.slot + 1)
  return { term: roster.term, nextSlot, members: [...roster.members, entry] }
}

export function withoutMember(roster: Roster, peer: PeerId): Roster {
  return { ...roster, members: roster.members.filter((member) => member.peer !== peer) }
}

export function rosterBody(roster: Roster): { type: 'Roster' } & RosterBody {
  const members = roster.members.map(
    ({ slot, peer, displayName }): Member => ({ slot, peer, displayName, voter: true, canHost: true }),
  )
  return { type: 'Roster', nextSlot: roster.nextSlot, members, former: [], tick: 0 }
}

/** Reads a roster from the wire. @returns what is wrong with it instead, when something is */
export function readRoster(body: RosterBody, term: number, sender: PeerId): Roster | string {
  const slots = new Set<number>()
  const peers = new Set<PeerId>()
  const members: RosterEntry[] = []
  for (const { slot, peer, displayName } of body.members) {
    if (slot < 1 || slot > MAX_SLOT || slot >= body.nextSlot) return `slot ${slot} of ${body.nextSlot}`
    if (peer.length === 0 || peer.length > MAX_PEER_ID_BYTES) return `peer id of ${peer.length} characters`
    if (slots.has(slot) || peers.has(peer)) return `slot ${slot} or its peer is there twice`
    slots.add(slot)
    peers.add(peer)
    members.push({ slot, peer, displayName: cleanName(displayName) })
  }
  if (members.length > MAX_CAPACITY) return `${members.length} members`
  if (members[0]?.peer !== sender) return 'its first member is not its sender'
  if (term === 0) return 'term 0'
  return { term, nextSlot: body.nextSlot, members }
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
