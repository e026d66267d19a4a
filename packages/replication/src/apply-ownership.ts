/**
 * Changes who owns and who simulates an entity, and settles whose rows count from there on.
 *
 * Invariant: rows, the log and claims travel at different speeds; whichever comes first, all peers end
 * with the state of the last authority (OW9).
 */
import type { Peer } from '@baton/core'
import { Authority, Owned, setPresence } from './lifecycle/ecs.ts'
import { actingAuthority, setOwnership, type Ownership } from './lifecycle/entity-table.ts'
import { peerOfSlot, resolveEid } from './lookup.ts'
import { quietly } from './outbox.ts'
import { isLaterTick, noteRowWritten } from './pipeline/row-store.ts'
import type { ReplicationState } from './state.ts'

/**
 * Says who owns and simulates an entity from here on. An optimistic claim of this peer ends with it.
 * @param tick the first one whose packets can show it; left out where that is not known
 */
export function applyOwnership(state: ReplicationState, index: number, next: Ownership, tick?: number): void {
  const { table, network } = state
  const local = network.local.slot
  const acted = actingAuthority(table, index, local) === local
  const previous = table.authority[index]!
  const hadBeenGranted = previous === local
  const wasClaimed = table.claimed[index] === 1
  table.claimed[index] = 0
  setOwnership(table, index, next)
  const acts = next.authority === local
  // What this peer simulated by right stays on screen until the new authority is heard; what it only
  // hoped for goes back to the last state it was sent.
  if (!hadBeenGranted && acts) beginAuthority(state, index, tick)
  if (hadBeenGranted && !acts) endAuthority(state, index)
  else if (wasClaimed && !acts) restoreRowsFromRemote(state, index)
  if (network.isHost && previous !== next.authority) listenAnew(state, index)
  if (acted !== acts || hadBeenGranted !== acts || previous !== next.authority) forgetBaselines(state, index, previous)
  state.restTicks[index] = 0
  quietly(state, () => refreshTags(state, index))
  queueOwnershipEvent(state, index)
}

/** Starts to act on a claim before the host has answered. */
export function applyOptimisticClaim(state: ReplicationState, index: number): void {
  state.table.claimed[index] = 1
  state.restTicks[index] = 0
  forgetBaselines(state, index, 0)
  quietly(state, () => refreshTags(state, index))
  queueOwnershipEvent(state, index)
}

/** Undoes an optimistic claim that the host refused, and shows what the game wrote by it no longer (IN12). */
export function undoOptimisticClaim(state: ReplicationState, index: number): void {
  for (const buffers of state.jitter) buffers.wake(index)
  if (state.table.claimed[index] === 0) return
  state.table.claimed[index] = 0
  forgetBaselines(state, index, 0)
  restoreRowsFromRemote(state, index)
  quietly(state, () => refreshTags(state, index))
  queueOwnershipEvent(state, index)
}

/** Puts `Owned` and `Authority` in line with the table. Whose columns they are may have changed: they are shown anew. */
export function refreshTags(state: ReplicationState, index: number): void {
  for (const buffers of state.jitter) buffers.wake(index)
  const { table, ecs, network } = state
  const eid = table.eid[index]!
  const local = network.local.slot
  setPresence(ecs, eid, Owned, table.owner[index] === local)
  setPresence(ecs, eid, Authority, actingAuthority(table, index, local) === local)
}

function beginAuthority(state: ReplicationState, index: number, tick = state.network.tick(state.nowMs)): void {
  state.table.grantTick[index] = tick
  for (const rows of state.store.components) {
    // Rows overtake the log: the end of this authority may have been heard before its beginning.
    const isHeardAfter = rows.hasHeard[index] === 1 && !isLaterTick(tick, rows.heardPacketTick[index]!)
    rows.isOverruled[index] = isHeardAfter && !state.network.isHost ? 1 : 0
  }
}

/**
 * This peer's last state stays until the next authority is heard, or gives way to that which came
 * before the log said so. Its own ticks say nothing about the next authority's, which may lag behind:
 * from here on anything newer than what was last heard counts.
 */
function endAuthority(state: ReplicationState, index: number): void {
  const { isHost } = state.network
  for (const rows of state.store.components) {
    const { schema } = rows
    if (schema.delivery !== 'snapshot' || rows.present[index] !== 1) continue
    const buffers = state.jitter[schema.index]!
    const offset = index * schema.laneCount
    if (!isHost) rows.tick[index] = rows.heardTick[index]!
    if (rows.isOverruled[index] === 1) buffers.newest(index, rows.current, offset)
    else buffers.reset(index, rows.tick[index]!, rows.current, offset)
    noteRowWritten(rows, index)
  }
}

/**
 * Host: the first row of a new authority counts, whatever the last one's clock said. What it passes on
 * from here is newer than all it has sent, also where the values stay: somebody may have heard this very
 * state aside and simulated on.
 */
function listenAnew(state: ReplicationState, index: number): void {
  for (const rows of state.store.components) {
    rows.hasHeard[index] = 0
    rows.tick[index] = (rows.tick[index]! + 1) >>> 0
  }
}

/** The newest state that was received stands again for what this peer simulated without a right to it. */
function restoreRowsFromRemote(state: ReplicationState, index: number): void {
  for (const rows of state.store.components) {
    const { schema } = rows
    if (schema.delivery !== 'snapshot' || rows.present[index] !== 1) continue
    const tick = state.jitter[schema.index]!.newest(index, rows.current, index * schema.laneCount)
    if (tick !== undefined) rows.tick[index] = tick
    noteRowWritten(rows, index)
  }
}

/**
 * After a change of authority neither side may take an old row for what the other holds (OW9): a guest
 * forgets what it told the host, the host what it told the previous authority, which ignored its rows.
 */
function forgetBaselines(state: ReplicationState, index: number, previousAuthority: number): void {
  for (const link of state.links.values()) {
    if (!state.network.isHost || link.peer.slot === previousAuthority) link.encoder.forget(index)
  }
}

function queueOwnershipEvent(state: ReplicationState, index: number): void {
  const { table } = state
  const id = table.id[index]!
  state.outbox.push(() => {
    const now = table.indexById.get(id)
    if (now === undefined) return
    const owner: Peer | undefined = peerOfSlot(state, table.owner[now]!)
    const authority = peerOfSlot(state, actingAuthority(table, now, state.network.local.slot))
    state.events.emit('ownershipchanged', { eid: resolveEid(state, id), id, owner, authority })
  })
}
