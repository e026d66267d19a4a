/**
 * The one place where two worlds may run at once: too few members are left for a quorum, and the rest goes
 * on as a session of its own, by the word of the lobby, or of two that have none.
 *
 * Invariant: two worlds never share a generation; what another generation says is not heard.
 * Rule HM12 in docs/behavior.md.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import { NetworkError } from '../errors.ts'
import { memberOf, memberOfSlot, rosterBody, type Roster } from '../peers/roster.ts'
import { endRoom, type Room } from '../room.ts'
import type { PeerId } from '../transport/transport.ts'
import { agrees, holdsLease, silenceMs } from './council.ts'
import { MAX_VOTERS, voterCount } from './quorum.ts'
import { settleMachine } from './room-host.ts'
import { fork } from './step.ts'

/** Without a quorum for this long, the lobby is asked whether the rest is gone. */
const FORK_MS = 10_000
/** Two players without a lobby cannot tell a crash from a cut: whoever is left goes on alone after this. */
const ALONE_MS = 3_000
const ASK_MS = 2_000
/** Where the voters said goodbye, nobody has to be waited for. */
const ASK_SOON_MS = 200
/** Without links to a quorum there is nothing to wait for any longer than this. */
const GIVE_UP_MS = 30_000

/** Once per frame: what a quorum that does not come leads to. */
export function considerFork(room: Room): void {
  const { machine, nowMs } = room
  // A fork under way has left out who is gone: another one would end the election that it began.
  const roster = machine?.forked ?? room.roster
  if (machine === undefined || roster === undefined || room.state !== 'joined') return
  const isCut =
    machine.role === 'host' ? !holdsLease(machine) : machine.isHostCut || silenceMs(machine) >= 2 * machine.leaseMs
  const isLost = isQuorumLost(room, roster)
  if (!isCut && !isLost) {
    room.frozenSinceMs = undefined
    return
  }
  room.frozenSinceMs ??= nowMs
  const frozenMs = nowMs - room.frozenSinceMs
  if (frozenMs >= GIVE_UP_MS && !isQuorumLinked(room)) return giveUp(room)
  if (room.options.quorumLoss === 'wait') return
  const isPair = voterCount(roster) <= 2 && !isAnyoneHeard(room)
  if (isPair && !hasLobby(room)) {
    if (frozenMs >= ALONE_MS) declare(room, ownGeneration(room), [room.transport.local])
    return
  }
  if ((!isLost && frozenMs < FORK_MS) || nowMs - room.forkAskedMs < (isLost ? ASK_SOON_MS : ASK_MS)) return
  room.forkAskedMs = nowMs
  const members = roster.members.map((member) => member.peer)
  room.transport.requestGeneration?.(room.generation, members, voterCount(roster))
}

/** More voters have left for good than a quorum can spare. */
function isQuorumLost(room: Room, roster: Pick<RosterBody, 'members'>): boolean {
  let leftCount = 0
  for (const { peer, voter } of roster.members) if (voter && room.left.has(peer)) leftCount++
  return leftCount * 2 > voterCount(roster)
}

/** Links are not made again: without one to enough voters, waiting is in vain. */
function isQuorumLinked(room: Room): boolean {
  const isLinked = (slot: number): boolean => {
    const id = memberOfSlot(room.roster, slot)?.peer
    return slot === room.machine!.self || (id !== undefined && room.links.get(id)?.state === 'up')
  }
  return agrees(room.machine!, isLinked, hasLobby(room))
}

function giveUp(room: Room): void {
  const message = `network: too few members were in reach for ${GIVE_UP_MS} ms to decide anything; join again`
  endRoom(room, new NetworkError('network/quorum-lost', message))
}

function hasLobby(room: Room): boolean {
  return room.transport.witness !== undefined && room.hasWitness
}

function isAnyoneHeard(room: Room): boolean {
  return [...room.links.values()].some((link) => link.state === 'up' && room.nowMs - link.lastHeardMs < ALONE_MS)
}

/** A number that nobody else declares: with no lobby to count for them, two may go on alone at once. */
function ownGeneration(room: Room): number {
  const { generation, localState } = room
  return generation >= OWN_GENERATIONS ? generation + OWN_STEP : OWN_GENERATIONS + localState.slot
}

const OWN_GENERATIONS = 0x8000
const OWN_STEP = 0x1000

/** The lobby lets these go on without the rest. */
export function takeGeneration(room: Room, generation: number, members: readonly PeerId[]): void {
  if (room.state !== 'joined' || generation <= room.generation) return
  const isKnown = members.every((peer) => memberOf(room.roster, peer) !== undefined)
  if (isKnown && members.includes(room.transport.local)) return declare(room, generation, members)
  const message = 'network: the others had no quorum and went on as a session of their own; join again'
  endRoom(room, new NetworkError('network/quorum-lost', message))
}

/** All that go on count by the same roster, in the lobby's order. */
function declare(room: Room, generation: number, members: readonly PeerId[]): void {
  const { machine, roster } = room
  if (machine === undefined || roster === undefined || generation > MAX_GENERATION) return
  const entries = members.map((peer) => memberOf(roster, peer)!)
  const rest: Roster = { ...roster, members: entries.map((one, at) => ({ ...one, voter: at < MAX_VOTERS })) }
  room.generation = generation
  // The same for all that go on, and no longer what the others have.
  room.sessionTag = Math.imul(room.sessionTag ^ generation, 0x9e3779b1) >>> 0
  room.frozenSinceMs = undefined
  fork(machine, generation, rosterBody(rest))
  settleMachine(room)
}

const MAX_GENERATION = 0xffff
