/**
 * One direction of one link in virtual time: datagrams that may be lost, and ordered streams that
 * are not.
 *
 * Invariant: a reliable message is delivered exactly once, in the order of its channel, however
 * often its packets are lost; only `close` ends that.
 */
import type { SendResult } from '../transport/transport.ts'
import type { LinkConditioner } from './link-conditioner.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A reliable message travels as packets of this size; each is lost and sent again by itself. */
const PACKET_BYTES = 1_200
/** Reliable bytes under way at once, so that a slow link shows as a growing `bufferedBytes`. */
const WINDOW_BYTES = 262_144
const MAX_RETRANSMIT_MS = 1_000

/** Called when a message arrives. `data` is the array given to `send`, or a copy for a duplicate. */
export type Deliver = (channel: number, data: Uint8Array, reliable: boolean, sentMs: number) => void

interface ReliableMessage {
  readonly channel: number
  readonly data: Uint8Array
  readonly sentMs: number
  missingPackets: number
  retransmitMs: number
  hasArrived: boolean
}

interface Stream {
  /** Accepted, not yet on the wire. */
  readonly waiting: ReliableMessage[]
  /** On the wire or arrived out of order; delivered from the front. */
  readonly underWay: ReliableMessage[]
}

/** Carries messages of any channel one way. `deliver` is called from the virtual time's actions. */
export class ImpairedLink {
  readonly #time: VirtualTime
  readonly #conditioner: LinkConditioner
  readonly #deliver: Deliver
  readonly #streams = new Map<number, Stream>()
  readonly #bufferedBytes = new Map<number, number>()
  #underWayBytes = 0
  #isClosed = false
  /** What has arrived while the link was clogged, in order. */
  #held: (() => void)[] | undefined

  constructor(time: VirtualTime, conditioner: LinkConditioner, deliver: Deliver) {
    this.#time = time
    this.#conditioner = conditioner
    this.#deliver = deliver
  }

  /** @param data kept, not copied */
  send(channel: number, reliable: boolean, data: Uint8Array): SendResult {
    if (this.#isClosed) return 'closed'
    if (!reliable) return this.#sendDatagram(channel, data)
    const missingPackets = Math.max(1, Math.ceil(data.length / PACKET_BYTES))
    const retransmitMs = this.#conditioner.retransmitMs()
    this.#stream(channel).waiting.push({
      channel,
      data,
      sentMs: this.#time.nowMs,
      missingPackets,
      retransmitMs,
      hasArrived: false,
    })
    this.#addBuffered(channel, data.length)
    this.#pump()
    return 'sent'
  }

  /** Bytes accepted on the channel that have not left the sender. */
  bufferedBytes(channel: number): number {
    return this.#bufferedBytes.get(channel) ?? 0
  }

  /** From here on nothing is delivered; `unclog` delivers what has come, all at once. */
  clog(): void {
    this.#held ??= []
  }

  unclog(): void {
    const held = this.#held
    this.#held = undefined
    for (const deliver of held ?? []) deliver()
  }

  /** Forgets everything, also what is under way. */
  close(): void {
    this.#isClosed = true
    this.#held = undefined
    this.#streams.clear()
    this.#bufferedBytes.clear()
  }

  /** Every reliable message that has not been delivered, in order of its channel; then forgets them. */
  takeUndelivered(): { channel: number; data: Uint8Array }[] {
    const messages = [...this.#streams.values()].flatMap((stream) => [...stream.underWay, ...stream.waiting])
    this.#streams.clear()
    this.#bufferedBytes.clear()
    return messages
  }

  #stream(channel: number): Stream {
    let stream = this.#streams.get(channel)
    if (stream === undefined) {
      stream = { waiting: [], underWay: [] }
      this.#streams.set(channel, stream)
    }
    return stream
  }

  #addBuffered(channel: number, sizeBytes: number): void {
    this.#bufferedBytes.set(channel, Math.max(0, this.bufferedBytes(channel) + sizeBytes))
  }

  #leaveAt(channel: number, sizeBytes: number, departMs: number): void {
    if (departMs <= this.#time.nowMs) this.#addBuffered(channel, -sizeBytes)
    else this.#time.at(departMs, () => this.#addBuffered(channel, -sizeBytes))
  }

  #sendDatagram(channel: number, data: Uint8Array): SendResult {
    const conditioner = this.#conditioner
    const nowMs = this.#time.nowMs
    if (conditioner.isFull(nowMs, data.length)) return 'dropped'
    const departMs = conditioner.departMs(nowMs, data.length)
    this.#addBuffered(channel, data.length)
    this.#leaveAt(channel, data.length, departMs)
    const isLost = conditioner.loses()
    const copies = conditioner.duplicates() ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const arriveMs = departMs + conditioner.delayMs(true)
      if (isLost) continue
      // A receiver may keep what it gets, so a second arrival needs bytes of its own.
      const bytes = copy === 0 ? data : data.slice()
      this.#time.at(arriveMs, () => {
        if (!this.#isClosed) this.#pass(() => this.#deliver(channel, bytes, false, nowMs))
      })
    }
    return 'sent'
  }

  /** Puts waiting messages on the wire, one of each channel in turn, as far as the window allows. */
  #pump(): void {
    let hasMoved = true
    while (hasMoved && this.#underWayBytes < WINDOW_BYTES) {
      hasMoved = false
      for (const stream of this.#streams.values()) {
        const message = stream.waiting.shift()
        if (message === undefined) continue
        hasMoved = true
        stream.underWay.push(message)
        this.#underWayBytes += message.data.length
        const departMs = this.#conditioner.departMs(this.#time.nowMs, message.data.length)
        this.#leaveAt(message.channel, message.data.length, departMs)
        this.#at(departMs, () => this.#transmit(message))
        if (this.#underWayBytes >= WINDOW_BYTES) break
      }
    }
  }

  #at(timeMs: number, action: () => void): void {
    if (timeMs <= this.#time.nowMs) action()
    else this.#time.at(timeMs, action)
  }

  /** One round: every missing packet is sent; what is lost is sent again after a while. */
  #transmit(message: ReliableMessage): void {
    if (this.#isClosed) return
    const before = message.missingPackets
    let lost = 0
    for (let packet = 0; packet < before; packet++) if (this.#conditioner.loses()) lost++
    message.missingPackets = lost
    const nowMs = this.#time.nowMs
    if (lost === 0) {
      this.#time.at(nowMs + this.#conditioner.delayMs(false), () => this.#arrive(message))
      return
    }
    if (lost === before) message.retransmitMs = Math.min(message.retransmitMs * 2, MAX_RETRANSMIT_MS)
    this.#time.at(nowMs + message.retransmitMs, () => this.#retransmit(message))
  }

  /** What is sent again passes the rate limit again. */
  #retransmit(message: ReliableMessage): void {
    const sizeBytes = Math.min(message.data.length, message.missingPackets * PACKET_BYTES)
    this.#at(this.#conditioner.departMs(this.#time.nowMs, sizeBytes), () => this.#transmit(message))
  }

  #arrive(message: ReliableMessage): void {
    if (this.#isClosed) return
    message.hasArrived = true
    const underWay = this.#streams.get(message.channel)?.underWay
    while (underWay !== undefined && underWay.length > 0 && underWay[0]!.hasArrived) {
      const next = underWay.shift()!
      this.#underWayBytes -= next.data.length
      this.#pass(() => this.#deliver(next.channel, next.data, true, next.sentMs))
    }
    this.#pump()
  }

  #pass(deliver: () => void): void {
    if (this.#held === undefined) deliver()
    else this.#held.push(deliver)
  }
}
