/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A queue of received messages that a game empties when it likes.
 *
 * Invariant: messages come out in the order they came in, each once per listener; `receive(buffer)`
 * allocates nothing for a binary message that fits.
 */
import { decodeMessage } from './channels/message-data.ts'
import type { Peer } from './peers/peer.ts'
import type { ReceivedMessage } from './room.ts'

/** Messages and bytes a listener holds for a game that does not ask; what comes after is dropped and counted. */
export const MAX_LISTENER_MESSAGES = 4_096
export const MAX_LISTENER_BYTES = 16 * 1_048_576

/** A message of another peer. */
export interface NetworkMessage {
  /** Who sent it. */
  readonly peer: Peer
  /** A string, or an ArrayBuffer that belongs to the receiver. */
  readonly data: string | ArrayBuffer
  /** True when `data` is an ArrayBuffer. */
  readonly isBinary: boolean
}

/** A message written into the caller's buffer. One object serves all: it holds until the next step of the loop. */
export interface BufferedNetworkMessage extends NetworkMessage {
  /** The caller's buffer, or the text of a text message; of a message that is `tooLong`, the message itself. */
  readonly data: string | ArrayBuffer
  /** Bytes written into the buffer from its start: the message, text as UTF-8. 0 when it was too long. */
  readonly bytesWritten: number
  /** Size of the message, also when it did not fit. */
  readonly byteLength: number
  /** True when the message is longer than the buffer: nothing was written, `data` is an ArrayBuffer or string of its own. */
  readonly tooLong: boolean
}

interface MutableBuffered {
  peer: Peer
  data: string | ArrayBuffer
  isBinary: boolean
  bytesWritten: number
  byteLength: number
  tooLong: boolean
}

/** Messages sent with `broadcast` and `send` since the listener was made. Get one from `network.listen()`. */
export class NetworkListener {
  readonly #detach: (listener: NetworkListener) => void
  #queue: ReceivedMessage[] = []
  #head = 0
  #queuedBytes = 0
  #isClosed = false

  /** Listeners are made by `network.listen()`. */
  constructor(detach: (listener: NetworkListener) => void) {
    this.#detach = detach
  }

  /**
   * The messages that have come since the last call. A loop that is left early leaves the rest for
   * the next call.
   *
   * @param buffer where binary messages, and text as UTF-8, are written one after another from its
   *   start; read `bytesWritten` of it before the next step
   */
  receive(): IterableIterator<NetworkMessage>
  receive(buffer: ArrayBuffer): IterableIterator<BufferedNetworkMessage>
  receive(buffer?: ArrayBuffer): IterableIterator<NetworkMessage> {
    return buffer === undefined ? this.#receiveFresh() : this.#receiveInto(buffer)
  }

  /** Ends the listener: what waits is dropped, and nothing more comes. Twice is once. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#queue = []
    this.#head = 0
    this.#detach(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Queues a message. The network calls this. @returns false when there is no room */
  push(message: ReceivedMessage): boolean {
    const waiting = this.#queue.length - this.#head
    const sizeBytes = message.bytes.length
    if (waiting >= MAX_LISTENER_MESSAGES || this.#queuedBytes + sizeBytes > MAX_LISTENER_BYTES) return false
    this.#queue.push(message)
    this.#queuedBytes += sizeBytes
    return true
  }

  #shift(): ReceivedMessage | undefined {
    const message = this.#queue[this.#head]
    if (message === undefined) {
      this.#queue.length = 0
      this.#head = 0
      return undefined
    }
    this.#head++
    this.#queuedBytes -= message.bytes.length
    return message
  }

  *#receiveFresh(): IterableIterator<NetworkMessage> {
    for (let next = this.#shift(); next !== undefined; next = this.#shift()) {
      const { peer, text, bytes } = next
      yield { peer, data: decodeMessage(text, bytes), isBinary: !text }
    }
  }

  *#receiveInto(buffer: ArrayBuffer): IterableIterator<BufferedNetworkMessage> {
    const target = new Uint8Array(buffer)
    let shared: MutableBuffered | undefined
    for (let next = this.#shift(); next !== undefined; next = this.#shift()) {
      const { peer, text, bytes } = next
      const tooLong = bytes.length > target.length
      if (!tooLong) target.set(bytes)
      shared ??= { peer, data: buffer, isBinary: true, bytesWritten: 0, byteLength: 0, tooLong: false }
      shared.peer = peer
      shared.data = text || tooLong ? decodeMessage(text, bytes) : buffer
      shared.isBinary = !text
      shared.bytesWritten = tooLong ? 0 : bytes.length
      shared.byteLength = bytes.length
      shared.tooLong = tooLong
      yield shared
    }
  }
}
