/**
 * Everything the lobby refuses, with the words it uses: code, what happened, what to do.
 *
 * Place in the house: under `lobby.ts`, `rooms.ts` and `signaling.ts`. Invariant: every refusal ends
 * the socket it is told to, and nobody else's; what a stranger sent is quoted only to himself, cut short.
 */
import type { ErrorCode } from '@baton/core'
import { IDENTITY_MAX_CHARACTERS, IDENTITY_MIN_CHARACTERS } from './limits.ts'
import type { LobbyLimits } from './limits.ts'

/** Close code per error; the reason of the close frame is the error's code. 4000 to 4999 are ours to give. */
export const CLOSE_CODES = {
  'lobby/closed': 1001,
  'lobby/room-name': 4001,
  'lobby/room-full': 4002,
  'lobby/replaced': 4003,
  'lobby/bad-message': 4004,
  'lobby/timeout': 4005,
  'lobby/limit': 4008,
} as const satisfies Partial<Record<ErrorCode, number>>

export type LobbyErrorCode = keyof typeof CLOSE_CODES

export interface Refusal {
  readonly code: LobbyErrorCode
  readonly message: string
}

/** Far below a frame, also when JSON escapes every character of it. */
const MESSAGE_MAX_CHARACTERS = 400

function refusal(code: LobbyErrorCode, text: string): Refusal {
  return { code, message: `lobby: ${text}`.slice(0, MESSAGE_MAX_CHARACTERS) }
}

export const refuse = {
  closed: () => refusal('lobby/closed', 'the lobby shuts down; games that are connected go on without it'),
  replaced: (room: string) =>
    refusal('lobby/replaced', `the same player joined room "${room}" again; go on in the newer tab`),
  late: (limits: LobbyLimits) =>
    refusal('lobby/timeout', `no room joined within ${limits.helloTimeoutMs} ms; send Join first`),

  roomName: (name: string) =>
    refusal('lobby/room-name', `${JSON.stringify(name.slice(0, 64))} is no room name; use 1 to 64 of A-Z a-z 0-9 _ -`),
  roomFull: (name: string, capacity: number) =>
    refusal('lobby/room-full', `room "${name}" is full (${capacity} members); choose another or try again later`),
  identity: (length: number) =>
    refusal(
      'lobby/bad-message',
      `an identity of ${length} characters; give a random secret of ${IDENTITY_MIN_CHARACTERS} to ${IDENTITY_MAX_CHARACTERS}`,
    ),

  unreadable: (reason: string) =>
    refusal('lobby/bad-message', `not a lobby message (${reason}); see schemas/lobby.fbs for what is`),
  notForPeers: (type: string) =>
    refusal('lobby/bad-message', `${type} is for the lobby to say; send Join, an offer, answer, candidate or Leave`),
  beforeJoin: (type: string) => refusal('lobby/bad-message', `${type} before Join; join a room first`),
  signal: (what: string) => refusal('lobby/bad-message', `${what}; send what RTCPeerConnection gave you, unchanged`),

  /** The door saw a bound broken below the level of messages. */
  breach: (what: string) => refusal('lobby/limit', what),
  sockets: (limits: LobbyLimits) =>
    refusal('lobby/limit', `${limits.sockets} sockets are open, no more can be; try again later`),
  socketsPerAddress: (limits: LobbyLimits) =>
    refusal(
      'lobby/limit',
      `more than ${limits.socketsPerAddress} sockets from your address; close some, or raise limits.socketsPerAddress`,
    ),
  joins: () => refusal('lobby/limit', 'too many joins from your address; wait a few seconds'),
  rooms: (limits: LobbyLimits) =>
    refusal('lobby/limit', `${limits.rooms} rooms are open, no more can be; try again later`),
  payload: (size: number, limits: LobbyLimits) =>
    refusal('lobby/limit', `a message of ${size} is over ${limits.payloadBytes} bytes; send less at once`),
  rate: (limits: LobbyLimits) =>
    refusal(
      'lobby/limit',
      `more than ${limits.messagesPerSecond} messages or ${limits.bytesPerSecond} bytes a second; send less often`,
    ),
  signalSize: (type: string, limitBytes: number) =>
    refusal('lobby/limit', `${type} text is over ${limitBytes} bytes; nothing a data channel needs is that long`),
  stamped: (type: string, limits: LobbyLimits) =>
    refusal('lobby/limit', `${type} does not fit ${limits.payloadBytes} bytes once your id is in it; send less`),
  witness: (size: number, limits: LobbyLimits) =>
    refusal(
      'lobby/limit',
      `${size} bytes for the witness are over ${limits.witnessBytes}; votes and beats are smaller`,
    ),
  generation: (count: number, limit: number) =>
    refusal('lobby/limit', `a generation of ${count} members; no session has more than ${limit}`),
  candidates: (limits: LobbyLimits) =>
    refusal(
      'lobby/limit',
      `more than ${limits.candidatesPerPair} candidates for one peer after one description; send an offer or answer first`,
    ),
  descriptions: (limits: LobbyLimits) =>
    refusal(
      'lobby/limit',
      `more than ${limits.descriptionBurst} offers, answers or requests for one peer at once; wait longer between attempts`,
    ),
} as const
