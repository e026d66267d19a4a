/**
 * The game's own state on the host (random seeds, what its AI means to do), kept warm at those who would
 * follow it: the host saves it a few times a second, and whoever becomes the host restores it.
 *
 * Invariant: the network never looks into the bytes. A successor keeps one complete version, the newest
 * by (term, version), and at most one that is coming in; both are bounded.
 */
import { NetworkError, invariant, type SendResult } from '@baton/core'
import type { HostStateChunk } from '@baton/schemas'
import { CHUNK_BYTES } from './lifecycle/baseline-transfer.ts'

/** Four times a second to two peers this is 1 Mbit/s, the most that readiness may cost. */
export const MAX_HOST_STATE_BYTES = 16_384
/** Who would follow if the host went, and who if both went. */
export const HOST_STATE_SUCCESSORS = 2
export const MAX_HOST_STATE_RATE_HZ = 4

export interface HostStateInfo {
  /** Tick at which it was saved. */
  readonly tick: number
  /** Milliseconds since it came here. What does not change is not sent again, so it may be current all the same. */
  readonly ageMs: number
}

export interface HostStateOptions {
  /** What the next host needs, in bytes of the game's own making, at most 16 KiB. Called on the host; copied. */
  readonly save: () => Uint8Array
  /**
   * This peer hosts from here on: called once, before the first frame in which it acts as the host, with
   * the newest state that reached it. Not called where none ever did: the game goes on from what it has.
   * @param bytes the game's to keep
   */
  readonly restore: (bytes: Uint8Array, info: HostStateInfo) => void
  /** How often the host saves, more than 0 and at most 4. Default 4. */
  readonly rateHz?: number
}

interface SavedState {
  readonly term: number
  readonly version: number
  readonly tick: number
  readonly bytes: Uint8Array
}

/** Everything this keeps, on the host and on its successors. One per replication. */
export interface HostStateKeeper {
  readonly options: HostStateOptions
  readonly intervalMs: number
  /** Host: saved last, and when; versions count from 1 in each term. */
  saved: SavedState | undefined
  savedTerm: number
  lastSaveMs: number | undefined
  isFinalSaved: boolean
  /** Host: the version that each successor was given last. */
  readonly given: Map<object, number>
  /** It was too large once, and the game was told. */
  hasReported: boolean
  /** Successor: complete, and being received. */
  held: (SavedState & { readonly heardMs: number }) | undefined
  incoming: (SavedState & { nextIndex: number }) | undefined
}

/** What the host knows and can do at the end of a frame. */
export interface HostStateFrame<To extends object> {
  readonly nowMs: number
  readonly tick: number
  readonly term: number
  /** This peer hosts with a live lease, or hands the room over and is still the one who simulates. */
  readonly isHost: boolean
  /** It hands the room over: the state is saved at once, so that the next host begins with the last of it. */
  readonly isHandingOver: boolean
  /** Peers with a link that may host, in order of succession; the first two are given the state. */
  readonly successors: readonly To[]
  /** Bytes that wait for a peer on the bulk channel. */
  readonly bufferedBytes: (to: To) => number
  /** Sends on the bulk channel. */
  readonly send: (to: To, chunk: HostStateChunk) => SendResult
  /** Runs a callback of the game, which may throw. */
  readonly guard: (callback: () => void) => void
  readonly report: (error: NetworkError) => void
}

type Moment = Omit<HostStateFrame<object>, 'successors' | 'bufferedBytes' | 'send'>

/** @throws InvariantError for a rate out of range */
export function createHostStateKeeper(options: HostStateOptions): HostStateKeeper {
  const rateHz = options.rateHz ?? MAX_HOST_STATE_RATE_HZ
  invariant(
    rateHz > 0 && rateHz <= MAX_HOST_STATE_RATE_HZ,
    `hostState: rateHz is ${rateHz}; give more than 0 and at most ${MAX_HOST_STATE_RATE_HZ}`,
  )
  return {
    options,
    intervalMs: 1_000 / rateHz,
    saved: undefined,
    savedTerm: 0,
    lastSaveMs: undefined,
    isFinalSaved: false,
    given: new Map(),
    hasReported: false,
    held: undefined,
    incoming: undefined,
  }
}

/**
 * At the end of every frame, before the flush; does nothing on a guest. A peer for whom something still
 * waits is passed over until it has left, and then gets the newest version: one is under way at a time.
 */
export function sendHostState<To extends object>(keeper: HostStateKeeper, frame: HostStateFrame<To>): void {
  if (!frame.isHost) return
  if (keeper.savedTerm !== frame.term) beginTerm(keeper, frame.term)
  const successors = frame.successors.slice(0, HOST_STATE_SUCCESSORS)
  // Who has lost its link or its place may have lost what was under way, too.
  for (const peer of keeper.given.keys()) if (!successors.includes(peer as To)) keeper.given.delete(peer)
  if (successors.length === 0) return
  if (isDue(keeper, frame)) save(keeper, frame)
  const { saved } = keeper
  if (saved === undefined) return
  for (const peer of successors) {
    if (keeper.given.get(peer) === saved.version || frame.bufferedBytes(peer) > 0) continue
    if (give(saved, (chunk) => frame.send(peer, chunk))) keeper.given.set(peer, saved.version)
  }
}

/**
 * Takes a piece from the host of `term`, which the caller has checked.
 * @returns false for what no honest host sends
 */
export function takeHostStateChunk(
  keeper: HostStateKeeper,
  term: number,
  chunk: HostStateChunk,
  nowMs: number,
): boolean {
  const { version, index, tick, totalBytes, data } = chunk
  if (version === 0 || totalBytes > MAX_HOST_STATE_BYTES) return false
  const start = index * CHUNK_BYTES
  if (index > 0 && start >= totalBytes) return false
  if (data.length !== Math.min(CHUNK_BYTES, totalBytes - start)) return false
  const { held } = keeper
  // Known: a new link begins with what the old one may have lost.
  if (held !== undefined && (term < held.term || (term === held.term && version <= held.version))) return true
  if (index === 0) {
    if (isBehind(keeper.incoming, term, version)) return false
    keeper.incoming = { term, version, tick, bytes: new Uint8Array(totalBytes), nextIndex: 0 }
  }
  const { incoming } = keeper
  // Its beginning was sent before this peer listened.
  if (incoming === undefined) return true
  const belongs = incoming.term === term && incoming.version === version && incoming.tick === tick
  if (!belongs || incoming.bytes.length !== totalBytes || incoming.nextIndex !== index) {
    keeper.incoming = undefined
    return false
  }
  incoming.bytes.set(data, start)
  incoming.nextIndex += 1
  if (start + data.length < totalBytes) return true
  keeper.incoming = undefined
  keeper.held = { term, version, tick, bytes: incoming.bytes, heardMs: nowMs }
  return true
}

/**
 * This peer hosts from here on: gives the game the newest state that it holds, once.
 * @returns true when there was one
 */
export function restoreHostState(
  keeper: HostStateKeeper,
  nowMs: number,
  guard: (callback: () => void) => void,
): boolean {
  const { held, options } = keeper
  keeper.held = undefined
  keeper.incoming = undefined
  if (held === undefined) return false
  guard(() => options.restore(held.bytes, { tick: held.tick, ageMs: Math.max(0, nowMs - held.heardMs) }))
  return true
}

function beginTerm(keeper: HostStateKeeper, term: number): void {
  keeper.savedTerm = term
  keeper.saved = undefined
  keeper.lastSaveMs = undefined
  keeper.isFinalSaved = false
  keeper.given.clear()
}

function isDue(keeper: HostStateKeeper, { nowMs, isHandingOver }: Moment): boolean {
  if (!isHandingOver) keeper.isFinalSaved = false
  else if (!keeper.isFinalSaved) return (keeper.isFinalSaved = true)
  return keeper.lastSaveMs === undefined || nowMs - keeper.lastSaveMs >= keeper.intervalMs
}

function save(keeper: HostStateKeeper, { nowMs, tick, term, guard, report }: Moment): void {
  keeper.lastSaveMs = nowMs
  let bytes: Uint8Array | undefined
  guard(() => (bytes = keeper.options.save()))
  if (!(bytes instanceof Uint8Array)) return
  if (bytes.length > MAX_HOST_STATE_BYTES) {
    if (keeper.hasReported) return
    keeper.hasReported = true
    const message = `hostState: save gave ${bytes.length} bytes, at most ${MAX_HOST_STATE_BYTES} are sent; save less`
    return report(new NetworkError('replication/host-state-too-large', message))
  }
  if (keeper.saved !== undefined && isSame(keeper.saved.bytes, bytes)) return
  keeper.saved = { term, version: (keeper.saved?.version ?? 0) + 1, tick, bytes: bytes.slice() }
}

/** @returns false when the link ended meanwhile */
function give(saved: SavedState, send: (chunk: HostStateChunk) => SendResult): boolean {
  const { version, tick, bytes } = saved
  let start = 0
  for (let index = 0; index === 0 || start < bytes.length; index += 1) {
    const data = bytes.subarray(start, start + CHUNK_BYTES)
    const result = send({ version, index, tick, totalBytes: bytes.length, data })
    if (result === 'closed' || result === 'dropped') return false
    start += CHUNK_BYTES
  }
  return true
}

/** Is (term, version) before the one that is coming in? */
function isBehind(incoming: HostStateKeeper['incoming'], term: number, version: number): boolean {
  return incoming !== undefined && (term < incoming.term || (term === incoming.term && version < incoming.version))
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
