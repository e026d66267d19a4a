/**
 * Compares what the game did to the world with what replication knows: entities it removed, components
 * it added or took away. What it may change is asked for; what it may not is undone.
 *
 * Invariant: after this the ECS and the rows agree about every networked entity.
 */
import { noteComponentAhead } from './ahead.ts'
import { applyComponentAdded, applyComponentRemoved, materializeAgain } from './apply-log.ts'
import { quietly } from './outbox.ts'
import { has, setPresence } from './lifecycle/ecs.ts'
import { actingAuthority, unbindEid } from './lifecycle/entity-table.ts'
import { resolveEid, resolveId } from './lookup.ts'
import { applyValue, collectValue, encodeValue } from './pipeline/snapshot.ts'
import type { ComponentSchema } from './schema/component-schema.ts'
import { ask } from './ask.ts'
import { requestDespawn } from './requests.ts'
import type { ReplicationState } from './state.ts'

export function applyStructureNotes(state: ReplicationState): void {
  const { touched } = state.ecs.notes
  const removed = state.removedByGame.splice(0)
  for (const { index, id } of removed) {
    if (state.table.indexById.get(id) === index) settleRemoval(state, index)
  }
  for (let at = 0; at < touched.length; at += 2) settlePresence(state, touched[at]!, touched[at + 1]!)
  touched.length = 0
}

function settleRemoval(state: ReplicationState, index: number): void {
  const { table, network } = state
  const id = table.id[index]!
  if (network.isHost || table.owner[index] === network.local.slot) {
    // Its eid may be reused at once; 0 stands for it until the log agrees or it is brought back.
    unbindEid(table, index)
    requestDespawn(state, id)
  } else {
    state.counters.changesUndone += 1
    materializeAgain(state, index)
  }
}

function settlePresence(state: ReplicationState, eid: number, component: number): void {
  const { table, store, ecs, network } = state
  const index = table.indexByEid.get(eid)
  if (index === undefined) return
  const rows = store.components[component]!
  const { schema } = rows
  const isThere = has(ecs, eid, schema.component)
  if (isThere === (rows.present[index] === 1)) return
  if (actingAuthority(table, index, network.local.slot) !== network.local.slot) {
    undoPresence(state, index, schema)
    return
  }
  const id = table.id[index]!
  if (!isThere) {
    noteComponentAhead(state, index, component)
    applyComponentRemoved(state, index, schema)
    ask(state, id, { type: 'ComponentRemoved', request: 0, id, component })
    return
  }
  const row = collectValue(schema, eid, (named) => resolveId(state, named))
  if (!row) {
    state.counters.badValues += 1
    undoPresence(state, index, schema)
    return
  }
  const tick = network.tick(state.nowMs)
  noteComponentAhead(state, index, component)
  applyComponentAdded(state, index, schema, row, tick)
  ask(state, id, {
    type: 'ComponentAdded',
    request: 0,
    id,
    value: { component, tick, data: encodeValue(schema, row) },
  })
}

function undoPresence(state: ReplicationState, index: number, schema: ComponentSchema): void {
  const { table, store, ecs } = state
  const rows = store.components[schema.index]!
  const eid = table.eid[index]!
  const wanted = rows.present[index] === 1
  state.counters.changesUndone += 1
  quietly(state, () => setPresence(ecs, eid, schema.component, wanted))
  if (!wanted) return
  const lanes = rows.current.slice(index * schema.laneCount, (index + 1) * schema.laneCount)
  applyValue(schema, eid, { lanes, plain: rows.plain[index] ?? [] }, (id) => resolveEid(state, id))
}
