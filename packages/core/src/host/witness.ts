/**
 * The lobby's one vote in a room, for sessions whose voters are even in number.
 *
 * Place in the house: pure, plain data; the lobby holds one per room and feeds it what members send.
 * Invariant: whom it acknowledged or granted keeps its word for a lease. Within that time nobody else is
 * acknowledged or granted, unless that peer handed over, gave up, or left for good. Rules WI1 to WI14.
 */
import { decodeControl, encodeControl, type ControlBody } from '@baton/schemas'
import type { PeerId } from '../transport/transport.ts'
import { MAX_LEASE_MS, MAX_TERM_LEAP, type WitnessRequest, type WitnessState } from './witness-state.ts'

export { createWitness, DEFAULT_LEASE_MS, forkWitness, MAX_LEASE_MS, MAX_TERM_LEAP } from './witness-state.ts'
export type { WitnessHolder, WitnessOptions, WitnessRequest, WitnessState } from './witness-state.ts'

/** Candidates repeat a request until their attempt ends, after as long; one that is older has been given up. */
export const KEPT_REQUEST_MS = 500

/** Messages to be sent, in this order. */
export interface WitnessEffect {
  /** A member, or `all` of them. */
  readonly to: PeerId
  readonly data: Uint8Array<ArrayBuffer>
}

/**
 * Takes a control message of a member. What is none, or not for a witness, changes nothing.
 * @param from as the lobby knows the sender, whatever the message says
 * @param data borrowed
 * @param nowMs monotonic, the same clock for every call
 */
export function stepWitness(state: WitnessState, from: PeerId, data: Uint8Array, nowMs: number): WitnessEffect[] {
  const decoded = decodeControl(data)
  if (!decoded.ok || decoded.value.generation !== state.generation) return []
  const { term, body } = decoded.value
  switch (body.type) {
    case 'VoteRequest':
      learnLease(state, body.leaseMs)
      return takeRequest(state, { peer: from, candidate: body.candidate, term: body.term, atMs: nowMs }, nowMs)
    case 'WitnessBeat':
      learnLease(state, body.leaseMs)
      return takeBeat(state, from, term, body, nowMs)
    case 'HandOver':
      return takeRelease(state, from, term, body.to, nowMs)
    case 'Abandon':
      return takeAbandon(state, from, body.term, nowMs)
    default:
      return []
  }
}

/** Answers a kept request whose time has come. Call it no later than `witnessDueMs` says. */
export function tickWitness(state: WitnessState, nowMs: number): WitnessEffect[] {
  const { kept } = state
  if (kept === undefined) return []
  if (nowMs - kept.atMs > KEPT_REQUEST_MS || kept.term <= state.promised) {
    state.kept = undefined
    return []
  }
  return mayGrant(state, kept, nowMs) ? [grant(state, kept, nowMs)] : []
}

/** When `tickWitness` has something to do at the earliest, or `undefined` while nothing is kept. */
export function witnessDueMs(state: WitnessState): number | undefined {
  const { kept, holder } = state
  if (kept === undefined) return undefined
  const freeMs = holder === undefined ? kept.atMs : holder.heardMs + leaseOf(state)
  const endMs = abstainUntilMs(state)
  return Math.min(Math.max(freeMs, endMs ?? freeMs), kept.atMs + KEPT_REQUEST_MS + 1)
}

/** The lobby knows that a member left for good: nobody waits for its silence. Tick the witness afterwards. */
export function departWitness(state: WitnessState, peer: PeerId): void {
  if (state.holder?.peer === peer) state.holder = { ...state.holder, hasLeft: true }
  const before = state.before?.holder
  if (before?.peer === peer) state.before = { holder: { ...before, hasLeft: true } }
  if (state.kept?.peer === peer) state.kept = undefined
}

function takeRequest(state: WitnessState, request: WitnessRequest, nowMs: number): WitnessEffect[] {
  const { promised, holder } = state
  const { peer, candidate, term } = request
  if (term < promised) return [fence(state, peer)]
  if (term > promised + MAX_TERM_LEAP || candidate === 0) return []
  if (term === promised) {
    if (holder?.peer !== peer || candidate !== state.candidate || state.releasedTo !== undefined) return []
    state.holder = { ...holder, heardMs: nowMs }
    return [vote(state)]
  }
  if (mayGrant(state, request, nowMs)) return [grant(state, request, nowMs)]
  state.kept = request
  return []
}

function takeBeat(state: WitnessState, from: PeerId, term: number, beat: Beat, nowMs: number): WitnessEffect[] {
  const { promised, holder } = state
  if (term < promised) return [fence(state, from)]
  if (term === 0 || term > promised + MAX_TERM_LEAP) return []
  const isAbsent = isAbstaining(state, nowMs)
  if (term === promised) {
    // A term has one host, and one that has handed over has no lease to be prolonged.
    if (holder?.peer !== from || holder.term !== term || state.releasedTo !== undefined) return []
  } else if (!isAbsent && !isFree(state, from, undefined, nowMs)) return []
  else {
    state.promised = term
    state.candidate = 0
    state.releasedTo = undefined
  }
  state.before = undefined
  state.holder = { peer: from, term, heardMs: nowMs, hasLeft: false }
  if (isAbsent) return [] // it counts as heard, so that nobody is granted what this host may still have
  const { sequence, entryTerm, index } = beat
  if (entryTerm > state.entryTerm || (entryTerm === state.entryTerm && index > state.index)) {
    state.entryTerm = entryTerm
    state.index = index
  }
  return [{ to: from, data: encode(state, { type: 'WitnessAck', sequence, entryTerm, index }) }]
}

function takeRelease(state: WitnessState, from: PeerId, term: number, to: number, nowMs: number): WitnessEffect[] {
  const { holder, promised } = state
  if (holder?.peer !== from || holder.term !== promised || term !== promised) return []
  state.releasedTo = to
  return tickWitness(state, nowMs)
}

function takeAbandon(state: WitnessState, from: PeerId, term: number, nowMs: number): WitnessEffect[] {
  if (state.kept?.peer === from && state.kept.term === term) state.kept = undefined
  const { holder, before } = state
  if (before === undefined || holder?.peer !== from || holder.term !== term) return []
  state.holder = before.holder
  state.before = undefined
  state.candidate = 0 // the term stays promised, to nobody
  state.releasedTo = undefined
  return tickWitness(state, nowMs)
}

function mayGrant(state: WitnessState, { peer, candidate }: WitnessRequest, nowMs: number): boolean {
  return !isAbstaining(state, nowMs) && isFree(state, peer, candidate, nowMs)
}

/** Whether this peer may take over without anybody else having reason to think himself host. */
function isFree(state: WitnessState, peer: PeerId, slot: number | undefined, nowMs: number): boolean {
  const { holder, releasedTo } = state
  if (holder === undefined || holder.peer === peer || holder.hasLeft) return true
  if (releasedTo !== undefined && (releasedTo === 0 || slot === undefined || releasedTo === slot)) return true
  return nowMs - holder.heardMs >= leaseOf(state)
}

function grant(state: WitnessState, { peer, candidate, term }: WitnessRequest, nowMs: number): WitnessEffect {
  state.before = { holder: state.holder }
  state.holder = { peer, term, heardMs: nowMs, hasLeft: false }
  state.promised = term
  state.candidate = candidate
  state.releasedTo = undefined
  state.kept = undefined
  return vote(state)
}

/** To all: whoever stands for the same term, or hosts an older one, is to know. */
function vote(state: WitnessState): WitnessEffect {
  const { promised: term, candidate, entryTerm: lastTerm, index: length } = state
  return { to: 'all', data: encode(state, { type: 'Vote', term, candidate, lastTerm, length, commit: 0, tick: 0 }) }
}

/** A witness follows nobody, and knows no host's slot for sure. */
function fence(state: WitnessState, to: PeerId): WitnessEffect {
  return { to, data: encode(state, { type: 'Fence', promised: state.promised, term: 0, host: 0 }) }
}

function encode({ promised: term, generation }: WitnessState, body: ControlBody): Uint8Array<ArrayBuffer> {
  return encodeControl({ term, index: 0, generation, body })
}

function learnLease(state: WitnessState, leaseMs: number): void {
  state.leaseMs = Math.max(state.leaseMs, Math.min(leaseMs || state.defaultLeaseMs, MAX_LEASE_MS))
}

function leaseOf({ leaseMs, defaultLeaseMs }: WitnessState): number {
  return leaseMs || defaultLeaseMs
}

/** A lease that an earlier witness acknowledged ends before this, with a margin for the two clocks. */
function abstainUntilMs(state: WitnessState): number | undefined {
  const { abstainSinceMs } = state
  if (abstainSinceMs === undefined) return undefined
  return abstainSinceMs + Math.max(leaseOf(state), state.defaultLeaseMs) * 1.1 + 100
}

function isAbstaining(state: WitnessState, nowMs: number): boolean {
  const untilMs = abstainUntilMs(state)
  return untilMs !== undefined && nowMs < untilMs
}

type Beat = Extract<ControlBody, { type: 'WitnessBeat' }>
