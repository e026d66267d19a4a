/**
 * The numbered channels of one link. Both ends hold a data channel before anybody sends on it, whether
 * or not the game has opened its side: libdatachannel closes a stream that it did not expect.
 *
 * Invariant: a number has one data channel for the life of its link, of the kind it was first opened
 * with at this end; closing and opening are this side's business and reset no stream.
 * @see docs/wire-format.md WT4, docs/behavior.md WT15
 */
import type { DataChannel } from './data-channel.ts'

export interface NumberedHandlers {
  /** @returns `undefined` when the connection will not have another channel */
  create(number: number, reliable: boolean): DataChannel | undefined
  /** Tells the far end that this one holds the channel. */
  announce(number: number, reliable: boolean): void
  /** The game opened the number as one kind, and it is the other. */
  mismatch(number: number, reliable: boolean): void
}

interface Held {
  readonly channel: DataChannel
  /** This side has it open: what arrives is delivered. */
  isOpen: boolean
}

export class NumberedChannels {
  #held = new Map<number, Held>()
  #handlers: NumberedHandlers

  constructor(handlers: NumberedHandlers) {
    this.#handlers = handlers
  }

  /** The channel, while this side has it open. */
  get(number: number): DataChannel | undefined {
    const held = this.#held.get(number)
    return held?.isOpen ? held.channel : undefined
  }

  /** Opens this side. */
  open(number: number, reliable: boolean): void {
    const held = this.#hold(number, reliable)
    if (!held) return
    if (held.channel.reliable === reliable) held.isOpen = true
    else this.#handlers.mismatch(number, held.channel.reliable)
  }

  /** Closes this side. What has not left yet never will. */
  close(number: number): void {
    const held = this.#held.get(number)
    if (!held) return
    held.isOpen = false
    held.channel.discard()
  }

  /** The far end holds this number, as this kind. */
  heard(number: number, reliable: boolean): void {
    const held = this.#hold(number, reliable)
    if (!held) return
    if (held.channel.reliable === reliable) return held.channel.release()
    if (held.isOpen) this.#handlers.mismatch(number, reliable)
    this.close(number)
  }

  /** @returns `false` when a reliable one stands still */
  measure(nowMs: number): boolean {
    let moves = true
    for (const { channel } of this.#held.values()) moves = channel.measure(nowMs) && moves
    return moves
  }

  #hold(number: number, reliable: boolean): Held | undefined {
    const known = this.#held.get(number)
    if (known) return known
    const channel = this.#handlers.create(number, reliable)
    if (!channel) return undefined
    const held = { channel, isOpen: false }
    this.#held.set(number, held)
    this.#handlers.announce(number, reliable)
    return held
  }
}
