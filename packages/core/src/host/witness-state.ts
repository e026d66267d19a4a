/**
 * What a room's witness knows, and how it begins.
 *
 * Invariant: plain data, changed only here and in `witness.ts`.
 */
import { invariant } from '../errors.ts'
import type { PeerId } from '../transport/transport.ts'

/** Lease of a session whose options or messages name none. */
export const DEFAULT_LEASE_MS = 600
/** Terms grow by one for each attempt to become host; one that is this far above all others was made up. */
export const MAX_TERM_LEAP = 4_096
/** No session has a longer one; whoever names a longer one is taken by this. */
export const MAX_LEASE_MS = 10_000

/** Who may be acting as host on this witness's word. */
export interface WitnessHolder {
  readonly peer: PeerId
  readonly term: number
  /** When it was last acknowledged or granted. */
  readonly heardMs: number
  /** The lobby knows that it will not act again. */
  readonly hasLeft: boolean
}

export interface WitnessRequest {
  readonly peer: PeerId
  readonly candidate: number
  readonly term: number
  readonly atMs: number
}

/** All that a witness knows. Plain data: change it only by the functions of the witness. */
export interface WitnessState {
  readonly defaultLeaseMs: number
  /** The longest lease that a member has named, in ms; 0 before anybody spoke. */
  leaseMs: number
  generation: number
  /** No vote and no acknowledgement for a term below this. Never falls within a generation. */
  promised: number
  /** Slot that `promised` was granted to; 0 where it was adopted from a host, or given up. */
  candidate: number
  /** The highest position of the log, by term and then index, that it acknowledged. */
  entryTerm: number
  index: number
  holder: WitnessHolder | undefined
  /** Who held before a grant whose candidate has not been heard as host yet, and may still give up. */
  before: { readonly holder: WitnessHolder | undefined } | undefined
  /** The holder lets a slot take over at once; 0: anyone. */
  releasedTo: number | undefined
  /** The newest request that cannot be granted yet. */
  kept: WitnessRequest | undefined
  /** Set where an earlier witness of this room may have given its word: when this one began. */
  abstainSinceMs: number | undefined
}

export interface WitnessOptions {
  /** For messages that name no lease. Default 600. */
  readonly leaseMs?: number
  /** The room was just opened: nobody can have an earlier witness's word. Otherwise it abstains at first. */
  readonly isFresh: boolean
}

/** @throws InvariantError for a lease that cannot be */
export function createWitness(nowMs: number, options: WitnessOptions): WitnessState {
  const { leaseMs = DEFAULT_LEASE_MS, isFresh } = options
  invariant(
    leaseMs > 0 && leaseMs <= MAX_LEASE_MS,
    `createWitness: leaseMs is ${leaseMs}; give a number above 0, up to ${MAX_LEASE_MS}`,
  )
  return { defaultLeaseMs: leaseMs, leaseMs: 0, abstainSinceMs: isFresh ? undefined : nowMs, ...blank(0) }
}

/** Begins anew for a declared fork of the session: what the generation before was promised is void in it. */
export function forkWitness(state: WitnessState, generation: number): void {
  Object.assign(state, blank(generation))
  state.abstainSinceMs = undefined
}

function blank(generation: number): Omit<WitnessState, 'defaultLeaseMs' | 'leaseMs' | 'abstainSinceMs'> {
  return {
    generation,
    promised: 0,
    candidate: 0,
    entryTerm: 0,
    index: 0,
    holder: undefined,
    before: undefined,
    releasedTo: undefined,
    kept: undefined,
  }
}
