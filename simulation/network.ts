/**
 * The network of one run: links of the memory network, the real lobby, and what can be done to them by number.
 *
 * Invariant: a bit error never reaches a decoder, as with DTLS, which drops the packet: every link loses one packet in
 * a thousand for it, and the flipped copy is shown to the verifier alone, which must not throw.
 */
import type { PeerId, Transport } from '@baton/core'
import {
  createMemoryNetwork,
  type LinkConditions,
  type MemoryNetwork,
  type SeededRandom,
  type VirtualTime,
} from '@baton/core/testing'
import { decodeControl } from '@baton/schemas'
import { SimulatedLobby } from './lobby.ts'
import type { Schedule, Weather } from './schedule.ts'

/** Of packets that arrive, the share with a flipped bit. */
const BIT_ERRORS = 0.001

export interface NetworkWatcher {
  readonly delivered: (from: PeerId, to: PeerId, sentMs: number) => void
  readonly witnessed: (to: PeerId, sentMs: number, data: Uint8Array) => void
  readonly lobbyFrame: (data: Uint8Array) => void
}

export class SimulatedNetwork {
  readonly memory: MemoryNetwork
  readonly lobby: SimulatedLobby
  readonly #flips: SeededRandom
  #cuts = new Map<string, number>()

  constructor(schedule: Schedule, random: SeededRandom, watcher: NetworkWatcher) {
    let lobby: SimulatedLobby | undefined
    this.#flips = random.fork('flips')
    this.memory = createMemoryNetwork({
      seed: `${schedule.seed} links`,
      conditions: withBitErrors(schedule.conditions),
      startMs: 1_000,
      onDelivered: watcher.delivered,
      lobby: (door) => {
        lobby = new SimulatedLobby({
          door,
          random: random.fork('lobby'),
          ...schedule.lobby,
          onWitness: watcher.witnessed,
          onFrame: watcher.lobbyFrame,
        })
        return lobby
      },
    })
    this.lobby = lobby!
  }

  get time(): VirtualTime {
    return this.memory.time
  }

  join(): Transport {
    return this.memory.join()
  }

  /**
   * Cuts one direction; cuts that overlap are healed when the last of them ends.
   * @throws RangeError for two that were never in the room together
   */
  cut(from: PeerId, to: PeerId): void {
    const link = this.memory.link(from, to)
    const key = `${from} ${to}`
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1)
    link.cut = true
  }

  heal(from: PeerId, to: PeerId): void {
    const key = `${from} ${to}`
    const left = (this.#cuts.get(key) ?? 0) - 1
    if (left < 0) return
    this.#cuts.set(key, left)
    if (left === 0) this.memory.link(from, to).cut = false
  }

  /** Every cut ends now, and healing them again does nothing. */
  healAll(): void {
    for (const [key, count] of this.#cuts) {
      const [from, to] = key.split(' ') as [PeerId, PeerId]
      if (count > 0) this.memory.link(from, to).cut = false
    }
    this.#cuts = new Map()
  }

  weather(conditions: Weather): void {
    this.memory.setConditions(withBitErrors(conditions))
  }

  /** Shows the verifier a message with one bit flipped, now and then. @returns what it threw, in words */
  flip(data: Uint8Array): string | undefined {
    if (data.length === 0 || !this.#flips.chance(BIT_ERRORS)) return undefined
    const copy = data.slice()
    copy[this.#flips.integer(0, copy.length - 1)]! ^= 1 << this.#flips.integer(0, 7)
    try {
      decodeControl(copy)
      return undefined
    } catch (thrown) {
      return describeThrown(thrown)
    }
  }
}

function withBitErrors(weather: Weather): Partial<LinkConditions> {
  const loss = weather.loss ?? 0
  return { ...weather, loss: loss + (1 - loss) * BIT_ERRORS }
}

/** What was thrown, with the place where it was if it says so. */
export function describeThrown(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : JSON.stringify(thrown)
}
