/**
 * The net below deltas and acks: about once a second each end of a link says of some entities what it
 * holds of the rows that the far end sends. What is wrong, and stays so, is sent whole again.
 *
 * Invariant: where nothing is broken it mends nothing. What it mends has a cause elsewhere, and is counted.
 */
import { CHANNEL } from '@baton/core'
import type { Holdings } from '@baton/schemas'
import { isAhead } from './ahead.ts'
import { hashHeld, hashSent, MAX_HOLDINGS_ENTITIES } from './holdings.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import type { Tail } from './log-state.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import { travelsAsState } from './pipeline/published-rows.ts'
import { risingTick } from './pipeline/row-store.ts'
import type { Link, ReplicationState } from './state.ts'

const CHECK_EVERY_MS = 1_000
/** Half a kilobyte a second for each link; the next ones follow in a second. */
const MAX_CHECKED_ENTITIES = 64
/** From the first wrong word to the one that confirms it. */
const CONFIRM_MS = 750
/** What has changed since may be on its way. */
const REST_MS = 1_000

/** Every frame: says what is held here of some of the rows that the far ends send. */
export function offerChecks(state: ReplicationState): void {
  const { network, nowMs, logIndex } = state
  if (!state.synced) return
  for (const link of state.links.values()) {
    const { mending } = link
    if (!link.subscribed || !link.synced || link.owesHoldings || !(network.isHost || link.peer.isHost)) continue
    if (nowMs - mending.saidMs < CHECK_EVERY_MS || network.lower.bufferedBytes(link.peer, CHANNEL.bulk) > 0) continue
    mending.saidMs = nowMs
    const { ids, hashes } = describeSome(state, link)
    if (ids.length === 0) continue
    network.lower.sendBulk(link.peer, { type: 'Holdings', index: logIndex, synced: true, last: true, ids, hashes })
  }
}

/** The next ones in the order of their ids, then from the first again. */
function describeSome(state: ReplicationState, { peer, mending }: Link): { ids: number[]; hashes: number[] } {
  const { table, store, network } = state
  const local = network.local.slot
  const ids: number[] = []
  const hashes: number[] = []
  let isAtEnd = true
  for (let at = 0; at < table.count; at += 1) {
    const index = table.order[at]!
    const id = table.id[index]!
    if (id <= mending.lastId || actingAuthority(table, index, local) === local) continue
    if (network.isHost && table.authority[index] !== peer.slot) continue
    if (isAhead(state, id)) continue
    if (ids.length === MAX_CHECKED_ENTITIES) {
      isAtEnd = false
      break
    }
    ids.push(id)
    hashes.push(hashHeld(store, id, index))
  }
  mending.lastId = isAtEnd ? 0 : ids.at(-1)!
  return { ids, hashes }
}

/** Takes what the far end holds of the rows that go to it from here. @returns false for what no honest peer sends */
export function takeCheck(state: ReplicationState, link: Link, message: Holdings): boolean {
  const { ids, hashes, index: theirIndex } = message
  if (ids.length !== hashes.length || ids.length > MAX_HOLDINGS_ENTITIES) return false
  const { table, network } = state
  for (let at = 0; at < ids.length; at += 1) {
    const index = table.indexById.get(ids[at]!)
    if (index === undefined || table.eid[index] === 0) continue
    const isSent = network.isHost
      ? table.authority[index] !== link.peer.slot
      : table.authority[index] === network.local.slot
    if (isSent && !mayDiffer(state, index, theirIndex)) compare(state, link, index, hashes[at]!)
  }
  return true
}

/** May both ends have it with other components, because the log has not come as far at one of them? */
function mayDiffer(state: ReplicationState, index: number, at: number): boolean {
  const { table, tail, componentsIndex, logIndex } = state
  if ((componentsIndex.get(index) ?? 0) > at || at > (tail.entries.at(-1)?.entry.index ?? logIndex)) return true
  const id = table.id[index]!
  return isAhead(state, id) || isChanging(tail, id)
}

/** Is an entry under way that gives the entity a component, or takes one from it? */
function isChanging({ entries }: Tail, id: NetworkId): boolean {
  for (const { entry } of entries) {
    const { body } = entry
    if ((body.type === 'ComponentAdded' || body.type === 'ComponentRemoved') && body.id === id) return true
  }
  return false
}

function compare(state: ReplicationState, link: Link, index: number, theirs: number): void {
  const { suspects } = link.mending
  const ours = hashSettled(state, link, index)
  const before = suspects.get(index)
  const { nowMs } = state
  if (ours === undefined || ours === theirs) suspects.delete(index)
  else if (before?.ours !== ours || before.theirs !== theirs) suspects.set(index, { ours, theirs, sinceMs: nowMs })
  // Once may be an old word about what has arrived since; and so may several that were held up together.
  else if (nowMs - before.sinceMs >= CONFIRM_MS) {
    suspects.delete(index)
    mend(state, link, index)
  }
}

/** Of what the far end has acked and so must hold, where that has been so for a while. */
function hashSettled({ store, published, table, network, nowMs }: ReplicationState, link: Link, index: number) {
  const now = network.tick(nowMs)
  const restTicks = (REST_MS * network.tickRateHz) / 1_000
  for (const { schema, present } of store.components) {
    if (!travelsAsState(schema) || present[index] !== 1) continue
    const rows = published.components[schema.index]!
    if (rows.present[index] !== 1) return undefined
    const changed = rows.changedTick[index]!
    if (((now - changed) | 0) < restTicks || !link.encoder.isHeld(schema.index, index, changed)) return undefined
  }
  return hashSent(store, published, table.id[index]!, index)
}

/** Sends all rows of the entity whole, with ticks that are news to whoever has heard later ones. */
function mend(state: ReplicationState, link: Link, index: number): void {
  const { table, store, network, counters, tap } = state
  const now = network.tick(state.nowMs)
  link.encoder.forget(index)
  if (table.authority[index] !== network.local.slot) {
    for (const rows of store.components) {
      if (rows.present[index] === 1 && travelsAsState(rows.schema)) rows.tick[index] = risingTick(rows, index, now)
    }
  }
  counters.entitiesMended += 1
  if (tap.onMended) tap.onMended(link.peer, table.id[index]!)
}
