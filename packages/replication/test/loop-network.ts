/**
 * A mesh of links in one process that carries what is sent some frames later and costs next to nothing
 * itself, so that what is measured over it is ours. No lobby that fails: `@baton/core/testing` has
 * one.
 *
 * Invariant: state packets are copied into memory made beforehand; only reliable messages allocate.
 */
import {
  CHANNEL,
  MAX_DATAGRAM_BYTES,
  type PeerId,
  type SendResult,
  type Transport,
  type TransportEvent,
} from '@baton/core'

/** Packets under way in one direction; a frame sends 16 at most, a trip is a few frames. */
const SLOTS = 256

type MessageEvent = Extract<TransportEvent, { kind: 'message' }>

/** One direction of a link. */
interface Lane {
  readonly slots: readonly Uint8Array[]
  readonly events: { -readonly [Key in keyof MessageEvent]: MessageEvent[Key] }[]
  readonly dueFrame: Float64Array
  head: number
  tail: number
  readonly reliable: { readonly dueFrame: number; readonly event: MessageEvent }[]
}

/** What one peer has sent, to all others together. */
export interface SentBytes {
  bytes: number
  packets: number
}

export class LoopNetwork {
  /** Set it to the number of the frame that runs, before anything polls or sends in it. */
  frame = 0
  /** Asked for each state packet; those for which it says true never arrive. */
  isLost: () => boolean = () => false
  readonly delayFrames: number
  readonly transports: LoopTransport[] = []

  /** @param delayFrames from `send` to the far end's `poll`; with frames in step an ack comes back after twice that */
  constructor(delayFrames: number) {
    this.delayFrames = delayFrames
  }

  join(): LoopTransport {
    const transport = new LoopTransport(this, `loop-${this.transports.length + 1}`)
    const others = [...this.transports]
    this.transports.push(transport)
    const members = this.transports.map((one) => one.local)
    for (const one of this.transports) one.waiting.push({ kind: 'roster', members })
    for (const other of others) {
      other.connect(transport)
      transport.connect(other)
    }
    return transport
  }
}

export class LoopTransport implements Transport {
  readonly local: PeerId
  readonly waiting: TransportEvent[] = []
  /** State packets only. */
  readonly sent: SentBytes = { bytes: 0, packets: 0 }
  readonly #network: LoopNetwork
  readonly #lanesTo = new Map<PeerId, Lane>()
  readonly #lanesFrom: Lane[] = []

  constructor(network: LoopNetwork, local: PeerId) {
    this.#network = network
    this.local = local
  }

  connect(to: LoopTransport): void {
    const lane: Lane = {
      slots: Array.from({ length: SLOTS }, () => new Uint8Array(MAX_DATAGRAM_BYTES)),
      events: Array.from({ length: SLOTS }, () => ({
        kind: 'message',
        peer: this.local,
        channel: CHANNEL.state,
        data: new Uint8Array(),
      })),
      dueFrame: new Float64Array(SLOTS),
      head: 0,
      tail: 0,
      reliable: [],
    }
    this.#lanesTo.set(to.local, lane)
    to.#lanesFrom.push(lane)
    this.waiting.push({ kind: 'connected', peer: to.local })
  }

  poll(_nowMs: number, handle: (event: TransportEvent) => void): void {
    for (let at = 0; at < this.waiting.length; at += 1) handle(this.waiting[at]!)
    this.waiting.length = 0
    const { frame } = this.#network
    for (let at = 0; at < this.#lanesFrom.length; at += 1) {
      const lane = this.#lanesFrom[at]!
      while (lane.reliable.length > 0 && lane.reliable[0]!.dueFrame <= frame) handle(lane.reliable.shift()!.event)
      while (lane.head < lane.tail && lane.dueFrame[lane.head % SLOTS]! <= frame) {
        handle(lane.events[lane.head % SLOTS]!)
        lane.head += 1
      }
    }
  }

  send(peer: PeerId, channel: number, data: Uint8Array): SendResult {
    const lane = this.#lanesTo.get(peer)
    if (lane === undefined) return 'closed'
    const dueFrame = this.#network.frame + this.#network.delayFrames
    if (channel !== CHANNEL.state) {
      lane.reliable.push({ dueFrame, event: { kind: 'message', peer: this.local, channel, data: data.slice() } })
      return 'sent'
    }
    if (this.#network.isLost()) return 'sent'
    if (lane.tail - lane.head === SLOTS) return 'dropped'
    const slot = lane.tail % SLOTS
    lane.slots[slot]!.set(data)
    lane.events[slot]!.data = lane.slots[slot]!.subarray(0, data.length)
    lane.dueFrame[slot] = dueFrame
    lane.tail += 1
    this.sent.bytes += data.length
    this.sent.packets += 1
    return 'sent'
  }

  openChannel(): void {}
  closeChannel(): void {}
  bufferedBytes(): number {
    return 0
  }
  stats(): undefined {
    return undefined
  }
  disconnect(): void {}
  close(): void {}
}
