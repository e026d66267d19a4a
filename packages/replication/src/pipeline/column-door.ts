/**
 * Compiles the closures through which rows enter and leave a component's columns. Next door to
 * snapshot.ts, which is what the spines call.
 *
 * Invariant: a row runs only closures made here once per component; none of them allocates, and a row
 * that is refused leaves the caller's lanes alone.
 */

import { invariant } from '@baton/core'
import type {
  ColumnDoor,
  ComponentDefinition,
  FieldColumns,
  NumberColumn,
  ResolveEid,
} from '../schema/component-schema.ts'
import { compileField, type FieldDoor } from './field-door.ts'

/** The door of one component. Holds its columns, not copies of them. */
export function compileDoor(definition: ComponentDefinition): ColumnDoor {
  const { capacity, fields, laneCount, name, hasEntities } = definition
  const component = definition.component as Readonly<Record<string, FieldColumns>>
  const columns = fields.map((field) => component[field.name]!)
  const doors: FieldDoor[] = []
  fields.forEach((field, index) => {
    const door = compileField(field, columns[index]!)
    if (door !== undefined) doors.push(door)
  })
  const collects = doors.map(({ collect }) => collect)
  const checks = doors.map(({ check }) => check)
  const dequantizes = doors.map(({ dequantize }) => dequantize)
  const applies = doors.map(({ apply }) => apply)
  const count = doors.length
  const numbers = columns.flatMap(numberColumns)
  const valueCount = numbers.length
  // A refused row must leave the caller's lanes alone, so fields write here first.
  const scratch = new Int32Array(laneCount)
  const applied = new Float64Array(laneCount)
  const unresolved = `${name}: has entity fields; pass a resolver between eids and network ids`

  function dequantize(lanes: Int32Array, offset: number, values: Float64Array): void {
    for (let index = 0; index < count; index++) dequantizes[index]!(lanes, offset, values)
  }

  function applyValues(eid: number, values: Float64Array, resolve: ResolveEid | undefined): boolean {
    invariant(!hasEntities || resolve !== undefined, unresolved)
    if (!(eid >= 0 && eid < capacity)) return false
    for (let index = 0; index < count; index++) applies[index]!(eid, values, resolve)
    return true
  }

  return {
    columns,
    valueCount,
    takeValues(eid, values, offset) {
      let isNew = false
      for (let at = 0; at < valueCount; at++) {
        const value = numbers[at]![eid]!
        // What is no number never equals itself: such a row is looked at every time.
        if (values[offset + at] === value) continue
        values[offset + at] = value
        isNew = true
      }
      return isNew
    },
    collect(eid, out, offset, resolve) {
      invariant(!hasEntities || resolve !== undefined, unresolved)
      if (!(eid >= 0 && eid < capacity)) return false
      for (let index = 0; index < count; index++) {
        if (!collects[index]!(eid, scratch, 0, resolve)) return false
      }
      for (let lane = 0; lane < laneCount; lane++) out[offset + lane] = scratch[lane]!
      return true
    },
    check(lanes, offset) {
      for (let index = 0; index < count; index++) if (!checks[index]!(lanes, offset)) return false
      return true
    },
    dequantize,
    apply(eid, lanes, offset, resolve) {
      dequantize(lanes, offset, applied)
      return applyValues(eid, applied, resolve)
    },
    applyValues,
  }
}

/** The arrays of numbers that one field's columns are made of. */
function numberColumns(columns: FieldColumns): readonly NumberColumn[] {
  if (ArrayBuffer.isView(columns)) return [columns]
  return Array.isArray(columns) ? [] : Object.values({ ...columns })
}
