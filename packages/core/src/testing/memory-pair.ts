/**
 * The link between two peers of a memory network: both directions, and how it begins and ends.
 *
 * Invariant: each end sees `connected` before the first message, nothing after its `disconnected`,
 * and each of the two exactly once.
 */
import {
  CHANNEL,
  type ChannelKind,
  type DisconnectReason,
  type LinkStats,
  type PeerId,
  type SendResult,
  type TransportEvent,
} from '../transport/transport.ts'
import { ImpairedLink } from './impaired-link.ts'
import { createConditions, LinkConditioner, type LinkConditions } from './link-conditioner.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Offer, answer, then a handshake on the path itself: what WebRTC needs, in one-way trips. */
const CONNECT_TRIPS = 4
const RETRY_MS = 500
const WATCH_MS = 500
/** Known by identity. Sent on the control channel, so that it comes after everything said there. */
const GOODBYE = new Uint8Array(0)

/** What a pair needs of the transports at its ends. */
export interface PairTransport {
  readonly local: PeerId
  kindOf(peer: PeerId, channel: number): ChannelKind | undefined
  push(event: TransportEvent): void
  attach(peer: PeerId, pair: MemoryPair): void
}

interface End {
  readonly transport: PairTransport
  readonly conditioner: LinkConditioner
  /** From this end to the other. */
  readonly outgoing: ImpairedLink
  state: 'connecting' | 'up' | 'ended'
  bytesSent: number
  bytesReceived: number
  packetsSent: number
  packetsReceived: number
  staleDropped: number
}

/** A message of `from` has come to `to`; it was sent at `sentMs`. */
export type OnDelivered = (from: PeerId, to: PeerId, sentMs: number) => void

export interface MemoryPairOptions {
  readonly time: VirtualTime
  readonly random: SeededRandom
  readonly ends: readonly [PairTransport, PairTransport]
  readonly defaults: LinkConditions
  readonly linkTimeoutMs: number
  /** Signals pass between the two. */
  readonly canSignal: () => boolean
  /** Told of each message that arrives, with the time at which it was sent. */
  readonly onDelivered: OnDelivered | undefined
}

export class MemoryPair {
  readonly #options: MemoryPairOptions
  readonly #ends: readonly [End, End]
  #cutSinceMs: number | undefined

  constructor(options: MemoryPairOptions) {
    this.#options = options
    const [a, b] = options.ends
    this.#ends = [this.#createEnd(a, 1), this.#createEnd(b, 0)]
    a.attach(b.local, this)
    b.attach(a.local, this)
  }

  static key(a: PeerId, b: PeerId): string {
    return a < b ? `${a} ${b}` : `${b} ${a}`
  }

  has(peer: PeerId): boolean {
    return this.#ends.some((end) => end.transport.local === peer)
  }

  conditions(from: PeerId): LinkConditions {
    return this.#end(from).conditioner.conditions
  }

  change(changes: Partial<LinkConditions>): void {
    for (const end of this.#ends) Object.assign(end.conditioner.conditions, changes)
  }

  clog(from: PeerId): void {
    this.#end(from).outgoing.clog()
  }

  unclog(from: PeerId): void {
    this.#end(from).outgoing.unclog()
  }

  start(): void {
    const tripMs = Math.max(...this.#ends.map((end) => end.conditioner.delayMs(false)))
    this.#options.time.at(this.#options.time.nowMs + CONNECT_TRIPS * tripMs, () => this.#tryConnect())
  }

  send(from: PeerId, channel: number, reliable: boolean, data: Uint8Array): SendResult {
    const end = this.#end(from)
    if (end.state !== 'up') return 'closed'
    const result = end.outgoing.send(channel, reliable, data)
    if (result === 'dropped') end.staleDropped++
    else {
      end.bytesSent += data.length
      end.packetsSent++
    }
    return result
  }

  bufferedBytes(from: PeerId, channel: number): number {
    const end = this.#end(from)
    return end.state === 'up' ? end.outgoing.bufferedBytes(channel) : 0
  }

  stats(from: PeerId): LinkStats | undefined {
    const { state, bytesSent, bytesReceived, packetsSent, packetsReceived, staleDropped } = this.#end(from)
    if (state !== 'up') return undefined
    return { bytesSent, bytesReceived, packetsSent, packetsReceived, staleDropped, route: 'memory' }
  }

  /** One end leaves. With a goodbye the other hears of it in order; without, only by silence. */
  end(peer: PeerId, goodbye: boolean): void {
    const end = this.#end(peer)
    if (end.state === 'ended') return
    const wasUp = end.state === 'up'
    this.#finish(end, 'closed')
    if (wasUp && goodbye) end.outgoing.send(CHANNEL.control, true, GOODBYE)
    else if (wasUp) end.outgoing.close()
    else this.#finish(this.#other(end), 'closed')
  }

  #createEnd(transport: PairTransport, to: 0 | 1): End {
    const random = this.#options.random.fork(`from ${transport.local}`)
    const conditioner = new LinkConditioner(createConditions(this.#options.defaults), random)
    const outgoing = new ImpairedLink(this.#options.time, conditioner, (channel, data, reliable, sentMs) => {
      this.#deliver(this.#ends[to], channel, data, reliable, sentMs)
    })
    const counts = { bytesSent: 0, bytesReceived: 0, packetsSent: 0, packetsReceived: 0, staleDropped: 0 }
    return { transport, conditioner, outgoing, state: 'connecting', ...counts }
  }

  #end(peer: PeerId): End {
    return this.#ends[0].transport.local === peer ? this.#ends[0] : this.#ends[1]
  }

  #other(end: End): End {
    return end === this.#ends[0] ? this.#ends[1] : this.#ends[0]
  }

  #tryConnect(): void {
    const { time, canSignal } = this.#options
    if (this.#ends.some((end) => end.state === 'ended')) return
    if (!canSignal() || this.#isCut()) {
      time.at(time.nowMs + RETRY_MS, () => this.#tryConnect())
      return
    }
    for (const end of this.#ends) {
      end.state = 'up'
      end.transport.push({ kind: 'connected', peer: this.#other(end).transport.local })
    }
    this.#watch()
  }

  #isCut(): boolean {
    return this.#ends.some((end) => end.conditioner.conditions.cut)
  }

  /** Either direction cut for long, or one end silent for long, ends the link for whoever is still there. */
  #watch(): void {
    const { time, linkTimeoutMs } = this.#options
    if (this.#ends.every((end) => end.state === 'ended')) return
    const isSilent = this.#isCut() || this.#ends.some((end) => end.state === 'ended')
    this.#cutSinceMs = isSilent ? (this.#cutSinceMs ?? time.nowMs) : undefined
    if (this.#cutSinceMs !== undefined && time.nowMs - this.#cutSinceMs >= linkTimeoutMs) {
      for (const end of this.#ends) this.#finish(end, 'lost')
      return
    }
    time.at(time.nowMs + WATCH_MS, () => this.#watch())
  }

  #finish(end: End, reason: DisconnectReason): void {
    const wasUp = end.state === 'up'
    end.state = 'ended'
    // The other way is deaf now; what this end said before may still arrive.
    this.#other(end).outgoing.close()
    if (wasUp) end.transport.push({ kind: 'disconnected', peer: this.#other(end).transport.local, reason })
  }

  #deliver(to: End, channel: number, data: Uint8Array, reliable: boolean, sentMs: number): void {
    if (to.state !== 'up') return
    if (data === GOODBYE) {
      this.#finish(to, 'left')
      return
    }
    to.bytesReceived += data.length
    to.packetsReceived++
    const peer = this.#other(to).transport.local
    if (to.transport.kindOf(peer, channel)?.reliable !== reliable) return
    to.transport.push({ kind: 'message', peer, channel, data })
    this.#options.onDelivered?.(peer, to.transport.local, sentMs)
  }
}
