/**
 * The end of the log that is not committed yet, and the ownership it is about to bring. Ownership is a
 * value and can be put back, so it holds as soon as an entry is in the log; all else waits for the commit.
 *
 * Invariant: the table shows the committed ownership with these entries on top; `committedOwnership`
 * tells what it would be without them.
 */
import type { LogEntry } from '@baton/core'
import { applyOptimisticClaim, applyOwnership } from './apply-ownership.ts'
import { planDepartures, rosterOf, slotsOf } from './plan-departures.ts'
import { isDead, ownershipAt, type Ownership } from './lifecycle/entity-table.ts'
import type { Tail, TailEntry } from './log-state.ts'
import { slotOfId, type NetworkId } from './pipeline/network-id.ts'
import type { ReplicationState } from './state.ts'

/** An entry is in the log, and may yet be cut out of it. */
export function takeAppended(state: ReplicationState, entry: LogEntry): void {
  const { tail } = state
  const { body } = entry
  // Without a world there is nothing yet to plan with: `planAnew` does it once there is one.
  if (!state.synced) {
    tail.entries.push({ entry, changes: [], despawns: [] })
    return
  }
  const { changes, despawns } = planOf(state, entry)
  tail.entries.push({ entry, changes, despawns })
  if (body.type === 'Spawn' && changes.length > 0) {
    tail.spawned.set(body.id, state.prefabs.byName.get(body.prefab)!.index)
  }
  for (const id of despawns) tail.despawned.set(id, (tail.despawned.get(id) ?? 0) + 1)
  for (const [id, next] of changes) {
    advance(state, id, next)
    show(state, id, next, tickOf(entry), true)
  }
}

/** The world was given anew: the entries that came meanwhile and are not in it are planned with it. */
export function planAnew(state: ReplicationState): void {
  const entries = state.tail.entries.map((one) => one.entry)
  dropTail(state)
  for (const entry of entries) if (entry.index > state.logIndex) takeAppended(state, entry)
}

export function dropTail({ tail }: ReplicationState): void {
  tail.entries.length = 0
  tail.ownership.clear()
  tail.spawned.clear()
  tail.despawned.clear()
}

/** An entry has become committed and has been applied: it is no longer ahead. */
export function takeCommitted(state: ReplicationState, { index }: LogEntry): void {
  const { tail } = state
  while (tail.entries.length > 0 && tail.entries[0]!.entry.index <= index) {
    for (const id of withdraw(state, tail.entries.shift()!)) {
      const ahead = tail.ownership.get(id)
      if (ahead === undefined) continue
      if (ahead.count === 0) tail.ownership.delete(id)
      const holds = ahead.count === 0 ? ahead.committed : ahead.next
      if (holds !== undefined) show(state, id, holds, undefined, false)
    }
  }
}

/** Entries from `fromIndex` on were never committed: what they brought is put back. @returns those entries */
export function cutTail(state: ReplicationState, fromIndex: number): LogEntry[] {
  const { tail } = state
  const cut: LogEntry[] = []
  const touched = new Set<NetworkId>()
  while (tail.entries.length > 0 && tail.entries.at(-1)!.entry.index >= fromIndex) {
    const last = tail.entries.pop()!
    cut.unshift(last.entry)
    for (const id of withdraw(state, last)) touched.add(id)
  }
  for (const id of touched) putBack(state, id)
  return cut
}

function putBack(state: ReplicationState, id: NetworkId): void {
  const { tail, network, table } = state
  const ahead = tail.ownership.get(id)
  if (ahead === undefined) return
  if (ahead.count === 0) tail.ownership.delete(id)
  else ahead.next = lastChange(tail, id)!
  const { slot } = network.local
  // A spawn of this peer's own that was cut out lives on here, as it was before it was in the log.
  const initial = { owner: slot, authority: slot, ownershipSequence: 0, authoritySequence: 0 }
  const holds = ahead.count === 0 ? (ahead.committed ?? initial) : ahead.next
  show(state, id, holds, undefined, false)
  const index = table.indexById.get(id)
  if (index === undefined || table.authority[index] === slot || table.claimed[index] === 1) return
  for (const { body } of state.pending.values()) {
    if (body.type === 'Claim' && body.id === id) return applyOptimisticClaim(state, index)
  }
}

function lastChange(tail: Tail, id: NetworkId): Ownership | undefined {
  for (let at = tail.entries.length - 1; at >= 0; at -= 1) {
    for (const [changed, next] of tail.entries[at]!.changes) if (changed === id) return next
  }
  return undefined
}

/** Takes an entry out of the view. @returns ids whose ownership it changes */
function withdraw({ tail }: ReplicationState, { entry, changes, despawns }: TailEntry): NetworkId[] {
  if (entry.body.type === 'Spawn') tail.spawned.delete(entry.body.id)
  for (const id of despawns) {
    const count = tail.despawned.get(id)! - 1
    if (count === 0) tail.despawned.delete(id)
    else tail.despawned.set(id, count)
  }
  for (const [id] of changes) tail.ownership.get(id)!.count -= 1
  return changes.map(([id]) => id)
}

/** Says what a committed entry makes of an entity's ownership; shown unless a later entry changes it again. */
export function commitOwnership(state: ReplicationState, index: number, next: Ownership, tick?: number): void {
  const id = state.table.id[index]!
  const ahead = state.tail.ownership.get(id)
  if (ahead === undefined) show(state, id, next, tick, true)
  else ahead.committed = next
}

/** Ownership by the committed log alone. */
export function committedOwnership({ table, tail }: ReplicationState, index: number): Ownership {
  return tail.ownership.get(table.id[index]!)?.committed ?? ownershipAt(table, index)
}

/** Ownership by the whole log; `undefined` for what does not live at its end. */
export function tailOwnership(state: ReplicationState, id: NetworkId): Ownership | undefined {
  const { table, tail, unconfirmed } = state
  if (tail.despawned.has(id)) return undefined
  const ahead = tail.ownership.get(id)
  if (tail.spawned.has(id)) return ahead!.next
  const index = table.indexById.get(id)
  if (index === undefined || unconfirmed.has(id)) return undefined
  return ahead?.next ?? ownershipAt(table, index)
}

/** Prefab of an entity that lives at the end of the log. */
export function tailPrefab({ table, tail }: ReplicationState, id: NetworkId): number {
  return tail.spawned.get(id) ?? table.prefab[table.indexById.get(id)!]!
}

/** Entities of a slot that are about to be spawned. */
export function countSpawning({ tail }: ReplicationState, slot: number): number {
  let count = 0
  for (const id of tail.spawned.keys()) if (slotOfId(id) === slot) count += 1
  return count
}

function planOf(state: ReplicationState, { body }: LogEntry): Pick<TailEntry, 'changes' | 'despawns'> {
  const isLive = (id: NetworkId): boolean => tailOwnership(state, id) !== undefined
  switch (body.type) {
    case 'Spawn': {
      const isNew = state.prefabs.byName.has(body.prefab) && !isLive(body.id) && !isDead(state.table, body.id)
      return { changes: isNew ? [[body.id, body]] : [], despawns: [] }
    }
    case 'Despawn':
      return { changes: [], despawns: body.ids.filter(isLive) }
    case 'Grant':
      return { changes: body.entries.filter(({ id }) => isLive(id)).map((entry) => [entry.id, entry]), despawns: [] }
    case 'Roster':
      return planDepartures(state, rosterOf(slotsOf(body)), (index) => tailOwnership(state, state.table.id[index]!))
    default:
      return { changes: [], despawns: [] }
  }
}

function advance(state: ReplicationState, id: NetworkId, next: Ownership): void {
  const { tail, table, unconfirmed } = state
  const ahead = tail.ownership.get(id)
  if (ahead !== undefined) {
    ahead.count += 1
    ahead.next = pick(next)
    return
  }
  const index = unconfirmed.has(id) ? undefined : table.indexById.get(id)
  const committed = index === undefined ? undefined : ownershipAt(table, index)
  tail.ownership.set(id, { committed, count: 1, next: pick(next) })
}

/** Puts the table in line. @param isNews it is the answer to a claim of this peer, if it has one */
function show(
  state: ReplicationState,
  id: NetworkId,
  next: Ownership,
  tick: number | undefined,
  isNews: boolean,
): void {
  const { table } = state
  const index = table.indexById.get(id)
  if (index === undefined) return
  const isSame =
    table.owner[index] === next.owner &&
    table.authority[index] === next.authority &&
    table.ownershipSequence[index] === next.ownershipSequence &&
    table.authoritySequence[index] === next.authoritySequence
  if (isSame && !(isNews && table.claimed[index] === 1)) return
  applyOwnership(state, index, pick(next), tick)
}

/** First tick whose packets can show what an entry says of ownership; `undefined` where it does not tell. */
export function tickOf({ body }: LogEntry): number | undefined {
  if (body.type === 'Grant') return body.tick
  return body.type === 'Roster' && body.tick !== 0 ? (body.tick + 1) >>> 0 : undefined
}

const pick = ({ owner, authority, ownershipSequence, authoritySequence }: Ownership): Ownership => ({
  owner,
  authority,
  ownershipSequence,
  authoritySequence,
})
