/**
 * What this peer has changed ahead of the log: components and parents of entities it simulates. The
 * committed value is kept aside, follows the log, and comes back when the change is refused (OW5).
 *
 * Invariant: a record lives exactly as long as a request of this peer for the same thing is pending.
 */
import type { ControlBody } from '@baton/schemas'
import { applyComponentAdded, applyComponentRemoved, applyParent, placeRow } from './apply-log.ts'
import { subtreeOf } from './lifecycle/entity-table.ts'
import type { Ahead, CommittedComponent } from './log-state.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { ComponentSchema, ComponentValueRow } from './schema/component-schema.ts'
import type { ReplicationState } from './state.ts'

/** What can be ahead of an entity besides its components, of which there are 256 at most. */
const PARENT = 511
const WHATS = 512

const keyOf = (id: NetworkId, what: number): number => id * WHATS + what

/** What a request changes ahead of the log; `undefined` for requests that change nothing here. */
function keyOfBody(body: ControlBody): number | undefined {
  if (body.type === 'ParentChanged') return keyOf(body.id, PARENT)
  if (body.type === 'ComponentRemoved') return keyOf(body.id, body.component)
  if (body.type === 'ComponentAdded' || body.type === 'ComponentChanged') return keyOf(body.id, body.value.component)
  return undefined
}

/** Call before the rows change, once for each request that follows. */
export function noteComponentAhead(state: ReplicationState, index: number, component: number): void {
  note(state, keyOf(state.table.id[index]!, component), () => ({
    count: 0,
    component: shownComponent(state, index, component),
    parent: 0,
  }))
}

/** Call before the parent changes, once for each request that follows. */
export function noteParentAhead(state: ReplicationState, index: number): void {
  const parent = state.table.parent[index]!
  note(state, keyOf(state.table.id[index]!, PARENT), () => ({ count: 0, component: undefined, parent }))
}

function note({ ahead }: ReplicationState, key: number, make: () => Ahead): void {
  let record = ahead.get(key)
  if (record === undefined) ahead.set(key, (record = make()))
  record.count += 1
}

function shownComponent({ store }: ReplicationState, index: number, component: number): CommittedComponent {
  const rows = store.components[component]!
  const { laneCount } = rows.schema
  const lanes = rows.current.slice(index * laneCount, (index + 1) * laneCount)
  return {
    present: rows.present[index] === 1,
    tick: rows.tick[index]!,
    row: { lanes, plain: rows.plain[index] ?? [] },
  }
}

/** What this peer has changed and the log has not heard of, or `undefined`. */
export function componentAhead({ ahead }: ReplicationState, id: NetworkId, component: number): Ahead | undefined {
  return ahead.get(keyOf(id, component))
}

/** Has this peer changed a component of the entity, or its parent, ahead of the log? */
export function isAhead({ ahead, registry }: ReplicationState, id: NetworkId): boolean {
  if (ahead.size === 0) return false
  return ahead.has(keyOf(id, PARENT)) || registry.schemas.some(({ index }) => ahead.has(keyOf(id, index)))
}

export function parentAhead({ ahead }: ReplicationState, id: NetworkId): Ahead | undefined {
  return ahead.get(keyOf(id, PARENT))
}

/** A component by the committed log alone. */
export function committedComponent(state: ReplicationState, index: number, component: number): CommittedComponent {
  return componentAhead(state, state.table.id[index]!, component)?.component ?? shownComponent(state, index, component)
}

/** A parent by the committed log alone. */
export function committedParent(state: ReplicationState, index: number): NetworkId {
  return parentAhead(state, state.table.id[index]!)?.parent ?? state.table.parent[index]!
}

/** Would `id` become its own ancestor, by the committed log? */
export function makesCycle(state: ReplicationState, id: NetworkId, parent: NetworkId): boolean {
  let at = parent
  for (let depth = 0; at !== 0 && depth <= state.table.count; depth += 1) {
    if (at === id) return true
    const index = state.table.indexById.get(at)
    at = index === undefined ? 0 : committedParent(state, index)
  }
  return false
}

/** The entity and everything below it by the committed log, parents first. */
export function committedSubtree(state: ReplicationState, id: NetworkId): NetworkId[] {
  const { table, unconfirmed, ahead } = state
  const shown = subtreeOf(table, id)
  if (ahead.size === 0 && unconfirmed.size === 0) return shown
  const children = new Map<NetworkId, NetworkId[]>()
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    const parent = unconfirmed.has(table.id[index]!) ? 0 : committedParent(state, index)
    const among = children.get(parent)
    if (among === undefined) children.set(parent, [table.id[index]!])
    else among.push(table.id[index]!)
  }
  const ids = new Set([id])
  for (const one of ids) for (const child of children.get(one) ?? []) ids.add(child)
  return [...ids]
}

/**
 * A request of this peer is settled. Where none is left for the same thing, what the log says stands.
 * @returns false when that is not what this peer had made of it
 */
export function settleAhead(state: ReplicationState, body: ControlBody): boolean {
  const key = keyOfBody(body)
  const record = key === undefined ? undefined : state.ahead.get(key)
  if (key === undefined || record === undefined || !('id' in body)) return true
  record.count -= 1
  if (record.count > 0) return true
  state.ahead.delete(key)
  const index = state.table.indexById.get(body.id)
  if (index === undefined) return false
  if (record.component === undefined) return restoreParent(state, index, record.parent)
  return restoreComponent(state, index, state.registry.schemas[key % WHATS]!, record.component)
}

/** Entities are gone, and with them what was ahead of them. */
export function dropAhead({ ahead, registry }: ReplicationState, ids: readonly NetworkId[]): void {
  if (ahead.size === 0) return
  for (const id of ids) {
    ahead.delete(keyOf(id, PARENT))
    for (const { index } of registry.schemas) ahead.delete(keyOf(id, index))
  }
}

function restoreParent(state: ReplicationState, index: number, parent: NetworkId): boolean {
  if (state.table.parent[index] === parent) return true
  applyParent(state, index, parent)
  return false
}

function restoreComponent(
  state: ReplicationState,
  index: number,
  schema: ComponentSchema,
  committed: CommittedComponent,
): boolean {
  const shown = shownComponent(state, index, schema.index)
  if (!committed.present) {
    if (shown.present) applyComponentRemoved(state, index, schema)
    return !shown.present
  }
  if (!shown.present) {
    applyComponentAdded(state, index, schema, committed.row, committed.tick)
    return false
  }
  // Snapshot values come and go with rows; only whether they are there is the log's.
  if (schema.delivery === 'snapshot' || isSameRow(shown.row, committed.row)) return true
  placeRow(state, index, schema, committed.row, committed.tick, true)
  return false
}

function isSameRow(a: ComponentValueRow, b: ComponentValueRow): boolean {
  return (
    a.lanes.every((lane, at) => lane === b.lanes[at]) && a.plain.every((value, at) => isSamePlain(value, b.plain[at]))
  )
}

export function isSamePlain(a: string | Uint8Array | undefined, b: string | Uint8Array | undefined): boolean {
  if (typeof a === 'string' || typeof b === 'string' || !a || !b) return a === b
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false
  return true
}
