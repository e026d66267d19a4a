/**
 * What replication does when a peer is ready, goes, or becomes the host.
 *
 * Invariant: after any of these every entity has a living authority, or none while it is held.
 */
import type { Peer } from '@baton/core'
import { decideDeparture } from './authority/departure.ts'
import { ownedBy, type OwnershipState } from './authority/ownership.ts'
import { undoOptimisticClaim } from './apply-ownership.ts'
import { commitDespawn, commitOwnership, ownershipOf } from './commit.ts'
import { decide } from './incoming-requests.ts'
import { startBaseline } from './joins.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import { isDead } from './lifecycle/entity-table.ts'
import { ID_GONE, ID_UNKNOWN, StateDecoder } from './pipeline/state-decoder.ts'
import { StateEncoder } from './pipeline/state-encoder.ts'
import { HOLD_SECONDS } from './schema/policies.ts'
import { askAgain } from './requests.ts'
import type { Link, ReplicationState } from './state.ts'

/** The far end runs the same protocol: the log may flow. */
export function peerReady(state: ReplicationState, peer: Peer): void {
  const link = linkTo(state, peer)
  if (link.subscribed) return
  link.subscribed = true
  if (state.network.isHost) startBaseline(state, link)
  else if (peer.isHost) askAgain(state)
}

/** A peer left the room. The host decides what becomes of its entities; guests hear of it in the log. */
export function peerExited(state: ReplicationState, peer: Peer): void {
  state.links.delete(peer)
  state.spawnTokens.delete(peer.slot)
  state.delay.forget(peer.slot)
  if (state.network.isHost) settleDeparture(state, peer.slot)
}

/** Another peer hosts from now on, or this one does. */
export function hostChanged(state: ReplicationState): void {
  const { network } = state
  state.synced = false
  state.incomingBaseline = undefined
  state.waitingLog.length = 0
  state.logIndex = 0
  if (!network.isHost) {
    // What was sent to this peer or by it on another's word says nothing to the new host.
    for (const link of [...state.links.values()]) if (!link.peer.isHost) state.links.delete(link.peer)
    return
  }
  state.synced = true
  state.links.clear()
  for (const slot of slotsWithoutPeer(state)) settleDeparture(state, slot)
  answerOwnRequests(state)
}

/** A new host decides itself what it had asked the last one; what it has changed already simply stands. */
function answerOwnRequests(state: ReplicationState): void {
  const { table, network, pending } = state
  for (const { id, body } of pending.values()) {
    const index = table.indexById.get(id)
    if (index === undefined) continue
    if (body.type !== 'Claim' && body.type !== 'Transfer' && body.type !== 'Release') continue
    const decision = decide(state, network.local.slot, index, body)
    if (decision.granted) commitOwnership(state, [[index, decision.next]])
    else undoOptimisticClaim(state, index)
  }
  pending.clear()
}

/** Host: gives up waiting for owners whose time is over. */
export function endHolds(state: ReplicationState, tick: number): void {
  for (const [id, dueTick] of state.held) {
    if (((tick - dueTick) | 0) < 0) continue
    state.held.delete(id)
    const index = state.table.indexById.get(id)
    if (index !== undefined) {
      commitOwnership(state, [[index, ownedBy(ownershipOf(state, index), state.network.local.slot)]])
    }
  }
}

/** The link to a peer, made on first need. */
export function linkTo(state: ReplicationState, peer: Peer): Link {
  const known = state.links.get(peer)
  if (known) return known
  const link: Link = {
    peer,
    encoder: new StateEncoder(state.published, state.policy),
    decoder: new StateDecoder({
      schemas: state.registry.schemas,
      capacity: state.table.capacity,
      resolve: (id) => state.table.indexById.get(id) ?? (isDead(state.table, id) ? ID_GONE : ID_UNKNOWN),
    }),
    emit: (packet) => state.network.lower.sendState(peer, packet) === 'sent',
    owesAck: false,
    newestSequence: -1,
    newestTick: undefined,
    heardAtTick: 0,
    subscribed: false,
    synced: false,
    baseline: undefined,
  }
  state.links.set(peer, link)
  return link
}

function settleDeparture(state: ReplicationState, gone: number): void {
  const { table, network } = state
  const host = network.local.slot
  const changes: [number, OwnershipState][] = []
  const despawns: NetworkId[] = []
  const dueTick = (network.tick(state.nowMs) + HOLD_SECONDS * network.tickRateHz) >>> 0
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    const departure = decideDeparture(ownershipOf(state, index), table.policy[index]!, gone, host)
    if (departure.kind === 'despawn') despawns.push(table.id[index]!)
    else if (departure.kind === 'change') {
      changes.push([index, departure.next])
      if (departure.held) state.held.set(table.id[index]!, dueTick)
    }
  }
  commitOwnership(state, changes)
  for (const id of despawns) if (table.indexById.has(id)) commitDespawn(state, id)
}

/** Slots that own or simulate something here and belong to nobody in the room. */
function slotsWithoutPeer(state: ReplicationState): Set<number> {
  const { table, network } = state
  const here = new Set([0, network.local.slot, ...network.peers.map((peer) => peer.slot)])
  const gone = new Set<number>()
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    for (const slot of [table.owner[index]!, table.authority[index]!]) if (!here.has(slot)) gone.add(slot)
  }
  return gone
}
