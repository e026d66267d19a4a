/**
 * The Transport contract: how bytes reach a peer. Core knows nothing below this line.
 *
 * Invariant: a transport never calls back. It queues what happens and hands it over in `poll`, so
 * that a game's frame has one place where the network can change anything.
 *
 * `testing/transport-contract.ts` holds the suite every implementation must pass.
 */
import type { NetworkError } from '../errors.ts'

/** Names a peer for as long as it stays in the room. Given by the lobby, never chosen by the peer. */
export type PeerId = string

/** Channel numbers. Both ends must open the same kind on the same number. */
export const CHANNEL = {
  /** Reliable and ordered: the control plane. Always open. */
  control: 0,
  /** Unreliable and unordered: snapshots, pings, unreliable messages. Always open. */
  state: 1,
  /** Reliable and ordered: baselines and large messages, so that they never delay control. Always open. */
  bulk: 2,
  /** The first number a game may open; 3 to 15 are kept for Baton. */
  firstUser: 16,
  lastUser: 255,
} as const

/** One message handed to `send` may not be longer; larger ones are fragmented by `channels/`. */
export const MAX_TRANSPORT_MESSAGE_BYTES = 16_384
/** An unreliable message must fit one datagram: a lost IP fragment would lose the whole of it. */
export const MAX_DATAGRAM_BYTES = 1_100
/** Of a message to or from the witness: votes and beats are far smaller. */
export const MAX_WITNESS_BYTES = 512

export interface ChannelKind {
  readonly reliable: boolean
}

/**
 * What became of a message given to `send`.
 * `sent`: on its way. `dropped`: unreliable, and the link is too slow for it to be worth sending.
 * `closed`: no such open channel (not opened, or the peer has gone). A transport never answers
 * `queued`: waiting is the business of `channels/`, which watches `bufferedBytes`.
 */
export type SendResult = 'sent' | 'queued' | 'dropped' | 'closed'

/** Why a link ended. `left`: it said goodbye. `lost`: silence or a failed path. `closed`: this side ended it. */
export type DisconnectReason = 'left' | 'lost' | 'closed' | 'kicked'

export type TransportEvent =
  /**
   * The room's members in order of joining, this peer included; `members[0]` hosts a new room.
   * Sent once at the start and again whenever somebody comes or goes, for as long as the
   * transport hears of it: a lobby that dies sends none, and links live on.
   */
  | { readonly kind: 'roster'; readonly members: readonly PeerId[] }
  /** Both ways are open: control, state and bulk channels can be used. */
  | { readonly kind: 'connected'; readonly peer: PeerId }
  | { readonly kind: 'disconnected'; readonly peer: PeerId; readonly reason: DisconnectReason }
  /** `data` belongs to whoever polls; the transport keeps no reference. */
  | { readonly kind: 'message'; readonly peer: PeerId; readonly channel: number; readonly data: Uint8Array }
  /**
   * The lobby says that a peer left for good: it said so, or its page was closed. Links to it end by
   * themselves later; nobody has to wait for its silence. A lobby socket that was merely lost is none of this.
   */
  | { readonly kind: 'departed'; readonly peer: PeerId }
  /** A control message of the lobby in its part as a witness. */
  | { readonly kind: 'witness'; readonly data: Uint8Array }
  /** The lobby lets these members, in this order, go on as a session of their own. */
  | { readonly kind: 'generation'; readonly generation: number; readonly members: readonly PeerId[] }
  /** Something failed that the game should hear of; links that are up stay up. */
  | { readonly kind: 'failed'; readonly error: NetworkError }

/** What a transport can tell of one link, for panels and for pacing. Missing figures are `undefined`. */
export interface LinkStats {
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly packetsSent: number
  readonly packetsReceived: number
  /** Unreliable messages not sent because the link's queue delay had grown too long. */
  readonly staleDropped: number
  readonly route: 'direct' | 'relay' | 'memory' | 'unknown'
}

export interface Transport {
  /** This peer's id in the room. */
  readonly local: PeerId

  /**
   * Hands over everything that has happened since the last call, oldest first.
   * @param nowMs monotonic time; implementations use it for heartbeats and time-outs
   */
  poll(nowMs: number, handle: (event: TransportEvent) => void): void

  /**
   * Sends one message of at most `MAX_TRANSPORT_MESSAGE_BYTES` (reliable) or `MAX_DATAGRAM_BYTES`
   * (unreliable). `data` is copied before the call returns.
   * @throws InvariantError when `data` is over the limit: nothing has left
   */
  send(peer: PeerId, channel: number, data: Uint8Array): SendResult

  /** Opens this side of a numbered channel (16 to 255). What arrives before that is not delivered. */
  openChannel(peer: PeerId, channel: number, kind: ChannelKind): void
  /** Closes this side of a numbered channel. Closing twice, or what was never open, does nothing. */
  closeChannel(peer: PeerId, channel: number): void

  /** Bytes accepted by `send` on this channel that have not left yet. 0 for an unknown one. */
  bufferedBytes(peer: PeerId, channel: number): number

  stats(peer: PeerId): LinkStats | undefined

  /**
   * Sends a control message to the lobby as a witness, at most `MAX_WITNESS_BYTES`. Best effort. Transports
   * without a lobby leave this out.
   * @returns false when no lobby is there to hear it
   */
  witness?(data: Uint8Array): boolean
  /**
   * Asks the lobby to let those of `members`, whose first `voters` vote, that it still sees go on without the
   * rest, if these are gone and too many for a quorum. False as above.
   */
  requestGeneration?(generation: number, members: readonly PeerId[], voters: number): boolean

  /** Says goodbye and ends one link. Idempotent. Ends in a `disconnected` event with reason `closed`. */
  disconnect(peer: PeerId): void

  /** Leaves the room: goodbye to all, then everything is released. Idempotent. */
  close(): void
}
