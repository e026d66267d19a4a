/**
 * How a new host goes on from what its peers hold: each end tells the other, as a hash per entity, what
 * it holds of the rows the other sends. What is equal is a baseline at once and needs no sending.
 *
 * Invariant: a state is named by a tick before the reign's first packet. Whoever receives rows keeps what
 * it described under that name; whoever sends them refers to it only where its own state of that name,
 * which never changes (BL1), has the same hash.
 */
import type { Holdings } from '@baton/schemas'
import type { EntityTable } from './lifecycle/entity-table.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import { isLater } from './pipeline/baseline.ts'
import { travelsAsState, type PublishedRows } from './pipeline/published-rows.ts'
import type { RowStore } from './pipeline/row-store.ts'
import type { StateDecoder } from './pipeline/state-decoder.ts'
import type { StateEncoder } from './pipeline/state-encoder.ts'

/** Of one message: 12 kB, so that it fits one on the bulk channel. */
export const MAX_HOLDINGS_ENTITIES = 1_500
/** Entities a peer may describe besides as many as fit our own table: spawns and ends that are under way. */
export const MAX_FOREIGN_ENTITIES = 4_096
/**
 * From the name back to the reign: a guest's clock may be this far behind the host's and it still has
 * published what the name stands for. A quarter of a second at 60 Hz.
 */
const LEAD_TICKS = 16

/** What both functions look at; `ReplicationState` is one. */
export interface HoldingsWorld {
  readonly table: Pick<EntityTable, 'capacity' | 'count' | 'order' | 'id' | 'indexById'>
  readonly store: RowStore
  readonly published: PublishedRows
}

/** What has come of the far end's description. One per link and reign. */
export interface HoldingsIntake {
  /** The name of what is described, from `holdingsTick`; undefined where this peer does not know it. */
  readonly tick: number | undefined
  /** All pieces are in: rows that wait for this need not wait any more. */
  isComplete: boolean
  /** The far end holds a world; without one it needs a baseline. Valid once complete. */
  isSynced: boolean
  /** Where in the log the far end's world stood. */
  logIndex: number
  /** Entities described so far, and those whose rows were equal. */
  describedCount: number
  equalCount: number
  /** Id of the last one: the next is higher. */
  lastId: NetworkId
}

export type HoldingsResult = 'more' | 'complete' | 'invalid'

/**
 * The tick that names what is held when a reign begins.
 * @param reignTick tick of the roster that began it, the same for everybody: the host sends no row before it
 */
export function holdingsTick(reignTick: number): number {
  return (reignTick - LEAD_TICKS) >>> 0
}

/** @param tick undefined where this peer came too late to know when the reign began: nothing is taken for equal */
export function createHoldingsIntake(tick: number | undefined): HoldingsIntake {
  return { tick, isComplete: false, isSynced: false, logIndex: 0, describedCount: 0, equalCount: 0, lastId: 0 }
}

/**
 * A peer that becomes the host: what it holds of all rows stands under the name from here on. Before it
 * publishes a tick of its reign, and with links whose encoders are new (HD1).
 */
export function publishHoldings({ table, store, published }: HoldingsWorld, tick: number): void {
  published.restart(tick, table.order, table.count, store.components)
}

/**
 * Says what this peer holds of the rows that the far end sends, and keeps it as the link's baselines.
 *
 * @param decoder of the link; new, or at least without a row of this reign
 * @param tick from `holdingsTick`
 * @param logIndex position of the log at which this world stands
 * @param isSentToUs by entity index: is the far end who sends us its rows? A guest says yes to all but what
 *   it simulates itself, the host to what the far end simulates
 * @returns messages for the bulk channel, in this order; at least one
 */
export function describeHoldings(
  { table, store }: HoldingsWorld,
  decoder: StateDecoder,
  tick: number,
  logIndex: number,
  isSentToUs: (index: number) => boolean,
): Holdings[] {
  const ids: NetworkId[] = []
  const hashes: number[] = []
  for (let at = 0; at < table.count; at += 1) {
    const index = table.order[at]!
    if (!isSentToUs(index) || !keep(store, decoder, index, tick)) continue
    ids.push(table.id[index]!)
    hashes.push(hashHeld(store, table.id[index]!, index))
  }
  const messages: Holdings[] = []
  for (let start = 0; start === 0 || start < ids.length; start += MAX_HOLDINGS_ENTITIES) {
    const end = start + MAX_HOLDINGS_ENTITIES
    const last = end >= ids.length
    messages.push({ index: logIndex, synced: true, last, ids: ids.slice(start, end), hashes: hashes.slice(start, end) })
  }
  return messages
}

/** What a peer says that holds no world, or not the one that the log goes on from. */
export function describeNothing(logIndex: number): Holdings {
  return { index: logIndex, synced: false, last: true, ids: [], hashes: [] }
}

/**
 * Takes a piece of the far end's description, and what is equal here as acked by it. Ids that do not live
 * here are passed over: the log says what becomes of them. Two states that differ have the same hash once
 * in 2^32 times; such a row stays wrong until it moves.
 *
 * @param encoder of the link
 * @param message as it came: sizes, order and number of ids are checked here
 * @returns `invalid` for what no honest peer sends; nothing has changed then
 */
export function takeHoldings(
  world: HoldingsWorld,
  encoder: StateEncoder,
  intake: HoldingsIntake,
  message: Holdings,
): HoldingsResult {
  const { ids, last, synced, index: logIndex } = message
  if (!isSound(intake, message, world.table.capacity)) return 'invalid'
  intake.describedCount += ids.length
  intake.lastId = ids.at(-1) ?? intake.lastId
  intake.logIndex = logIndex
  takeEqual(world, encoder, intake, message)
  if (!last) return 'more'
  intake.isSynced = synced
  intake.isComplete = true
  return 'complete'
}

function takeEqual(world: HoldingsWorld, encoder: StateEncoder, intake: HoldingsIntake, message: Holdings): void {
  const { table, store, published } = world
  const { ids, hashes } = message
  const { tick } = intake
  // A clock too far behind the host's: the state of that name may yet change.
  if (tick === undefined || published.tick === undefined || isLater(tick, published.tick)) return
  const scratch = createScratch(store)
  for (let at = 0; at < ids.length; at += 1) {
    const index = table.indexById.get(ids[at]!)
    if (index === undefined || encoder.hasForgotten(index)) continue
    if (hashPublished(world, ids[at]!, index, tick, scratch) !== hashes[at]) continue
    for (const { schema, present } of store.components) {
      if (travelsAsState(schema) && present[index] === 1) encoder.seed(schema.index, index, tick)
    }
    intake.equalCount += 1
  }
}

function isSound(intake: HoldingsIntake, { ids, hashes, last, synced }: Holdings, capacity: number): boolean {
  if (intake.isComplete || ids.length !== hashes.length || ids.length > MAX_HOLDINGS_ENTITIES) return false
  if (intake.describedCount + ids.length > capacity + MAX_FOREIGN_ENTITIES) return false
  if (ids.length === 0 ? !last : !synced) return false
  let before = intake.lastId
  for (const id of ids) {
    if (id <= before) return false
    before = id
  }
  return true
}

/** Keeps the rows of an entity under the name. False when it has none, or there is no room for them. */
function keep(store: RowStore, decoder: StateDecoder, index: number, tick: number): boolean {
  let count = 0
  for (const { schema, present, current } of store.components) {
    if (!travelsAsState(schema) || present[index] !== 1) continue
    if (!decoder.seed(schema.index, index, tick, current, index * schema.laneCount)) return false
    count += 1
  }
  return count > 0
}

/** Of an entity's state rows as they are now. */
export function hashHeld(store: RowStore, id: NetworkId, index: number): number {
  let hash = id
  for (const { schema, present, current } of store.components) {
    if (!travelsAsState(schema) || present[index] !== 1) continue
    hash = mixRow(hash, schema.index, current, index * schema.laneCount, schema.laneCount)
  }
  return finish(hash)
}

/** Of an entity's state rows as they were published last; each one that it has was. */
export function hashSent(store: RowStore, published: PublishedRows, id: NetworkId, index: number): number {
  let hash = id
  for (const { schema, present } of store.components) {
    if (!travelsAsState(schema) || present[index] !== 1) continue
    const { lanes } = published.components[schema.index]!
    hash = mixRow(hash, schema.index, lanes, index * schema.laneCount, schema.laneCount)
  }
  return finish(hash)
}

/** Of an entity's state rows as they were published at `tick`; undefined where that is not known any more. */
function hashPublished(
  { store, published }: HoldingsWorld,
  id: NetworkId,
  index: number,
  tick: number,
  scratch: Int32Array,
): number | undefined {
  let hash = id
  for (const { schema, present } of store.components) {
    if (!travelsAsState(schema) || present[index] !== 1) continue
    if (!published.components[schema.index]!.read(index, tick, scratch)) return undefined
    hash = mixRow(hash, schema.index, scratch, 0, schema.laneCount)
  }
  return finish(hash)
}

function createScratch(store: RowStore): Int32Array {
  return new Int32Array(Math.max(1, ...store.components.map(({ schema }) => schema.laneCount)))
}

/** A row's component and lanes. Which lanes a component has is in the protocol hash. */
function mixRow(hash: number, component: number, lanes: Int32Array, offset: number, laneCount: number): number {
  let mixed = mix(hash, component)
  for (let lane = 0; lane < laneCount; lane += 1) mixed = mix(mixed, lanes[offset + lane]!)
  return mixed
}

/** The body of MurmurHash3_x86_32 for one word (Appleby, 2011; public domain). */
function mix(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51)
  const mixed = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** Its finalizer: every bit of the input decides on every bit of the result. Unsigned. */
function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
