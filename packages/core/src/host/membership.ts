/**
 * Keeps the members of the room equal to its roster, on the host that writes it and the guests that
 * are sent it.
 *
 * Invariant: a member enters once and exits once, and nothing of it is handed on outside of that.
 */
import type { ControlBody } from '@baton/schemas'
import { Peer, type PeerState } from '../peers/peer.ts'
import { rosterBody, type Roster, type RosterEntry } from '../peers/roster.ts'
import { sendControl, sendEntry } from '../send-control.ts'
import { isHost, linkTo, pushChange, type Room } from '../room.ts'
import type { PeerId } from '../transport/transport.ts'

function enter(room: Room, entry: RosterEntry): void {
  const { peer: id, slot, displayName } = entry
  const link = linkTo(room, id)
  const linked = link.state === 'up'
  const state: PeerState = { id, isLocal: false, slot, displayName, isHost: false, linked }
  const peer = new Peer(state, room.door)
  room.states.set(id, state)
  room.peerObjects.set(id, peer)
  room.events.push({ kind: 'peerentered', peer })
  pushChange(room, 'entered', peer)
  if (linked) pushChange(room, 'linked', peer)
}

function exit(room: Room, id: PeerId): void {
  const peer = room.peerObjects.get(id)
  if (peer === undefined || peer.isLocal) return
  if (peer.linked) pushChange(room, 'unlinked', peer)
  room.states.delete(id)
  room.peerObjects.delete(id)
  if (room.links.get(id)?.state !== 'up') room.links.delete(id)
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
    const state = room.states.get(entry.peer)
    if (state === undefined) enter(room, entry)
    else {
      state.slot = entry.slot
      state.displayName = entry.displayName
    }
  }
  room.peers = roster.members
    .map((member) => room.peerObjects.get(member.peer))
    .filter((peer): peer is Peer => peer !== undefined && !peer.isLocal)
}

/** From here on `host` speaks for the room, in the roster's term. */
export function settleHost(room: Room, host: Peer): void {
  const isFirst = room.term === 0
  room.term = room.roster?.term ?? room.term
  if (room.host === host) return
  for (const state of room.states.values()) state.isHost = state.id === host.id
  room.host = host
  if (!isFirst) room.events.push({ kind: 'hostchanged', host, change: { term: room.term, reason: 'lost', gapMs: 0 } })
  pushChange(room, 'hostchanged', host)
}

/** Joins with the roster given: this peer is a member from here on. */
export function join(room: Room, roster: Roster): void {
  room.state = 'joined'
  const own = roster.members.find((member) => member.peer === room.transport.local)
  room.localState.slot = own?.slot ?? 0
  room.events.push({ kind: 'joined' })
  if (room.protocol !== undefined) room.logEvents.push({ kind: 'reset', index: 0 })
  setRoster(room, roster)
  const host = room.peerObjects.get(roster.members[0]!.peer)!
  settleHost(room, host)
}

/** Host: sends the roster to every member, if it has changed since the last time. */
export function publishRoster(room: Room): void {
  if (!room.isRosterDirty || room.roster === undefined) return
  room.isRosterDirty = false
  const body = rosterBody(room.roster)
  append(room, body, 0)
  for (const member of room.roster.members) {
    if (member.peer !== room.transport.local) sendControl(room, linkTo(room, member.peer), body)
  }
}

/** The simple form: what the host writes stands. */
export function append(room: Room, body: ControlBody, requester: number): number | undefined {
  if (!isHost(room)) return undefined
  const index = ++room.logLength
  const entry = { index, term: room.term, requester, body }
  for (const peer of room.peers) sendEntry(room, linkTo(room, peer.id), entry)
  if (room.protocol !== undefined) room.logEvents.push({ kind: 'appended', entry }, { kind: 'committed', entry })
  return index
}
