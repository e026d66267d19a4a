/**
 * Looks things up in the state: peers by slot, entities by id, and back.
 *
 * Invariant: nothing here changes anything but the length of columns.
 */
import type { Peer } from '@baton/core'
import type { NetworkId } from './pipeline/network-id.ts'
import { growRowStore } from './pipeline/row-store.ts'
import type { ReplicationState } from './state.ts'

export function peerOfSlot(state: ReplicationState, slot: number): Peer | undefined {
  if (slot === 0) return undefined
  const { local, peers } = state.network
  return local.slot === slot ? local : peers.find((peer) => peer.slot === slot)
}

/** Local entity of an id; 0 for one that is not here. */
export function resolveEid(state: ReplicationState, id: NetworkId): number {
  if (id === 0) return 0
  state.referenced.add(id)
  const index = state.table.indexById.get(id)
  return index === undefined ? 0 : state.table.eid[index]!
}

/** Id of a local entity; 0 for one that is not networked. */
export function resolveId(state: ReplicationState, eid: number): NetworkId {
  const index = state.table.indexByEid.get(eid)
  if (index === undefined) return 0
  const id = state.table.id[index]!
  state.referenced.add(id)
  return id
}

/** Makes every column that is keyed by the entity index as long as the table. */
export function growState(state: ReplicationState, capacity: number): void {
  if (capacity <= state.restTicks.length) return
  growRowStore(state.store, capacity)
  state.published.grow(capacity)
  for (const buffers of state.jitter) buffers.grow(capacity)
  for (const link of state.links.values()) {
    link.encoder.grow(capacity)
    link.decoder.grow(capacity)
  }
  const restTicks = new Uint16Array(capacity)
  restTicks.set(state.restTicks)
  state.restTicks = restTicks
}
