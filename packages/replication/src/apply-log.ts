/**
 * Applies what the log says to the world: the only place where replicated structure changes, on every
 * peer where the log is committed.
 *
 * Invariant: each function leaves table, rows and ECS agreeing, and queues one event per change.
 */
import { acceptRow, newerOfEarlyRow } from './accept-row.ts'
import { refreshTags } from './apply-ownership.ts'
import { createEntity, destroyEntity, exists, has, setPresence, ChildOf, Networked } from './lifecycle/ecs.ts'
import { insertEntity, rebindEid, removeEntityAt, setParentId, type EntityRecord } from './lifecycle/entity-table.ts'
import type { RegisteredPrefab } from './lifecycle/prefab.ts'
import { emitOutbox, guardCallback, quietly } from './outbox.ts'
import { applyValue } from './pipeline/snapshot.ts'
import { clearRows, noteRowWritten } from './pipeline/row-store.ts'
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
      // A child that the log had not heard of when this was decided outlives its parent; bitECS would end it.
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
  noteRowWritten(rows, index)
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

function forgetIndex(state: ReplicationState, index: number): void {
  for (const link of state.links.values()) {
    link.encoder.forget(index)
    link.decoder.forget(index)
  }
  state.published.forget(index)
  for (const buffers of state.jitter) buffers.forget(index)
  state.held.delete(state.table.id[index]!)
  state.restTicks[index] = 0
  state.componentsIndex.delete(index)
}
