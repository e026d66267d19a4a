/**
 * What goes into the lobby and what comes out of it, and the figures it keeps.
 *
 * Place in the house: the vocabulary between `lobby.ts` and whoever pumps it.
 * Invariant: plain data, so that a run can be recorded and played again.
 */
import type { IceServer } from '@baton/schemas/lobby'
import type { LobbyLimits } from './limits.ts'
import { CLOSE_CODES } from './refusals.ts'
import type { LobbyErrorCode } from './refusals.ts'

/** The door's number for one open socket. Never reused within a lobby's life. */
export type SocketId = number

export type LobbyEvent =
  /** `room` given: a plain page that is joined at once and answered in text. Else it has to say `Join`. */
  | { readonly kind: 'opened'; readonly socket: SocketId; readonly address: string; readonly room?: string | undefined }
  | { readonly kind: 'message'; readonly socket: SocketId; readonly data: Uint8Array | string }
  /** A ping or a pong came in. It proves life, and costs as much as a message: floods of them are floods. */
  | { readonly kind: 'heartbeat'; readonly socket: SocketId }
  /** The door saw a limit broken below the level of messages (frame size, fragments, unsent bytes). */
  | { readonly kind: 'breached'; readonly socket: SocketId; readonly message: string }
  /** `code` of the close frame the far end sent; 1005 where it had none, 1006 without a frame. */
  | { readonly kind: 'closed'; readonly socket: SocketId; readonly code: number }
  /** Time has passed. A few times a second is enough. */
  | { readonly kind: 'tick' }
  /** The time has come that `Lobby.alarmMs` named. */
  | { readonly kind: 'alarm' }
  | { readonly kind: 'shutdown' }

export type LobbyEffect =
  /** `relayed`: comes from another member or the witness, and may be dropped when this socket is slow. */
  | { readonly kind: 'send'; readonly socket: SocketId; readonly data: Uint8Array | string; readonly relayed: boolean }
  | { readonly kind: 'ping'; readonly socket: SocketId }
  /** Orderly: the close frame follows what was sent before. */
  | { readonly kind: 'close'; readonly socket: SocketId; readonly code: number; readonly reason: string }
  /** The far end is gone: no handshake. */
  | { readonly kind: 'terminate'; readonly socket: SocketId }

export interface LobbyOptions {
  /** Unsigned 32-bit numbers nobody can foresee: ids are 96 bits of it. */
  readonly random: () => number
  readonly limits?: Partial<LobbyLimits> | undefined
  /**
   * When the lobby began, on the clock of `step`; the first event unsaid. What an earlier lobby said as a witness
   * may hold for a while after that. `-Infinity` where there was none.
   */
  readonly bootMs?: number | undefined
  /** Told to every member when it joins. */
  readonly iceServers?: readonly IceServer[] | undefined
}

export interface LobbyCounters {
  opened: number
  joined: number
  relayed: number
  /** Signals to somebody who was not in the sender's room (any more). */
  undeliverable: number
  /** Messages for the witness. */
  witnessed: number
  /** Generations begun by members that were left. */
  forked: number
  /** Sockets given up because they no longer answered pings. */
  dead: number
  readonly errors: Record<LobbyErrorCode, number>
}

export function createCounters(): LobbyCounters {
  const errors = Object.fromEntries(Object.keys(CLOSE_CODES).map((code) => [code, 0]))
  return {
    opened: 0,
    joined: 0,
    relayed: 0,
    undeliverable: 0,
    witnessed: 0,
    forked: 0,
    dead: 0,
    errors: errors as Record<LobbyErrorCode, number>,
  }
}
