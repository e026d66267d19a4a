/**
 * Everything a stranger can ask of the lobby has its bound here, with unit and reason.
 *
 * Place in the house: pure figures and pure arithmetic under `lobby.ts`, `signaling.ts` and the ws door.
 * Invariant: nothing here reads a clock or keeps state of its own; buckets belong to the caller.
 */
import { invariant, MAX_WITNESS_BYTES } from '@baton/core'

/** Every bound of one lobby. Change some of them with `createLobby({ limits: { ... } })`. */
export interface LobbyLimits {
  /** One WebSocket message. Four times the largest thing a data-channel game has to say. */
  readonly payloadBytes: number
  /** Frames that make up one message. A browser sends one; thousands of tiny ones cost memory out of proportion. */
  readonly fragments: number
  /** A session description. Leaves 1 KiB of the payload for ids, so that a stamped one still fits. */
  readonly sdpBytes: number
  /** One candidate line. Real ones are under 300 bytes. */
  readonly candidateBytes: number
  /** Candidates from one member to another after each description; ten are common, twenty are many. */
  readonly candidatesPerPair: number
  /** Offers, answers and requests from one member to another at once: a few attempts, no hammering. */
  readonly descriptionBurst: number
  readonly descriptionsPerSecond: number
  /** Messages of one socket at once: 63 members times an answer and a dozen candidates. */
  readonly messageBurst: number
  /** A host's beats to the witness are 20 to 40 a second for as long as it hosts; as much again for the rest. */
  readonly messagesPerSecond: number
  /** Bytes of one socket at once, and lasting: signaling is small, only abuse is large. */
  readonly byteBurst: number
  readonly bytesPerSecond: number
  /** Open sockets from one address (IPv6: one /64). A household with a few tabs each. */
  readonly socketsPerAddress: number
  /** Joins from one address. Each one is told to the whole room, and each one can try a room name. */
  readonly joinBurstPerAddress: number
  readonly joinsPerSecondPerAddress: number
  /** Addresses remembered; beyond it those without a socket are forgotten first. */
  readonly addresses: number
  /** Open sockets of the whole lobby: about 15 kB of memory each. */
  readonly sockets: number
  /** Rooms of the whole lobby. */
  readonly rooms: number
  /** Members of a room when whoever opens it asks for nothing, and at most. A mesh grows with the square. */
  readonly defaultCapacity: number
  readonly maxCapacity: number
  /** A message for the witness: a vote is 92 bytes, a beat 80. */
  readonly witnessBytes: number
  /** Members that a room remembers to have gone, and how long they must be, before others may go on without them. */
  readonly goneRemembered: number
  readonly goneForForkMs: number
  /** A socket that has joined no room by then is closed. */
  readonly helloTimeoutMs: number
  /** A silent socket is asked this often whether it lives, and given up after so many missed answers. */
  readonly pingIntervalMs: number
  readonly missedPings: number
  /** Unsent bytes of a slow socket above which relayed messages are dropped: a flood hurts nobody but itself. */
  readonly relayBufferBytes: number
  /** Unsent bytes above which the slow socket itself is closed. */
  readonly bufferBytes: number
}

export const DEFAULT_LIMITS: LobbyLimits = {
  payloadBytes: 16_384,
  fragments: 32,
  sdpBytes: 15_360,
  candidateBytes: 1_024,
  candidatesPerPair: 64,
  descriptionBurst: 16,
  descriptionsPerSecond: 1,
  messageBurst: 1_000,
  messagesPerSecond: 100,
  byteBurst: 1_048_576,
  bytesPerSecond: 65_536,
  socketsPerAddress: 10,
  joinBurstPerAddress: 200,
  joinsPerSecondPerAddress: 2,
  addresses: 65_536,
  sockets: 10_000,
  rooms: 1_000,
  defaultCapacity: 16,
  maxCapacity: 64,
  witnessBytes: MAX_WITNESS_BYTES,
  goneRemembered: 256,
  goneForForkMs: 10_000,
  helloTimeoutMs: 5_000,
  pingIntervalMs: 15_000,
  missedPings: 2,
  relayBufferBytes: 262_144,
  bufferBytes: 1_048_576,
}

/** A display name is for heads and lists, not for essays. Counted in code points, so that an emoji is one. */
export const DISPLAY_NAME_MAX_CODE_POINTS = 32
/** 80 random bits take 14 characters of base64url; fewer than 16 characters can be guessed by a patient stranger. */
export const IDENTITY_MIN_CHARACTERS = 16
export const IDENTITY_MAX_CHARACTERS = 128
/** `sdpMid` and `toId`: what we hand out ourselves is far shorter. */
export const ID_MAX_CHARACTERS = 64

const ROOM_NAME = /^[A-Za-z0-9_-]{1,64}$/
/** Control, format and surrogate code points, line and paragraph ends; the joiner inside emoji may stay. */
const UNSHOWABLE = /(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

export function isRoomName(name: string): boolean {
  return ROOM_NAME.test(name)
}

/** Removes what cannot be shown, trims, and keeps the first 32 code points. May be empty. */
export function cleanDisplayName(name: string): string {
  // Cut before the regular expression runs: the work is bounded by the limit, not by the sender.
  const bounded = name.slice(0, DISPLAY_NAME_MAX_CODE_POINTS * 8)
  const codePoints = Array.from(bounded.replace(UNSHOWABLE, '').trim())
  return codePoints.slice(0, DISPLAY_NAME_MAX_CODE_POINTS).join('')
}

/**
 * The defaults with `changes` over them.
 * @throws InvariantError when a bound is unknown or no positive number
 */
export function withDefaults(changes: Partial<LobbyLimits> = {}): LobbyLimits {
  for (const [name, value] of Object.entries(changes)) {
    invariant(
      Object.hasOwn(DEFAULT_LIMITS, name) && typeof value === 'number' && value > 0,
      `limits: ${name} is ${String(value)}; give a known limit a number above 0`,
    )
  }
  return { ...DEFAULT_LIMITS, ...changes }
}

/** A token bucket: `burst` at once, then `perSecond`. Plain data, owned by whoever it limits. */
export interface Bucket {
  tokens: number
  refilledMs: number
}

export function createBucket(burst: number, nowMs: number): Bucket {
  return { tokens: burst, refilledMs: nowMs }
}

/** Takes `cost` out of the bucket, or nothing and answers false when it does not hold that much. */
export function take(bucket: Bucket, cost: number, burst: number, perSecond: number, nowMs: number): boolean {
  refill(bucket, burst, perSecond, nowMs)
  if (bucket.tokens < cost) return false
  bucket.tokens -= cost
  return true
}

/** Brings the bucket up to `nowMs`; answers whether it is full. A clock that steps back refills nothing. */
export function refill(bucket: Bucket, burst: number, perSecond: number, nowMs: number): boolean {
  const elapsedMs = Math.max(0, nowMs - bucket.refilledMs)
  bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs / 1_000) * perSecond)
  bucket.refilledMs = Math.max(bucket.refilledMs, nowMs)
  return bucket.tokens >= burst
}
