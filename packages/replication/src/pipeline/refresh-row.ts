/**
 * Brings a row up to date with its columns, at little cost where they have not changed.
 *
 * Invariant: afterwards `current` holds what collecting the whole row would give; what cannot travel is
 * tried again at every call.
 */
import type { ResolveNetworkId } from '../schema/component-schema.ts'
import { COLLECTED, type ComponentRows } from './row-store.ts'
import { collectRow } from './snapshot.ts'

/**
 * @param isMarked the game says which rows it wrote (`noteMarked`): no other is looked at
 * @returns false when a value cannot travel; the row stays as it was
 */
export function refreshRow(
  rows: ComponentRows,
  eid: number,
  index: number,
  isMarked: boolean,
  resolve?: ResolveNetworkId,
): boolean {
  const { schema, seen } = rows
  const { door } = schema
  // An entity that a field names may come and go while the column stays.
  const isNew = schema.hasEntities || (!isMarked && door.takeValues(eid, rows.values, index * door.valueCount))
  if (!isNew && (seen[index]! & COLLECTED) !== 0) return true
  const isGood = collectRow(schema, eid, rows.current, index * schema.laneCount, resolve)
  seen[index] = isGood ? COLLECTED : 0
  return isGood
}

/** The game has written to this row's columns. */
export function noteMarked({ seen }: ComponentRows, index: number): void {
  seen[index] = seen[index]! & ~COLLECTED
}
