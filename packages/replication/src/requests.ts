/**
 * What the game asks for: done at once on the host, done at once here and asked of the host elsewhere.
 *
 * Invariant: a request stays pending until the log answers it, and is sent again to a new host (LG4).
 */
import { invariant, type Peer } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import { applyParent, applySpawn, type SpawnedComponent } from './apply-log.ts'
import { applyOptimisticClaim } from './apply-ownership.ts'
import { commitDespawn, commitOwnership, ownershipOf, publish, type LogBody } from './commit.ts'
import { decide, makesCycle } from './incoming-requests.ts'
import { createEntity, destroyEntity } from './lifecycle/ecs.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import { writeInitialValues, type SpawnValues } from './lifecycle/initial-values.ts'
import type { RegisteredPrefab } from './lifecycle/prefab.ts'
import { makeNetworkId, MAX_COUNTER, type NetworkId } from './pipeline/network-id.ts'
import { explainRow } from './pipeline/bad-value.ts'
import { collectValue, encodeValue } from './pipeline/snapshot.ts'
import { resolveId } from './lookup.ts'
import type { ReplicationState } from './state.ts'

/** Spawns an entity that this peer owns. It lives here when this returns. */
export function requestSpawn(
  state: ReplicationState,
  prefab: RegisteredPrefab,
  values: SpawnValues,
  parentEid: number,
): number {
  const { network, ecs } = state
  const slot = network.local.slot
  invariant(slot !== 0, `spawn ${prefab.name}: this peer has not joined yet; wait for joinRoom`)
  invariant(
    state.nextCounter <= MAX_COUNTER,
    `spawn ${prefab.name}: a peer can spawn ${MAX_COUNTER} entities a session`,
  )
  const parent = parentEid === 0 ? 0 : resolveId(state, parentEid)
  invariant(
    parentEid === 0 || parent !== 0,
    `spawn ${prefab.name}: parent ${parentEid} is not networked; spawn it first`,
  )
  const eid = createEntity(
    ecs,
    prefab.schemas.map((schema) => schema.component),
  )
  let components: SpawnedComponent[]
  try {
    writeInitialValues(prefab.schemas, eid, values, `spawn ${prefab.name}`)
    components = collectComponents(state, prefab, eid)
  } catch (mistake) {
    destroyEntity(ecs, eid)
    throw mistake
  }
  const id = makeNetworkId(slot, state.nextCounter)
  state.nextCounter += 1
  const ownership = { owner: slot, authority: slot, ownershipSequence: 0, authoritySequence: 0 }
  const record = { id, prefab: prefab.index, ...ownership, parent, policy: prefab.prefab.whenOwnerLeaves }
  applySpawn(state, record, prefab, components, eid)
  const body: LogBody = {
    type: 'Spawn',
    request: 0,
    id,
    prefab: prefab.name,
    ...ownership,
    parent,
    departPolicy: prefab.prefab.whenOwnerLeaves,
    components: components.map(({ schema, row, tick }) => ({
      component: schema.index,
      tick,
      data: encodeValue(schema, row),
    })),
  }
  if (network.isHost) publish(state, body)
  else ask(state, id, body)
  return eid
}

function collectComponents(state: ReplicationState, prefab: RegisteredPrefab, eid: number): SpawnedComponent[] {
  const tick = state.network.tick(state.nowMs)
  return prefab.schemas.map((schema) => {
    invariant(
      eid < schema.capacity,
      `spawn ${prefab.name}: eid ${eid} does not fit ${schema.name}, which has room for ${schema.capacity}; raise its capacity`,
    )
    const row = collectValue(schema, eid, (named) => resolveId(state, named))
    invariant(row, `spawn ${prefab.name}: ${explainRow(schema, eid)}; give values that can travel`)
    return { schema, row, tick }
  })
}

export function requestDespawn(state: ReplicationState, id: NetworkId): void {
  if (state.network.isHost) {
    commitDespawn(state, id)
    return
  }
  // Not before the host agrees: an entity that came back after a refusal would be spawned twice.
  ask(state, id, { type: 'Despawn', request: 0, ids: [id] })
}

export function requestClaim(state: ReplicationState, index: number, kind: 'own' | 'touch'): void {
  const { table, network } = state
  const slot = network.local.slot
  const { ownershipSequence, authoritySequence } = ownershipOf(state, index)
  const id = table.id[index]!
  const body = { type: 'Claim', request: 0, id, kind, ownershipSequence, authoritySequence } as const
  const decision = decide(state, slot, index, body)
  if (network.isHost) {
    if (decision.granted) commitOwnership(state, [[index, decision.next]])
    else queueRefusal(state, index, 'Claim', decision.reason)
    return
  }
  // What the host will refuse for certain is not worth a round trip; what is only likely is asked.
  if (!decision.granted && decision.reason === 'forbidden') {
    queueRefusal(state, index, 'Claim', decision.reason)
    return
  }
  const waiting = [...state.pending.values()].some((one) => one.id === id && one.body.type === 'Claim')
  if (waiting && kind === 'touch') return
  if (actingAuthority(table, index, slot) !== slot) applyOptimisticClaim(state, index)
  ask(state, id, body)
}

export function requestTransfer(state: ReplicationState, index: number, to: Peer): void {
  const body = { type: 'Transfer', request: 0, id: state.table.id[index]!, to: to.slot } as const
  askOwnership(state, index, body)
}

export function requestRelease(state: ReplicationState, index: number, kind: 'own' | 'touch'): void {
  const { ownershipSequence, authoritySequence } = ownershipOf(state, index)
  const id = state.table.id[index]!
  askOwnership(state, index, { type: 'Release', request: 0, id, kind, ownershipSequence, authoritySequence })
}

function askOwnership(
  state: ReplicationState,
  index: number,
  body: Extract<ControlBody, { type: 'Transfer' | 'Release' }>,
): void {
  if (!state.network.isHost) {
    ask(state, body.id, body)
    return
  }
  const decision = decide(state, state.network.local.slot, index, body)
  if (decision.granted) commitOwnership(state, [[index, decision.next]])
  else queueRefusal(state, index, body.type, decision.reason)
}

export function requestParent(state: ReplicationState, index: number, parentEid: number): void {
  const id = state.table.id[index]!
  const parent = parentEid === 0 ? 0 : resolveId(state, parentEid)
  invariant(parentEid === 0 || parent !== 0, `setParent: ${parentEid} is not a networked entity; spawn it first`)
  invariant(!makesCycle(state, id, parent), `setParent: ${parentEid} is below the entity itself; choose another parent`)
  applyParent(state, index, parent)
  tell(state, id, { type: 'ParentChanged', request: 0, id, parent })
}

/** A change this peer has made already: the host writes it down, a guest asks the host to. */
export function tell(state: ReplicationState, id: NetworkId, body: LogBody): void {
  if (state.network.isHost) publish(state, body)
  else ask(state, id, body)
}

/** Gives the request its number and sends it, or keeps it for the host that is to come. */
export function ask(state: ReplicationState, id: NetworkId, body: LogBody): void {
  const request = state.nextRequest
  state.nextRequest += 1
  const numbered = { ...body, request } as LogBody
  state.pending.set(request, { request, id, body: numbered })
  const { host } = state.network
  const link = host && state.links.get(host)
  if (host && link?.subscribed) state.network.lower.sendControl(host, numbered)
}

/** Sends everything unanswered to the host there is now, in the order it was asked. */
export function askAgain(state: ReplicationState): void {
  const { host } = state.network
  if (!host) return
  for (const { body } of state.pending.values()) state.network.lower.sendControl(host, body)
}

function queueRefusal(state: ReplicationState, index: number, request: ControlBody['type'], reason: string): void {
  const id = state.table.id[index]!
  const eid = state.table.eid[index]!
  state.counters.requestsRefused += 1
  state.outbox.push(() => state.events.emit('refused', { eid, id, request, reason }))
}
