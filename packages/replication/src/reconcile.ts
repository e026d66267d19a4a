/**
 * Makes the world here the one of a baseline, keeping what lives in both, so that each entity comes and
 * goes once for the game; what this peer has asked for and not heard of stays ahead of it.
 *
 * Invariant: afterwards the committed world is the baseline's, and the log follows from its index (LJ3).
 */
import { componentAhead, dropAhead, parentAhead } from './ahead.ts'
import {
  applyComponentAdded,
  applyComponentRemoved,
  applyDespawn,
  applyParent,
  applySpawn,
  placeRow,
} from './apply-log.ts'
import { applyOwnership } from './apply-ownership.ts'
import { noteLogged } from './commit.ts'
import type { Baseline, BaselineEntity } from './lifecycle/baseline-bytes.ts'
import { raiseHighWater } from './lifecycle/entity-table.ts'
import { rosterOf } from './plan-departures.ts'
import { isLaterTick } from './pipeline/row-store.ts'
import { readSpawnedComponents } from './read-components.ts'
import type { ReplicationState } from './state.ts'

export function reconcile(state: ReplicationState, baseline: Baseline): void {
  const { table, unconfirmed, network } = state
  const named = new Set(baseline.entities.map((entity) => entity.id))
  const gone: number[] = []
  for (let i = 0; i < table.count; i += 1) {
    const id = table.id[table.order[i]!]!
    if (!named.has(id) && !unconfirmed.has(id)) gone.push(id)
  }
  applyDespawn(state, gone)
  dropAhead(state, gone)
  for (const entity of baseline.entities) {
    const index = table.indexById.get(entity.id)
    unconfirmed.delete(entity.id)
    if (index === undefined) raise(state, entity)
    else align(state, index, entity)
  }
  for (const { slot, counter, request } of baseline.slots) {
    raiseHighWater(table, slot, counter)
    noteLogged(state, slot, request)
    if (slot === network.local.slot) takeOwnPlace(state, counter)
  }
  state.held.clear()
  for (const [id, dueTick] of baseline.held) state.held.set(id, dueTick)
  state.roster = baseline.members.length === 0 ? undefined : rosterOf(baseline.members)
}

/** A peer that came back goes on where the session knows it to have been. */
function takeOwnPlace(state: ReplicationState, counter: number): void {
  state.spawnedTo = counter
  state.nextCounter = Math.max(state.nextCounter, counter + 1)
}

function raise(state: ReplicationState, entity: BaselineEntity): void {
  const prefab = state.prefabs.all[entity.prefab]
  const components = readSpawnedComponents(state, entity.components)
  if (!prefab || !components) {
    state.counters.logInvalid += 1
    return
  }
  applySpawn(state, { ...entity, prefab: prefab.index }, prefab, components)
}

/** Brings a live entity in line: a newer row of ours stands, everything else is the log's. */
function align(state: ReplicationState, index: number, entity: BaselineEntity): void {
  const { table, store, network } = state
  const components = readSpawnedComponents(state, entity.components)
  if (!components) {
    state.counters.logInvalid += 1
    return
  }
  const aheadParent = parentAhead(state, entity.id)
  if (aheadParent) aheadParent.parent = entity.parent
  else if (table.parent[index] !== entity.parent) applyParent(state, index, entity.parent)
  applyOwnership(state, index, entity)
  const isMine = entity.authority === network.local.slot
  for (const rows of store.components) {
    const given = components.find((one) => one.schema === rows.schema)
    const committed = componentAhead(state, entity.id, rows.schema.index)?.component
    const isSnapshot = rows.schema.delivery === 'snapshot'
    if (committed)
      Object.assign(committed, given ? { present: true, tick: given.tick, row: given.row } : { present: false })
    else if (!given) {
      if (rows.present[index] === 1) applyComponentRemoved(state, index, rows.schema)
    } else if (rows.present[index] !== 1) applyComponentAdded(state, index, given.schema, given.row, given.tick)
    else if (isSnapshot ? !isMine && isLaterTick(given.tick, rows.tick[index]!) : true) {
      placeRow(state, index, given.schema, given.row, given.tick, !isSnapshot)
    }
  }
}
