/**
 * A whole room in memory and virtual time: a lobby, and a mesh of links that can be made bad.
 *
 * Invariant: nothing happens but in `advance`, and the same seed with the same calls gives the same
 * history to the last byte.
 */
import type { PeerId, Transport } from '../transport/transport.ts'
import { createConditions, type LinkConditions } from './link-conditioner.ts'
import { SimpleLobby, type CreateMemoryLobby, type MemoryLobby } from './memory-lobby.ts'
import { MemoryPair, type OnDelivered } from './memory-pair.ts'
import { MemoryTransport } from './memory-transport.ts'
import { SeededRandom } from './seeded-random.ts'
import { VirtualTime } from './virtual-time.ts'

export interface MemoryNetworkOptions {
  /** Equal seeds give equal histories. */
  seed: number | string
  /** What every link is like at first, in each direction. */
  conditions?: Partial<LinkConditions>
  /** Where virtual time begins. Default 0. */
  startMs?: number
  /** How long a link may be cut in a direction before both ends give it up. Default 15,000. */
  linkTimeoutMs?: number
  /** Who brings the peers together. Default: a lobby that tells everyone at once who is there. */
  lobby?: CreateMemoryLobby
  /** Told of each message that arrives at a peer, before the peer polls it. */
  onDelivered?: OnDelivered
}

/**
 * A network of transports in one process, for tests and simulations of games.
 *
 * ```ts
 * const memory = createMemoryNetwork({ seed: 1, conditions: { latencyMs: 40, loss: 0.3 } })
 * const a = memory.join(), b = memory.join()
 * memory.advance(200)               // the link comes up
 * a.poll(memory.now, (event) => {}) // roster, connected
 * ```
 */
export class MemoryNetwork {
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  readonly #defaults: LinkConditions
  readonly #linkTimeoutMs: number
  readonly #onDelivered: OnDelivered | undefined
  readonly #transports = new Map<PeerId, MemoryTransport>()
  readonly #pairs = new Map<string, MemoryPair>()
  readonly #lobby: MemoryLobby

  constructor(options: MemoryNetworkOptions) {
    this.#time = new VirtualTime(options.startMs ?? 0)
    this.#random = new SeededRandom(options.seed)
    this.#defaults = createConditions(options.conditions)
    this.#linkTimeoutMs = options.linkTimeoutMs ?? 15_000
    this.#onDelivered = options.onDelivered
    const create: CreateMemoryLobby = options.lobby ?? ((door) => new SimpleLobby(door))
    this.#lobby = create({
      time: this.#time,
      push: (peer, event) => this.#transports.get(peer)?.push(event),
    })
  }

  /** Virtual milliseconds. */
  get now(): number {
    return this.#time.nowMs
  }

  /** Members as the lobby sees them, in order of joining. */
  get members(): readonly PeerId[] {
    return this.#lobby.members
  }

  /** The clock and its heap, for whatever else is to happen on it. */
  get time(): VirtualTime {
    return this.#time
  }

  /** Moves time on and with it everything that is under way. */
  advance(ms: number): void {
    this.#time.advanceTo(this.#time.nowMs + ms)
  }

  /** A new peer comes: the lobby tells everyone, and links to all others begin to come up. */
  join(): Transport {
    const local = this.#lobby.admit()
    const transport = new MemoryTransport(local, {
      leave: (goodbye) => this.#leave(local, goodbye),
      witness: (data) => this.#lobby.witness(local, data),
      requestGeneration: (generation, members, voters) =>
        this.#lobby.requestGeneration(local, generation, members, voters),
    })
    const present = this.members
    this.#transports.set(local, transport)
    for (const member of present) {
      const other = this.#transports.get(member)
      if (other !== undefined && other !== transport) this.#connect(other, transport)
    }
    this.#lobby.enter(local)
    return transport
  }

  /** The peer dies without a word: the lobby sees it go, its links fall silent and time out. */
  crash(peer: PeerId): void {
    this.#transports.get(peer)?.crash()
  }

  /** From here on no roster is sent, and links that are not up yet never come up. Links live on. */
  lobbyDown(): void {
    this.#lobby.setUp(false)
  }

  /** The lobby is back and tells everyone who is there. */
  lobbyUp(): void {
    this.#lobby.setUp(true)
  }

  /** Conditions of one direction. The object lives as long as the link; write it at any time. */
  link(from: PeerId, to: PeerId): LinkConditions {
    return this.#pair(from, to).conditions(from)
  }

  /** Writes the same changes to every link, and to those that come later. */
  setConditions(changes: Partial<LinkConditions>): void {
    Object.assign(this.#defaults, changes)
    for (const pair of this.#pairs.values()) pair.change(changes)
  }

  /** Cuts or heals both directions between two peers. */
  cut(a: PeerId, b: PeerId, cut = true): void {
    this.link(a, b).cut = cut
    this.link(b, a).cut = cut
  }

  /** From here on what arrives in this direction is held, until `unclog` delivers it all at once. */
  clog(from: PeerId, to: PeerId): void {
    this.#pair(from, to).clog(from)
  }

  unclog(from: PeerId, to: PeerId): void {
    this.#pair(from, to).unclog(from)
  }

  #pair(from: PeerId, to: PeerId): MemoryPair {
    const pair = this.#pairs.get(MemoryPair.key(from, to))
    if (pair === undefined) throw new RangeError(`MemoryNetwork: ${from} and ${to} were never in the room together`)
    return pair
  }

  #connect(a: MemoryTransport, b: MemoryTransport): void {
    const pair = new MemoryPair({
      time: this.#time,
      random: this.#random.fork(`${a.local}-${b.local}`),
      ends: [a, b],
      defaults: this.#defaults,
      linkTimeoutMs: this.#linkTimeoutMs,
      onDelivered: this.#onDelivered,
      canSignal: () => this.#lobby.reaches(a.local, b.local),
    })
    this.#pairs.set(MemoryPair.key(a.local, b.local), pair)
    pair.start()
  }

  #leave(local: PeerId, goodbye: boolean): void {
    for (const pair of this.#pairs.values()) if (pair.has(local)) pair.end(local, goodbye)
    this.#lobby.leave(local, goodbye)
  }
}

/** A room in memory with virtual time and seeded, changeable link conditions. */
export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new MemoryNetwork(options)
}
