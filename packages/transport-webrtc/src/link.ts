/**
 * One attempt at a link to one peer, and the link that comes of it: a connection with its channels.
 *
 * Invariant: `connected` comes once, after both sides have said hello, and before any message;
 * `ended` comes at most once and last. A link ends for good: the next attempt is another `Link`.
 */
import { CHANNEL, type ChannelKind, type LinkStats, type SendResult } from '@baton/core'
import { FIXED_STREAMS } from './channel-ids.ts'
import { DataChannel, MAX_RELIABLE_BUFFERED_BYTES } from './data-channel.ts'
import { decodeLinkFrame, encodeLinkFrame, LINK_VERSION, type LinkFrame } from './link-frames.ts'
import { NumberedChannels } from './numbered-channels.ts'
import { PeerConnection, type PeerConnectionOptions, type Signal } from './peer-connection.ts'

/**
 * `left`: the far end said goodbye. `failed`: no path. `gone`: it closed the connection without a word.
 * `slow`: it does not take what it is sent. `breach`: it broke the protocol. `version`: another one.
 */
export type LinkEnd = 'left' | 'failed' | 'gone' | 'slow' | 'breach' | 'version'

export interface LinkHandlers {
  signal(signal: Signal): void
  connected(): void
  /** @returns `false` when there is no room for it: the link ends as slow */
  message(channel: number, reliable: boolean, data: Uint8Array): boolean
  /** A numbered channel is of this kind at the far end, and of the other here. */
  mismatch(channel: number, reliable: boolean): void
  ended(end: LinkEnd): void
}

/** Bad frames, text, oversized messages and in-band channels of one peer before the link is ended. */
export const MAX_BREACHES = 16
/** Messages that overtook the far end's hello; more than a few are no accident. */
const MAX_EARLY_MESSAGES = 256
/** A goodbye, and what was said before it, needs a moment to arrive; the far end normally closes first. */
const LINGER_MS = 1_000

export class Link {
  #connection: PeerConnection
  #handlers: LinkHandlers | undefined
  #fixed = new Map<number, DataChannel>()
  #numbered = new NumberedChannels({
    create: (number, reliable) => this.#createChannel(number, `channel-${number}`, number, reliable),
    announce: (channel, reliable) => this.#say({ kind: 'held', channel, reliable }),
    mismatch: (number, reliable) => this.#handlers?.mismatch(number, reliable),
  })
  #early: { channel: number; reliable: boolean; data: Uint8Array }[] = []
  #saidHello = false
  #heardHello = false
  #up = false
  #connected = false
  #breaches = 0
  #controlSent = 0
  #controlReceived = 0
  /** The far end's goodbye, while control messages it had sent before are still under way. */
  #leavesAfter: number | undefined
  #leaveTimer: ReturnType<typeof setTimeout> | undefined
  #stats = { bytesSent: 0, bytesReceived: 0, packetsSent: 0, packetsReceived: 0, staleDropped: 0 }
  #route: LinkStats['route'] = 'unknown'
  /** Messages on numbered channels that this side did not have open. */
  undeliveredCount = 0

  constructor(options: PeerConnectionOptions, handlers: LinkHandlers) {
    this.#handlers = handlers
    this.#connection = new PeerConnection(options, {
      signal: (signal) => this.#handlers?.signal(signal),
      up: () => {
        this.#up = true
        this.#sayHello()
      },
      frame: (bytes) => this.#hear(bytes),
      breach: () => this.#breach(),
      ended: (cause) => this.#end(cause === 'failed' ? 'failed' : 'gone'),
    })
    for (const { channel, id, reliable, label } of FIXED_STREAMS) {
      const data = this.#createChannel(channel, label, id, reliable)
      if (data) this.#fixed.set(channel, data)
    }
    for (const channel of this.#fixed.values()) channel.release()
  }

  get isConnected(): boolean {
    return this.#connected && this.#handlers !== undefined
  }

  get breachCount(): number {
    return this.#breaches
  }

  accept(signal: Signal): void {
    this.#connection.accept(signal)
  }

  /** @param data within the limits of its channel, see `limitBytes` */
  send(channel: number, data: Uint8Array): SendResult {
    const target = this.#target(channel)
    if (!target || !this.isConnected) return 'closed'
    if (target.reliable && target.bufferedBytes + data.length > MAX_RELIABLE_BUFFERED_BYTES) {
      this.#end('slow')
      return 'closed'
    }
    const result = target.send(data)
    if (result === 'sent') {
      if (channel === CHANNEL.control) this.#controlSent++
      this.#stats.packetsSent++
      this.#stats.bytesSent += data.length
    } else if (result === 'dropped') {
      this.#stats.staleDropped++
    }
    return result
  }

  /** Whether a message on this channel is reliable; `undefined` when the channel is not open. */
  isReliable(channel: number): boolean | undefined {
    return this.#target(channel)?.reliable
  }

  openChannel(number: number, kind: ChannelKind): void {
    if (this.isConnected) this.#numbered.open(number, kind.reliable)
  }

  closeChannel(number: number): void {
    this.#numbered.close(number)
  }

  bufferedBytes(channel: number): number {
    return this.#target(channel)?.bufferedBytes ?? 0
  }

  get stats(): LinkStats {
    return { ...this.#stats, route: this.#route }
  }

  /** Once per poll: measures the queues, and ends the link when a reliable one stands still. */
  tick(nowMs: number): void {
    if (!this.isConnected) return
    for (const channel of this.#fixed.values()) if (!channel.measure(nowMs)) return this.#end('slow')
    if (!this.#numbered.measure(nowMs)) this.#end('slow')
  }

  /** Ends the link from this side, with a goodbye when it was up. No handler is called any more. Idempotent. */
  close(): void {
    if (!this.#handlers) return
    const connection = this.#connection
    const goodbye = this.isConnected
    this.#handlers = undefined
    clearTimeout(this.#leaveTimer)
    if (!goodbye) return connection.destroy()
    this.#say({ kind: 'goodbye', controlCount: this.#controlSent >>> 0 })
    connection.closeSoon(LINGER_MS, (bytes) => decodeLinkFrame(bytes)?.kind === 'goodbye')
  }

  #target(channel: number): DataChannel | undefined {
    return this.#fixed.get(channel) ?? this.#numbered.get(channel)
  }

  #say(frame: LinkFrame): void {
    this.#connection.sendFrame(encodeLinkFrame(frame))
  }

  #createChannel(channel: number, label: string, id: number, reliable: boolean): DataChannel | undefined {
    const raw = this.#connection.createChannel(label, id, reliable)
    if (!raw) return undefined
    return new DataChannel(raw, reliable, {
      opened: () => this.#sayHello(),
      message: (data) => this.#receive(channel, reliable, data),
      breach: () => this.#breach(),
      // A channel never closes alone on purpose: its connection goes, or the far end does what ours never does.
      closed: () => this.#end('gone'),
    })
  }

  #hear(bytes: Uint8Array): void {
    const frame = decodeLinkFrame(bytes)
    switch (frame?.kind) {
      case 'hello':
        if (frame.version !== LINK_VERSION) return this.#end('version')
        this.#heardHello = true
        return this.#settle()
      case 'held':
        return this.#heardHello ? this.#numbered.heard(frame.channel, frame.reliable) : this.#breach()
      case 'goodbye':
        this.#leavesAfter = frame.controlCount
        this.#leaveTimer ??= setTimeout(() => this.#end('left'), LINGER_MS)
        return this.#leaveWhenComplete()
      case undefined:
        return this.#breach()
    }
  }

  #sayHello(): void {
    if (this.#saidHello || !this.#up || !this.#handlers) return
    if (this.#fixed.size < FIXED_STREAMS.length) return
    for (const channel of this.#fixed.values()) if (!channel.isOpen) return
    this.#saidHello = true
    this.#say({ kind: 'hello', version: LINK_VERSION })
    this.#settle()
  }

  #settle(): void {
    if (this.#connected || !this.#saidHello || !this.#heardHello || !this.#handlers) return
    this.#connected = true
    void this.#connection.route().then((route) => (this.#route = route))
    this.#handlers.connected()
    const early = this.#early
    this.#early = []
    for (const { channel, reliable, data } of early) this.#receive(channel, reliable, data)
  }

  #receive(channel: number, reliable: boolean, data: Uint8Array): void {
    if (!this.#handlers) return
    if (!this.#connected) {
      if (this.#early.length >= MAX_EARLY_MESSAGES) return this.#breach()
      this.#early.push({ channel, reliable, data })
      return
    }
    if (!this.#target(channel)) {
      this.undeliveredCount++
      return
    }
    this.#stats.packetsReceived++
    this.#stats.bytesReceived += data.length
    if (channel === CHANNEL.control) this.#controlReceived++
    if (!this.#handlers.message(channel, reliable, data)) return this.#end('slow')
    this.#leaveWhenComplete()
  }

  #leaveWhenComplete(): void {
    if (this.#leavesAfter === this.#controlReceived >>> 0) this.#end('left')
  }

  #breach(): void {
    if (++this.#breaches >= MAX_BREACHES) this.#end('breach')
  }

  #end(end: LinkEnd): void {
    const handlers = this.#handlers
    if (!handlers) return
    this.#handlers = undefined
    clearTimeout(this.#leaveTimer)
    this.#connection.destroy()
    // After a goodbye it has left, however the connection went then.
    handlers.ended(this.#leavesAfter === undefined ? end : 'left')
  }
}
