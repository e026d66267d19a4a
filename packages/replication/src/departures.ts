/**
 * Settles what becomes of the entities of those who leave. Every peer does it by itself where the roster
 * that no longer names them is committed, so nobody has to be told, and a new host has nothing to repair.
 *
 * Invariant: after a roster is committed, nothing is left with a slot that it does not name as its
 * authority, and as its owner only what is held (OW7).
 */
import { committedSubtree, dropAhead } from './ahead.ts'
import { applyDespawn } from './apply-log.ts'
import { beginAnew } from './links.ts'
import type { CommittedRoster } from './log-state.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import { departureOf } from './plan-departures.ts'
import { HOLD_SECONDS } from './schema/policies.ts'
import type { ReplicationState } from './state.ts'
import { commitOwnership, committedOwnership } from './tail.ts'

/**
 * A roster is committed: those it does not name are gone, those it names again are back.
 * @param tick when it was written, where what is held is held from
 * @param grantTick the first one whose packets can show it, where that is known
 */
export function settleRoster(
  state: ReplicationState,
  roster: CommittedRoster,
  tick: number,
  grantTick: number | undefined,
): void {
  const { table, unconfirmed, network } = state
  const { slot } = network.local
  // This peer was out, and its host made a new link for it.
  if (!network.isHost && state.roster?.slots.has(slot) === false && roster.slots.has(slot)) beginAnew(state)
  state.roster = roster
  for (const index of table.order.slice(0, table.count)) {
    if (!unconfirmed.has(table.id[index]!)) settle(state, index, roster, tick, grantTick)
  }
}

/** An entity came to somebody who has left already: it goes on like everything that was theirs. */
export function settleLateComer(state: ReplicationState, id: NetworkId, tick: number): void {
  const index = state.table.indexById.get(id)
  if (state.roster !== undefined && index !== undefined) settle(state, index, state.roster, tick, undefined)
}

function settle(
  state: ReplicationState,
  index: number,
  roster: CommittedRoster,
  tick: number,
  grantTick: number | undefined,
): void {
  const { table, held, network } = state
  const id = table.id[index]!
  // An entity may have gone with the one above it, and 0 is the id of an index that is free.
  if (id === 0) return
  const ownership = committedOwnership(state, index)
  const departure = departureOf(state, index, ownership, roster)
  if (roster.slots.has(ownership.owner)) held.delete(id)
  if (departure.kind === 'despawn') {
    const ids = committedSubtree(state, id)
    applyDespawn(state, ids)
    dropAhead(state, ids)
  } else if (departure.kind === 'change') {
    if (departure.held && !held.has(id)) held.set(id, (tick + HOLD_SECONDS * network.tickRateHz) >>> 0)
    commitOwnership(state, index, departure.next, grantTick)
  }
}
