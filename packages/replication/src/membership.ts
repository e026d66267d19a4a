/**
 * What replication does when a peer is ready, goes, or becomes the host. What becomes of entities is not
 * among it: the log says who is in (`departures.ts`).
 *
 * Invariant: rows start anew with each reign, on both ends of a link.
 */
import type { Peer } from '@baton/core'
import { askAgain } from './ask.ts'
import { followLog } from './joins.ts'
import { linkTo } from './links.ts'
import type { ReplicationState } from './state.ts'

/** The far end runs the same protocol: requests, answers and rows may flow. */
export function peerReady(state: ReplicationState, peer: Peer): void {
  const { network } = state
  if (state.links.get(peer)?.term !== network.term) state.links.delete(peer)
  const link = linkTo(state, peer)
  if (link.subscribed) return
  link.subscribed = true
  if (!network.isHost && !peer.isHost) return
  link.owesHoldings = true
  if (network.isHost) link.synced = state.followers.has(peer.slot)
  else askAgain(state)
}

/** The same host may reign again, in a later term: its links begin anew like those to any other. */
export function followTerm(state: ReplicationState): void {
  const { network } = state
  if (state.heardTerm !== network.term) listenAnew(state)
  for (const { peer, subscribed, term } of [...state.links.values()]) {
    if (subscribed && term !== network.term && (network.isHost || peer === network.host)) peerReady(state, peer)
  }
}

/** A peer left the room. */
export function peerExited(state: ReplicationState, peer: Peer): void {
  state.links.delete(peer)
  state.spawnTokens.delete(peer.slot)
  state.judged.delete(peer.slot)
  // Should it come back, it may have missed anything.
  state.followers.delete(peer.slot)
  state.delay.forget(peer.slot)
}

/** Another peer hosts from now on, or this one does. Everybody keeps the world: it is the log's. */
export function hostChanged(state: ReplicationState): void {
  const { network } = state
  state.incomingBaseline = undefined
  state.judged.clear()
  // How the reign began that this peer found is not known to it.
  state.reign ??= { term: network.term, tick: undefined }
  state.followers = network.isHost ? new Set(state.roster?.slots) : new Set()
  if (!network.isHost) {
    // What was sent to this peer or by it on another's word says nothing to the new host.
    for (const link of [...state.links.values()]) if (!link.peer.isHost) state.links.delete(link.peer)
    return
  }
  state.links.clear()
  // Whoever hosts holds what there is to hold.
  if (!state.synced) followLog(state)
}

/** Well over what two clocks may differ by, and well within the wrap. */
const LONG_AGO_TICKS = 2 ** 20

/**
 * A new reign: what was heard in the last one may be newer than what is said now, so the first row of
 * each counts (OW9). It says nothing to the new host when this peer was granted what it simulates: a
 * grant that the host knows of keeps it from sending those rows, and one that it lacks is about to be cut.
 */
function listenAnew(state: ReplicationState): void {
  const { network, store, table } = state
  state.heardTerm = network.term
  for (const rows of store.components) rows.hasHeard.fill(0)
  table.grantTick.fill((network.tick(state.nowMs) - LONG_AGO_TICKS) >>> 0)
}
