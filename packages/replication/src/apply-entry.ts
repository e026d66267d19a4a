/**
 * What a committed entry of the log does to the world, the same on every peer.
 *
 * Invariant: an entry was judged by the host of its term and is applied whatever it meets: added twice,
 * changed when absent or about the dead it does nothing, on all peers alike. What this peer has changed
 * ahead of the log is not overwritten by older entries.
 */
import type { LogEntry } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import { committedSubtree, componentAhead, dropAhead, makesCycle, parentAhead } from './ahead.ts'
import {
  applyComponentAdded,
  applyComponentRemoved,
  applyDespawn,
  applyParent,
  applySpawn,
  placeRow,
} from './apply-log.ts'
import { settleLateComer, settleRoster } from './departures.ts'
import { counterOfId, slotOfId } from './pipeline/network-id.ts'
import { isDead } from './lifecycle/entity-table.ts'
import { rosterOf, slotsOf } from './plan-departures.ts'
import { readValue } from './pipeline/snapshot.ts'
import { readSpawnedComponents } from './read-components.ts'
import type { ReplicationState } from './state.ts'
import { commitOwnership, tickOf } from './tail.ts'

type Entry<Type extends ControlBody['type']> = Extract<ControlBody, { type: Type }>

/** @returns false when the entry does not parse or is none: counted by the caller */
export function applyEntry(state: ReplicationState, entry: LogEntry): boolean {
  const { body } = entry
  switch (body.type) {
    case 'Roster':
      settleRoster(state, rosterOf(slotsOf(body)), body.tick || state.network.tick(state.nowMs), tickOf(entry))
      return true
    case 'Spawn':
      return commitSpawn(state, body)
    case 'Despawn':
      commitDespawn(state, body)
      return true
    case 'ComponentAdded':
    case 'ComponentChanged':
      return commitComponent(state, body)
    case 'ComponentRemoved':
      return commitRemoval(state, body)
    case 'ParentChanged':
      commitParent(state, body)
      return true
    case 'Grant':
      commitGrant(state, body)
      return true
    default:
      return false
  }
}

function commitSpawn(state: ReplicationState, body: Entry<'Spawn'>): boolean {
  const { table, unconfirmed, network } = state
  const prefab = state.prefabs.byName.get(body.prefab)
  const components = readSpawnedComponents(state, body.components)
  if (prefab === undefined || components === undefined || body.id === 0) return false
  const isOwn = slotOfId(body.id) === network.local.slot
  const index = table.indexById.get(body.id)
  // Twice in the log; and an id that has lived stays dead. Ids of this peer's own are given before they are in it.
  if (index !== undefined && !unconfirmed.has(body.id)) return true
  if (isOwn ? counterOfId(body.id) <= state.spawnedTo : index === undefined && isDead(table, body.id)) return true
  if (isOwn) state.spawnedTo = counterOfId(body.id)
  const { id, owner, authority, ownershipSequence, authoritySequence, parent, departPolicy } = body
  const ownership = { owner, authority, ownershipSequence, authoritySequence }
  if (index === undefined) {
    applySpawn(state, { id, prefab: prefab.index, ...ownership, parent, policy: departPolicy }, prefab, components)
  } else unconfirmed.delete(id)
  commitOwnership(state, table.indexById.get(id)!, ownership)
  settleLateComer(state, id, components[0]?.tick ?? network.tick(state.nowMs))
  return true
}

function commitDespawn(state: ReplicationState, { ids }: Entry<'Despawn'>): void {
  for (const id of ids) {
    if (!state.table.indexById.has(id) || state.unconfirmed.has(id)) continue
    const all = committedSubtree(state, id)
    applyDespawn(state, all)
    dropAhead(state, all)
  }
}

function commitComponent(state: ReplicationState, body: Entry<'ComponentAdded'> | Entry<'ComponentChanged'>): boolean {
  const { component, data, tick } = body.value
  const schema = state.registry.schemas[component]
  const row = schema && readValue(schema, data)
  if (schema === undefined || row === undefined) return false
  const index = state.table.indexById.get(body.id)
  if (index === undefined) return true
  const committed = componentAhead(state, body.id, component)?.component
  const isPresent = committed ? committed.present : state.store.components[component]!.present[index] === 1
  if (body.type === 'ComponentChanged' && !isPresent) return true
  if (body.type === 'ComponentAdded') state.componentsIndex.set(index, state.logIndex)
  if (committed) Object.assign(committed, { present: true, tick, row })
  else if (body.type === 'ComponentAdded') applyComponentAdded(state, index, schema, row, tick)
  else placeRow(state, index, schema, row, tick, true)
  return true
}

function commitRemoval(state: ReplicationState, body: Entry<'ComponentRemoved'>): boolean {
  const schema = state.registry.schemas[body.component]
  if (schema === undefined) return false
  const index = state.table.indexById.get(body.id)
  if (index === undefined) return true
  state.componentsIndex.set(index, state.logIndex)
  const committed = componentAhead(state, body.id, body.component)?.component
  if (committed) committed.present = false
  else applyComponentRemoved(state, index, schema)
  return true
}

function commitParent(state: ReplicationState, { id, parent }: Entry<'ParentChanged'>): void {
  const index = state.table.indexById.get(id)
  if (index === undefined || makesCycle(state, id, parent)) return
  const ahead = parentAhead(state, id)
  if (ahead) ahead.parent = parent
  else applyParent(state, index, parent)
}

function commitGrant(state: ReplicationState, body: Entry<'Grant'>): void {
  for (const { id, owner, authority, ownershipSequence, authoritySequence } of body.entries) {
    const index = state.table.indexById.get(id)
    if (index === undefined || state.unconfirmed.has(id)) continue
    commitOwnership(state, index, { owner, authority, ownershipSequence, authoritySequence }, body.tick)
    const isBack = state.roster === undefined || state.roster.slots.has(owner)
    if (isBack) state.held.delete(id)
    settleLateComer(state, id, body.tick)
  }
}
