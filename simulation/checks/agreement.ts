/**
 * Whether those who are left agree once nothing goes wrong any more: I13, and with it I6 and I8.
 *
 * Invariant: asked only of peers that can reach one another and are still in the room.
 */
import type { PeerId } from '@baton/core'
import { inspect, quorumOf, sessionOf, type Inspection } from '../inspection.ts'
import type { SimulatedPeer } from '../peer.ts'
import type { Schedule } from '../schedule.ts'
import type { LogOracle } from './log-oracle.ts'

export interface Room {
  readonly schedule: Schedule
  readonly playing: SimulatedPeer[]
  readonly oracle: LogOracle
  /** As the lobby sees them. */
  readonly lobbyMembers: readonly PeerId[]
  /** How far the lobby remembers that a log went which it helped to commit. */
  readonly witnessTail: Tail
}

export interface Tail {
  readonly term: number
  readonly index: number
}

export interface Agreement {
  /** Peers that act as host. */
  readonly hosts: number
  /** `undefined` when all agree. */
  readonly difference: string | undefined
  /** Peers in the room whose link to the host has ended: they have to join again. */
  readonly stranded: number
}

/**
 * Everyone but the one that stays cut off, and of several sessions the largest: who came when the lobby had
 * lost its memory found an empty room, and opened another.
 */
function members({ playing, schedule }: Room): SimulatedPeer[] {
  const peers = playing.filter((peer) => peer.number !== schedule.outcast && peer.network.isJoined)
  const bySession = new Map<number, SimulatedPeer[]>()
  for (const peer of peers) {
    const { sessionTag } = peer.network
    bySession.set(sessionTag, [...(bySession.get(sessionTag) ?? []), peer])
  }
  return [...bySession.values()].reduce((most, some) => (some.length > most.length ? some : most), [])
}

function areLinked(a: SimulatedPeer, b: SimulatedPeer): boolean {
  return a === b || (a.transport.stats(b.id) !== undefined && b.transport.stats(a.id) !== undefined)
}

/** Somebody that may host is linked to a quorum of the newest roster, so that decisions can be made. */
export function canAgree(room: Room): boolean {
  const peers = members(room)
  const inspections = peers.map((peer) => inspect(peer.network))
  // The best log decides who votes: a host of a later term that never reached its quorum has changed nothing.
  const rank = (one: Inspection | undefined): number =>
    one === undefined ? 0 : one.generation * 2 ** 40 + one.lastTerm * 2 ** 20 + one.length
  const newest = inspections.reduce((most, one) => (rank(one) > rank(most) ? one : most), undefined)
  if (newest === undefined) return peers.length > 0
  // Who has nothing of the world could only host an empty one.
  const candidates = peers.filter((peer) => peer.plan.canHost && peer.isSynced && knowsItsVote(peer, newest))
  // As long as a change of voters is under way, those before and those after it must agree.
  return candidates.some(
    (peer) =>
      canLearn(peers, peer, newest) &&
      newest.councils.every(
        (voters) =>
          hasQuorum(peers, peer, voters, false) ||
          (room.lobbyMembers.includes(peer.id) &&
            hasQuorum(peers, peer, voters, true) &&
            knowsEnough(room, peers, peer)),
      ),
  )
}

/** What is committed, and who votes by it, it knows itself, or by one that it is linked to. */
function canLearn(peers: readonly SimulatedPeer[], candidate: SimulatedPeer, newest: Inspection): boolean {
  const committed = inspect(candidate.network)?.commitIndex ?? 0
  return peers.some((peer) => {
    const inspection = inspect(peer.network)
    if (inspection === undefined || !areLinked(candidate, peer)) return false
    return inspection.commitIndex >= newest.commitIndex && inspection.firstIndex <= committed + 1
  })
}

/** A voter by the newest roster, which is committed, or has reached it: of one that neither is, it cannot know. */
function knowsItsVote({ network }: SimulatedPeer, newest: Inspection): boolean {
  const { slot } = network.local
  const isCommitted = newest.councils[0]?.includes(slot) === true
  return newest.voters.includes(slot) && (isCommitted || inspect(network)?.voters.includes(slot) === true)
}

function hasQuorum(
  peers: readonly SimulatedPeer[],
  candidate: SimulatedPeer,
  voters: readonly number[],
  hasWitness: boolean,
): boolean {
  const living = peers.filter((peer) => voters.includes(peer.network.local.slot))
  const witness = hasWitness && voters.length % 2 === 0 ? 1 : 0
  const votes = living.filter((other) => areLinked(candidate, other)).length + witness
  return votes >= quorumOf(voters.length)
}

/**
 * The lobby's vote is worth nothing to those who lack what it helped to commit: one of them has it, and all that
 * the candidate lacks before it.
 */
function knowsEnough({ witnessTail }: Room, peers: readonly SimulatedPeer[], candidate: SimulatedPeer): boolean {
  const committed = inspect(candidate.network)?.commitIndex ?? 0
  return peers.some((peer) => {
    const inspection = inspect(peer.network)
    if (inspection === undefined || !areLinked(candidate, peer)) return false
    if (inspection.firstIndex > committed + 1) return false
    const { lastTerm: term, length } = inspection
    return term > witnessTail.term || (term === witnessTail.term && length >= witnessTail.index)
  })
}

export function checkAgreement(room: Room): Agreement {
  const peers = members(room)
  const hosts = peers.filter(isActing)
  const [host] = hosts
  if (host === undefined) return { hosts: 0, difference: 'there is no host', stranded: 0 }
  const inReach = peers.filter((peer) => areLinked(peer, host) && knows(peer, host))
  const difference = findDifference(room, host, inReach)
  return { hosts: hosts.length, difference, stranded: peers.length - inReach.length }
}

/** Links are not made again: who has none to a member of its own roster has to join again, whoever hosts now. */
function knows({ network }: SimulatedPeer, host: SimulatedPeer): boolean {
  const { local, peers } = network
  return local.id === host.id || peers.some((one) => one.linked || one.id === host.id)
}

function isActing({ network }: SimulatedPeer): boolean {
  return network.isHost && inspect(network)?.isActing !== false
}

function findDifference({ oracle }: Room, host: SimulatedPeer, peers: readonly SimulatedPeer[]): string | undefined {
  for (const peer of peers) {
    const { name, network } = peer
    if (network.host?.id !== host.id) return `${name} follows ${network.host?.displayName}, and ${host.name} hosts`
    if (!peer.isSynced) return `${name} has no world yet (${network.state})`
  }
  for (const { name, game } of peers) {
    const { pendingCount } = game!.replication
    if (pendingCount > 0) return `I8: ${name} has ${pendingCount} requests unanswered`
  }
  const described = host.game!.replication.describe()
  const fingerprint = host.game!.replication.fingerprint()
  for (const peer of peers) {
    if (peer.game!.replication.fingerprint() === fingerprint) continue
    return differingLines(host.name, described, peer.name, peer.game!.replication.describe())
  }
  return findLost(oracle, host)
}

function differingLines(a: string, linesA: readonly string[], b: string, linesB: readonly string[]): string {
  const inA = new Set(linesA)
  const inB = new Set(linesB)
  const onlyA = linesA.filter((line) => !inB.has(line)).slice(0, 2)
  const onlyB = linesB.filter((line) => !inA.has(line)).slice(0, 2)
  return `only at ${a}: ${onlyA.join(' / ') || 'nothing'}; only at ${b}: ${onlyB.join(' / ') || 'nothing'}`
}

/** I6: what the log says lives, lives, and nothing else does. All peers hold the same, so one is asked. */
function findLost(oracle: LogOracle, { name, game, network }: SimulatedPeer): string | undefined {
  const inspection = inspect(network)
  if (inspection === undefined) return undefined
  const model = oracle.model(sessionOf(network))
  // A log seen only in part says nothing of what came before.
  if (model.index !== inspection.commitIndex) return undefined
  const { replication } = game!
  const missing = [...model.entities.keys()].filter((id) => replication.entityOf(id) === 0)
  if (missing.length > 0) return `I6: ${name} has lost ${missing.slice(0, 5).join(', ')}`
  if (model.entities.size !== replication.entityCount) {
    return `I6: ${name} has ${replication.entityCount} entities, the log ${model.entities.size}`
  }
  return undefined
}
