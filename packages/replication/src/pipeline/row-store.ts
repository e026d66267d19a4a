/**
 * The newest known quantized state of every networked entity: what is sent, what a joining peer is
 * given, and what this peer goes on from when it becomes the host.
 *
 * Invariant: a row and its source tick change together and the tick only rises (serial order), so
 * that (entity, component, tick) names one state for good and can be a baseline (BL1).
 */
import type { ComponentSchema } from '../schema/component-schema.ts'

export interface ComponentRows {
  readonly schema: ComponentSchema
  /** `capacity * laneCount` lanes, a row per entity index. */
  current: Int32Array
  /** Source tick of the row, u32. */
  tick: Uint32Array
  /** 1 where the entity has the component; 2 where a row of it came before the component did. */
  present: Uint8Array
  /** Strings and bytes of the row, one slot per field; undefined where the component has none. */
  readonly plain: (readonly (string | Uint8Array | undefined)[] | undefined)[]
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
      present: new Uint8Array(capacity),
      plain: [],
    })),
  }
}

export function growRowStore(store: RowStore, capacity: number): void {
  if (capacity <= store.capacity) return
  for (const rows of store.components) {
    const { current, tick, present } = rows
    rows.current = new Int32Array(capacity * rows.schema.laneCount)
    rows.current.set(current)
    rows.tick = new Uint32Array(capacity)
    rows.tick.set(tick)
    rows.present = new Uint8Array(capacity)
    rows.present.set(present)
  }
  store.capacity = capacity
}

/** Forgets an entity's rows before its index is used for another. */
export function clearRows(store: RowStore, index: number): void {
  for (const rows of store.components) {
    rows.present[index] = 0
    rows.tick[index] = 0
    rows.plain[index] = undefined
    const { laneCount } = rows.schema
    rows.current.fill(0, index * laneCount, (index + 1) * laneCount)
  }
}

/** Is source tick `a` later than `b`, across the wrap? */
export function isLaterTick(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}
