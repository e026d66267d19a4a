/**
 * What must hold at each peer by itself and between hosts, checked as it happens: I1 to I5, I7, I9 to I12, I14, I15.
 *
 * Invariant: it knows what each peer has been seen to do, and believes nothing a peer says of itself but its role.
 */
import { serialDifference32, type LogEntry, type PeerId } from '@baton/core'
import { Networked } from '@baton/replication'
import { decodeControl } from '@baton/schemas'
import { query } from 'bitecs'
import { inspect, quorumOf, sessionOf, type Inspection } from '../inspection.ts'
import type { SimulatedPeer } from '../peer.ts'
import type { StateGlance } from '../state-packet.ts'
import type { LogOracle } from './log-oracle.ts'
import type { Violations } from './violations.ts'

/** I14: what may wait or be kept at one peer. */
const MAX_PENDING = 4_096
const MAX_RETAINED_ENTRIES = 16_384
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024

interface Seen {
  generation: number
  term: number
  tick: number | undefined
  commitIndex: number | undefined
  readonly alive: Set<number>
  readonly dead: Set<number>
  /** Sent state with rows as host in this frame, in this term. */
  actedInTerm: number | undefined
  /** What it was when it did: a frame may end its reign after it has sent. */
  actedAs: Inspection | undefined
  /** Where its world was last compared with the others', at rest and by the committed log alone. */
  comparedAt: string
  committedAt: string
}

/** The lease may be this much longer in true time: acks count from 0.97 of it, by clocks that err by 1 %. */
const LEASE_SLACK = 0.985

export class PeerChecks {
  readonly #violations: Violations
  readonly #oracle: LogOracle
  readonly #leaseMs: number
  readonly #seen = new Map<SimulatedPeer, Seen>()
  /** Who has sent as host in each session and term, and the highest term of each session. */
  readonly #hosts = new Map<string, SimulatedPeer>()
  readonly #highest = new Map<string, number>()
  readonly #votes = new Map<string, number>()
  /** By receiver, then sender: when the newest message that has arrived was sent. */
  readonly #heardMs = new Map<PeerId, Map<PeerId, number>>()
  /** By session and commit index: what is there, as the first peer had it. */
  readonly #worlds = new Map<string, { readonly world: string; readonly name: string }>()

  constructor(violations: Violations, oracle: LogOracle, leaseMs: number) {
    this.#violations = violations
    this.#oracle = oracle
    this.#leaseMs = leaseMs
  }

  delivered(from: PeerId, to: PeerId, sentMs: number): void {
    let heard = this.#heardMs.get(to)
    if (heard === undefined) this.#heardMs.set(to, (heard = new Map<PeerId, number>()))
    if (sentMs > (heard.get(from) ?? -1)) heard.set(from, sentMs)
  }

  sentAsHost(peer: SimulatedPeer, { term, hasRows }: StateGlance): void {
    const seen = this.#of(peer)
    if (!hasRows || seen.actedInTerm !== undefined) return
    seen.actedInTerm = term
    seen.actedAs = inspect(peer.network)
  }

  sentControl(peer: SimulatedPeer, data: Uint8Array): void {
    // A vote is short; entries and baselines need not be read for this.
    if (data.length > 160) return
    const decoded = decodeControl(data)
    if (!decoded.ok) return this.#violations.report('I0', `${peer.name} sends what cannot be read: ${decoded.reason}`)
    const { body, generation } = decoded.value
    if (body.type !== 'Vote' || body.candidate === peer.network.local.slot) return
    this.voted(peer.name, sessionOf(peer.network, generation), body.term, body.candidate)
  }

  /** The witness speaks to a peer. */
  witnessed(to: SimulatedPeer, data: Uint8Array): void {
    const decoded = decodeControl(data)
    if (!decoded.ok || decoded.value.body.type !== 'Vote') return
    const { generation, body } = decoded.value
    this.voted(WITNESS, sessionOf(to.network, generation), body.term, body.candidate)
  }

  /** I4: `name` grants `term` to the candidate. */
  voted(name: string, session: string, term: number, candidate: number): void {
    const key = `${name} ${session} ${term}`
    const before = this.#votes.get(key)
    if (before !== undefined && before !== candidate) {
      this.#violations.report('I4', `${name} grants term ${term} to slot ${before} and to slot ${candidate}`)
    }
    this.#votes.set(key, candidate)
  }

  committed(peer: SimulatedPeer, entry: LogEntry): void {
    const seen = this.#of(peer)
    if (seen.commitIndex !== undefined && entry.index !== seen.commitIndex + 1) {
      this.#violations.report('I5', `${peer.name} commits entry ${entry.index} after ${seen.commitIndex}`)
    }
    seen.commitIndex = entry.index
    this.#oracle.committed(peer.name, sessionOf(peer.network), entry)
  }

  reset(peer: SimulatedPeer, index: number): void {
    this.#of(peer).commitIndex = index
  }

  spawned(peer: SimulatedPeer, id: number): void {
    const { alive, dead } = this.#of(peer)
    if (alive.has(id)) this.#violations.report('I11', `${peer.name} is told twice that ${id} is spawned`)
    if (dead.has(id)) this.#violations.report('I7', `${peer.name} sees ${id} spawned after its end`)
    alive.add(id)
  }

  despawned(peer: SimulatedPeer, id: number): void {
    const { alive, dead } = this.#of(peer)
    if (!alive.delete(id)) {
      this.#violations.report(
        'I11',
        `${peer.name} is told the end of ${id}, which ${dead.has(id) ? 'has ended' : 'was never spawned'}`,
      )
    }
    dead.add(id)
  }

  /** After each frame of a peer. */
  frame(peer: SimulatedPeer, trueMs: number): void {
    const seen = this.#of(peer)
    const { network } = peer
    if (!network.isJoined) return
    const inspection = inspect(network)
    const generation = inspection?.generation ?? 0
    if (generation < seen.generation || (generation === seen.generation && network.term < seen.term)) {
      const was = `term ${seen.term} of generation ${seen.generation}`
      this.#violations.report(
        'I2',
        `${peer.name} falls from ${was} to term ${network.term} of generation ${generation}`,
      )
    }
    seen.generation = generation
    seen.term = network.term
    this.#checkTick(peer, seen, trueMs)
    if (seen.actedInTerm !== undefined)
      this.#checkHost(peer, seen.actedInTerm, sessionOf(network, generation), seen.actedAs, trueMs)
    seen.actedInTerm = undefined
    this.#checkSizes(peer, inspection)
    if (inspection !== undefined) this.#checkCommitted(peer, inspection)
  }

  #of(peer: SimulatedPeer): Seen {
    let seen = this.#seen.get(peer)
    if (seen === undefined) {
      seen = {
        generation: 0,
        term: 0,
        tick: undefined,
        commitIndex: undefined,
        alive: new Set(),
        dead: new Set(),
        actedInTerm: undefined,
        actedAs: undefined,
        comparedAt: '',
        committedAt: '',
      }
      this.#seen.set(peer, seen)
    }
    return seen
  }

  #checkTick(peer: SimulatedPeer, seen: Seen, trueMs: number): void {
    const tick = peer.network.tick(peer.clock.monotonicMs(trueMs))
    if (seen.tick !== undefined && serialDifference32(tick, seen.tick) < 0) {
      this.#violations.report('I10', `the tick of ${peer.name} falls from ${seen.tick} to ${tick}`)
    }
    seen.tick = tick
  }

  #checkHost(
    peer: SimulatedPeer,
    term: number,
    session: string,
    inspection: Inspection | undefined,
    trueMs: number,
  ): void {
    const key = `${session} ${term}`
    const other = this.#hosts.get(key)
    if (other !== undefined && other !== peer) {
      this.#violations.report('I1', `${other.name} and ${peer.name} both send as host of term ${term}`)
    }
    this.#hosts.set(key, peer)
    const highest = this.#highest.get(session) ?? 0
    if (term < highest && inspection?.isReleasing !== true) {
      const later = this.#hosts.get(`${session} ${highest}`)?.name
      this.#violations.report('I3', `${peer.name} sends as host of term ${term} after ${later} did of term ${highest}`)
    }
    this.#highest.set(session, Math.max(term, highest))
    if (inspection === undefined || inspection.isReleasing) return
    if (!inspection.isActing) this.#violations.report('I12', `${peer.name} sends state as host without a lease`)
    else this.#checkLease(peer, inspection, trueMs)
  }

  /** I12 from outside: messages from a quorum that were sent within the lease must have arrived. */
  #checkLease(peer: SimulatedPeer, { voters, resigned }: Inspection, trueMs: number): void {
    const heard = this.#heardMs.get(peer.id)
    const sinceMs = trueMs - this.#leaseMs * LEASE_SLACK
    const isFresh = (id: PeerId): boolean => (heard?.get(id) ?? -1) >= sinceMs
    const { local, peers } = peer.network
    const fresh = voters.filter((slot) => {
      // Whoever said goodbye to this host promised nobody anything after that.
      if (resigned.includes(slot)) return true
      const voter = slot === local.slot ? local : peers.find((one) => one.slot === slot)
      return voter !== undefined && (voter === local || isFresh(voter.id))
    })
    const count = fresh.length + (voters.length % 2 === 0 && isFresh(WITNESS) ? 1 : 0)
    if (voters.length === 0 || count >= quorumOf(voters.length)) return
    this.#violations.report(
      'I12',
      `${peer.name} acts as host, and of ${voters.length} voters has heard ${count} within its lease`,
    )
  }

  #checkSizes(peer: SimulatedPeer, inspection: Inspection | undefined): void {
    const pending = peer.game?.replication.pendingCount ?? 0
    if (pending > MAX_PENDING) this.#violations.report('I14', `${peer.name} has ${pending} requests pending`)
    for (const other of peer.network.peers) {
      const bytes = peer.network.lower.bufferedBytes(other, 0)
      if (bytes > MAX_BUFFERED_BYTES)
        this.#violations.report('I14', `${peer.name} holds ${bytes} B for ${other.displayName}`)
    }
    if (inspection === undefined) return
    const retained = inspection.length - inspection.firstIndex
    if (retained > MAX_RETAINED_ENTRIES) this.#violations.report('I14', `${peer.name} retains ${retained} entries`)
    const rosters = inspection.uncommittedRosters > 1 && inspection.isActing ? countOwnRosters(inspection) : 0
    if (rosters > 1) this.#violations.report('I15', `${peer.name} has ${rosters} rosters of its term uncommitted`)
    this.#checkWorld(peer, inspection)
  }

  /** I9: at each place of the log, what is committed is the same for all, whatever is under way. */
  #checkCommitted(peer: SimulatedPeer, { generation }: Inspection): void {
    const replication = peer.game?.replication
    if (replication?.synced !== true) return
    const seen = this.#of(peer)
    const key = `committed ${sessionOf(peer.network, generation)} ${replication.committedIndex}`
    if (seen.committedAt === key) return
    seen.committedAt = key
    const world = replication.describeCommitted().join(' ')
    const known = this.#worlds.get(key)
    if (known === undefined) this.#worlds.set(key, { world, name: peer.name })
    else if (known.world !== world) {
      this.#violations.report(
        'I9',
        `committed at ${replication.committedIndex} only at ${known.name}: ${without(known.world, world)}; ` +
          `only at ${peer.name}: ${without(world, known.world)}`,
      )
    }
  }

  /** I9: where nothing is ahead of the commit index, what lives and who owns it is the same for all. */
  #checkWorld(peer: SimulatedPeer, { generation, commitIndex, length, voters, learners }: Inspection): void {
    const seen = this.#of(peer)
    const { game } = peer
    if (length !== commitIndex || seen.commitIndex !== commitIndex) return
    if (game === undefined || game.replication.pendingCount > 0 || !game.replication.synced) return
    const key = `${sessionOf(peer.network, generation)} ${commitIndex}`
    if (seen.comparedAt === key) return
    seen.comparedAt = key
    const known = this.#worlds.get(key)
    const world = describeOwners(peer, [...voters, ...learners])
    if (known === undefined) this.#worlds.set(key, { world, name: peer.name })
    else if (known.world !== world) {
      this.#violations.report(
        'I9',
        `at index ${commitIndex} only ${known.name} has ${without(known.world, world)}; only ${peer.name} has ${without(world, known.world)}`,
      )
    }
  }
}

/** I15 binds the host: others learn later what is committed, and a new host has what the last one left. */
function countOwnRosters(inspection: Inspection): number {
  const { commitIndex, length, term } = inspection
  let count = 0
  for (let index = commitIndex + 1; index <= length; index++) {
    const entry = inspection.entryAt(index)
    if (entry?.body.type === 'Roster' && entry.term === term) count++
  }
  return count
}

/** Where the witness stands among senders. */
export const WITNESS: PeerId = 'witness'

function without(world: string, other: string): string {
  const there = new Set(other.split(' '))
  return (
    world
      .split(' ')
      .filter((item) => !there.has(item))
      .join(' ') || 'nothing'
  )
}

/** Owners by slot. One that is not in the room owns nothing to the others, though it may not know it itself. */
function describeOwners(peer: SimulatedPeer, slots: readonly number[]): string {
  const { replication, world } = peer.game!
  const ownerOf = (eid: number): number => {
    const slot = replication.ownerOf(eid)?.slot ?? 0
    return slots.includes(slot) ? slot : 0
  }
  return [...query(world, [Networked])]
    .map((eid) => `${replication.networkId(eid)}:${ownerOf(eid)}`)
    .sort()
    .join(' ')
}
