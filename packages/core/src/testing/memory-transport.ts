/**
 * One peer's end of a memory network.
 *
 * Invariant: like every transport it never calls back; what happens is queued until `poll`.
 */
import { invariant } from '../errors.ts'
import {
  CHANNEL,
  MAX_DATAGRAM_BYTES,
  MAX_TRANSPORT_MESSAGE_BYTES,
  MAX_WITNESS_BYTES,
  type ChannelKind,
  type LinkStats,
  type PeerId,
  type SendResult,
  type Transport,
  type TransportEvent,
} from '../transport/transport.ts'
import type { MemoryPair } from './memory-pair.ts'

/** The kinds of the channels that are always open. */
const FIXED_KINDS = new Map<number, ChannelKind>([
  [CHANNEL.control, { reliable: true }],
  [CHANNEL.state, { reliable: false }],
  [CHANNEL.bulk, { reliable: true }],
])

/** A channel's key among all of one transport's channels. */
function channelKey(peer: PeerId, channel: number): string {
  return `${channel} ${peer}`
}

/**
 * Throws when a message may not be sent on a channel of this kind; shared by all test transports.
 * @throws InvariantError over the limit of the kind
 */
export function checkMessageSize(kind: ChannelKind, channel: number, sizeBytes: number): void {
  const limitBytes = kind.reliable ? MAX_TRANSPORT_MESSAGE_BYTES : MAX_DATAGRAM_BYTES
  invariant(
    sizeBytes <= limitBytes,
    `transport.send: ${sizeBytes} bytes on channel ${channel} are over its limit of ${limitBytes}; send less, or in pieces`,
  )
}

/** What a transport asks of the network it belongs to. */
export interface MemoryTransportDoor {
  leave(goodbye: boolean): void
  witness(data: Uint8Array): boolean
  requestGeneration(generation: number, members: readonly PeerId[], voters: number): boolean
}

export class MemoryTransport implements Transport {
  readonly local: PeerId
  readonly #door: MemoryTransportDoor
  readonly #pairs = new Map<PeerId, MemoryPair>()
  readonly #open = new Map<string, ChannelKind>()
  #inbox: TransportEvent[] = []
  #isClosed = false

  constructor(local: PeerId, door: MemoryTransportDoor) {
    this.local = local
    this.#door = door
  }

  poll(_nowMs: number, handle: (event: TransportEvent) => void): void {
    const events = this.#inbox
    this.#inbox = []
    for (const event of events) handle(event)
  }

  send(peer: PeerId, channel: number, data: Uint8Array): SendResult {
    const kind = this.kindOf(peer, channel)
    if (kind === undefined) return 'closed'
    checkMessageSize(kind, channel, data.length)
    return this.#pairs.get(peer)?.send(this.local, channel, kind.reliable, data.slice()) ?? 'closed'
  }

  openChannel(peer: PeerId, channel: number, kind: ChannelKind): void {
    this.#open.set(channelKey(peer, channel), { reliable: kind.reliable })
  }

  closeChannel(peer: PeerId, channel: number): void {
    this.#open.delete(channelKey(peer, channel))
  }

  bufferedBytes(peer: PeerId, channel: number): number {
    return this.#pairs.get(peer)?.bufferedBytes(this.local, channel) ?? 0
  }

  stats(peer: PeerId): LinkStats | undefined {
    return this.#pairs.get(peer)?.stats(this.local)
  }

  witness(data: Uint8Array): boolean {
    invariant(
      data.length <= MAX_WITNESS_BYTES,
      `transport.witness: ${data.length} bytes are over the limit of ${MAX_WITNESS_BYTES}; send less`,
    )
    return !this.#isClosed && this.#door.witness(data.slice())
  }

  requestGeneration(generation: number, members: readonly PeerId[], voters: number): boolean {
    return !this.#isClosed && this.#door.requestGeneration(generation, members, voters)
  }

  disconnect(peer: PeerId): void {
    this.#pairs.get(peer)?.end(this.local, true)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#door.leave(true)
  }

  // What the network in memory does with its transports; games see only the contract above.

  /** The channel's kind on this side, or `undefined` when it is not open here. */
  kindOf(peer: PeerId, channel: number): ChannelKind | undefined {
    return FIXED_KINDS.get(channel) ?? this.#open.get(channelKey(peer, channel))
  }

  /** Dies without a goodbye, and hears and says nothing from now on. */
  crash(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#door.leave(false)
    this.#inbox = []
  }

  /** Queues an event for the next poll. A closed transport hears of nothing but its links' ends. */
  push(event: TransportEvent): void {
    if (!this.#isClosed || event.kind === 'disconnected') this.#inbox.push(event)
  }

  attach(peer: PeerId, pair: MemoryPair): void {
    this.#pairs.set(peer, pair)
  }
}
