/**
 * Who may own and who may simulate: the host's decisions on claims, transfers and releases, as pure
 * functions from what is asked and what holds to what holds next.
 *
 * Invariant: a request names the sequences its sender knew. If either has moved since, somebody else
 * was first and the request is refused; so two peers that grab at once end with one owner (OW4).
 * The ownership sequence outranks the authority sequence.
 *
 * @see Fiedler, "Networked Physics in Virtual Reality" (2018) for the two counters
 */

import type { ClaimPolicy } from '../schema/policies.ts'

/** Slot 0: nobody. */
export const NOBODY = 0

export interface OwnershipState {
  readonly owner: number
  readonly authority: number
  readonly ownershipSequence: number
  readonly authoritySequence: number
}

export interface ClaimRequest {
  readonly from: number
  readonly kind: 'own' | 'touch'
  readonly ownershipSequence: number
  readonly authoritySequence: number
}

export type Decision =
  | { readonly granted: true; readonly next: OwnershipState }
  | { readonly granted: false; readonly reason: RefusalReason }

/** `stale`: another request was first. `busy`: somebody else simulates it. `forbidden`: the prefab or the game says no. */
export type RefusalReason = 'stale' | 'busy' | 'forbidden' | 'gone'

const refuse = (reason: RefusalReason): Decision => ({ granted: false, reason })

/** @param host the host's slot: authority that rests with it is free for the touching */
export function decideClaim(state: OwnershipState, claim: ClaimRequest, policy: ClaimPolicy, host: number): Decision {
  if (claim.ownershipSequence !== state.ownershipSequence) return refuse('stale')
  if (claim.kind === 'own') {
    if (policy === 'nobody' && state.owner !== claim.from) return refuse('forbidden')
    return { granted: true, next: ownedBy(state, claim.from) }
  }
  if (state.authority === claim.from) return { granted: true, next: state }
  if (claim.authoritySequence !== state.authoritySequence) return refuse('stale')
  if (policy === 'nobody' && state.owner !== claim.from) return refuse('forbidden')
  if (state.authority !== host && state.authority !== NOBODY && state.owner !== claim.from) return refuse('busy')
  return { granted: true, next: simulatedBy(state, claim.from) }
}

export function decideTransfer(state: OwnershipState, from: number, to: number, host: number): Decision {
  if (from !== state.owner && from !== host) return refuse('forbidden')
  return { granted: true, next: ownedBy(state, to) }
}

export function decideRelease(state: OwnershipState, request: ClaimRequest, host: number): Decision {
  if (request.kind === 'own') {
    if (state.owner !== request.from) return refuse('stale')
    return { granted: true, next: ownedBy(state, host) }
  }
  if (state.authority !== request.from) return refuse('stale')
  return { granted: true, next: simulatedBy(state, state.owner === NOBODY ? host : state.owner) }
}

/** A new owner, who simulates too. */
export function ownedBy(state: OwnershipState, slot: number): OwnershipState {
  return {
    owner: slot,
    authority: slot,
    ownershipSequence: next16(state.ownershipSequence),
    authoritySequence: next16(state.authoritySequence),
  }
}

/** A new authority under the same owner. */
export function simulatedBy(state: OwnershipState, slot: number): OwnershipState {
  return { ...state, authority: slot, authoritySequence: next16(state.authoritySequence) }
}

const next16 = (sequence: number): number => (sequence + 1) & 0xffff
