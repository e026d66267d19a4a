/**
 * Keeps the members of the room equal to its roster, on every peer at the same place of the log.
 *
 * Invariant: a member enters once and exits once, and nothing of it is handed on outside of that.
 */
import { Peer, type PeerState } from '../peers/peer.ts'
import { memberOf, memberOfSlot, type Roster, type RosterEntry } from '../peers/roster.ts'
import { linkTo, pushChange, type Room } from '../room.ts'
import { applyAnswer } from './answer.ts'
import { considerReady, sendStanding } from './hello.ts'
import type { HostTurn } from './machine.ts'
import type { PeerId } from '../transport/transport.ts'

function enter(room: Room, entry: RosterEntry): void {
  const { peer: id, slot, displayName } = entry
  const link = linkTo(room, id)
  const linked = link.state === 'up'
  const state: PeerState = {
    id,
    isLocal: false,
    slot,
    displayName,
    isHost: false,
    canHost: entry.voter && entry.canHost,
    linked,
  }
  const peer = new Peer(state, room.door)
  room.states.set(id, state)
  room.peerObjects.set(id, peer)
  room.events.push({ kind: 'peerentered', peer })
  pushChange(room, 'entered', peer)
  if (linked) pushChange(room, 'linked', peer)
  // The last host let it in, and the roster was committed only in this host's reign: all hellos have been said.
  considerReady(room, link)
}

function exit(room: Room, id: PeerId): void {
  const peer = room.peerObjects.get(id)
  if (peer === undefined || peer.isLocal) return
  if (peer.linked) pushChange(room, 'unlinked', peer)
  room.states.delete(id)
  room.left.delete(id)
  room.peerObjects.delete(id)
  const link = room.links.get(id)
  // Should it come back in this very reign, the pair is to be found ready again.
  if (link !== undefined) link.readyTerm = 0
  if (link?.state !== 'up') room.links.delete(id)
  room.events.push({ kind: 'peerexited', peer })
  pushChange(room, 'exited', peer)
}

/** Puts a roster in force: members enter and exit by it. Before this peer has joined it only stands by. */
export function setRoster(room: Room, roster: Roster): void {
  room.roster = roster
  if (room.state !== 'joined') return
  const listed = new Set(roster.members.map((member) => member.peer))
  for (const id of [...room.peerObjects.keys()]) if (!listed.has(id)) exit(room, id)
  for (const entry of roster.members) {
    const link = room.links.get(entry.peer)
    if (link !== undefined) link.hasAsked = false
    const state = room.states.get(entry.peer)
    if (state === undefined) enter(room, entry)
    else {
      state.slot = entry.slot
      state.displayName = entry.displayName
      state.canHost = entry.voter && entry.canHost
    }
  }
  room.peers = roster.members
    .map((member) => room.peerObjects.get(member.peer))
    .filter((peer): peer is Peer => peer !== undefined && !peer.isLocal)
}

/** From here on another host speaks for the room, or this peer does. @returns false where no member here has its slot */
export function settleHost(room: Room, turn: HostTurn): boolean {
  const { machine, term } = room
  const id = memberOfSlot(room.roster, turn.slot)?.peer
  const host = id === undefined ? undefined : room.peerObjects.get(id)
  if (machine === undefined || host === undefined) return false
  const isFirst = term === 0
  room.term = machine.term
  room.unsettledSinceMs = undefined
  for (const state of room.states.values()) state.isHost = state.id === host.id
  room.host = host
  const { reason, gapMs } = turn
  if (!isFirst) room.events.push({ kind: 'hostchanged', host, change: { term: turn.term, reason, gapMs } })
  pushChange(room, 'hostchanged', host)
  const link = room.links.get(host.id)
  if (link === undefined) return true
  sendStanding(room)
  considerReady(room, link)
  applyAnswer(room, link)
  return true
}

/** Joins with the roster given: this peer is a member from here on. */
export function join(room: Room, roster: Roster): void {
  room.state = 'joined'
  room.localState.slot = memberOf(roster, room.transport.local)?.slot ?? 0
  room.events.push({ kind: 'joined' })
  setRoster(room, roster)
}
