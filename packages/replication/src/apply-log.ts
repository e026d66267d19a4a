/**
 * Applies what the log says to the world: the only place where replicated structure changes, on the
 * host when it commits and on guests when they hear of it.
 *
 * Invariant: each function leaves table, rows and ECS agreeing, and queues one event per change.
 */
import type { Peer } from '@baton/core'
import { acceptRow, newerOfEarlyRow } from './accept-row.ts'
import {
  createEntity,
  destroyEntity,
  exists,
  has,
  setPresence,
  ChildOf,
  Authority,
  Networked,
  Owned,
} from './lifecycle/ecs.ts'
import {
  actingAuthority,
  insertEntity,
  rebindEid,
  removeEntityAt,
  setParentId,
  setOwnership,
  type EntityRecord,
  type Ownership,
} from './lifecycle/entity-table.ts'
import type { RegisteredPrefab } from './lifecycle/prefab.ts'
import { applyValue } from './pipeline/snapshot.ts'
import { clearRows, isLaterTick } from './pipeline/row-store.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { ComponentSchema, ComponentValueRow } from './schema/component-schema.ts'
import { growState, peerOfSlot, resolveEid } from './lookup.ts'
import type { ReplicationState } from './state.ts'

export interface SpawnedComponent {
  readonly schema: ComponentSchema
  readonly row: ComponentValueRow
  /** Source tick of the values, u32. */
  readonly tick: number
}

/**
 * Brings an entity to life. `existing` is the local entity when this peer spawned it itself and its
 * columns already hold the values.
 * @returns the entity's index
 */
export function applySpawn(
  state: ReplicationState,
  record: EntityRecord,
  prefab: RegisteredPrefab,
  components: readonly SpawnedComponent[],
  existing?: number,
): number {
  const { ecs, table } = state
  const eid =
    existing ??
    createEntity(
      ecs,
      components.map((one) => one.schema.component),
    )
  const index = insertEntity(table, record, eid)
  growState(state, table.capacity)
  table.grantTick[index] = (components[0]?.tick ?? state.network.tick(state.nowMs)) >>> 0
  clearRows(state.store, index, ((components[0]?.tick ?? state.network.tick(state.nowMs)) - 1) >>> 0)
  for (const { schema, row, tick } of components) placeRow(state, index, schema, row, tick, existing === undefined)
  quietly(state, () => {
    setPresence(ecs, eid, Networked, true)
    refreshTags(state, index)
    attachToParent(state, index)
    adoptChildren(state, record.id)
  })
  relinkReferences(state, record.id)
  for (const link of state.links.values()) {
    link.decoder.release(record.id, index, (component, source, lanes) => {
      acceptRow(state, link, component, index, source, lanes, 0)
    })
  }
  callSetup(state, prefab, eid)
  const owner = peerOfSlot(state, record.owner)
  state.outbox.push(() =>
    state.events.emit('spawned', { eid, id: record.id, prefab: prefab.name, owner, local: existing !== undefined }),
  )
  return index
}

/** Ends entities, children before parents. Ids that are not live are passed over. */
export function applyDespawn(state: ReplicationState, ids: readonly NetworkId[]): void {
  const { table, ecs, prefabs } = state
  for (let at = ids.length - 1; at >= 0; at -= 1) {
    const id = ids[at]!
    const index = table.indexById.get(id)
    if (index === undefined) continue
    const eid = table.eid[index]!
    const prefab = prefabs.all[table.prefab[index]!]!.name
    // Told at once, after all that came before it: a listener may still read the columns.
    emitOutbox(state)
    guardCallback(state, () => state.events.emit('despawned', { eid, id, prefab }))
    forgetIndex(state, index)
    removeEntityAt(table, index)
    quietly(state, () => {
      // A child that the log has not heard of yet outlives its parent; bitECS would end it.
      for (const child of table.children.get(id) ?? []) setPresence(ecs, table.eid[child]!, ChildOf(eid), false)
      destroyEntity(ecs, eid)
    })
    relinkReferences(state, id)
  }
}

export function applyComponentAdded(
  state: ReplicationState,
  index: number,
  schema: ComponentSchema,
  row: ComponentValueRow,
  tick: number,
): void {
  quietly(state, () => setPresence(state.ecs, state.table.eid[index]!, schema.component, true))
  const isSnapshot = schema.delivery === 'snapshot'
  const newestTick = isSnapshot ? newerOfEarlyRow(state, schema.index, index, row.lanes, tick) : tick
  placeRow(state, index, schema, row, newestTick, true)
}

export function applyComponentRemoved(state: ReplicationState, index: number, schema: ComponentSchema): void {
  const rows = state.store.components[schema.index]!
  rows.present[index] = 0
  rows.plain[index] = undefined
  quietly(state, () => setPresence(state.ecs, state.table.eid[index]!, schema.component, false))
}

/** Takes values into the rows and, where `intoColumns`, shows them. */
export function placeRow(
  state: ReplicationState,
  index: number,
  schema: ComponentSchema,
  row: ComponentValueRow,
  tick: number,
  intoColumns: boolean,
): void {
  const rows = state.store.components[schema.index]!
  rows.present[index] = 1
  rows.current.set(row.lanes, index * schema.laneCount)
  rows.tick[index] = tick
  rows.heardTick[index] = tick
  rows.heardPacketTick[index] = (tick - 1) >>> 0
  rows.hasHeard[index] = 1
  rows.plain[index] = row.plain
  if (schema.delivery === 'snapshot') state.jitter[schema.index]!.reset(index, tick, row.lanes, 0)
  if (intoColumns) applyValue(schema, state.table.eid[index]!, row, (id) => resolveEid(state, id))
}

export function applyParent(state: ReplicationState, index: number, parent: NetworkId): void {
  const { table, ecs } = state
  const before = table.indexById.get(table.parent[index]!)
  setParentId(table, index, parent)
  quietly(state, () => {
    if (before !== undefined) setPresence(ecs, table.eid[index]!, ChildOf(table.eid[before]!), false)
    attachToParent(state, index)
  })
}

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

/** Undoes an optimistic claim that the host refused. */
export function undoOptimisticClaim(state: ReplicationState, index: number): void {
  if (state.table.claimed[index] === 0) return
  state.table.claimed[index] = 0
  forgetBaselines(state, index, 0)
  restoreRowsFromRemote(state, index)
  quietly(state, () => refreshTags(state, index))
  queueOwnershipEvent(state, index)
}

/** Puts `Owned` and `Authority` in line with the table. */
export function refreshTags(state: ReplicationState, index: number): void {
  const { table, ecs, network } = state
  const eid = table.eid[index]!
  const local = network.local.slot
  setPresence(ecs, eid, Owned, table.owner[index] === local)
  setPresence(ecs, eid, Authority, actingAuthority(table, index, local) === local)
}

/** Runs `change` without its traces being taken for the game's. */
export function quietly(state: ReplicationState, change: () => void): void {
  const before = state.quiet
  state.quiet = true
  change()
  state.quiet = before
}

/** Emits what was queued. Runs where a frame ends, and before an entity's columns are lost. */
export function emitOutbox(state: ReplicationState): void {
  const { outbox } = state
  for (let at = 0; at < outbox.length; at += 1) guardCallback(state, outbox[at]!)
  outbox.length = 0
}

/** A game's callback that throws is counted and must not stop the network. */
export function guardCallback(state: ReplicationState, callback: () => void): void {
  try {
    callback()
  } catch {
    state.counters.callbackErrors += 1
  }
}

/** Brings a local entity back that the game removed without having the right to. */
export function materializeAgain(state: ReplicationState, index: number): void {
  const { table, ecs, store } = state
  const rows = store.components.filter((one) => one.present[index] === 1)
  const eid =
    exists(ecs, table.eid[index]!) && has(ecs, table.eid[index]!, Networked) ? table.eid[index]! : createEntity(ecs, [])
  rebindEid(table, index, eid)
  quietly(state, () => {
    for (const { schema } of rows) setPresence(ecs, eid, schema.component, true)
    setPresence(ecs, eid, Networked, true)
    refreshTags(state, index)
    attachToParent(state, index)
    adoptChildren(state, table.id[index]!)
  })
  for (const { schema, current, plain } of rows) {
    const lanes = current.slice(index * schema.laneCount, (index + 1) * schema.laneCount)
    applyValue(schema, eid, { lanes, plain: plain[index] ?? [] }, (id) => resolveEid(state, id))
  }
  callSetup(state, state.prefabs.all[table.prefab[index]!]!, eid)
}

function callSetup(state: ReplicationState, prefab: RegisteredPrefab, eid: number): void {
  const { setup } = prefab.prefab
  if (setup) guardCallback(state, () => setup(eid))
}

function attachToParent(state: ReplicationState, index: number): void {
  const { table, ecs } = state
  const parent = table.indexById.get(table.parent[index]!)
  if (parent !== undefined) setPresence(ecs, table.eid[index]!, ChildOf(table.eid[parent]!), true)
}

/** Children that arrived before their parent. */
function adoptChildren(state: ReplicationState, id: NetworkId): void {
  for (const index of state.table.children.get(id) ?? []) attachToParent(state, index)
}

/** Entity fields that name `id` now mean another local entity, or none. */
function relinkReferences(state: ReplicationState, id: NetworkId): void {
  if (!state.referenced.has(id)) return
  for (const rows of state.store.components) {
    const { schema } = rows
    if (!schema.hasEntities) continue
    const lanes = schema.fields.flatMap((field) => (field.kind === 'entity' ? [field.group.offset] : []))
    for (let i = 0; i < state.table.count; i += 1) {
      const index = state.table.order[i]!
      const base = index * schema.laneCount
      if (rows.present[index] !== 1 || !lanes.some((lane) => rows.current[base + lane]! >>> 0 === id)) continue
      const row = { lanes: rows.current.slice(base, base + schema.laneCount), plain: rows.plain[index] ?? [] }
      applyValue(schema, state.table.eid[index]!, row, (named) => resolveEid(state, named))
    }
  }
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

function forgetIndex(state: ReplicationState, index: number): void {
  for (const link of state.links.values()) {
    link.encoder.forget(index)
    link.decoder.forget(index)
  }
  state.published.forget(index)
  for (const buffers of state.jitter) buffers.forget(index)
  state.held.delete(state.table.id[index]!)
  state.restTicks[index] = 0
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
