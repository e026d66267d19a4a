/**
 * NetworkIds: the only name of an entity that travels. Local bitECS ids are reused at once and stay home.
 *
 * Invariant: an id is (slot of the peer that spawned it, that peer's counter), so that any peer can
 * spawn without a round trip and no two peers can choose the same id.
 */

import type { NetworkId } from '../schema/component-schema.ts'

export type { NetworkId }

const COUNTER_BITS = 20
/** Spawns one peer can make in a session; at 32 a second that is nine hours. */
export const MAX_COUNTER = 2 ** COUNTER_BITS - 1
export const MAX_SLOT = 2 ** (32 - COUNTER_BITS) - 1

/** @param counter 1 to `MAX_COUNTER` */
export function makeNetworkId(slot: number, counter: number): NetworkId {
  return ((slot << COUNTER_BITS) | counter) >>> 0
}

export function slotOfId(id: NetworkId): number {
  return id >>> COUNTER_BITS
}

export function counterOfId(id: NetworkId): number {
  return id & MAX_COUNTER
}
