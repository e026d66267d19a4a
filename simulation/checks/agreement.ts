/**
 * Whether those who are left agree once nothing goes wrong any more: I13, and with it I6 and I8.
 *
 * Invariant: asked only of peers that can reach one another and are still in the room.
 */
import { inspect, quorumOf, sessionOf } from '../inspection.ts'
import type { SimulatedPeer } from '../peer.ts'
import type { Schedule } from '../schedule.ts'
import type { LogOracle } from './log-oracle.ts'

export interface Room {
  readonly schedule: Schedule
  readonly playing: SimulatedPeer[]
  readonly oracle: LogOracle
}

export interface Agreement {
  readonly hosts: number
  /** `undefined` when all agree. */
  readonly difference: string | undefined
}

/**
 * Everyone but the one that stays cut off, and of several sessions the largest: who came when the lobby had
 * lost its memory found an empty room, and opened another.
 */
function core({ playing, schedule }: Room): SimulatedPeer[] {
  const peers = playing.filter((peer) => peer.number !== schedule.outcast)
  const bySession = new Map<number, SimulatedPeer[]>()
  for (const peer of peers) {
    const { sessionTag } = peer.network
    bySession.set(sessionTag, [...(bySession.get(sessionTag) ?? []), peer])
  }
  return [...bySession.values()].reduce((most, some) => (some.length > most.length ? some : most), [])
}

/** A quorum of the newest roster plays on, so that decisions can be made. */
export function canAgree(room: Room): boolean {
  const peers = core(room)
  let newest: { readonly voters: readonly number[]; readonly rank: number } | undefined
  for (const peer of peers) {
    const inspection = inspect(peer.network)
    if (inspection === undefined) return peers.length > 0
    const rank = inspection.generation * 2 ** 40 + inspection.length
    if (newest === undefined || rank > newest.rank) newest = { voters: inspection.voters, rank }
  }
  if (newest === undefined) return false
  const { voters } = newest
  const living = voters.filter((slot) => peers.some((peer) => peer.network.local.slot === slot)).length
  return living >= quorumOf(voters.length)
}

export function checkAgreement(room: Room): Agreement {
  const peers = core(room)
  const hosts = peers.filter((peer) => peer.network.isHost).length
  return { hosts, difference: findDifference(room, peers) }
}

function findDifference({ oracle }: Room, peers: readonly SimulatedPeer[]): string | undefined {
  const waiting = peers.find((peer) => !peer.isSynced)
  if (waiting !== undefined) return `${waiting.name} has no world yet (${waiting.network.state})`
  const [first, ...rest] = peers
  if (first === undefined) return undefined
  for (const { name, game } of peers) {
    const { pendingCount } = game!.replication
    if (pendingCount > 0) return `I8: ${name} has ${pendingCount} requests unanswered`
  }
  const described = first.game!.replication.describe()
  const fingerprint = first.game!.replication.fingerprint()
  for (const peer of rest) {
    if (peer.game!.replication.fingerprint() === fingerprint) continue
    return differingLines(first.name, described, peer.name, peer.game!.replication.describe())
  }
  return findLost(oracle, first)
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
