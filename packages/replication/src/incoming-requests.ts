/**
 * Judges requests, kind by kind: by the world as the whole log leaves it, committed or not. What is
 * allowed is written into the log; the world changes where the log says so.
 *
 * Invariant: a request that may not be applied changes nothing (OW5).
 */
import { makesCycle } from './ahead.ts'
import { isFarAhead } from './authority/accept-update.ts'
import { decideClaim, decideRelease, decideTransfer, type Decision } from './authority/ownership.ts'
import { isDead, type Ownership } from './lifecycle/entity-table.ts'
import type { LogBody } from './log-state.ts'
import { slotOfId } from './pipeline/network-id.ts'
import { risingTick } from './pipeline/row-store.ts'
import { readValue } from './pipeline/snapshot.ts'
import { peerOfSlot } from './lookup.ts'
import { readSpawnedComponents } from './read-components.ts'
import type { ReplicationState } from './state.ts'
import { countSpawning, tailOwnership, tailPrefab } from './tail.ts'
import { writeEntry, writeOwnership } from './write-entry.ts'

type Request<Type extends LogBody['type']> = Extract<LogBody, { type: Type }>
export type OwnershipRequest = Request<'Claim'> | Request<'Transfer'> | Request<'Release'>

/**
 * `done`: it is in the log. `later`: this peer may not write just now. `invalid`: nobody may send this.
 * Otherwise it is refused with the reason.
 */
export type Verdict = 'done' | 'later' | 'invalid' | { readonly reason: string }

const refuse = (reason: string): Verdict => ({ reason })

/** @param slot who asks */
export function judgeRequest(state: ReplicationState, slot: number, body: LogBody): Verdict {
  switch (body.type) {
    case 'Spawn':
      return judgeSpawn(state, slot, body)
    case 'Despawn':
      return judgeDespawn(state, slot, body)
    case 'ComponentAdded':
    case 'ComponentChanged':
    case 'ComponentRemoved':
      return judgeComponent(state, slot, body)
    case 'ParentChanged':
      return judgeParent(state, slot, body)
    case 'Claim':
    case 'Transfer':
    case 'Release':
      return judgeOwnership(state, slot, body)
    default:
      return 'invalid'
  }
}

function write(state: ReplicationState, slot: number, body: LogBody): Verdict {
  return writeEntry(state, body, slot) ? 'done' : 'later'
}

function judgeSpawn(state: ReplicationState, slot: number, body: Request<'Spawn'>): Verdict {
  if (slotOfId(body.id) !== slot || body.owner !== slot || body.id === 0) return 'invalid'
  const components = readSpawnedComponents(state, body.components)
  if (!state.prefabs.byName.has(body.prefab) || components === undefined) return 'invalid'
  if (tailOwnership(state, body.id) !== undefined || isDead(state.table, body.id)) return refuse('gone')
  if (slot !== state.network.local.slot && !takeSpawnToken(state, slot)) return refuse('limit')
  const values = body.components.map((value) => ({ ...value, tick: soundTick(state, value.tick) }))
  return write(state, slot, {
    ...body,
    authority: slot,
    ownershipSequence: 0,
    authoritySequence: 0,
    components: values,
  })
}

/**
 * Of a tick that somebody gave. A host that was stopped for a while hears from clocks that are far ahead of
 * its own: what they say is of now. So is what a liar says.
 */
function soundTick({ network, nowMs }: ReplicationState, tick: number): number {
  const now = network.tick(nowMs)
  return isFarAhead(tick, now) ? now : tick
}

/** Live entities and spawn rate of a guest stay within limits (threat table, row 6). */
function takeSpawnToken(state: ReplicationState, slot: number): boolean {
  const { limits, spawnTokens, table, network } = state
  const live = (table.liveOfSlot.get(slot) ?? 0) + countSpawning(state, slot)
  if (live >= limits.entitiesPerPeer) return false
  const tick = network.tick(state.nowMs)
  const burst = limits.spawnsPerSecond * 10
  const bucket = spawnTokens.get(slot) ?? { tokens: burst, tick }
  const refill = (Math.max(0, (tick - bucket.tick) | 0) / network.tickRateHz) * limits.spawnsPerSecond
  const tokens = Math.min(burst, bucket.tokens + refill)
  spawnTokens.set(slot, { tokens: tokens >= 1 ? tokens - 1 : tokens, tick })
  return tokens >= 1
}

function judgeDespawn(state: ReplicationState, slot: number, body: Request<'Despawn'>): Verdict {
  if (body.ids.length !== 1) return 'invalid'
  const holds = tailOwnership(state, body.ids[0]!)
  if (holds === undefined) return refuse('gone')
  if (holds.owner !== slot && slot !== state.network.local.slot) return refuse('forbidden')
  return write(state, slot, body)
}

function judgeComponent(
  state: ReplicationState,
  slot: number,
  body: Request<'ComponentAdded'> | Request<'ComponentChanged'> | Request<'ComponentRemoved'>,
): Verdict {
  const component = body.type === 'ComponentRemoved' ? body.component : body.value.component
  const schema = state.registry.schemas[component]
  if (schema === undefined) return 'invalid'
  if (body.type !== 'ComponentRemoved' && readValue(schema, body.value.data) === undefined) return 'invalid'
  const holds = tailOwnership(state, body.id)
  if (holds === undefined) return refuse('gone')
  if (holds.authority !== slot) return refuse('forbidden')
  if (body.type === 'ComponentRemoved') return write(state, slot, body)
  const index = state.table.indexById.get(body.id)
  const tick = soundTick(state, body.value.tick)
  const isOwn = slot === state.network.local.slot
  // A new authority's clock may be behind the last one's, and rows that are newer than this count (LG3).
  const risen = index === undefined || isOwn ? tick : risingTick(state.store.components[component]!, index, tick)
  return write(state, slot, { ...body, value: { ...body.value, tick: risen } })
}

function judgeParent(state: ReplicationState, slot: number, body: Request<'ParentChanged'>): Verdict {
  const holds = tailOwnership(state, body.id)
  if (holds === undefined) return refuse('gone')
  if (holds.authority !== slot || makesCycle(state, body.id, body.parent)) return refuse('forbidden')
  return write(state, slot, body)
}

function judgeOwnership(state: ReplicationState, slot: number, body: OwnershipRequest): Verdict {
  const holds = tailOwnership(state, body.id)
  if (holds === undefined) return refuse('gone')
  const decision = decide(state, slot, holds, tailPrefab(state, body.id), body)
  if (!decision.granted) return decision
  return writeOwnership(state, body.id, decision.next, slot, body.request) ? 'done' : 'later'
}

/** What the host decides about an ownership, or would. */
export function decide(
  state: ReplicationState,
  from: number,
  holds: Ownership,
  prefab: number,
  body: OwnershipRequest,
): Decision {
  const host = state.network.host?.slot ?? 0
  if (body.type === 'Transfer') {
    if (peerOfSlot(state, body.to) === undefined) return { granted: false, reason: 'gone' }
    return decideTransfer(holds, from, body.to, host)
  }
  const { kind, ownershipSequence, authoritySequence } = body
  const claim = { from, kind, ownershipSequence, authoritySequence }
  if (body.type === 'Release') return decideRelease(holds, claim, host)
  return decideClaim(holds, claim, state.prefabs.all[prefab]!.prefab.claim, host)
}
