/**
 * Makes any transport worse on purpose: a panel's sliders, or a test over real WebRTC.
 *
 * Invariant: reliable messages stay complete and in order; time is only what `poll` is given, so
 * what is held back moves on with the game's frames.
 */
import {
  CHANNEL,
  type ChannelKind,
  type LinkStats,
  type PeerId,
  type SendResult,
  type Transport,
  type TransportEvent,
} from '../transport/transport.ts'
import { ImpairedLink } from './impaired-link.ts'
import { LinkConditioner, type LinkConditions } from './link-conditioner.ts'
import { checkMessageSize } from './memory-transport.ts'
import type { SeededRandom } from './seeded-random.ts'
import { VirtualTime } from './virtual-time.ts'

interface ImpairedPeer {
  readonly outgoing: ImpairedLink
  readonly incoming: ImpairedLink
}

class ConditionedTransport implements Transport {
  readonly #inner: Transport
  readonly #conditions: LinkConditions
  readonly #random: SeededRandom
  readonly #time = new VirtualTime()
  readonly #peers = new Map<PeerId, ImpairedPeer>()
  readonly #kinds = new Map<string, ChannelKind>()
  #due: TransportEvent[] = []

  constructor(inner: Transport, conditions: LinkConditions, random: SeededRandom) {
    this.#inner = inner
    this.#conditions = conditions
    this.#random = random
  }

  get local(): PeerId {
    return this.#inner.local
  }

  poll(nowMs: number, handle: (event: TransportEvent) => void): void {
    this.#time.advanceTo(nowMs)
    this.#inner.poll(nowMs, (event) => this.#take(event))
    // A second time, for what came in with no delay at all.
    this.#time.advanceTo(nowMs)
    const due = this.#due
    this.#due = []
    for (const event of due) handle(event)
  }

  send(peer: PeerId, channel: number, data: Uint8Array): SendResult {
    const kind = this.#kindOf(peer, channel)
    const link = this.#peers.get(peer)
    if (kind !== undefined) checkMessageSize(kind, channel, data.length)
    if (kind === undefined || link === undefined) return 'closed'
    const result = link.outgoing.send(channel, kind.reliable, data.slice())
    // With nothing to impair, the message leaves at once.
    this.#time.advanceTo(this.#time.nowMs)
    return result
  }

  openChannel(peer: PeerId, channel: number, kind: ChannelKind): void {
    this.#kinds.set(`${channel} ${peer}`, { reliable: kind.reliable })
    this.#inner.openChannel(peer, channel, kind)
  }

  closeChannel(peer: PeerId, channel: number): void {
    this.#kinds.delete(`${channel} ${peer}`)
    this.#inner.closeChannel(peer, channel)
  }

  bufferedBytes(peer: PeerId, channel: number): number {
    return (this.#peers.get(peer)?.outgoing.bufferedBytes(channel) ?? 0) + this.#inner.bufferedBytes(peer, channel)
  }

  stats(peer: PeerId): LinkStats | undefined {
    return this.#inner.stats(peer)
  }

  witness(data: Uint8Array): boolean {
    return this.#inner.witness?.(data) ?? false
  }

  requestGeneration(generation: number, members: readonly PeerId[], voters: number): boolean {
    return this.#inner.requestGeneration?.(generation, members, voters) ?? false
  }

  disconnect(peer: PeerId): void {
    this.#release(peer)
    this.#inner.disconnect(peer)
  }

  close(): void {
    for (const peer of this.#peers.keys()) this.#release(peer)
    this.#inner.close()
  }

  #kindOf(peer: PeerId, channel: number): ChannelKind | undefined {
    if (channel === CHANNEL.state) return { reliable: false }
    if (channel === CHANNEL.control || channel === CHANNEL.bulk) return { reliable: true }
    return this.#kinds.get(`${channel} ${peer}`)
  }

  /** Passes on at once what a reliable channel still owes, then lets the link go. */
  #release(peer: PeerId): void {
    const link = this.#peers.get(peer)
    if (link === undefined) return
    for (const { channel, data } of link.outgoing.takeUndelivered()) this.#inner.send(peer, channel, data)
    link.outgoing.close()
  }

  #take(event: TransportEvent): void {
    if (event.kind === 'connected') this.#peers.set(event.peer, this.#createPeer(event.peer))
    if (event.kind === 'message') {
      const reliable = this.#kindOf(event.peer, event.channel)?.reliable
      if (reliable !== undefined) this.#peers.get(event.peer)?.incoming.send(event.channel, reliable, event.data)
      return
    }
    if (event.kind === 'disconnected') {
      const link = this.#peers.get(event.peer)
      for (const { channel, data } of link?.incoming.takeUndelivered() ?? []) this.#push(event.peer, channel, data)
      link?.incoming.close()
      link?.outgoing.close()
      this.#peers.delete(event.peer)
    }
    this.#due.push(event)
  }

  #push(peer: PeerId, channel: number, data: Uint8Array): void {
    this.#due.push({ kind: 'message', peer, channel, data })
  }

  #createPeer(peer: PeerId): ImpairedPeer {
    const random = this.#random.fork(peer)
    const outgoing = new LinkConditioner(this.#conditions, random.fork('outgoing'))
    const incoming = new LinkConditioner(this.#conditions, random.fork('incoming'))
    return {
      outgoing: new ImpairedLink(this.#time, outgoing, (channel, data) => {
        this.#inner.send(peer, channel, data)
      }),
      incoming: new ImpairedLink(this.#time, incoming, (channel, data) => this.#push(peer, channel, data)),
    }
  }
}

/**
 * Wraps a transport so that its links behave like worse ones, both ways: 50 ms of latency here adds
 * 100 ms to the round trip, and 0.1 of loss loses a tenth of what is sent and of what is received.
 *
 * @param conditions borrowed and read for every packet: write it, and the link changes at once
 * @param random     where chance comes from; `new SeededRandom(1)` makes a run repeatable
 */
export function conditionTransport(transport: Transport, conditions: LinkConditions, random: SeededRandom): Transport {
  return new ConditionedTransport(transport, conditions, random)
}
