/**
 * Gives a peer the world: the host cuts a baseline and feeds it in pieces; the receiver takes it, and
 * brings what it already holds in line with it (a late join, and the way to follow a new host).
 *
 * Invariant: log entries after the cut wait until the baseline is in, then follow in order; nothing is
 * applied twice and nothing is skipped (LJ3).
 */
import type { Peer } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import {
  applyComponentAdded,
  applyComponentRemoved,
  applyDespawn,
  applyParent,
  applySpawn,
  placeRow,
} from './apply-log.ts'
import { applyOwnership } from './apply-ownership.ts'
import {
  MAX_BASELINE_BYTES,
  readBaseline,
  writeBaseline,
  type Baseline,
  type BaselineEntity,
} from './lifecycle/baseline-bytes.ts'
import {
  ackChunk,
  createBaselineReceiver,
  createBaselineSender,
  nextChunk,
  takeChunk,
} from './lifecycle/baseline-transfer.ts'
import { raiseHighWater } from './lifecycle/entity-table.ts'
import { applyLogEntry, isOvertaken } from './incoming-log.ts'
import { encodeValue } from './pipeline/snapshot.ts'
import { readSpawnedComponents } from './read-components.ts'
import { isLaterTick, type ComponentRows } from './pipeline/row-store.ts'
import { ask } from './requests.ts'
import type { ComponentValueRow } from './schema/component-schema.ts'
import type { Link, ReplicationState } from './state.ts'

/** Entries that may wait for a baseline: at 60 spawns a tick, a second's worth. More end the wait with a new baseline. */
const MAX_WAITING_ENTRIES = 4_096

/** Host: starts to give `link` the world as it stands after everything sent to it so far. */
export function startBaseline(state: ReplicationState, link: Link): void {
  const { table, network } = state
  const bytes = writeBaseline(cutBaseline(state))
  if (bytes.length > MAX_BASELINE_BYTES) {
    network.lower.breach(link.peer, `world of ${bytes.length} bytes is over ${MAX_BASELINE_BYTES}`)
    return
  }
  link.subscribed = true
  link.synced = false
  link.baseline = createBaselineSender(state.nextBaseline, network.tick(state.nowMs), table.count, bytes)
  state.nextBaseline += 1
  pumpBaseline(state, link)
}

/** Host: sends the pieces that the window allows. */
export function pumpBaseline(state: ReplicationState, link: Link): void {
  if (!link.baseline) return
  for (let chunk = nextChunk(link.baseline); chunk; chunk = nextChunk(link.baseline)) {
    state.network.lower.sendBulk(link.peer, { type: 'BaselineChunk', ...chunk })
  }
}

/** Host: a piece has arrived; the next may go, or the peer holds the world. */
export function takeBaselineAck(state: ReplicationState, from: Peer, baseline: number, index: number): void {
  const link = state.links.get(from)
  if (!link?.baseline) return
  if (ackChunk(link.baseline, baseline, index)) {
    link.baseline = undefined
    link.synced = true
  } else pumpBaseline(state, link)
}

/** Guest: takes a piece. @returns false when it cannot belong to any baseline */
export function takeBaselineChunk(
  state: ReplicationState,
  from: Peer,
  chunk: Extract<ControlBody, { type: 'BaselineChunk' }>,
): boolean {
  if (chunk.index === 0) state.incomingBaseline = createBaselineReceiver(chunk)
  const receiver = state.incomingBaseline
  if (!receiver) return false
  const result = takeChunk(receiver, chunk)
  if (result === 'invalid') {
    state.incomingBaseline = undefined
    return false
  }
  const { receivedBytes, entityCount } = receiver
  const totalBytes = receiver.bytes.length
  state.outbox.push(() => state.events.emit('progress', { receivedBytes, totalBytes, entityCount }))
  state.network.lower.sendBulk(from, { type: 'BaselineAck', baseline: chunk.baseline, index: chunk.index })
  if (result === 'more') return true
  state.incomingBaseline = undefined
  const baseline = readBaseline(receiver.bytes)
  if (!baseline) return false
  reconcile(state, baseline)
  finishJoin(state)
  return true
}

/** Guest: keeps an entry that must wait. @returns false when too many wait */
export function waitForBaseline(state: ReplicationState, index: number, body: ControlBody): boolean {
  if (state.waitingLog.length >= MAX_WAITING_ENTRIES) return false
  state.waitingLog.push({ index, body })
  return true
}

function finishJoin(state: ReplicationState): void {
  state.synced = true
  for (const link of state.links.values()) if (link.peer.isHost) link.synced = true
  for (const { body } of state.waitingLog.splice(0)) {
    if (!applyLogEntry(state, body)) state.counters.logInvalid += 1
  }
  state.outbox.push(() => state.events.emit('synced'))
}

function cutBaseline(state: ReplicationState): Baseline {
  const { table, store } = state
  const entities: BaselineEntity[] = []
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    const components = store.components
      .filter((rows) => rows.present[index] === 1)
      .map((rows) => {
        const { schema } = rows
        const lanes = rows.current.slice(index * schema.laneCount, (index + 1) * schema.laneCount)
        const data = encodeValue(schema, { lanes, plain: rows.plain[index] ?? [] })
        return { component: schema.index, tick: rows.tick[index]!, data }
      })
    entities.push({
      id: table.id[index]!,
      prefab: table.prefab[index]!,
      owner: table.owner[index]!,
      authority: table.authority[index]!,
      ownershipSequence: table.ownershipSequence[index]!,
      authoritySequence: table.authoritySequence[index]!,
      parent: table.parent[index]!,
      policy: table.policy[index]!,
      components,
    })
  }
  return { highWater: [...table.highWater], entities }
}

/** Makes the local world the one of the baseline, but for what this peer has asked for and not heard of. */
function reconcile(state: ReplicationState, baseline: Baseline): void {
  const { table } = state
  const named = new Set(baseline.entities.map((entity) => entity.id))
  const asked = new Set([...state.pending.values()].filter((one) => one.body.type === 'Spawn').map((one) => one.id))
  const gone: number[] = []
  for (let i = 0; i < table.count; i += 1) {
    const id = table.id[table.order[i]!]!
    if (!named.has(id) && !asked.has(id)) gone.push(id)
  }
  applyDespawn(state, gone)
  for (const entity of baseline.entities) {
    const index = table.indexById.get(entity.id)
    const despawning = [...state.pending.values()].some((one) => one.body.type === 'Despawn' && one.id === entity.id)
    if (index !== undefined) align(state, index, entity)
    else if (!despawning) raise(state, entity)
  }
  for (const [slot, counter] of baseline.highWater) raiseHighWater(table, slot, counter)
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

/** Brings a live entity in line: a newer row of ours stands, everything else is the host's. */
function align(state: ReplicationState, index: number, entity: BaselineEntity): void {
  const { table, store, network } = state
  const components = readSpawnedComponents(state, entity.components)
  if (!components) {
    state.counters.logInvalid += 1
    return
  }
  if (table.parent[index] !== entity.parent && !isOvertaken(state, entity.id, 'parent'))
    applyParent(state, index, entity.parent)
  applyOwnership(state, index, entity)
  const isMine = entity.authority === network.local.slot
  for (const rows of store.components) {
    const given = components.find((one) => one.schema === rows.schema)
    if (isMine) {
      reassert(state, index, rows, given?.row)
      continue
    }
    // The new host has been asked again, and its answer to that comes after this.
    if (isOvertaken(state, entity.id, rows.schema.index)) continue
    if (!given) {
      if (rows.present[index] === 1) applyComponentRemoved(state, index, rows.schema)
    } else if (rows.present[index] !== 1) applyComponentAdded(state, index, given.schema, given.row, given.tick)
    else if (rows.schema.delivery !== 'snapshot' || isLaterTick(given.tick, rows.tick[index]!)) {
      placeRow(state, index, given.schema, given.row, given.tick, rows.schema.delivery !== 'snapshot')
    }
  }
}

/** The new host may have missed what this peer, which simulates the entity, has said: it says so again. */
function reassert(
  state: ReplicationState,
  index: number,
  rows: ComponentRows,
  held: ComponentValueRow | undefined,
): void {
  const { schema } = rows
  const id = state.table.id[index]!
  const component = schema.index
  if (rows.present[index] !== 1) {
    if (held) ask(state, id, { type: 'ComponentRemoved', request: 0, id, component })
    return
  }
  // Snapshot rows are sent anyway, whole, to a host that has acked none.
  if (held && schema.delivery === 'snapshot') return
  const lanes = rows.current.slice(index * schema.laneCount, (index + 1) * schema.laneCount)
  const data = encodeValue(schema, { lanes, plain: rows.plain[index] ?? [] })
  if (held && encodeValue(schema, held).every((byte, at) => byte === data[at])) return
  const value = { component, tick: rows.tick[index]!, data }
  ask(state, id, { type: held ? 'ComponentChanged' : 'ComponentAdded', request: 0, id, value })
}
