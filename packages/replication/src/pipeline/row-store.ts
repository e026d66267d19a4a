/**
 * The newest known quantized state of every networked entity: what is sent, what a joining peer is
 * given, and what this peer goes on from when it becomes the host.
 *
 * Invariant: a row and its source tick change together and the tick only rises (serial order), so
 * that (entity, component, tick) names one state for good and can be a baseline (BL1).
 */
import type { ComponentSchema } from '../schema/component-schema.ts'
import { resized } from './baseline.ts'

export interface ComponentRows {
  readonly schema: ComponentSchema
  /** `capacity * laneCount` lanes, a row per entity index. */
  current: Int32Array
  /** Source tick of the row, u32. What this peer publishes of a row has rising ticks, whoever simulates it. */
  tick: Uint32Array
  /**
   * Tick, as its sender gave it, of the newest row taken from another peer. On the host it counts for
   * the present authority only: `hasHeard` is 0 until that has spoken.
   */
  heardTick: Uint32Array
  hasHeard: Uint8Array
  /** Tick of the packet it came in. */
  heardPacketTick: Uint32Array
  /** 1 where a newer state than this peer's own was heard while it had authority: its end is on the way. */
  isOverruled: Uint8Array
  /** 1 where the entity has the component. */
  present: Uint8Array
  /** Who has looked at a row since it changed: `COLLECTED`, `PUBLISHED`. */
  seen: Uint8Array
  /** What stood in the columns when they were looked at last, `schema.door.valueCount` numbers a row. */
  values: Float64Array
  /** Strings and bytes of the row, one slot per field; undefined where the component has none. */
  readonly plain: (readonly (string | Uint8Array | undefined)[] | undefined)[]
}

/** `current` holds what the columns held when they were looked at last, or were said to have changed. */
export const COLLECTED = 1
/** What `current` holds was published. */
export const PUBLISHED = 2

/** Call where a row's lanes are written by anything but its columns. */
export function noteRowWritten(rows: ComponentRows, index: number): void {
  rows.seen[index] = 0
}

export interface RowStore {
  capacity: number
  readonly components: readonly ComponentRows[]
}

export function createRowStore(schemas: readonly ComponentSchema[], capacity: number): RowStore {
  return {
    capacity,
    components: schemas.map((schema) => ({
      schema,
      current: new Int32Array(capacity * schema.laneCount),
      tick: new Uint32Array(capacity),
      heardTick: new Uint32Array(capacity),
      hasHeard: new Uint8Array(capacity),
      heardPacketTick: new Uint32Array(capacity),
      isOverruled: new Uint8Array(capacity),
      present: new Uint8Array(capacity),
      seen: new Uint8Array(capacity),
      values: new Float64Array(capacity * schema.door.valueCount),
      plain: [],
    })),
  }
}

const COLUMNS = [
  'current',
  'tick',
  'heardTick',
  'hasHeard',
  'heardPacketTick',
  'isOverruled',
  'present',
  'seen',
  'values',
] as const

function growColumn<Key extends (typeof COLUMNS)[number]>(rows: ComponentRows, key: Key, times: number): void {
  rows[key] = resized(rows[key], rows[key].length * times)
}

export function growRowStore(store: RowStore, capacity: number): void {
  if (capacity <= store.capacity) return
  const times = capacity / store.capacity
  for (const rows of store.components) for (const column of COLUMNS) growColumn(rows, column, times)
  store.capacity = capacity
}

/** Makes the rows of an index those of a new entity: none, and older than anything it will be sent. */
export function clearRows(store: RowStore, index: number, tick: number): void {
  for (const rows of store.components) {
    rows.present[index] = 0
    rows.tick[index] = tick
    rows.heardTick[index] = tick
    rows.hasHeard[index] = 0
    rows.isOverruled[index] = 0
    rows.plain[index] = undefined
    noteRowWritten(rows, index)
    const { laneCount } = rows.schema
    rows.current.fill(0, index * laneCount, (index + 1) * laneCount)
  }
}

/** Is source tick `a` later than `b`, across the wrap? */
export function isLaterTick(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}

/** A row's next tick: the one it was given, or the first after the one it has. */
export function risingTick(rows: ComponentRows, index: number, tick: number): number {
  return isLaterTick(tick, rows.tick[index]!) ? tick >>> 0 : (rows.tick[index]! + 1) >>> 0
}
