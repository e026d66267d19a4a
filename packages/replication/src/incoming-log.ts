/**
 * What a guest does with the host's log: apply it in order, and settle its own requests by it.
 *
 * Invariant: entries come from the current host's link only. What this peer has authority over is not
 * overwritten by its own echo.
 */
import type { ControlBody } from '@baton/schemas'
import {
  applyComponentAdded,
  applyComponentRemoved,
  applyDespawn,
  applyParent,
  applySpawn,
  materializeAgain,
  placeRow,
} from './apply-log.ts'
import { applyOwnership, undoOptimisticClaim } from './apply-ownership.ts'
import { actingAuthority, setOwnership } from './lifecycle/entity-table.ts'
import { readValue } from './pipeline/snapshot.ts'
import { readSpawnedComponents } from './read-components.ts'
import type { ReplicationState } from './state.ts'

type Entry<Type extends ControlBody['type']> = Extract<ControlBody, { type: Type }>

/** @returns false when the entry does not parse or is none: counted by the caller */
export function applyLogEntry(state: ReplicationState, body: ControlBody): boolean {
  switch (body.type) {
    case 'Spawn':
      return takeSpawn(state, body)
    case 'Despawn':
      applyDespawn(state, body.ids)
      break
    case 'ComponentAdded':
    case 'ComponentChanged':
      return takeComponent(state, body)
    case 'ComponentRemoved': {
      const index = state.table.indexById.get(body.id)
      const schema = state.registry.schemas[body.component]
      if (schema === undefined) return false
      if (index !== undefined && !isOvertaken(state, body.id, body.component))
        applyComponentRemoved(state, index, schema)
      break
    }
    case 'ParentChanged': {
      const index = state.table.indexById.get(body.id)
      if (index !== undefined && !isOvertaken(state, body.id, 'parent')) applyParent(state, index, body.parent)
      break
    }
    case 'Grant':
      for (const entry of body.entries) {
        const index = state.table.indexById.get(entry.id)
        if (index !== undefined) applyOwnership(state, index, entry, body.tick)
      }
      break
    case 'RequestRefused':
      takeRefusal(state, body)
      return true
    case 'RequestApplied':
      break
    default:
      return false
  }
  settle(state, 'request' in body ? body.request : 0)
  return true
}

function takeSpawn(state: ReplicationState, body: Entry<'Spawn'>): boolean {
  const prefab = state.prefabs.byName.get(body.prefab)
  const components = readSpawnedComponents(state, body.components)
  if (prefab === undefined || components === undefined || body.id === 0) return false
  const index = state.table.indexById.get(body.id)
  if (index !== undefined) {
    // Our own spawn comes back: it lives here already, now it does for everybody.
    setOwnership(state.table, index, body)
  } else {
    // Also where the id lived here before: a new host that had not heard of it lets it begin anew (LJ4).
    const { id, owner, authority, ownershipSequence, authoritySequence, parent, departPolicy } = body
    const record = { id, prefab: prefab.index, owner, authority, ownershipSequence, authoritySequence, parent }
    applySpawn(state, { ...record, policy: departPolicy }, prefab, components)
  }
  settle(state, body.request)
  return true
}

function takeComponent(state: ReplicationState, body: Entry<'ComponentAdded'> | Entry<'ComponentChanged'>): boolean {
  const schema = state.registry.schemas[body.value.component]
  const row = schema && readValue(schema, body.value.data)
  if (schema === undefined || row === undefined) return false
  const index = state.table.indexById.get(body.id)
  if (index !== undefined && !isOvertaken(state, body.id, body.value.component)) {
    if (body.type === 'ComponentAdded') applyComponentAdded(state, index, schema, row, body.value.tick)
    else if (state.store.components[schema.index]!.present[index] === 1) {
      placeRow(state, index, schema, row, body.value.tick, true)
    }
  }
  settle(state, body.request)
  return true
}

/**
 * A change of ours to the same thing is under way. It will stand after this entry in the log, this one
 * may even be its echo; if the host refuses it, the host says again what holds (OW5).
 */
export function isOvertaken(state: ReplicationState, id: number, what: number | 'parent'): boolean {
  for (const { id: asked, body } of state.pending.values()) {
    if (asked !== id) continue
    if (body.type === 'ParentChanged' && what === 'parent') return true
    if (body.type === 'ComponentRemoved' && body.component === what) return true
    if ((body.type === 'ComponentAdded' || body.type === 'ComponentChanged') && body.value.component === what)
      return true
  }
  return false
}

function takeRefusal(state: ReplicationState, body: Entry<'RequestRefused'>): void {
  const pending = state.pending.get(body.request)
  settle(state, body.request)
  const { table, network } = state
  const index = table.indexById.get(body.id)
  const eid = index === undefined ? 0 : table.eid[index]!
  const request = pending?.body.type ?? 'Claim'
  state.outbox.push(() => state.events.emit('refused', { eid, id: body.id, request, reason: body.reason }))
  if (index === undefined || pending === undefined) return
  if (pending.body.type === 'Spawn') {
    applyDespawn(state, [body.id])
    return
  }
  if (pending.body.type === 'Despawn' && table.eid[index] === 0) materializeAgain(state, index)
  if (pending.body.type === 'Claim' && actingAuthority(table, index, network.local.slot) === network.local.slot) {
    undoOptimisticClaim(state, index)
  }
  if (body.entry) applyOwnership(state, index, body.entry)
}

function settle(state: ReplicationState, request: number): void {
  if (request !== 0) state.pending.delete(request)
}
