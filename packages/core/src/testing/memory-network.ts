/**
 * A whole room in memory and virtual time: a lobby, and a mesh of links that can be made bad.
 *
 * Invariant: nothing happens but in `advance`, and the same seed with the same calls gives the same
 * history to the last byte.
 */
import type { PeerId, Transport } from '../transport/transport.ts'
import { createConditions, type LinkConditions } from './link-conditioner.ts'
import { MemoryPair } from './memory-pair.ts'
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
  readonly #transports = new Map<PeerId, MemoryTransport>()
  readonly #pairs = new Map<string, MemoryPair>()
  #members: PeerId[] = []
  #joinCount = 0
  #isLobbyUp = true

  constructor(options: MemoryNetworkOptions) {
    this.#time = new VirtualTime(options.startMs ?? 0)
    this.#random = new SeededRandom(options.seed)
    this.#defaults = createConditions(options.conditions)
    this.#linkTimeoutMs = options.linkTimeoutMs ?? 15_000
  }

  /** Virtual milliseconds. */
  get now(): number {
    return this.#time.nowMs
  }

  /** Members as the lobby sees them, in order of joining. */
  get members(): readonly PeerId[] {
    return this.#members
  }

  /** Moves time on and with it everything that is under way. */
  advance(ms: number): void {
    this.#time.advanceTo(this.#time.nowMs + ms)
  }

  /** A new peer comes: the lobby tells everyone, and links to all others begin to come up. */
  join(): Transport {
    const local = `peer-${++this.#joinCount}`
    const transport = new MemoryTransport(local, (goodbye) => this.#leave(local, goodbye))
    this.#transports.set(local, transport)
    for (const member of this.#members) this.#connect(this.#transports.get(member)!, transport)
    this.#members = [...this.#members, local]
    this.#publishRoster()
    return transport
  }

  /** The peer dies without a word: the lobby sees it go, its links fall silent and time out. */
  crash(peer: PeerId): void {
    this.#transports.get(peer)?.crash()
  }

  /** From here on no roster is sent, and links that are not up yet never come up. Links live on. */
  lobbyDown(): void {
    this.#isLobbyUp = false
  }

  /** The lobby is back and tells everyone who is there. */
  lobbyUp(): void {
    this.#isLobbyUp = true
    this.#publishRoster()
  }

  /** Conditions of one direction. The object lives as long as the link; write it at any time. */
  link(from: PeerId, to: PeerId): LinkConditions {
    const pair = this.#pairs.get(MemoryPair.key(from, to))
    if (pair === undefined)
      throw new RangeError(`MemoryNetwork.link: ${from} and ${to} were never in the room together`)
    return pair.conditions(from)
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

  #connect(a: MemoryTransport, b: MemoryTransport): void {
    const pair = new MemoryPair({
      time: this.#time,
      random: this.#random.fork(`${a.local}-${b.local}`),
      ends: [a, b],
      defaults: this.#defaults,
      linkTimeoutMs: this.#linkTimeoutMs,
      isLobbyUp: () => this.#isLobbyUp,
    })
    this.#pairs.set(MemoryPair.key(a.local, b.local), pair)
    pair.start()
  }

  #leave(local: PeerId, goodbye: boolean): void {
    for (const pair of this.#pairs.values()) if (pair.has(local)) pair.end(local, goodbye)
    this.#members = this.#members.filter((member) => member !== local)
    this.#publishRoster()
  }

  #publishRoster(): void {
    if (!this.#isLobbyUp) return
    for (const member of this.#members) {
      this.#transports.get(member)!.push({ kind: 'roster', members: [...this.#members] })
    }
  }
}

/** A room in memory with virtual time and seeded, changeable link conditions. */
export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new MemoryNetwork(options)
}
