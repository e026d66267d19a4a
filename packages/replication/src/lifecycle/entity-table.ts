/**
 * The table of networked entities: which ids live, which local entity stands for each, who owns and
 * who simulates it. Everything else is keyed by the table's small, dense entity index.
 *
 * Invariant: an id lives at most once. Ids of one slot are spawned in rising order, so an id at or
 * under its slot's high-water mark that is not live is dead for good (LC3); no tombstone is stored.
 */
import { invariant } from '@baton/core'
import { counterOfId, slotOfId, type NetworkId } from '../pipeline/network-id.ts'
import type { DepartPolicy } from '../schema/policies.ts'

export interface EntityTable {
  /** Entity indices are below this; columns that are keyed by them must be at least as long. */
  capacity: number
  /** Live entities. */
  count: number
  /** Live entity indices, ordered by NetworkId; the first `count` are valid. */
  order: Int32Array
  /** Per entity index. */
  id: Uint32Array
  eid: Uint32Array
  owner: Uint16Array
  authority: Uint16Array
  ownershipSequence: Uint16Array
  authoritySequence: Uint16Array
  parent: Uint32Array
  prefab: Uint16Array
  policy: DepartPolicy[]
  /** 1 where this peer simulates ahead of the host's answer to a claim. */
  claimed: Uint8Array
  /** Where this peer has authority: the first packet tick of the host that is from after the grant. */
  grantTick: Uint32Array
  readonly indexById: Map<NetworkId, number>
  readonly indexByEid: Map<number, number>
  /** Per slot: the highest counter that was ever spawned here. */
  readonly highWater: Map<number, number>
  /** Entity indices by the id of the parent they name, whether that lives here or not. */
  readonly children: Map<NetworkId, Set<number>>
  /** Live entities by the slot that spawned them. */
  readonly liveOfSlot: Map<number, number>
  readonly free: number[]
}

export function createEntityTable(capacity = 256): EntityTable {
  return {
    capacity,
    count: 0,
    order: new Int32Array(capacity),
    id: new Uint32Array(capacity),
    eid: new Uint32Array(capacity),
    owner: new Uint16Array(capacity),
    authority: new Uint16Array(capacity),
    ownershipSequence: new Uint16Array(capacity),
    authoritySequence: new Uint16Array(capacity),
    parent: new Uint32Array(capacity),
    prefab: new Uint16Array(capacity),
    policy: [],
    claimed: new Uint8Array(capacity),
    grantTick: new Uint32Array(capacity),
    indexById: new Map(),
    indexByEid: new Map(),
    highWater: new Map(),
    children: new Map(),
    liveOfSlot: new Map(),
    free: Array.from({ length: capacity }, (_, i) => capacity - 1 - i),
  }
}

/** What a spawn says of an entity besides its component values. */
export interface EntityRecord {
  readonly id: NetworkId
  readonly owner: number
  readonly authority: number
  readonly ownershipSequence: number
  readonly authoritySequence: number
  /** NetworkId of the parent; 0 for none. */
  readonly parent: NetworkId
  readonly prefab: number
  readonly policy: DepartPolicy
}

/** @returns the entity's index. Doubles the capacity when full: the caller grows what it keeps per index. */
export function insertEntity(table: EntityTable, record: EntityRecord, eid: number): number {
  invariant(!table.indexById.has(record.id), `entity table: id ${record.id} is already live; spawn ids once`)
  if (table.free.length === 0) growTable(table)
  const index = table.free.pop()!
  table.id[index] = record.id
  table.eid[index] = eid
  table.parent[index] = 0
  setParentId(table, index, record.parent)
  table.prefab[index] = record.prefab
  table.policy[index] = record.policy
  table.claimed[index] = 0
  setOwnership(table, index, record)
  table.indexById.set(record.id, index)
  table.indexByEid.set(eid, index)
  raiseHighWater(table, slotOfId(record.id), counterOfId(record.id))
  const slot = slotOfId(record.id)
  table.liveOfSlot.set(slot, (table.liveOfSlot.get(slot) ?? 0) + 1)
  insertOrdered(table, index)
  return index
}

/** @param parent 0 for none */
export function setParentId(table: EntityTable, index: number, parent: NetworkId): void {
  const siblings = table.children.get(table.parent[index]!)
  if (siblings?.delete(index) && siblings.size === 0) table.children.delete(table.parent[index]!)
  table.parent[index] = parent
  if (parent === 0) return
  const among = table.children.get(parent)
  if (among) among.add(index)
  else table.children.set(parent, new Set([index]))
}

export function removeEntityAt(table: EntityTable, index: number): void {
  const at = orderedPosition(table, table.id[index]!)
  table.order.copyWithin(at, at + 1, table.count)
  table.count -= 1
  table.indexById.delete(table.id[index]!)
  if (table.indexByEid.get(table.eid[index]!) === index) table.indexByEid.delete(table.eid[index]!)
  setParentId(table, index, 0)
  const slot = slotOfId(table.id[index]!)
  table.liveOfSlot.set(slot, table.liveOfSlot.get(slot)! - 1)
  table.id[index] = 0
  table.free.push(index)
}

/** The local entity is gone while the id still lives. */
export function unbindEid(table: EntityTable, index: number): void {
  table.indexByEid.delete(table.eid[index]!)
  table.eid[index] = 0
}

/** Says that another local entity stands for the id from here on. */
export function rebindEid(table: EntityTable, index: number, eid: number): void {
  if (table.indexByEid.get(table.eid[index]!) === index) table.indexByEid.delete(table.eid[index]!)
  table.eid[index] = eid
  table.indexByEid.set(eid, index)
}

export interface Ownership {
  readonly owner: number
  readonly authority: number
  readonly ownershipSequence: number
  readonly authoritySequence: number
}

export function ownershipAt(table: EntityTable, index: number): Ownership {
  return {
    owner: table.owner[index]!,
    authority: table.authority[index]!,
    ownershipSequence: table.ownershipSequence[index]!,
    authoritySequence: table.authoritySequence[index]!,
  }
}

export function setOwnership(table: EntityTable, index: number, ownership: Ownership): void {
  table.owner[index] = ownership.owner
  table.authority[index] = ownership.authority
  table.ownershipSequence[index] = ownership.ownershipSequence
  table.authoritySequence[index] = ownership.authoritySequence
}

/** The slot that simulates the entity as this peer sees it: its own optimistic claim counts. */
export function actingAuthority(table: EntityTable, index: number, localSlot: number): number {
  return table.claimed[index] === 1 ? localSlot : table.authority[index]!
}

/** Was this id spawned here once, and is gone? Late packets for it are nothing to wait for. */
export function isDead(table: EntityTable, id: NetworkId): boolean {
  return counterOfId(id) <= (table.highWater.get(slotOfId(id)) ?? 0) && !table.indexById.has(id)
}

export function raiseHighWater(table: EntityTable, slot: number, counter: number): void {
  if (counter > (table.highWater.get(slot) ?? 0)) table.highWater.set(slot, counter)
}

/** Ids of the entity and of everything below it, parents first. */
export function subtreeOf(table: EntityTable, id: NetworkId): NetworkId[] {
  const ids = new Set([id])
  for (const parent of ids) {
    for (const index of table.children.get(parent) ?? []) ids.add(table.id[index]!)
  }
  return [...ids]
}

function growTable(table: EntityTable): void {
  const before = table.capacity
  const capacity = before * 2
  table.order = extend(table.order, capacity)
  table.id = extend(table.id, capacity)
  table.eid = extend(table.eid, capacity)
  table.owner = extend(table.owner, capacity)
  table.authority = extend(table.authority, capacity)
  table.ownershipSequence = extend(table.ownershipSequence, capacity)
  table.authoritySequence = extend(table.authoritySequence, capacity)
  table.parent = extend(table.parent, capacity)
  table.prefab = extend(table.prefab, capacity)
  table.claimed = extend(table.claimed, capacity)
  table.grantTick = extend(table.grantTick, capacity)
  for (let index = capacity - 1; index >= before; index -= 1) table.free.push(index)
  table.capacity = capacity
}

function extend<T extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(array: T, length: number): T {
  const longer = new (array.constructor as new (length: number) => T)(length)
  longer.set(array)
  return longer
}

/** First position in `order` whose id is not below `id`. */
function orderedPosition(table: EntityTable, id: NetworkId): number {
  let low = 0
  let high = table.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (table.id[table.order[middle]!]! < id) low = middle + 1
    else high = middle
  }
  return low
}

function insertOrdered(table: EntityTable, index: number): void {
  const at = orderedPosition(table, table.id[index]!)
  table.order.copyWithin(at + 1, at, table.count)
  table.order[at] = index
  table.count += 1
}
