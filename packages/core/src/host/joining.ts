/**
 * How this peer comes into a room: it founds it, or a host lets it in and gives it a log to begin with.
 *
 * Invariant: a peer founds a room only when nobody it is linked to is in one.
 */
import type { LogBase, Welcome } from '@baton/schemas'
import { breach } from '../peers/dismissal.ts'
import type { Link } from '../peers/link.ts'
import { memberOf, parseRoster, rosterBody, type Roster } from '../peers/roster.ts'
import { endRoom, moment, type Room } from '../room.ts'
import type { PeerId } from '../transport/transport.ts'
import { refusal } from './answer.ts'
import { tickElection } from './election.ts'
import { sendHello, sendStanding } from './hello.ts'
import { createMachine } from './machine.ts'
import { join } from './membership.ts'
import { settleMachine } from './room-host.ts'
import { DEFAULT_LEASE_MS } from './witness-state.ts'

/** How long the lobby's first member has to answer before another's word is taken, or the room is founded. */
export const GRACE_MS = 1_500

const REPEAT_HELLO_MS = 1_000

const FIRST_SLOT = 1

/**
 * Joining: founds the room when this peer is the lobby's first and nobody there is in one. Those who
 * are may be between two hosts, so their silence about who hosts proves nothing.
 */
export function considerFounding(room: Room): void {
  if (room.state !== 'joining' || !isFirst(room.lobbyMembers, room.transport.local)) return
  for (const link of room.links.values()) if (link.state === 'up' && link.term > 0) return
  if (room.lobbyMembers.length > 1 && room.nowMs - room.lobbySinceMs < GRACE_MS) return
  const { displayName, canHost, startTick, leaseMs, random } = room.options
  room.sessionTag = random() >>> 0
  room.clock.start(room.nowMs, startTick)
  const own = { peer: room.transport.local, slot: FIRST_SLOT, displayName, voter: true, canHost }
  const roster: Roster = { nextSlot: FIRST_SLOT + 1, members: [own], former: [], tick: startTick }
  const machine = createMachine({
    self: FIRST_SLOT,
    leaseMs,
    canHost: true,
    seed: random(),
    generation: 0,
    now: moment(room),
    base: { term: 0, index: 0 },
    roster: rosterBody(roster),
    term: 0,
    host: 0,
  })
  machine.tick = startTick
  // Nobody else is asked: this peer is free to elect itself at once, whether it is to host later or not.
  machine.release = 0
  machine.releaseMs = room.nowMs
  room.machine = machine
  join(room, roster)
  tickElection(machine)
  machine.canHost = canHost
  settleMachine(room)
}

/** Joining: the log that a host gave this peer to begin with. @returns what is wrong with it, when something is */
export function beginLog(room: Room, base: LogBase, term: number, leaseMs: number, slot: number): string | undefined {
  const roster = parseRoster(base.roster)
  if (typeof roster === 'string') return roster
  if (term === 0) return 'term 0'
  const machine = createMachine({
    self: slot,
    leaseMs,
    canHost: room.options.canHost && room.holdsWorld,
    seed: room.options.random(),
    generation: room.generation,
    now: moment(room),
    base: { term: base.entryTerm, index: base.index },
    roster: base.roster,
    term,
    host: roster.members[0]!.slot,
  })
  room.machine = machine
  join(room, roster)
  if (room.protocol !== undefined) room.logEvents.push({ kind: 'reset', index: base.index })
  machine.turns.push({ slot: machine.host, term, reason: 'lost', gapMs: 0 })
  settleMachine(room)
  return undefined
}

/** Joining: asks again, in case the host that was to answer is gone. */
export function repeatHello(room: Room): void {
  if (room.state !== 'joining') return
  for (const link of room.links.values()) {
    if (link.state !== 'up' || room.nowMs - Math.max(link.helloMs, link.sinceMs) < REPEAT_HELLO_MS) continue
    link.helloMs = room.nowMs
    sendHello(room, link)
  }
}

/** Joining: joins by the answer of a peer that may speak as host, once it has given this peer a log. */
export function settleJoin(room: Room): void {
  for (const link of room.links.values()) {
    if (room.state !== 'joining') return
    const { answer, base } = link
    if (answer === undefined || link.state !== 'up' || !mayHost(room, link)) continue
    if (answer.body.type === 'Refuse') return endRoom(room, refusal(answer.body))
    const { body } = answer
    const parsed = base === undefined ? undefined : parseRoster(base.body.roster)
    const isNonsense = typeof parsed === 'string' || body.tickRateHz === 0
    if (isNonsense || base?.term === 0) return breach(room, link, 'a welcome or log that cannot be')
    if (base === undefined || parsed === undefined || parsed.members[0]?.peer !== link.id) continue
    if (memberOf(parsed, room.transport.local)?.slot !== body.slot) continue
    adopt(room, link, body)
    link.answer = undefined
    link.base = undefined
    beginLog(room, base.body, base.term, body.leaseMs || DEFAULT_LEASE_MS, body.slot)
    sendStanding(room)
    introduce(room, link)
  }
}

/** The others have heard a hello without a slot. Who was away will know nobody by the roster, but by this (HM20). */
function introduce(room: Room, host: Link): void {
  for (const link of room.links.values()) if (link !== host && link.state === 'up') sendHello(room, link)
}

/** True when this peer is the lobby's first and so founds the room, if nobody hosts it already. */
export function isFirst(lobbyMembers: readonly PeerId[], local: PeerId): boolean {
  return lobbyMembers[0] === local
}

/** The lobby's first member hosts a new room. In an older one it may be another, who is heard after a while. */
function mayHost(room: Room, link: Link): boolean {
  if (isFirst(room.lobbyMembers, link.id)) return true
  if (isFirst(room.lobbyMembers, room.transport.local)) return true
  return room.nowMs - room.lobbySinceMs >= GRACE_MS
}

function adopt(room: Room, link: Link, welcome: Welcome): void {
  const { sync } = link.heartbeat
  const { clock, nowMs } = room
  if (welcome.tickRateHz !== clock.rateHz) for (const other of room.links.values()) other.heartbeat.sync.forgetTicks()
  room.sessionTag = welcome.sessionTag
  room.generation = welcome.generation
  const tripTicks = (((sync.rttMs ?? 0) / 2) * welcome.tickRateHz) / 1_000
  const estimate = sync.estimate(nowMs)
  room.isClockRough = estimate === undefined
  clock.start(nowMs, estimate ?? welcome.tick + tripTicks, welcome.tickRateHz)
}
