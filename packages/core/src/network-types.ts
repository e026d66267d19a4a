/**
 * What a network is made from, and what it tells its game.
 *
 * Invariant: types only; nothing of this is in a bundle.
 */
import type { NetworkError } from './errors.ts'
import type { Peer } from './peers/peer.ts'
import type { Transport } from './transport/transport.ts'

/** A message as the `message` event brings it. */
export interface NetworkMessageEvent {
  readonly peer: Peer
  /** 0: sent reliably with `broadcast` or `send`. 1: unreliably. 16 to 255: on that numbered channel. */
  readonly channel: number
  /** A string, or an ArrayBuffer that belongs to the receiver. */
  readonly data: string | ArrayBuffer
  readonly isBinary: boolean
}

/** What the game is told of the room's decisions: see `Network.state`. */
export type NetworkState = 'joining' | 'stable' | 'suspect' | 'electing' | 'frozen' | 'closed'

/**
 * Why another peer hosts. `handed-over`: the host passed the baton on. `left`: it said goodbye, or its page was
 * closed. `lost`: it fell silent. `returned`: this peer was away, and follows whoever hosts now. `fork`:
 * too few were left for a quorum, and the rest went on as a session of its own.
 */
export type HostChangeReason = 'handed-over' | 'left' | 'lost' | 'returned' | 'fork'

export interface HostChange {
  readonly term: number
  readonly reason: HostChangeReason
  /** From the last that this peer heard of the old host to the first it heard of the new one, or to its own taking over. */
  readonly gapMs: number
}

/** The events of a network, each emitted from `receive`; `closed` and `error` also from `close`. */
export interface NetworkEvents {
  /** This peer is in the room: `local`, `host` and `peers` are known. */
  joined: () => void
  /** A peer came; after `joined` also once for each that was there before. */
  peerentered: (peer: Peer) => void
  peerexited: (peer: Peer) => void
  /** Another peer decides from now on. */
  hostchanged: (host: Peer, change: HostChange) => void
  message: (message: NetworkMessageEvent) => void
  /** What waited on this channel has left, after a send had answered `queued`. */
  drain: (event: { readonly peer: Peer; readonly channel: number }) => void
  /** Something outside the program went wrong; see docs/errors.md for its codes. */
  error: (error: NetworkError) => void
  /** This peer is no longer in the room. */
  closed: () => void
}

export interface NetworkOptions {
  readonly transport: Transport
  /** What others call this peer; shortened to 48 bytes. */
  readonly displayName?: string
  /** Ticks per second, 1 to 1,000, if this peer founds the room; else the host's hold. Default 60. */
  readonly tickRateHz?: number
  /** Random integers of 32 bits, from a good source: the session's tag is drawn from it. */
  readonly random: () => number
  /** First tick, if this peer founds the room. Default 0. */
  readonly startTick?: number
  /** How long joining may take before it fails with `network/join-timeout`. Default 20,000. */
  readonly joinTimeoutMs?: number
  /** Silence after which a peer counts as gone. Default 5,000. */
  readonly peerTimeoutMs?: number
  /** Members this peer admits as host, itself included. Default 64, at most 96. */
  readonly capacity?: number
  /** Whether this peer may become host. It votes either way. Default true. */
  readonly canHost?: boolean
  /**
   * If this peer founds the room: silence after which a host is replaced, 100 to 10,000 ms. Shorter means
   * shorter gaps after a crash, and more hosts replaced that only stalled. Default 600.
   */
  readonly leaseMs?: number
  /**
   * What becomes of members that lost the quorum for good. `fork`: they go on as a session of their own
   * once the lobby has confirmed that the rest is gone. `wait`: they wait for the rest. Default `fork`.
   */
  readonly quorumLoss?: 'fork' | 'wait'
  /** A second clock, in milliseconds, that goes on while the machine sleeps: `Date.now` outside of simulations. */
  readonly wallClock?: () => number
}
