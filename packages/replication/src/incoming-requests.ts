/**
 * What the host does with a guest's requests: check, decide, write the log, or refuse with the reason
 * and with what holds instead.
 *
 * Invariant: the sender is the link the bytes came on, never a field. A request that may not be applied
 * changes nothing (OW5).
 */
import type { Peer } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import { isFarAhead } from './authority/accept-update.ts'
import { decideClaim, decideRelease, decideTransfer, type Decision } from './authority/ownership.ts'
import { applyComponentAdded, applyComponentRemoved, applyParent, applySpawn, placeRow } from './apply-log.ts'
import {
  commitDespawn,
  commitOwnership,
  ownershipEntry,
  ownershipOf,
  publish,
  type LogBody,
  type Requester,
} from './commit.ts'
import { isDead, type EntityRecord } from './lifecycle/entity-table.ts'
import { slotOfId } from './pipeline/network-id.ts'
import { risingTick } from './pipeline/row-store.ts'
import { encodeValue, readValue } from './pipeline/snapshot.ts'
import { peerOfSlot } from './lookup.ts'
import { readSpawnedComponents } from './read-components.ts'
import type { ReplicationState } from './state.ts'

type Request<Type extends ControlBody['type']> = Extract<ControlBody, { type: Type }>

/** @returns false for a body that no guest may send: a breach of the protocol */
export function handleRequest(state: ReplicationState, from: Peer, body: ControlBody): boolean {
  switch (body.type) {
    case 'Spawn':
      return handleSpawn(state, from, body)
    case 'Despawn':
      return handleDespawn(state, from, body)
    case 'ComponentAdded':
    case 'ComponentChanged':
    case 'ComponentRemoved':
      return handleComponent(state, from, body)
    case 'ParentChanged':
      return handleParent(state, from, body)
    case 'Claim':
    case 'Transfer':
    case 'Release':
      return handleOwnership(state, from, body)
    default:
      return false
  }
}

/** Answers that a request was not applied, with what holds instead. */
export function refuse(state: ReplicationState, { peer, request }: Requester, id: number, reason: string): true {
  const index = state.table.indexById.get(id)
  const entry = index === undefined ? undefined : ownershipEntry(state, index)
  state.counters.requestsRefused += 1
  state.network.lower.sendControl(peer, { type: 'RequestRefused', request, id, reason, entry })
  return true
}

function handleSpawn(state: ReplicationState, from: Peer, body: Request<'Spawn'>): boolean {
  const requester = { peer: from, request: body.request }
  if (slotOfId(body.id) !== from.slot || body.owner !== from.slot || body.id === 0) return false
  const prefab = state.prefabs.byName.get(body.prefab)
  const components = readSpawnedComponents(state, body.components)
  if (prefab === undefined || components === undefined) return false
  const now = state.network.tick(state.nowMs)
  if (components.some((one) => isFarAhead(one.tick, now))) return false
  // A request that was sent again after a change of host: it has been applied once already (LG4).
  if (state.table.indexById.has(body.id)) {
    state.network.lower.sendControl(from, { type: 'RequestApplied', request: body.request })
    return true
  }
  if (isDead(state.table, body.id)) return refuse(state, requester, body.id, 'gone')
  if (!takeSpawnToken(state, from.slot)) return refuse(state, requester, body.id, 'limit')
  const record: EntityRecord = {
    id: body.id,
    prefab: prefab.index,
    owner: from.slot,
    authority: from.slot,
    ownershipSequence: 0,
    authoritySequence: 0,
    parent: body.parent,
    policy: body.departPolicy,
  }
  applySpawn(state, record, prefab, components)
  publish(state, { ...body, authority: from.slot, ownershipSequence: 0, authoritySequence: 0 }, requester)
  return true
}

/** Live entities and spawn rate of a guest stay within limits (threat table, row 6). */
function takeSpawnToken(state: ReplicationState, slot: number): boolean {
  const { limits, spawnTokens, table, network } = state
  if ((table.liveOfSlot.get(slot) ?? 0) >= limits.entitiesPerPeer) return false
  const tick = network.tick(state.nowMs)
  const burst = limits.spawnsPerSecond * 10
  const bucket = spawnTokens.get(slot) ?? { tokens: burst, tick }
  const refill = (Math.max(0, (tick - bucket.tick) | 0) / network.tickRateHz) * limits.spawnsPerSecond
  const tokens = Math.min(burst, bucket.tokens + refill)
  spawnTokens.set(slot, { tokens: tokens >= 1 ? tokens - 1 : tokens, tick })
  return tokens >= 1
}

function handleDespawn(state: ReplicationState, from: Peer, body: Request<'Despawn'>): boolean {
  const requester = { peer: from, request: body.request }
  if (body.ids.length !== 1) return false
  const id = body.ids[0]!
  const index = state.table.indexById.get(id)
  if (index === undefined) return refuse(state, requester, id, 'gone')
  if (state.table.owner[index] !== from.slot) return refuse(state, requester, id, 'forbidden')
  commitDespawn(state, id, requester)
  return true
}

function handleComponent(
  state: ReplicationState,
  from: Peer,
  body: Request<'ComponentAdded'> | Request<'ComponentChanged'> | Request<'ComponentRemoved'>,
): boolean {
  const requester = { peer: from, request: body.request }
  const component = body.type === 'ComponentRemoved' ? body.component : body.value.component
  const schema = state.registry.schemas[component]
  const index = state.table.indexById.get(body.id)
  if (schema === undefined) return false
  if (index === undefined) return refuse(state, requester, body.id, 'gone')
  const rows = state.store.components[schema.index]!
  if (state.table.authority[index] !== from.slot) {
    // The refusal goes first: it ends the request, and what holds is only then not taken for older.
    refuse(state, requester, body.id, 'forbidden')
    sendWhatHolds(state, from, index, component)
    return true
  }
  if (body.type === 'ComponentRemoved') {
    if (rows.present[index] === 1) applyComponentRemoved(state, index, schema)
  } else {
    const row = readValue(schema, body.value.data)
    const { tick } = body.value
    if (row === undefined || isFarAhead(tick, state.network.tick(state.nowMs))) return false
    if (body.type === 'ComponentChanged' && rows.present[index] !== 1) return refuse(state, requester, body.id, 'gone')
    const risen = risingTick(rows, index, tick)
    if (body.type === 'ComponentAdded') applyComponentAdded(state, index, schema, row, risen)
    else placeRow(state, index, schema, row, risen, true)
    publish(state, { ...body, value: { ...body.value, tick: risen } }, requester)
    return true
  }
  publish(state, body, requester)
  return true
}

/** Tells one peer again what it tried to change without a right to. */
function sendWhatHolds(state: ReplicationState, to: Peer, index: number, component: number): void {
  const rows = state.store.components[component]!
  const { schema } = rows
  const id = state.table.id[index]!
  if (rows.present[index] !== 1) {
    state.network.lower.sendControl(to, { type: 'ComponentRemoved', request: 0, id, component }, state.logIndex)
    return
  }
  const lanes = rows.current.slice(index * schema.laneCount, (index + 1) * schema.laneCount)
  const data = encodeValue(schema, { lanes, plain: rows.plain[index] ?? [] })
  const value = { component, tick: rows.tick[index]!, data }
  state.network.lower.sendControl(to, { type: 'ComponentAdded', request: 0, id, value }, state.logIndex)
}

function handleParent(state: ReplicationState, from: Peer, body: Request<'ParentChanged'>): boolean {
  const requester = { peer: from, request: body.request }
  const index = state.table.indexById.get(body.id)
  if (index === undefined) return refuse(state, requester, body.id, 'gone')
  if (state.table.authority[index] !== from.slot || makesCycle(state, body.id, body.parent)) {
    refuse(state, requester, body.id, 'forbidden')
    const holds = { type: 'ParentChanged', request: 0, id: body.id, parent: state.table.parent[index]! } as const
    state.network.lower.sendControl(from, holds, state.logIndex)
    return true
  }
  applyParent(state, index, body.parent)
  publish(state, body, requester)
  return true
}

/** Would `id` become its own ancestor? */
export function makesCycle(state: ReplicationState, id: number, parent: number): boolean {
  let at = parent
  for (let depth = 0; at !== 0 && depth <= state.table.count; depth += 1) {
    if (at === id) return true
    const index = state.table.indexById.get(at)
    at = index === undefined ? 0 : state.table.parent[index]!
  }
  return false
}

function handleOwnership(
  state: ReplicationState,
  from: Peer,
  body: Request<'Claim'> | Request<'Transfer'> | Request<'Release'>,
): boolean {
  const requester = { peer: from, request: body.request }
  const index = state.table.indexById.get(body.id)
  if (index === undefined) return refuse(state, requester, body.id, 'gone')
  const decision = decide(state, from.slot, index, body)
  if (!decision.granted) return refuse(state, requester, body.id, decision.reason)
  commitOwnership(state, [[index, decision.next]], requester)
  return true
}

/** The host's own wishes take the same way. */
export function decide(
  state: ReplicationState,
  from: number,
  index: number,
  body: Request<'Claim'> | Request<'Transfer'> | Request<'Release'>,
): Decision {
  const host = state.network.local.slot
  const holds = ownershipOf(state, index)
  if (body.type === 'Transfer') {
    if (peerOfSlot(state, body.to) === undefined) return { granted: false, reason: 'gone' }
    return decideTransfer(holds, from, body.to, host)
  }
  const { kind, ownershipSequence, authoritySequence } = body
  const claim = { from, kind, ownershipSequence, authoritySequence }
  if (body.type === 'Release') return decideRelease(holds, claim, host)
  return decideClaim(holds, claim, state.prefabs.all[state.table.prefab[index]!]!.prefab.claim, host)
}

export type { LogBody }
