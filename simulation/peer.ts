/**
 * One peer of a run: real core and real replication over a tapped transport, a game, clocks of its own.
 *
 * Invariant: it runs only in `frame`, and a peer that is gone never runs again.
 */
import {
  CHANNEL,
  createNetwork,
  type HostChangeReason,
  type LogEntry,
  type Network,
  type PeerId,
  type Transport,
} from '@baton/core'
import type { SeededRandom } from '@baton/core/testing'
import { decodeControl } from '@baton/schemas'
import { createGame, type Game } from './game.ts'
import { NodeClock } from './node-clock.ts'
import type { PeerPlan, Schedule } from './schedule.ts'
import { beatTerm, glance, type StateGlance } from './state-packet.ts'

/** How a peer's part ended, if it has. `ended`: its network closed by itself. */
export type Fate = 'plays' | 'crashed' | 'closed' | 'tab-closed' | 'ended'

/** What a peer tells whoever watches. */
export interface PeerWatcher {
  /** It sends a state packet as host. */
  sentAsHost(peer: SimulatedPeer, glance: StateGlance): void
  receivedState(peer: SimulatedPeer, from: PeerId, glance: StateGlance): void
  receivedBeat(peer: SimulatedPeer, term: number): void
  sentControl(peer: SimulatedPeer, data: Uint8Array): void
  receivedBytes(peer: SimulatedPeer, channel: number, data: Uint8Array): void
  committed(peer: SimulatedPeer, entry: LogEntry): void
  reset(peer: SimulatedPeer, index: number): void
  hostChanged(peer: SimulatedPeer, term: number, reason: HostChangeReason): void
  spawned(peer: SimulatedPeer, id: number): void
  /** `to` held something else of an entity than it had acked. */
  mended(peer: SimulatedPeer, to: PeerId, id: number): void
  despawned(peer: SimulatedPeer, id: number): void
}

export interface PeerOptions {
  readonly number: number
  readonly name: string
  readonly plan: PeerPlan
  readonly schedule: Schedule
  readonly transport: Transport
  readonly random: SeededRandom
  readonly trueMs: () => number
  readonly watcher: PeerWatcher
}

export class SimulatedPeer {
  readonly number: number
  readonly name: string
  readonly plan: PeerPlan
  readonly clock: NodeClock
  readonly network: Network
  readonly transport: Transport
  game: Game | undefined
  fate: Fate = 'plays'
  pausedUntilMs = 0
  /** When a host's beat came last, by this peer's clock. */
  beatMs = -Infinity
  /** When the pause under way began to count for the clock, if the machine sleeps. */
  hasJoined = false
  errors: string[] = []
  readonly #options: PeerOptions
  readonly #random: SeededRandom
  #nextActMs = 0

  constructor(options: PeerOptions) {
    const { plan, schedule, random, trueMs } = options
    this.#options = options
    this.number = options.number
    this.name = options.name
    this.plan = plan
    this.clock = new NodeClock(plan.clockRate, plan.clockOffsetMs)
    this.transport = options.transport
    this.#random = random.fork('game')
    const draw = random.fork('network')
    this.network = createNetwork({
      transport: tapped(this, options.transport, options.watcher, earlyReports(this, options)),
      displayName: this.name,
      random: () => draw.uint32(),
      startTick: schedule.startTick,
      tickRateHz: schedule.tickRateHz,
      leaseMs: schedule.leaseMs,
      quorumLoss: schedule.quorumLoss,
      canHost: plan.canHost,
      wallClock: () => this.clock.wallMs(trueMs()),
      joinTimeoutMs: 30_000,
    })
    this.network.on('joined', () => (this.hasJoined = true))
    this.network.on('hostchanged', (_host, { term, reason }) => options.watcher.hostChanged(this, term, reason))
    this.network.on('closed', () => {
      if (this.fate === 'plays') this.fate = 'ended'
    })
    this.network.on('error', (error) => {
      if (this.errors.length < 20) this.errors.push(error.code)
    })
    tapLog(this, options.watcher)
  }

  get id(): PeerId {
    return this.transport.local
  }

  get isPlaying(): boolean {
    return this.fate === 'plays'
  }

  /** In the room and holding a world. */
  get isSynced(): boolean {
    return this.isPlaying && this.network.isJoined && this.game?.replication.synced === true
  }

  /** @param isActive false: the game touches nothing */
  frame(trueMs: number, isActive: boolean): void {
    const nowMs = this.clock.monotonicMs(trueMs)
    const { network, game } = this
    if (game === undefined) {
      network.receive(nowMs)
      network.flush(nowMs)
      if (network.isJoined) this.#attach()
      return
    }
    const { replication } = game
    replication.receive(nowMs)
    if (isActive && replication.synced && this.isPlaying && network.isJoined) {
      game.move()
      const { actEveryMs } = this.#options.schedule.game
      if (actEveryMs > 0 && trueMs >= this.#nextActMs) {
        this.#nextActMs = trueMs + actEveryMs * this.#random.range(0.5, 1.5)
        game.act()
      }
    }
    if (this.isPlaying) replication.send(nowMs)
  }

  #attach(): void {
    const { schedule, watcher } = this.#options
    this.game = createGame(this.network, this.#random, schedule.game.maxEntities)
    this.game.replication.on('spawned', ({ id }) => watcher.spawned(this, id))
    this.game.replication.tap.onMended = (to, id) => watcher.mended(this, to.id, id)
    this.game.replication.on('despawned', ({ id }) => watcher.despawned(this, id))
  }
}

/** Where detection is fixed: tells what this peer says of silence before a lease of it is over, which is not sent. */
function earlyReports(peer: SimulatedPeer, { schedule, trueMs }: PeerOptions): (data: Uint8Array) => boolean {
  if (schedule.isDetectionFixed !== true) return () => false
  return (data) => {
    if (peer.clock.monotonicMs(trueMs()) - peer.beatMs >= schedule.leaseMs) return false
    const message = data[0] === 0 ? decodeControl(data.subarray(1)) : undefined
    return message?.ok === true && message.value.body.type === 'Suspect'
  }
}

/** Shows the watcher what goes through the transport, and passes all of it on. */
function tapped(
  peer: SimulatedPeer,
  inner: Transport,
  watcher: PeerWatcher,
  isKept: (data: Uint8Array) => boolean,
): Transport {
  const sent: StateGlance = { term: 0, slot: 0, tick: 0, hasRows: false }
  const received: StateGlance = { term: 0, slot: 0, tick: 0, hasRows: false }
  return {
    local: inner.local,
    poll(nowMs, handle) {
      inner.poll(nowMs, (event) => {
        if (event.kind === 'message') {
          watcher.receivedBytes(peer, event.channel, event.data)
          if (event.channel === CHANNEL.state && glance(event.data, received)) {
            watcher.receivedState(peer, event.peer, received)
          }
          const term = event.channel === CHANNEL.state ? beatTerm(event.data) : undefined
          if (term !== undefined) {
            peer.beatMs = nowMs
            watcher.receivedBeat(peer, term)
          }
        }
        handle(event)
      })
    },
    send(to, channel, data) {
      if (channel === CHANNEL.state && isKept(data)) return 'sent'
      const result = inner.send(to, channel, data)
      if (result === 'closed') return result
      if (channel === CHANNEL.state) {
        if (peer.network.isHost && glance(data, sent)) watcher.sentAsHost(peer, sent)
      } else if (channel === CHANNEL.control) watcher.sentControl(peer, data)
      return result
    },
    openChannel: (to, channel, kind) => inner.openChannel(to, channel, kind),
    closeChannel: (to, channel) => inner.closeChannel(to, channel),
    bufferedBytes: (to, channel) => inner.bufferedBytes(to, channel),
    stats: (to) => inner.stats(to),
    witness: (data) => inner.witness?.(data) ?? false,
    requestGeneration: (generation, members, voters) => inner.requestGeneration?.(generation, members, voters) ?? false,
    disconnect: (to) => inner.disconnect(to),
    close: () => inner.close(),
  }
}

/** The log as replication takes it: the order in which it is applied. */
function tapLog(peer: SimulatedPeer, watcher: PeerWatcher): void {
  const { lower } = peer.network
  const take = lower.takeLog.bind(lower)
  lower.takeLog = () => {
    const events = take()
    for (const event of events) {
      if (event.kind === 'committed') watcher.committed(peer, event.entry)
      else if (event.kind === 'reset') watcher.reset(peer, event.index)
    }
    return events
  }
}
