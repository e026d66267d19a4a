/**
 * How a room begins: its founder, and a newcomer's first log.
 *
 * Invariant: a peer founds a room only when nobody it is linked to is in one.
 */
import type { LogBase } from '@baton/schemas'
import { parseRoster, rosterBody, type Roster } from '../peers/roster.ts'
import { moment, type Room } from '../room.ts'
import { tickElection } from './election.ts'
import { createMachine } from './machine.ts'
import { GRACE_MS, isFirst } from './handshake.ts'
import { join } from './membership.ts'
import { settleMachine } from './room-host.ts'

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
  machine.canHost = canHost
  machine.tick = startTick
  // Nobody else is asked: this peer is free to elect itself at once.
  machine.release = 0
  machine.releaseMs = room.nowMs
  machine.canHost = true
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
    canHost: room.options.canHost,
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
