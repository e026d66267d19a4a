/**
 * The host's coming and going: founding a room, taking it over, following whoever does.
 *
 * Invariant: a peer hosts only as founder, or as the first of its roster after it has lost everyone
 * before it.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import { NetworkError } from '../errors.ts'
import type { Link } from '../peers/link.ts'
import { memberOf, readRoster, withMember, withoutMember, type Roster } from '../peers/roster.ts'
import { breach } from '../peers/dismissal.ts'
import { endRoom, isHost, linkTo, pushChange, type Room } from '../room.ts'
import type { PeerId } from '../transport/transport.ts'
import { answerHello, applyAnswer, GRACE_MS, sendHello, settleJoin } from './handshake.ts'
import { join, setRoster, settleHost } from './membership.ts'
import { isFirst, judgeRoster, SLOT_GAP, succeed, takeOver } from './succession.ts'

const FIRST_TERM = 1
const FIRST_SLOT = 1

/**
 * Joining: founds the room when this peer is the lobby's first and nobody there is in one. Those who
 * are may be between two hosts, so their silence about who hosts proves nothing.
 */
export function considerFounding(room: Room): void {
  if (room.state !== 'joining' || !isFirst(room.lobbyMembers, room.transport.local)) return
  for (const link of room.links.values()) if (link.state === 'up' && link.term > 0) return
  if (room.lobbyMembers.length > 1 && room.nowMs - room.lobbySinceMs < GRACE_MS) return
  room.sessionTag = room.options.random() >>> 0
  room.clock.start(room.nowMs, room.options.startTick)
  const empty: Roster = { term: FIRST_TERM, nextSlot: FIRST_SLOT, members: [] }
  const { displayName } = room.options
  join(room, withMember(empty, { peer: room.transport.local, slot: FIRST_SLOT, displayName }))
  answerAll(room)
}

function answerAll(room: Room): void {
  for (const link of [...room.links.values()]) if (isHost(room)) answerHello(room, link)
}

/** Members whose link has ended, and those whose link never came up in the time a silent one is given. */
function isGone(room: Room): (peer: PeerId) => boolean {
  return (peer) => {
    const link = peer === room.transport.local ? undefined : room.links.get(peer)
    if (link === undefined) return false
    const hasWaited = room.nowMs - link.sinceMs > room.options.peerTimeoutMs
    return link.state === 'down' || (link.state === 'pending' && hasWaited)
  }
}

/** Between two hosts: the next one may turn out to be out of reach as well. A host drops such members. */
export function passOver(room: Room): void {
  const { roster } = room
  if (room.state !== 'joined' || roster === undefined) return
  const gone = isGone(room)
  if (isHost(room)) {
    for (const { peer } of roster.members) if (gone(peer)) memberGone(room, peer)
  } else if (room.host === undefined && gone(roster.members[0]!.peer)) loseHost(room, roster)
}

/** A link has ended. @returns nothing; what follows is in the room's events */
export function memberGone(room: Room, id: PeerId): void {
  const { roster } = room
  if (room.state !== 'joined' || roster === undefined) return
  const peer = room.peerObjects.get(id)
  const state = room.states.get(id)
  if (peer !== undefined && state !== undefined && state.linked) {
    state.linked = false
    pushChange(room, 'unlinked', peer)
  }
  if (isHost(room)) {
    if (memberOf(roster, id) === undefined) return
    setRoster(room, withoutMember(roster, id))
    room.isRosterDirty = true
  } else if (roster.members[0]?.peer === id) loseHost(room, roster)
}

function loseHost(room: Room, roster: Roster): void {
  room.host = undefined
  room.unsettledSinceMs = room.nowMs
  for (const state of room.states.values()) state.isHost = false
  const rest = succeed(roster, isGone(room))
  setRoster(room, rest)
  const next = rest.members[0]!.peer
  if (next === room.transport.local) return reign(room, rest)
  const link = linkTo(room, next)
  // The next host may not know this peer yet, when the last one died in between.
  if (link.state === 'up') sendHello(room, link)
  if (link.nextRoster !== undefined) takeRoster(room, link, link.nextRoster.term, link.nextRoster.body)
  applyAnswer(room, link)
}

function reign(room: Room, rest: Roster): void {
  room.readmit = { from: rest.nextSlot, to: rest.nextSlot + SLOT_GAP }
  room.clock.release(room.nowMs)
  setRoster(room, takeOver(rest, isGone(room)))
  settleHost(room, room.local)
  room.isRosterDirty = true
  answerAll(room)
}

/** Takes a roster from a peer: at once from the host this one follows, later from one that may become it. */
export function takeRoster(room: Room, link: Link, term: number, body: RosterBody): void {
  if (room.state === 'joining') {
    link.nextRoster = { term, body }
    return settleJoin(room)
  }
  if (room.roster === undefined) return
  const incoming = readRoster(body, term, link.id)
  if (typeof incoming === 'string') return breach(room, link, `roster: ${incoming}`)
  const verdict = judgeRoster(room.roster, incoming, link.id)
  if (verdict === 'foreign') return breach(room, link, 'a roster from a peer that is not the host')
  if (verdict === 'remember') {
    link.nextRoster = { term, body }
    return
  }
  link.nextRoster = undefined
  if (verdict === 'stale') return
  follow(room, link, incoming)
}

function follow(room: Room, link: Link, incoming: Roster): void {
  const own = memberOf(incoming, room.transport.local)
  if (own?.slot !== room.localState.slot) {
    // A new host may not know what the last one gave this peer: the hello that says so is on its way.
    if (room.host === undefined) return
    return endRoom(
      room,
      new NetworkError('network/closed', 'network: the host took this peer out of the room; join again'),
    )
  }
  const host = room.peerObjects.get(link.id)
  if (host === undefined) return
  setRoster(room, incoming)
  settleHost(room, host)
  applyAnswer(room, link)
}

/** A link came up: the peers say who they are, and a member that was out of reach is so no more. */
export function linkUp(room: Room, link: Link): void {
  sendHello(room, link)
  const peer = room.peerObjects.get(link.id)
  const state = room.states.get(link.id)
  if (room.state !== 'joined' || peer === undefined || state === undefined || state.linked) return
  state.linked = true
  pushChange(room, 'linked', peer)
}
