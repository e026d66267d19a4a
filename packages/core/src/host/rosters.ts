/**
 * Who ought to be in: the host compares the roster with what it sees of its peers, and writes a new one
 * when they differ.
 *
 * Invariant: one roster at a time is on its way to a quorum (HM11), and a slot is never given to two peers.
 */
import type { ControlBody } from '@baton/schemas'
import type { Link } from '../peers/link.ts'
import { memberOf, rosterBody, MAX_SLOT, type Roster, type RosterEntry } from '../peers/roster.ts'
import { isHost, type Room } from '../room.ts'
import type { PeerId } from '../transport/transport.ts'
import { isActing } from './council.ts'
import type { HostMachine } from './machine.ts'
import { MAX_FORMER, MAX_VOTERS, voterCount } from './quorum.ts'
import { appendEntry, sendBase } from './reign.ts'
import { judgeHello, welcome } from './hello.ts'

/** A voter must keep up: a learner becomes one once its acks are this young, in shares of the lease. */
const KEEPING_UP_SHARE = 0.5
/** Entries a learner may lack when it becomes a voter. */
const KEEPING_UP_ENTRIES = 64

/** Host: once per frame. */
export function considerRoster(room: Room): void {
  const { machine, roster } = room
  if (machine === undefined || roster === undefined || !isHost(room) || !isActing(machine)) return
  if (machine.log.pendingRosters.length > 0) return
  const next = promoted(room, machine, joined(room, remaining(room, roster)))
  if (isSame(roster, next)) return
  const body: ControlBody = rosterBody({ ...next, tick: room.clock.tick(room.nowMs) })
  appendEntry(machine, body, 0)
}

/** Members whose link has ended, and those whose link never came up in the time a silent one is given. */
export function isGone(room: Room, peer: PeerId): boolean {
  if (peer === room.transport.local) return false
  const link = room.links.get(peer)
  if (link === undefined) return true
  const hasWaited = room.nowMs - link.sinceMs > room.options.peerTimeoutMs
  return link.state === 'down' || link.isExpelled || (link.state === 'pending' && hasWaited)
}

function remaining(room: Room, roster: Roster): Roster {
  const gone = roster.members.filter((member) => isGone(room, member.peer))
  if (gone.length === 0) return roster
  return {
    ...roster,
    members: roster.members.filter((member) => !gone.includes(member)),
    former: [...gone, ...roster.former].slice(0, MAX_FORMER),
  }
}

function joined(room: Room, roster: Roster): Roster {
  let next = roster
  for (const link of room.links.values()) {
    if (memberOf(next, link.id) !== undefined || link.state !== 'up' || link.isExpelled) continue
    const place = judgeHello(room, link, next)
    if (place === undefined || place.slot > MAX_SLOT) continue
    next = {
      ...next,
      nextSlot: Math.max(next.nextSlot, place.slot + 1),
      members: [...next.members, place],
      former: next.former.filter((member) => member.slot !== place.slot),
    }
  }
  return next
}

/** Voters first, in order of succession: those in sight, then those hidden; each as they came. */
function promoted(room: Room, machine: HostMachine, roster: Roster): Roster {
  if (roster.members[0]?.peer !== room.transport.local) return roster
  let spare = MAX_VOTERS - voterCount(roster)
  // Whoever lags would not know whom it is asked to vote for: first it catches up, or is gone.
  for (const { peer, slot, voter } of roster.members) {
    if (voter && peer !== room.transport.local && !keepsUp(room, machine, peer, slot)) spare = 0
  }
  const inSight: RosterEntry[] = []
  const hidden: RosterEntry[] = []
  const learners: RosterEntry[] = []
  for (const member of roster.members) {
    const { peer, slot } = member
    const isChosen = !member.voter && spare > 0 && keepsUp(room, machine, peer, slot)
    if (isChosen) spare--
    const voter = member.voter || isChosen
    const list = !voter ? learners : isHidden(room, peer) ? hidden : inSight
    list.push(withRights(member, voter, mayHost(room, member)))
  }
  return { ...roster, members: [...inSight, ...hidden, ...learners] }
}

/** Not this host's own page: that is for the hand-over to judge. */
function isHidden(room: Room, peer: PeerId): boolean {
  return room.links.get(peer)?.standing?.hidden ?? false
}

function mayHost(room: Room, { peer, canHost }: RosterEntry): boolean {
  if (peer === room.transport.local) return room.options.canHost
  return room.links.get(peer)?.standing?.canHost ?? canHost
}

function withRights(member: RosterEntry, voter: boolean, canHost: boolean): RosterEntry {
  return member.voter === voter && member.canHost === canHost ? member : { ...member, voter, canHost }
}

function keepsUp(room: Room, machine: HostMachine, peer: PeerId, slot: number): boolean {
  const { acked, held } = machine.reign!
  const ack = acked.get(slot)
  if (ack === undefined || room.links.get(peer)?.standing === undefined) return false
  const isFresh = machine.nowMs - ack.monoMs < KEEPING_UP_SHARE * machine.leaseMs
  return isFresh && (held.get(slot) ?? 0) + KEEPING_UP_ENTRIES >= machine.log.commit
}

function isSame(a: Roster, b: Roster): boolean {
  return (
    a.members.length === b.members.length &&
    a.members.every((one, at) => {
      const other = b.members[at]!
      return one.slot === other.slot && one.voter === other.voter && one.canHost === other.canHost
    })
  )
}

/** Host: a roster is committed. Whoever is new in it is told, and given a log to begin with. */
export function admitted(room: Room): void {
  const { machine, roster } = room
  if (machine?.reign === undefined || roster === undefined || !isHost(room)) return
  for (const member of roster.members) {
    const link = room.links.get(member.peer)
    if (link === undefined || !isWaiting(machine, link, member)) continue
    link.isWaiting = false
    sendBase(machine, member.slot)
    welcome(room, link)
  }
}

function isWaiting(machine: HostMachine, link: Link, member: RosterEntry): boolean {
  return member.slot !== machine.self && link.isWaiting && link.state === 'up'
}
