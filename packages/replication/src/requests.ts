/**
 * What the game asks for. On the host as on a guest it is a request: a spawn lives and a claim acts at
 * once, the rest where the log says so.
 *
 * Invariant: a request stays pending until the log answers it or it is refused (LG4).
 */
import { invariant, type Peer } from '@baton/core'
import { applyParent, applySpawn, type SpawnedComponent } from './apply-log.ts'
import { applyOptimisticClaim } from './apply-ownership.ts'
import { noteParentAhead } from './ahead.ts'
import { ask } from './ask.ts'
import { decide } from './incoming-requests.ts'
import { createEntity, destroyEntity } from './lifecycle/ecs.ts'
import { actingAuthority, ownershipAt, subtreeOf } from './lifecycle/entity-table.ts'
import { writeInitialValues, type SpawnValues } from './lifecycle/initial-values.ts'
import type { RegisteredPrefab } from './lifecycle/prefab.ts'
import { makeNetworkId, MAX_COUNTER, type NetworkId } from './pipeline/network-id.ts'
import { explainRow } from './pipeline/bad-value.ts'
import { collectValue, encodeValue } from './pipeline/snapshot.ts'
import { resolveId } from './lookup.ts'
import type { LogBody } from './log-state.ts'
import { tellRefused } from './pending.ts'
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
  state.unconfirmed.add(id)
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
  ask(state, id, body)
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

/** It goes when the log says so, here as everywhere: an entity that came back would be spawned twice. */
export function requestDespawn(state: ReplicationState, id: NetworkId): void {
  for (const { id: asked, body } of state.pending.values()) if (asked === id && body.type === 'Despawn') return
  ask(state, id, { type: 'Despawn', request: 0, ids: [id] })
}

export function requestClaim(state: ReplicationState, index: number, kind: 'own' | 'touch'): void {
  const { table, network } = state
  const { slot } = network.local
  const holds = ownershipAt(table, index)
  const { ownershipSequence, authoritySequence } = holds
  const id = table.id[index]!
  const body = { type: 'Claim', request: 0, id, kind, ownershipSequence, authoritySequence } as const
  // What the host will refuse for certain is not worth a round trip; what is only likely is asked.
  const decision = decide(state, slot, holds, table.prefab[index]!, body)
  if (!decision.granted && decision.reason === 'forbidden') {
    state.counters.requestsRefused += 1
    tellRefused(state, table.eid[index]!, id, 'Claim', decision.reason)
    return
  }
  const isWaiting = [...state.pending.values()].some((one) => one.id === id && one.body.type === 'Claim')
  if (isWaiting && kind === 'touch') return
  const request = ask(state, id, body)
  // Not where the answer is there already, as it is on a host.
  if (state.pending.has(request) && actingAuthority(table, index, slot) !== slot) applyOptimisticClaim(state, index)
}

export function requestTransfer(state: ReplicationState, index: number, to: Peer): void {
  const id = state.table.id[index]!
  ask(state, id, { type: 'Transfer', request: 0, id, to: to.slot })
}

export function requestRelease(state: ReplicationState, index: number, kind: 'own' | 'touch'): void {
  const { ownershipSequence, authoritySequence } = ownershipAt(state.table, index)
  const id = state.table.id[index]!
  ask(state, id, { type: 'Release', request: 0, id, kind, ownershipSequence, authoritySequence })
}

export function requestParent(state: ReplicationState, index: number, parentEid: number): void {
  const { table } = state
  const id = table.id[index]!
  const parent = parentEid === 0 ? 0 : resolveId(state, parentEid)
  invariant(parentEid === 0 || parent !== 0, `setParent: ${parentEid} is not a networked entity; spawn it first`)
  invariant(
    !subtreeOf(table, id).includes(parent),
    `setParent: ${parentEid} is below the entity itself; choose another parent`,
  )
  noteParentAhead(state, index)
  applyParent(state, index, parent)
  ask(state, id, { type: 'ParentChanged', request: 0, id, parent })
}
