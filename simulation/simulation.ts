/**
 * One run: peers, network and lobby of a schedule in virtual time, watched by the checks.
 *
 * Invariant: one thread, one heap, one seed; equal schedules give equal traces.
 */
import type { PeerId } from '@baton/core'
import { SeededRandom } from '@baton/core/testing'
import { checkAgreement, canAgree, type Tail } from './checks/agreement.ts'
import { LogOracle } from './checks/log-oracle.ts'
import { PeerChecks, WITNESS } from './checks/peer-checks.ts'
import { Violations, type Violation } from './checks/violations.ts'
import { applyFault, type Stage } from './faults.ts'
import { inspect, sessionOf } from './inspection.ts'
import { MigrationLog, type Migration } from './migrations.ts'
import { describeThrown, SimulatedNetwork } from './network.ts'
import { SimulatedPeer, type PeerWatcher } from './peer.ts'
import type { PeerPlan, Schedule } from './schedule.ts'
import { Trace } from './trace.ts'

export interface RunResult {
  readonly violations: readonly Violation[]
  readonly simulatedMs: number
  readonly migrations: readonly Migration[]
  readonly committedCount: number
  /** Too few were left for a quorum: nothing can be decided, rightly. */
  readonly isFrozen: boolean
  /** From the end of all faults until one host and equal worlds; `undefined` when nothing was to agree. */
  readonly agreedMs: number | undefined
  readonly stopsMs: readonly number[]
  /** Peers that were still there, and had lost their link to the host for good. */
  readonly strandedCount: number
  /** Entities whose rows a peer held wrongly though it had acked them, and was sent again. */
  readonly mendedCount: number
  /** 0 unless asked for. */
  readonly trace: number
}

export interface RunOptions {
  /** Hash every byte that arrives; slower. */
  readonly withTrace?: boolean
  readonly log?: (line: string) => void
}

/**
 * One host is due so long after the last fault (I13), and equal worlds so long after that. A host that is alone is
 * given up and replaced in a little under five leases: those are 3 s where the lease is the usual one.
 */
const HOST_LIMIT_MS = 3_000
const HOST_LIMIT_LEASES = 5
const WORLD_LIMIT_MS = 2_000
const WARM_LIMIT_MS = 30_000
const COMPARE_EVERY_MS = 250
const REJOIN_MS = 700
const MAX_COMINGS = 3

export class Simulation implements Stage {
  readonly schedule: Schedule
  readonly network: SimulatedNetwork
  readonly peers: SimulatedPeer[] = []
  readonly migrations = new MigrationLog()
  readonly violations: Violations
  readonly oracle: LogOracle
  readonly checks: PeerChecks
  hasHealed = false
  readonly #random: SeededRandom
  readonly #trace = new Trace()
  readonly #options: RunOptions
  #isActive = true
  #stranded = 0

  constructor(schedule: Schedule, options: RunOptions = {}) {
    this.schedule = schedule
    this.#options = options
    this.#random = new SeededRandom(schedule.seed)
    this.violations = new Violations(() => this.network.time.nowMs)
    this.oracle = new LogOracle(this.violations)
    this.checks = new PeerChecks(this.violations, this.oracle, schedule.leaseMs)
    this.network = new SimulatedNetwork(schedule, this.#random, {
      delivered: (from, to, sentMs) => this.checks.delivered(from, to, sentMs),
      witnessed: (to, sentMs, data) => {
        this.checks.delivered(WITNESS, to, sentMs)
        const peer = this.peers.find((one) => one.id === to)
        if (peer !== undefined) this.checks.witnessed(peer, data)
      },
      lobbyFrame: (data) => {
        if (options.withTrace === true) this.#trace.bytes(data)
      },
    })
  }

  get nowMs(): number {
    return this.network.time.nowMs
  }

  get playing(): SimulatedPeer[] {
    return this.peers.filter((peer) => peer.isPlaying)
  }

  get lobbyMembers(): readonly PeerId[] {
    return this.network.lobby.members
  }

  get witnessTail(): Tail {
    return this.network.lobby.witnessTail
  }

  /** From the first join to agreement, or to the first violation. */
  run(): RunResult {
    const startMs = this.nowMs
    let agreedMs: number | undefined
    let isFrozen = false
    try {
      this.#begin()
      this.#advance(this.schedule.faultMs)
      // A machine that sleeps cannot be woken from here.
      this.#advance(Math.max(0, ...this.playing.map((peer) => peer.pausedUntilMs - this.nowMs)))
      this.heal()
      isFrozen = !canAgree(this)
      if (!isFrozen && this.violations.list.length === 0) agreedMs = this.#settle()
      isFrozen ||= agreedMs === undefined && this.violations.list.length === 0
    } catch (thrown) {
      this.violations.report('I0', `threw ${describeThrown(thrown)}`)
    }
    return {
      violations: this.violations.list,
      simulatedMs: this.nowMs - startMs,
      migrations: this.migrations.migrations,
      committedCount: this.oracle.committedCount,
      isFrozen,
      agreedMs,
      strandedCount: this.#stranded,
      mendedCount: this.peers.reduce((sum, { game }) => sum + (game?.replication.counters.entitiesMended ?? 0), 0),
      stopsMs: this.migrations.stopsMs,
      trace: this.#options.withTrace === true ? this.#trace.value : 0,
    }
  }

  log(line: string): void {
    this.#options.log?.(`${(this.nowMs / 1_000).toFixed(3)} ${line}`)
  }

  comeIn(plan: PeerPlan, number: number): void {
    const { time, lobby } = this.network
    if (this.hasHealed && number === this.schedule.outcast) return
    if (!lobby.isUp) return time.at(time.nowMs + REJOIN_MS, () => this.comeIn(plan, number))
    const comings = this.peers.filter((peer) => peer.number === number).length
    const name = comings === 0 ? `p${number}` : `p${number}.${comings + 1}`
    const transport = this.network.join()
    const peer = new SimulatedPeer({
      number,
      name,
      plan,
      schedule: this.schedule,
      transport,
      random: this.#random.fork(name),
      trueMs: () => time.nowMs,
      watcher: this.#watcher,
    })
    this.peers.push(peer)
    this.log(`${name} comes as ${peer.id}`)
    // Frames of peers do not fall together.
    time.at(time.nowMs + this.#random.fork(`${name} phase`).range(0, plan.frameMs), () => this.#frame(peer))
  }

  /** Everything that was done to the network and the peers ends, but what is for good. */
  heal(): void {
    this.hasHealed = true
    this.#isActive = false
    const { network, schedule } = this
    network.healAll()
    network.weather({
      latencyMs: 20,
      jitterMs: 5,
      loss: 0,
      duplicate: 0,
      reorder: 0,
      burst: { enter: 0, leave: 1, loss: 0 },
    })
    for (const from of this.peers) {
      network.lobby.cut(from.id, false)
      for (const to of this.peers) if (from !== to) this.#release(from, to)
    }
    if (!network.lobby.isUp) network.lobby.setUp(true)
    const outcast = this.playing.find((peer) => peer.number === schedule.outcast)
    // With the lobby's vote it might go on as host of two, rightly, and the other would wait for it.
    if (outcast !== undefined) network.lobby.cut(outcast.id, true)
    for (const other of this.peers) {
      if (outcast === undefined || other === outcast) continue
      this.tryLink(() => network.cut(outcast.id, other.id))
      this.tryLink(() => network.cut(other.id, outcast.id))
    }
    this.log('all is healed')
  }

  /** Peers that came at different times may never have been linked. */
  tryLink(action: () => void): void {
    try {
      action()
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown
    }
  }

  #release(from: SimulatedPeer, to: SimulatedPeer): void {
    this.tryLink(() => this.network.memory.unclog(from.id, to.id))
  }

  #begin(): void {
    const { peers, faults, warmMs } = this.schedule
    const { time } = this.network
    const startMs = this.nowMs
    for (const [number, plan] of peers.entries()) time.at(startMs + plan.joinMs, () => this.comeIn(plan, number))
    const early = peers.filter((plan) => plan.joinMs < warmMs).length
    this.#isActive = false
    this.#advance(warmMs)
    while (this.playing.filter((peer) => peer.isSynced).length < early && this.violations.list.length === 0) {
      this.#advance(100)
      if (this.nowMs - startMs > WARM_LIMIT_MS) {
        return this.violations.report('I13', `only ${this.describePeers()} after ${WARM_LIMIT_MS} ms without faults`)
      }
    }
    this.log('faults begin')
    this.#isActive = true
    const beginMs = this.nowMs
    for (const fault of faults) time.at(beginMs + fault.atMs, () => applyFault(this, fault))
  }

  describePeers(): string {
    const lines = this.peers.map((peer) => {
      const { network, name, fate } = peer
      const inspection = inspect(network)
      if (!peer.isPlaying || inspection === undefined) return `${name} ${peer.isPlaying ? network.state : fate}`
      const role = `${inspection.isActing ? 'acting ' : ''}${network.isHost ? 'host of' : `follows ${network.host?.displayName}, `}`
      return `${name} ${network.state} ${role} ${sessionOf(network)} term ${network.term} log ${inspection.commitIndex}/${inspection.length}`
    })
    return lines.join('; ')
  }

  #advance(ms: number): void {
    const { time } = this.network
    const endMs = time.nowMs + ms
    while (time.nowMs < endMs && this.violations.list.length === 0) time.advanceTo(Math.min(endMs, time.nowMs + 50))
  }

  /** I13, I6, I8: waits for one host and equal worlds. @returns when they were there */
  #settle(): number | undefined {
    const healedMs = this.nowMs
    const hostLimitMs = Math.max(HOST_LIMIT_MS, HOST_LIMIT_LEASES * this.schedule.leaseMs)
    let hasHost = false
    while (this.violations.list.length === 0) {
      this.#advance(COMPARE_EVERY_MS)
      const elapsedMs = this.nowMs - healedMs
      const { hosts, difference, stranded } = checkAgreement(this)
      this.#stranded = stranded
      hasHost = hosts === 1
      if (hasHost && difference === undefined) return elapsedMs
      // Who gave up only now, for what happened before, may have been one too many.
      if (!hasHost && !canAgree(this)) return undefined
      if (!hasHost && elapsedMs >= hostLimitMs) {
        this.violations.report('I13', `${hosts} hosts ${elapsedMs} ms after the last fault: ${this.describePeers()}`)
      } else if (elapsedMs >= Math.max(hostLimitMs + WORLD_LIMIT_MS, this.schedule.settleMs)) {
        this.violations.report(
          'I13',
          `worlds differ ${elapsedMs} ms after the last fault: ${difference}; ${this.describePeers()}`,
        )
      }
    }
    return undefined
  }

  #frame(peer: SimulatedPeer): void {
    if (!peer.isPlaying) return this.#hasGone(peer)
    const { time } = this.network
    if (time.nowMs >= peer.pausedUntilMs) {
      peer.frame(time.nowMs, this.#isActive)
      this.checks.frame(peer, time.nowMs)
    }
    time.at(Math.max(time.nowMs + peer.plan.frameMs, peer.pausedUntilMs), () => this.#frame(peer))
  }

  /** A peer that was thrown out, or gave up, comes back as a newcomer; one that crashed or left does not. */
  #hasGone(peer: SimulatedPeer): void {
    if (peer.fate !== 'ended') return
    this.log(`${peer.name} ended: ${peer.errors.join(' ')}`)
    const { time } = this.network
    const comings = this.peers.filter((one) => one.number === peer.number).length
    if (comings < MAX_COMINGS) time.at(time.nowMs + REJOIN_MS, () => this.comeIn(peer.plan, peer.number))
  }

  readonly #watcher: PeerWatcher = {
    sentAsHost: (peer, glance) => {
      this.checks.sentAsHost(peer, glance)
      this.migrations.sends(peer.id, sessionOf(peer.network), glance)
      if (glance.hasRows) this.migrations.acts(peer, this.nowMs)
    },
    sentControl: (peer, data) => this.checks.sentControl(peer, data),
    receivedState: (peer, from, glance) => {
      const session = sessionOf(peer.network)
      if (this.migrations.isOfHost(from, session, glance)) this.migrations.heard(peer, session, glance, this.nowMs)
    },
    receivedBeat: (peer, term) => this.migrations.beats(peer, term, this.nowMs),
    receivedBytes: (peer, channel, data) => {
      if (this.#options.withTrace === true) {
        this.#trace.number(this.nowMs * 1_000)
        this.#trace.number(peer.number * 256 + channel)
        this.#trace.bytes(data)
      }
      const thrown = channel === 0 ? this.network.flip(data) : undefined
      if (thrown !== undefined) this.violations.report('I0', `the verifier throws ${thrown}`)
    },
    hostChanged: (peer, term, reason) => {
      this.log(`${peer.name}: host of term ${term}, ${reason}`)
      const session = sessionOf(peer.network)
      if (reason === 'handed-over') this.migrations.handedOver(session, term)
      if (!peer.network.isHost) this.migrations.heard(peer, session, { term }, this.nowMs)
    },
    committed: (peer, entry) => this.checks.committed(peer, entry),
    reset: (peer, index) => this.checks.reset(peer, index),
    mended: (peer, to, id) => this.log(`${peer.name} mends what ${to} holds of ${id}`),
    spawned: (peer, id) => this.checks.spawned(peer, id),
    despawned: (peer, id) => this.checks.despawned(peer, id),
  }
}

export function runSchedule(schedule: Schedule, options: RunOptions = {}): RunResult {
  return new Simulation(schedule, options).run()
}
