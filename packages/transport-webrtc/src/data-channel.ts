/**
 * One RTCDataChannel: holds messages back until the far end can take them, and checks what comes in.
 *
 * Invariant: messages leave in the order they were given, whole, empty ones too; nothing leaves before
 * `release`, and `send` never throws for what a browser may do to a channel.
 */
import { MAX_DATAGRAM_BYTES, MAX_TRANSPORT_MESSAGE_BYTES, type SendResult } from '@baton/core'
import { createDrainMeter, measureDrain, noteAccepted } from './drain-meter.ts'

/** A reliable channel with more than this waiting belongs to a peer that cannot keep up (threat 12). */
export const MAX_RELIABLE_BUFFERED_BYTES = 1_048_576
/** Unreliable messages held while a channel opens; they are worth little by the time it has. */
const MAX_UNRELIABLE_PENDING_BYTES = 65_536
/** A reliable channel that drains nothing for so long is as good as dead, whatever ICE says. */
export const DRAIN_TIMEOUT_MS = 5_000
/** A gap between two polls counts at most so much: a process that slept has not given its link a chance. */
const MAX_STALL_STEP_MS = 250

export interface DataChannelHandlers {
  opened(): void
  message(data: Uint8Array): void
  /** Text, or a message over the limit: no peer of ours sends these. */
  breach(): void
  closed(): void
}

export class DataChannel {
  readonly reliable: boolean
  #raw: RTCDataChannel
  #pending: Uint8Array<ArrayBuffer>[] = []
  #pendingBytes = 0
  #released = false
  #meter = createDrainMeter()
  #drainedBytes = 0
  #acceptedBytes = 0
  #stalledMs = 0
  #measuredMs: number | undefined

  constructor(raw: RTCDataChannel, reliable: boolean, handlers: DataChannelHandlers) {
    this.#raw = raw
    this.reliable = reliable
    const limitBytes = reliable ? MAX_TRANSPORT_MESSAGE_BYTES : MAX_DATAGRAM_BYTES
    raw.binaryType = 'arraybuffer'
    raw.onopen = () => {
      this.#flush()
      handlers.opened()
    }
    raw.onclose = () => handlers.closed()
    raw.onmessage = ({ data }: MessageEvent<unknown>) => {
      // An ArrayBuffer by its tag: native modules may make theirs in another realm.
      if (Object.prototype.toString.call(data) !== '[object ArrayBuffer]') return handlers.breach()
      const bytes = new Uint8Array(data as ArrayBuffer)
      if (bytes.length > limitBytes) return handlers.breach()
      handlers.message(bytes)
    }
  }

  get isOpen(): boolean {
    return this.#raw.readyState === 'open'
  }

  get bufferedBytes(): number {
    return this.#pendingBytes + (this.#raw.readyState === 'open' ? this.#raw.bufferedAmount : 0)
  }

  /** The far end holds its channel too: what was held back leaves, and the rest leaves at once. */
  release(): void {
    this.#released = true
    this.#flush()
  }

  /** Drops what is still held back. */
  discard(): void {
    this.#pending = []
    this.#acceptedBytes -= this.#pendingBytes
    this.#pendingBytes = 0
  }

  /** @param data copied before the call returns; its length has been checked by the caller */
  send(data: Uint8Array): SendResult {
    if (this.#raw.readyState === 'closing' || this.#raw.readyState === 'closed') return 'closed'
    if (!this.#released || !this.isOpen) return this.#hold(data)
    if (!this.reliable && this.#raw.bufferedAmount > this.#meter.waterMarkBytes) return 'dropped'
    return this.#write(data as Uint8Array<ArrayBuffer>) ? 'sent' : 'closed'
  }

  /**
   * Measures the drain of the buffer.
   * @returns `false` when a reliable channel has not moved for `DRAIN_TIMEOUT_MS`
   */
  measure(nowMs: number): boolean {
    const bufferedBytes = this.bufferedBytes
    if (!this.reliable) {
      measureDrain(this.#meter, nowMs, bufferedBytes)
      return true
    }
    const drainedBytes = this.#acceptedBytes - bufferedBytes
    const elapsedMs = nowMs - (this.#measuredMs ?? nowMs)
    this.#measuredMs = nowMs
    const stalled = bufferedBytes > 0 && drainedBytes === this.#drainedBytes
    this.#drainedBytes = drainedBytes
    this.#stalledMs = stalled ? this.#stalledMs + Math.min(elapsedMs, MAX_STALL_STEP_MS) : 0
    return this.#stalledMs < DRAIN_TIMEOUT_MS
  }

  #hold(data: Uint8Array): SendResult {
    if (!this.reliable && this.#pendingBytes + data.length > MAX_UNRELIABLE_PENDING_BYTES) return 'dropped'
    this.#pending.push(data.slice() as Uint8Array<ArrayBuffer>)
    this.#pendingBytes += data.length
    this.#acceptedBytes += data.length
    return 'sent'
  }

  #flush(): void {
    if (!this.#released || !this.isOpen) return
    const pending = this.#pending
    this.#pending = []
    for (const data of pending) {
      this.#pendingBytes -= data.length
      this.#acceptedBytes -= data.length
      if (!this.#write(data)) return
    }
  }

  #write(data: Uint8Array<ArrayBuffer>): boolean {
    try {
      this.#raw.send(data)
    } catch {
      return false // full or closing: the browser closes such a channel, and its close event follows
    }
    this.#acceptedBytes += data.length
    if (!this.reliable) noteAccepted(this.#meter, data.length)
    return true
  }
}
