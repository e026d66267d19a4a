/**
 * The host's pen: what it writes into the log goes to every subscribed peer, in one order.
 *
 * Invariant: only the host calls these. An entry is applied here first and then sent, and the request
 * number travels only in the copy for the peer that asked (LG2).
 */
import type { Peer } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import { applyDespawn } from './apply-log.ts'
import { applyOwnership } from './apply-ownership.ts'
import { subtreeOf, type Ownership } from './lifecycle/entity-table.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { ReplicationState } from './state.ts'

/** Who asked, so that its copy can carry the number of its request. */
export interface Requester {
  readonly peer: Peer
  readonly request: number
}

/** Bodies of the log: they carry a request number. */
export type LogBody = Extract<ControlBody, { request: number }>

/** Sends an entry that has just been applied. */
export function publish(state: ReplicationState, body: LogBody, requester?: Requester): void {
  state.logIndex += 1
  const plain = body.request === 0 ? body : { ...body, request: 0 }
  for (const link of state.links.values()) {
    if (!link.subscribed) continue
    const asked = requester !== undefined && link.peer === requester.peer
    const copy = asked ? { ...body, request: requester.request } : plain
    state.network.lower.sendControl(link.peer, copy, state.logIndex)
  }
}

/** Ends an entity and everything below it. */
export function commitDespawn(state: ReplicationState, id: NetworkId, requester?: Requester): void {
  const ids = subtreeOf(state.table, id)
  applyDespawn(state, ids)
  publish(state, { type: 'Despawn', request: 0, ids }, requester)
}

/** Changes owner or authority of some entities in one entry, so that all peers change at the same index. */
export function commitOwnership(
  state: ReplicationState,
  changes: readonly (readonly [index: number, next: Ownership])[],
  requester?: Requester,
): void {
  if (changes.length === 0) return
  const tick = ((state.lastSentTick ?? state.network.tick(state.nowMs)) + 1) >>> 0
  for (const [index, next] of changes) applyOwnership(state, index, next, tick)
  const entries = changes.map(([index]) => ownershipEntry(state, index))
  const slot = requester?.peer.slot ?? 0
  publish(state, { type: 'Grant', request: 0, requester: slot, tick, entries }, requester)
}

export function ownershipEntry(state: ReplicationState, index: number): { id: NetworkId } & Ownership {
  const { table } = state
  return { id: table.id[index]!, ...ownershipOf(state, index) }
}

export function ownershipOf(state: ReplicationState, index: number): Ownership {
  const { table } = state
  return {
    owner: table.owner[index]!,
    authority: table.authority[index]!,
    ownershipSequence: table.ownershipSequence[index]!,
    authoritySequence: table.authoritySequence[index]!,
  }
}
