/**
 * What has happened since the last poll, oldest first, within bounds per peer.
 *
 * Invariant: a game that does not poll (a tab that sleeps, a breakpoint) holds at most
 * `MAX_UNRELIABLE_WAITING` packets and `MAX_RELIABLE_WAITING_BYTES` of each peer, and `MAX_WITNESS_WAITING`
 * messages of the witness, not whatever they send.
 */
import type { PeerId, TransportEvent } from '@baton/core'

/** Eight seconds of a packet at 60 Hz; what comes beyond it is thrown away, being stale as well. */
export const MAX_UNRELIABLE_WAITING = 512
/** Reliable messages must not be thrown away; a peer with more waiting is dropped instead. */
export const MAX_RELIABLE_WAITING_BYTES = 8_388_608
/** Of the lobby as a witness; a newer vote or acknowledgement says more than an older one. */
export const MAX_WITNESS_WAITING = 256
/** An empty message costs memory too. */
const ENTRY_BYTES = 64

interface Waiting {
  packets: number
  reliableBytes: number
}

export class Inbox {
  /** Unreliable messages thrown away because nobody polled. */
  overflowCount = 0
  #events: TransportEvent[] = []
  #witnessed = 0
  #waiting = new Map<PeerId, Waiting>()

  push(event: TransportEvent): void {
    this.#events.push(event)
  }

  /** Takes in what the witness said. Beyond the limit the oldest is thrown away. */
  pushWitness(data: Uint8Array): void {
    if (++this.#witnessed > MAX_WITNESS_WAITING) {
      this.#witnessed--
      this.#events.splice(
        this.#events.findIndex(({ kind }) => kind === 'witness'),
        1,
      )
    }
    this.#events.push({ kind: 'witness', data })
  }

  /**
   * Takes one message in.
   * @returns `false` when a reliable one finds no room: the peer must be dropped
   */
  pushMessage(peer: PeerId, channel: number, reliable: boolean, data: Uint8Array): boolean {
    let waiting = this.#waiting.get(peer)
    if (!waiting) this.#waiting.set(peer, (waiting = { packets: 0, reliableBytes: 0 }))
    if (reliable) {
      waiting.reliableBytes += data.length + ENTRY_BYTES
      if (waiting.reliableBytes > MAX_RELIABLE_WAITING_BYTES) return false
    } else if (++waiting.packets > MAX_UNRELIABLE_WAITING) {
      this.overflowCount++
      return true
    }
    this.#events.push({ kind: 'message', peer, channel, data })
    return true
  }

  /** Hands over what was there when called; what the handler causes comes with the next call. */
  drain(handle: (event: TransportEvent) => void): void {
    const events = this.#events
    const count = events.length
    let handed = 0
    this.#waiting.clear()
    this.#witnessed = 0
    try {
      // `clear` replaces the array: a handler that closes the transport hears nothing more.
      while (handed < count && this.#events === events) handle(events[handed++]!)
    } finally {
      events.splice(0, handed)
    }
  }

  clear(): void {
    this.#events = []
    this.#waiting.clear()
    this.#witnessed = 0
  }
}
