/**
 * A member of the room as a game sees it, this one included.
 *
 * Invariant: one object per member for as long as it is in the room, so it can be a key of a map.
 */
import type { MessageData } from '../channels/message-data.ts'
import type { LinkStats, PeerId, SendResult } from '../transport/transport.ts'

/** What the room knows and writes about a member. */
export interface PeerState {
  readonly id: PeerId
  readonly isLocal: boolean
  slot: number
  displayName: string
  isHost: boolean
  /** It votes, and is willing to host. */
  canHost: boolean
  linked: boolean
}

/** How a peer reaches the network it belongs to. */
export interface PeerDoor {
  send(id: PeerId, data: MessageData, reliable: boolean): SendResult
  figures(id: PeerId): { rttMs: number; jitterMs: number; loss: number } | undefined
  stats(id: PeerId): LinkStats | undefined
}

/** A member of the room. */
export class Peer {
  /** Root transform of the peer's avatar: x, y, z in meters. Filled every frame by replication; read only. */
  readonly translation = new Float32Array(3)
  /** Rotation of the peer's avatar as a quaternion x, y, z, w. Filled every frame by replication; read only. */
  readonly rotation = new Float32Array([0, 0, 0, 1])
  readonly #state: PeerState
  readonly #door: PeerDoor

  /** Peers are made by the network; games get them from it. */
  constructor(state: PeerState, door: PeerDoor) {
    this.#state = state
    this.#door = door
  }

  /** The id the lobby gave it. */
  get id(): PeerId {
    return this.#state.id
  }

  /** Its number in the session, 1 to 4,095, never given twice. 0 until this peer has joined. */
  get slot(): number {
    return this.#state.slot
  }

  /** What it calls itself; shortened to 48 bytes, otherwise as the peer gave it: escape it where you show it. */
  get displayName(): string {
    return this.#state.displayName
  }

  /** True for this program's own peer. */
  get isLocal(): boolean {
    return this.#state.isLocal
  }

  /** True while it decides for the room. */
  get isHost(): boolean {
    return this.#state.isHost
  }

  /** True when the baton may be handed to it: it has been in for a moment, and is willing to host. */
  get canHost(): boolean {
    return this.#state.canHost
  }

  /** True while a link to it is up. A member may be reachable for the host alone. */
  get linked(): boolean {
    return this.#state.linked
  }

  /** Smoothed round-trip time, frames at both ends included. 0 before the first measurement. */
  get rttMs(): number {
    return this.#door.figures(this.id)?.rttMs ?? 0
  }

  /** Smoothed variation of the round-trip time. */
  get jitterMs(): number {
    return this.#door.figures(this.id)?.jitterMs ?? 0
  }

  /** Share of the peer's last 33 pings that did not arrive, 0 to 1. */
  get loss(): number {
    return this.#door.figures(this.id)?.loss ?? 0
  }

  /** What the transport tells of the link: bytes, packets, route. `undefined` without a link. */
  get stats(): LinkStats | undefined {
    return this.#door.stats(this.id)
  }

  /**
   * Sends a message to this peer; it leaves with the next `flush`. To the local peer it goes nowhere.
   * @param reliable true: in order and complete, up to 1 MiB. false: at most once, up to 1,096 bytes
   * @throws InvariantError over the limit: nothing has been sent
   */
  send(data: MessageData, reliable = true): void {
    this.#door.send(this.id, data, reliable)
  }
}
