/**
 * This side of one numbered channel to one peer: 16 to 255, reliable or not, as a game opened it.
 *
 * Invariant: reliable messages come out whole, once and in order; unreliable ones at most once; a
 * frame of the other kind never comes out.
 */
import { invariant } from '../errors.ts'
import { SequenceWindow } from '../sequence/sequence-window.ts'
import { CHANNEL, type PeerId, type SendResult, type Transport } from '../transport/transport.ts'
import { Assembly } from './assembly.ts'
import {
  frameReliable,
  frameUnreliable,
  LANE_FLAG,
  laneFlags,
  lanePayload,
  laneSequence,
  MAX_UNRELIABLE_LANE_BYTES,
  stampSequence,
} from './lane-frame.ts'
import type { EncodedMessage } from './message-data.ts'
import { Outbox, TRANSPORT_WINDOW_BYTES } from './outbox.ts'

/** Kind and limits of a numbered channel. Both ends must open the same kind on the same number. */
export interface ChannelOptions {
  readonly reliable: boolean
  /** Longer messages throw at the sender and are not taken from the far end. Default 262,144, at most 1,048,576. */
  readonly maxMessageBytes?: number
  /** Waiting bytes from which `sendMessage` answers `queued`. Default 262,144. */
  readonly highWaterBytes?: number
  /** The `drain` event comes when no more than this still waits. Default 65,536. */
  readonly lowWaterBytes?: number
  /** Waiting bytes beyond which a reliable channel gives up with `peer/slow`. Default 1,048,576. */
  readonly capBytes?: number
}

const MAX_MESSAGE_BYTES = 1_048_576
const DEFAULT_MESSAGE_BYTES = 262_144
/** Unreliable frames of one frame of the game; what is over is dropped, as a slow link would. */
const MAX_DATAGRAMS_PER_FLUSH = 1_024

/** What came of a received frame. */
export type LaneResult = 'message' | 'piece' | 'duplicate' | 'other-kind' | 'malformed'

export class NumberedChannel {
  readonly number: number
  readonly reliable: boolean
  readonly maxMessageBytes: number
  /** What waits on a reliable channel. */
  readonly outbox: Outbox
  /** The last message that `receive` answered with. */
  text = false
  bytes: Uint8Array = new Uint8Array(0)
  readonly #options: ChannelOptions
  readonly #assembly: Assembly
  readonly #window = new SequenceWindow()
  readonly #datagrams: Uint8Array[] = []
  #sequence = 0

  /** @throws InvariantError for a number or limits that cannot be */
  constructor(number: number, options: ChannelOptions) {
    const place = `openChannel ${number}`
    invariant(
      Number.isInteger(number) && number >= CHANNEL.firstUser && number <= CHANNEL.lastUser,
      `${place}: not a number from ${CHANNEL.firstUser} to ${CHANNEL.lastUser}; lower ones are Baton's own`,
    )
    const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES
    const { highWaterBytes = 262_144, lowWaterBytes = 65_536, capBytes = 1_048_576 } = options
    invariant(
      maxMessageBytes >= 0 && maxMessageBytes <= MAX_MESSAGE_BYTES,
      `${place}: maxMessageBytes is ${maxMessageBytes}; give 0 to ${MAX_MESSAGE_BYTES}`,
    )
    invariant(
      lowWaterBytes >= 0 && lowWaterBytes <= highWaterBytes && highWaterBytes <= capBytes,
      `${place}: water marks ${lowWaterBytes}, ${highWaterBytes} and cap ${capBytes}; they must not fall`,
    )
    this.#options = options
    this.number = number
    this.reliable = options.reliable
    this.maxMessageBytes = this.reliable ? maxMessageBytes : Math.min(maxMessageBytes, MAX_UNRELIABLE_LANE_BYTES)
    // A whole message with its frames' headers must fit an empty outbox.
    this.outbox = new Outbox({ highWaterBytes, lowWaterBytes, capBytes: Math.max(capBytes, maxMessageBytes + 1_024) })
    this.#assembly = new Assembly(maxMessageBytes)
  }

  /** The same channel for a new connection: nothing of the old one's numbers or halves of messages. */
  renewed(): NumberedChannel {
    return new NumberedChannel(this.number, this.#options)
  }

  /**
   * Queues one message for the next flush.
   * @returns `queued` over the high-water mark; `dropped` when an unreliable channel has too many;
   *   `closed` when a reliable one has reached its cap
   * @throws InvariantError over `maxMessageBytes`: nothing has been queued
   */
  send(message: EncodedMessage): SendResult {
    const sizeBytes = message.bytes.length
    invariant(
      sizeBytes <= this.maxMessageBytes,
      `sendMessage: ${sizeBytes} bytes are over the ${this.maxMessageBytes} of channel ${this.number}; send less, or raise maxMessageBytes`,
    )
    if (this.reliable) return this.outbox.push(frameReliable(message))
    if (this.#datagrams.length >= MAX_DATAGRAMS_PER_FLUSH) return 'dropped'
    this.#datagrams.push(frameUnreliable(message, 0, 'sendMessage'))
    return 'sent'
  }

  /** Takes a frame from the far end. After `message`, `text` and `bytes` hold it; `bytes` is the caller's to keep. */
  receive(frame: Uint8Array): LaneResult {
    const flags = laneFlags(frame, 0)
    if (flags < 0) return 'malformed'
    if (((flags & LANE_FLAG.reliable) !== 0) !== this.reliable) return 'other-kind'
    const text = (flags & LANE_FLAG.text) !== 0
    const payload = lanePayload(frame, 0, flags)
    if (this.reliable) {
      const message = this.#assembly.add(text, (flags & LANE_FLAG.last) !== 0, payload)
      if (message === 'bad') return 'malformed'
      if (message === undefined) return 'piece'
      this.bytes = message
    } else {
      if (payload.length > this.maxMessageBytes) return 'malformed'
      if (!this.#window.accept(laneSequence(frame, 0))) return 'duplicate'
      this.bytes = payload
    }
    this.text = text
    return 'message'
  }

  /** Sends what waits. @returns true when the channel has drained after having been over its high mark */
  flush(transport: Transport, peer: PeerId, nowMs: number): boolean {
    for (const frame of this.#datagrams) {
      stampSequence(frame, 0, this.#sequence)
      this.#sequence = (this.#sequence + 1) & 0xffff
      transport.send(peer, this.number, frame)
    }
    this.#datagrams.length = 0
    return this.outbox.flush(transport, peer, this.number, nowMs, TRANSPORT_WINDOW_BYTES)
  }
}
