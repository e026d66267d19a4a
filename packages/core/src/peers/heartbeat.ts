/**
 * Pings to one peer and what they tell: that it lives, how far away it is, what gets lost.
 *
 * Invariant: times are this peer's own notes, never what the far end says was sent when.
 */
import type { Ping, Pong } from '@baton/schemas'
import { ClockSync } from '../clock/clock-sync.ts'
import { AckWindow } from '../sequence/ack-window.ts'

export const PING_INTERVAL_MS = 250
/** Pings in flight that are remembered: eight seconds. */
const SENT_COUNT = 32
/** A peer that pings faster than this gets no answer to the rest. */
const PONGS_PER_SECOND = 16

const TICK_RANGE = 0x1_0000_0000

export class Heartbeat {
  readonly sync: ClockSync
  readonly #sentMs = new Float64Array(SENT_COUNT).fill(NaN)
  readonly #received = new AckWindow()
  #receivedSpan = 0
  #nextSequence = 0
  #pongCredit = PONGS_PER_SECOND
  #creditMs = 0

  constructor(rateHz: () => number) {
    this.sync = new ClockSync(rateHz)
  }

  /** Share of the peer's last 33 pings that did not come through, 0 to 1. */
  get loss(): number {
    return this.#receivedSpan === 0 ? 0 : 1 - this.#received.receivedCount / this.#receivedSpan
  }

  /** The next ping, noted as sent now. */
  ping(nowMs: number): { type: 'Ping' } & Ping {
    const sequence = this.#nextSequence
    this.#nextSequence = (sequence + 1) >>> 0
    this.#sentMs[sequence % SENT_COUNT] = nowMs
    return { type: 'Ping', sequence, sentMs: nowMs }
  }

  /** Takes a ping. @returns the answer, or `undefined` when the peer asks too often */
  takePing(ping: Ping, nowMs: number, tick: number): ({ type: 'Pong' } & Pong) | undefined {
    this.#pongCredit = Math.min(
      PONGS_PER_SECOND,
      this.#pongCredit + ((nowMs - this.#creditMs) * PONGS_PER_SECOND) / 1_000,
    )
    this.#creditMs = nowMs
    if (this.#received.note(ping.sequence & 0xffff) === 'new') {
      this.#receivedSpan = Math.min(33, Math.max(this.#receivedSpan + 1, ping.sequence + 1))
    }
    if (this.#pongCredit < 1) return undefined
    this.#pongCredit--
    return { type: 'Pong', sequence: ping.sequence, sentMs: ping.sentMs, tick }
  }

  /** Takes an answer. One that was not asked for, or has come before, does nothing. @returns false when it is nonsense */
  takePong(pong: Pong, nowMs: number): boolean {
    const slot = pong.sequence % SENT_COUNT
    const isKnown = (this.#nextSequence - pong.sequence) >>> 0 <= SENT_COUNT && pong.sequence !== this.#nextSequence
    const sentMs = this.#sentMs[slot]!
    const hasTick = pong.tick >= 0 && pong.tick < TICK_RANGE
    if (!hasTick && pong.tick !== -1) return false
    if (!isKnown || Number.isNaN(sentMs)) return true
    this.#sentMs[slot] = NaN
    this.sync.addSample(sentMs, nowMs, hasTick ? pong.tick : undefined)
    return true
  }
}
