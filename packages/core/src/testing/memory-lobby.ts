/**
 * What brings the peers of a memory network together, and the simplest such lobby: it tells everyone at
 * once who is there, and is a witness to them.
 *
 * Invariant: a peer hears of a roster only while the lobby is up, and a lobby that goes takes no link along.
 */
import {
  createWitness,
  departWitness,
  forkWitness,
  stepWitness,
  tickWitness,
  witnessDueMs,
  type WitnessEffect,
  type WitnessState,
} from '../host/witness.ts'
import type { PeerId, TransportEvent } from '../transport/transport.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What a lobby may do to the network it brings together. */
export interface MemoryLobbyDoor {
  readonly time: VirtualTime
  /** Hands an event to a peer's transport; one that has gone hears nothing. */
  push(peer: PeerId, event: TransportEvent): void
}

/** A lobby as a memory network needs it; the simulator brings one with sockets of their own latency. */
export interface MemoryLobby {
  /** Members as it sees them, in order of joining. */
  readonly members: readonly PeerId[]
  /** Gives the peer that comes next its id. */
  admit(): PeerId
  /** The peer's transport is there: from now on it can be told things. */
  enter(peer: PeerId): void
  /** The peer goes. `goodbye`: it says so; else its socket just ends. */
  leave(peer: PeerId, goodbye: boolean): void
  /** Signals pass between the two, so that a link can come up between them. */
  reaches(a: PeerId, b: PeerId): boolean
  /** False where the lobby does not hear the peer. */
  witness(from: PeerId, data: Uint8Array): boolean
  requestGeneration(from: PeerId, generation: number, members: readonly PeerId[], voters: number): boolean
  setUp(isUp: boolean): void
}

export type CreateMemoryLobby = (door: MemoryLobbyDoor) => MemoryLobby

/** Peers are `peer-1`, `peer-2` and so on; news arrives the moment it happens. */
export class SimpleLobby implements MemoryLobby {
  readonly #door: MemoryLobbyDoor
  #members: PeerId[] = []
  #count = 0
  #isUp = true
  #witness: WitnessState
  #alarmMs: number | undefined

  constructor(door: MemoryLobbyDoor) {
    this.#door = door
    this.#witness = createWitness(door.time.nowMs, { isFresh: true })
  }

  get members(): readonly PeerId[] {
    return this.#members
  }

  admit(): PeerId {
    return `peer-${++this.#count}`
  }

  enter(peer: PeerId): void {
    this.#members = [...this.#members, peer]
    this.#publish()
  }

  leave(peer: PeerId, goodbye: boolean): void {
    if (!this.#members.includes(peer)) return
    this.#members = this.#members.filter((member) => member !== peer)
    if (!this.#isUp) return
    if (goodbye) {
      for (const member of this.#members) this.#door.push(member, { kind: 'departed', peer })
      departWitness(this.#witness, peer)
      this.#say(tickWitness(this.#witness, this.#door.time.nowMs))
    }
    this.#publish()
  }

  reaches(): boolean {
    return this.#isUp
  }

  witness(from: PeerId, data: Uint8Array): boolean {
    if (!this.#isUp || !this.#members.includes(from)) return false
    this.#say(stepWitness(this.#witness, from, data, this.#door.time.nowMs))
    return true
  }

  requestGeneration(_from: PeerId, generation: number, members: readonly PeerId[], voters: number): boolean {
    if (!this.#isUp) return false
    const seen = members.filter((member) => this.#members.includes(member))
    const voting = members.slice(0, voters).filter((member) => seen.includes(member))
    // Those who are here could still decide with each other, or have decided already.
    if (generation !== this.#witness.generation || voting.length * 2 > voters) return true
    forkWitness(this.#witness, generation + 1)
    for (const member of this.#members) {
      this.#door.push(member, { kind: 'generation', generation: generation + 1, members: seen })
    }
    return true
  }

  setUp(isUp: boolean): void {
    if (isUp && !this.#isUp) this.#witness = createWitness(this.#door.time.nowMs, { isFresh: false })
    this.#isUp = isUp
    this.#publish()
  }

  /** Passes on what the witness says, and comes back when it has more to say. */
  #say(effects: readonly WitnessEffect[]): void {
    const { time } = this.#door
    for (const { to, data } of effects) {
      for (const member of to === 'all' ? this.#members : [to]) {
        this.#door.push(member, { kind: 'witness', data: data.slice() })
      }
    }
    const dueMs = witnessDueMs(this.#witness)
    if (dueMs === undefined || (this.#alarmMs !== undefined && this.#alarmMs <= dueMs)) return
    this.#alarmMs = dueMs
    time.at(dueMs, () => {
      if (this.#alarmMs !== dueMs) return
      this.#alarmMs = undefined
      if (this.#isUp) this.#say(tickWitness(this.#witness, time.nowMs))
    })
  }

  #publish(): void {
    if (!this.#isUp) return
    for (const member of this.#members) this.#door.push(member, { kind: 'roster', members: [...this.#members] })
  }
}
