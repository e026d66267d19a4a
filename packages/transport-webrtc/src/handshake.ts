/**
 * Who offers to whom, and which offer, answer or candidate is still worth hearing: pure rules over
 * plain data. One `Handshake` per pair of peers.
 *
 * Invariant: an attempt number names one offer of one peer; it is never used twice between two peers,
 * so what belongs to an older attempt can always be told apart (docs/behavior.md WT5, WT6).
 */
import type { PeerId } from '@baton/core'

/** node-datachannel loses up to 0.3 % of connects by itself; three failures in a row are the path's. */
export const MAX_OFFERS = 3
/** Offers of one peer that are answered; each costs an RTCPeerConnection. Above what glare and retries need. */
export const MAX_ANSWERS = 8

export interface Handshake {
  readonly local: PeerId
  readonly remote: PeerId
  role: 'none' | 'offer' | 'answer'
  /** 0 until the first offer. The low bit tells who offered, the rest counts. */
  attempt: number
  offers: number
  answers: number
}

export function createHandshake(local: PeerId, remote: PeerId): Handshake {
  return { local, remote, role: 'none', attempt: 0, offers: 0, answers: 0 }
}

/** Starts the next attempt of our own. `undefined` when all have been used. */
export function nextOffer(handshake: Handshake): number | undefined {
  if (handshake.offers >= MAX_OFFERS) return undefined
  handshake.offers++
  handshake.role = 'offer'
  handshake.attempt = handshake.offers * 2 + (handshake.local < handshake.remote ? 0 : 1)
  return handshake.attempt
}

/**
 * Decides about an offer of the far end. When both have offered (glare), the smaller id keeps its
 * offer and the other gives way: both sides come to the same answer without another message.
 * @returns whether to drop what is going on and answer
 */
export function acceptOffer(handshake: Handshake, attempt: number): boolean {
  if (handshake.answers >= MAX_ANSWERS) return false
  if (handshake.role === 'offer' && handshake.local < handshake.remote) return false
  if (handshake.role === 'answer' && attempt <= handshake.attempt) return false
  handshake.answers++
  handshake.role = 'answer'
  handshake.attempt = attempt
  return true
}

/** Does an answer or a candidate belong to the attempt under way? */
export function isCurrent(handshake: Handshake, attempt: number): boolean {
  return handshake.role !== 'none' && attempt === handshake.attempt
}
