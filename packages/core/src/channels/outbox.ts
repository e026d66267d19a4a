/**
 * What waits to leave on one reliable channel of one link.
 *
 * Invariant: frames leave in order, and only while the transport's own buffer is short, so that a
 * slow peer's backlog is counted here, where it has a cap, and holds up no other channel.
 */
import type { PeerId, SendResult, Transport } from '../transport/transport.ts'

/** Handed to the transport ahead of the wire. More only adds delay to what is sent next. */
export const TRANSPORT_WINDOW_BYTES = 65_536

export interface OutboxLimits {
  /** Waiting bytes from which `push` answers `queued`: the caller should slow down. */
  readonly highWaterBytes: number
  /** Having been over the high mark, at or under this the channel counts as drained. */
  readonly lowWaterBytes: number
  /** Waiting bytes beyond which nothing more is taken. */
  readonly capBytes: number
}

export class Outbox {
  readonly #limits: OutboxLimits
  #frames: Uint8Array[] = []
  #head = 0
  #queuedBytes = 0
  #isHigh = false
  #progressMs: number | undefined

  constructor(limits: OutboxLimits) {
    this.#limits = limits
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get isEmpty(): boolean {
    return this.#head === this.#frames.length
  }

  /**
   * Takes the frames of one message, all of them or none.
   * @param frames kept, not copied; may be shared with other outboxes
   * @returns `sent` when they will leave soon, `queued` when much waits before them, `closed` over the cap
   */
  push(frames: readonly Uint8Array[]): SendResult {
    let sizeBytes = 0
    for (const frame of frames) sizeBytes += frame.length
    if (this.#queuedBytes + sizeBytes > this.#limits.capBytes) return 'closed'
    for (const frame of frames) this.#frames.push(frame)
    this.#queuedBytes += sizeBytes
    if (this.#queuedBytes > this.#limits.highWaterBytes) this.#isHigh = true
    return this.#isHigh ? 'queued' : 'sent'
  }

  /**
   * Hands over what the transport should hold now.
   * @returns true when the channel has drained, once after each time it was high
   */
  flush(transport: Transport, peer: PeerId, channel: number, nowMs: number, windowBytes: number): boolean {
    if (this.isEmpty) {
      this.#progressMs = undefined
    } else {
      this.#progressMs ??= nowMs
      while (this.#head < this.#frames.length && transport.bufferedBytes(peer, channel) < windowBytes) {
        const frame = this.#frames[this.#head]!
        if (transport.send(peer, channel, frame) === 'closed') break
        this.#head++
        this.#queuedBytes -= frame.length
        this.#progressMs = nowMs
      }
      this.#compact()
    }
    if (!this.#isHigh || this.#queuedBytes > this.#limits.lowWaterBytes) return false
    this.#isHigh = false
    return true
  }

  /** Does not count time in which nobody flushed, a sleep of the machine for example. */
  forgive(missedMs: number): void {
    if (this.#progressMs !== undefined) this.#progressMs += missedMs
  }

  /** How long something has waited here while nothing left. */
  stalledMs(nowMs: number): number {
    return this.isEmpty || this.#progressMs === undefined ? 0 : nowMs - this.#progressMs
  }

  #compact(): void {
    if (this.#head === this.#frames.length) {
      this.#frames.length = 0
      this.#head = 0
    } else if (this.#head > 1_024) {
      this.#frames = this.#frames.slice(this.#head)
      this.#head = 0
    }
  }
}
