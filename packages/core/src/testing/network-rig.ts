/**
 * Several networks over one memory network, moved on frame by frame.
 *
 * Invariant: every member gets one `receive` and one `flush` per frame, in order of joining, so that
 * equal seeds give equal histories for whole games.
 */
import { createNetwork, type Network } from '../network.ts'
import type { NetworkOptions } from '../network-types.ts'
import type { PeerId, Transport } from '../transport/transport.ts'
import { createMemoryNetwork, type MemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts'
import { SeededRandom } from './seeded-random.ts'

export interface NetworkRigOptions extends MemoryNetworkOptions {
  /** Length of a frame in virtual milliseconds. Default 16. */
  frameMs?: number
  /** What every network gets, unless its own options say otherwise. */
  network?: Partial<NetworkOptions>
  /** Called for each member between its `receive` and its `flush`: where a game's frame would be. */
  onFrame?: (network: Network, nowMs: number) => void
}

/** A room of whole networks in virtual time. */
export class NetworkRig {
  /** The lobby and the links underneath. */
  readonly memory: MemoryNetwork
  /** Networks that still run, in order of joining. */
  readonly networks: Network[] = []
  readonly #options: NetworkRigOptions
  readonly #random: SeededRandom
  readonly #frameMs: number

  constructor(options: NetworkRigOptions) {
    this.memory = createMemoryNetwork(options)
    this.#options = options
    this.#random = new SeededRandom(options.seed).fork('networks')
    this.#frameMs = options.frameMs ?? 16
  }

  get nowMs(): number {
    return this.memory.now
  }

  /** A new peer joins the room. @param wrap puts something between the network and its transport */
  join(options: Partial<NetworkOptions> = {}, wrap: (transport: Transport) => Transport = (own) => own): Network {
    const transport = wrap(this.memory.join())
    const random = this.#random.fork(transport.local)
    const network = createNetwork({
      random: () => random.uint32(),
      displayName: transport.local,
      ...this.#options.network,
      ...options,
      transport,
    })
    this.networks.push(network)
    return network
  }

  /** Several peers that joined one after the other, so that their order is sure, and are all linked. */
  room(count: number, options: Partial<NetworkOptions> = {}): Network[] {
    const networks: Network[] = []
    for (let index = 0; index < count; index++) {
      const network = this.join(options)
      networks.push(network)
      this.runUntil(() => network.isJoined)
    }
    this.runUntil(() => networks.every((network) => network.peers.length === count - 1 && areLinked(network)))
    return networks
  }

  /** Goes on for so many virtual milliseconds. */
  run(ms: number): void {
    const endMs = this.memory.now + ms
    while (this.memory.now < endMs) this.frame()
  }

  /** Goes on until something holds. @throws Error when it does not within `limitMs`; default 60,000 */
  runUntil(holds: () => boolean, limitMs = 60_000): void {
    const endMs = this.memory.now + limitMs
    while (!holds()) {
      if (this.memory.now >= endMs) throw new Error(`NetworkRig.runUntil: it did not come to hold within ${limitMs} ms`)
      this.frame()
    }
  }

  /** One frame of every member. */
  frame(): void {
    this.memory.advance(this.#frameMs)
    const nowMs = this.memory.now
    for (const network of this.networks.slice()) {
      network.receive(nowMs)
      this.#options.onFrame?.(network, nowMs)
      network.flush(nowMs)
    }
    for (let index = this.networks.length - 1; index >= 0; index--) {
      if (this.networks[index]!.state === 'closed') this.networks.splice(index, 1)
    }
  }

  /** The peer dies without a word, and its network runs no further. */
  crash(network: Network): void {
    this.memory.crash(network.local.id)
    this.stop(network)
  }

  /** The network gets no more frames; its links stay up and silent, as with a frozen tab. */
  stop(network: Network): void {
    const index = this.networks.indexOf(network)
    if (index >= 0) this.networks.splice(index, 1)
  }

  /** The network with this id among those that run. */
  find(id: PeerId): Network | undefined {
    return this.networks.find((network) => network.local.id === id)
  }
}

function areLinked(network: Network): boolean {
  return network.peers.every((peer) => peer.linked)
}

/** A room of whole networks in virtual time, with seeded link conditions. */
export function createNetworkRig(options: NetworkRigOptions): NetworkRig {
  return new NetworkRig(options)
}
