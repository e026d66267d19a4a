/**
 * What brings the peers of a memory network together, and the simplest such lobby: it tells everyone at
 * once who is there.
 *
 * Invariant: a peer hears of a roster only while the lobby is up, and a lobby that goes takes no link along.
 */
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
  requestGeneration(from: PeerId, generation: number, members: readonly PeerId[]): boolean
  setUp(isUp: boolean): void
}

export type CreateMemoryLobby = (door: MemoryLobbyDoor) => MemoryLobby

/** Peers are `peer-1`, `peer-2` and so on; news arrives the moment it happens. */
export class SimpleLobby implements MemoryLobby {
  readonly #door: MemoryLobbyDoor
  #members: PeerId[] = []
  #count = 0
  #isUp = true

  constructor(door: MemoryLobbyDoor) {
    this.#door = door
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
    if (goodbye) for (const member of this.#members) this.#door.push(member, { kind: 'departed', peer })
    this.#publish()
  }

  reaches(): boolean {
    return this.#isUp
  }

  witness(): boolean {
    return false
  }

  requestGeneration(_from: PeerId, generation: number, members: readonly PeerId[]): boolean {
    if (!this.#isUp) return false
    const seen = this.#members.filter((member) => members.includes(member))
    for (const member of seen) {
      this.#door.push(member, { kind: 'generation', generation: generation + 1, members: seen })
    }
    return true
  }

  setUp(isUp: boolean): void {
    this.#isUp = isUp
    this.#publish()
  }

  #publish(): void {
    if (!this.#isUp) return
    for (const member of this.#members) this.#door.push(member, { kind: 'roster', members: [...this.#members] })
  }
}
