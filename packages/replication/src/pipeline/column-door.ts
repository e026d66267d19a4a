/**
 * Compiles the closures through which rows enter and leave a component's columns. Next door to
 * snapshot.ts, which is what the spines call.
 *
 * Invariant: the choice by field kind is made here, once per component; a row runs only closures that
 * hold their own columns and constants, and none of them allocates.
 */

import { invariant } from '@baton/core'
import type {
  ColumnDoor,
  ComponentDefinition,
  FieldColumns,
  FieldSchema,
  NumberColumn,
  QuatColumns,
  ResolveEid,
  ResolveNetworkId,
  Vec3Columns,
} from '../schema/component-schema.ts'
import {
  dequantizeF32,
  dequantizePosition,
  dequantizeRotation,
  dequantizeStepped,
  intOffset,
  isF32,
  isRotation,
  quantizeF32,
  quantizePosition,
  quantizeRotation,
  quantizeStepped,
  rotationHalf,
} from './quantize.ts'

/** Writes one field's lanes; false, with anything written, when the column holds no such value. */
type Collect = (eid: number, out: Int32Array, offset: number, resolve: ResolveNetworkId | undefined) => boolean
type Apply = (eid: number, lanes: Int32Array, offset: number, resolve: ResolveEid | undefined) => void
type Check = (lanes: Int32Array, offset: number) => boolean

interface FieldDoor {
  readonly collect: Collect
  readonly apply: Apply
  /** Whether lanes from a stranger are such as `collect` can produce. */
  readonly check: Check
}

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
  const applies = doors.map(({ apply }) => apply)
  const checks = doors.map(({ check }) => check)
  const fieldCount = doors.length
  // A refused row must leave the caller's lanes alone, so fields write here first.
  const scratch = new Int32Array(laneCount)
  const unresolved = `${name}: has entity fields; pass a resolver between eids and network ids`

  return {
    columns,
    collect(eid, out, offset, resolve) {
      invariant(!hasEntities || resolve !== undefined, unresolved)
      if (!(eid >= 0 && eid < capacity)) return false
      for (let index = 0; index < fieldCount; index++) {
        if (!collects[index]!(eid, scratch, 0, resolve)) return false
      }
      for (let lane = 0; lane < laneCount; lane++) out[offset + lane] = scratch[lane]!
      return true
    },
    apply(eid, lanes, offset, resolve) {
      invariant(!hasEntities || resolve !== undefined, unresolved)
      if (!(eid >= 0 && eid < capacity)) return false
      for (let index = 0; index < fieldCount; index++) applies[index]!(eid, lanes, offset, resolve)
      return true
    },
    check(lanes, offset) {
      for (let index = 0; index < fieldCount; index++) if (!checks[index]!(lanes, offset)) return false
      return true
    },
  }
}

function compileField(field: FieldSchema, columns: FieldColumns): FieldDoor | undefined {
  switch (field.kind) {
    case 'position':
      return positionDoor(columns as Vec3Columns, field.group.offset, field.step, field.laneMax)
    case 'rotation':
      return rotationDoor(columns as QuatColumns, field.group.offset, rotationHalf(field.bits))
    case 'f32':
      return f32Door(columns as Float32Array, field.group.offset)
    case 'quantized':
      return steppedDoor(columns as Float32Array, field.group.offset, field.min, field.step, field.laneMax)
    case 'uint':
      return integerDoor(columns as NumberColumn, field.group.offset, 0, largest(field.bits))
    case 'int':
      return integerDoor(columns as NumberColumn, field.group.offset, intOffset(field.bits), largest(field.bits))
    case 'bool':
      return boolDoor(columns as Uint8Array, field.group.offset)
    case 'enum':
      return integerDoor(columns as Uint8Array, field.group.offset, 0, field.values.length - 1)
    case 'entity':
      return entityDoor(columns as Uint32Array, field.group.offset)
    case 'string':
    case 'bytes':
      return undefined
  }
}

/** The largest unsigned integer of so many bits. */
const largest = (bits: number): number => 0xffffffff >>> (32 - bits)

function positionDoor({ x: xs, y: ys, z: zs }: Vec3Columns, at: number, step: number, laneMax: number): FieldDoor {
  const half = laneMax / 2
  return {
    collect(eid, out, offset) {
      const x = xs[eid]!
      const y = ys[eid]!
      const z = zs[eid]!
      // Only of finite numbers is the difference with themselves 0.
      if (x - x !== 0 || y - y !== 0 || z - z !== 0) return false
      out[offset + at] = quantizePosition(x, step, half)
      out[offset + at + 1] = quantizePosition(y, step, half)
      out[offset + at + 2] = quantizePosition(z, step, half)
      return true
    },
    apply(eid, lanes, offset) {
      xs[eid] = dequantizePosition(lanes[offset + at]!, step, half)
      ys[eid] = dequantizePosition(lanes[offset + at + 1]!, step, half)
      zs[eid] = dequantizePosition(lanes[offset + at + 2]!, step, half)
    },
    // `>>> 0` turns a negative lane into one that is far too large.
    check: (lanes, offset) =>
      lanes[offset + at]! >>> 0 <= laneMax &&
      lanes[offset + at + 1]! >>> 0 <= laneMax &&
      lanes[offset + at + 2]! >>> 0 <= laneMax,
  }
}

function rotationDoor({ x: xs, y: ys, z: zs, w: ws }: QuatColumns, at: number, half: number): FieldDoor {
  return {
    collect: (eid, out, offset) => quantizeRotation(xs[eid]!, ys[eid]!, zs[eid]!, ws[eid]!, half, out, offset + at),
    apply(eid, lanes, offset) {
      xs[eid] = dequantizeRotation(lanes, offset + at, half, 0)
      ys[eid] = dequantizeRotation(lanes, offset + at, half, 1)
      zs[eid] = dequantizeRotation(lanes, offset + at, half, 2)
      ws[eid] = dequantizeRotation(lanes, offset + at, half, 3)
    },
    check: (lanes, offset) => isRotation(lanes, offset + at, half),
  }
}

function f32Door(column: Float32Array, at: number): FieldDoor {
  return {
    collect(eid, out, offset) {
      const value = column[eid]!
      if (value - value !== 0) return false
      out[offset + at] = quantizeF32(value)
      return true
    },
    apply(eid, lanes, offset) {
      column[eid] = dequantizeF32(lanes[offset + at]!)
    },
    check: (lanes, offset) => isF32(lanes[offset + at]!),
  }
}

function steppedDoor(column: Float32Array, at: number, min: number, step: number, laneMax: number): FieldDoor {
  return {
    collect(eid, out, offset) {
      const value = column[eid]!
      if (value - value !== 0) return false
      out[offset + at] = quantizeStepped(value, min, step, laneMax)
      return true
    },
    apply(eid, lanes, offset) {
      column[eid] = dequantizeStepped(lanes[offset + at]!, min, step)
    },
    check: (lanes, offset) => lanes[offset + at]! >>> 0 <= laneMax,
  }
}

/** @param zero the lane of the value 0; @param laneMax may be 2^32 - 1, so lanes are compared unsigned */
function integerDoor(column: NumberColumn, at: number, zero: number, laneMax: number): FieldDoor {
  return {
    collect(eid, out, offset) {
      const lane = column[eid]! + zero
      if (lane < 0 || lane > laneMax) return false
      out[offset + at] = lane
      return true
    },
    apply(eid, lanes, offset) {
      column[eid] = (lanes[offset + at]! >>> 0) - zero
    },
    check: (lanes, offset) => lanes[offset + at]! >>> 0 <= laneMax,
  }
}

function boolDoor(column: Uint8Array, at: number): FieldDoor {
  return {
    collect(eid, out, offset) {
      out[offset + at] = column[eid] === 0 ? 0 : 1
      return true
    },
    apply(eid, lanes, offset) {
      column[eid] = lanes[offset + at]!
    },
    check: (lanes, offset) => lanes[offset + at]! >>> 0 <= 1,
  }
}

function entityDoor(column: Uint32Array, at: number): FieldDoor {
  return {
    collect(eid, out, offset, resolve) {
      const target = column[eid]!
      out[offset + at] = target === 0 ? 0 : resolve!(target)
      return true
    },
    apply(eid, lanes, offset, resolve) {
      const id = lanes[offset + at]! >>> 0
      column[eid] = id === 0 ? 0 : resolve!(id)
    },
    // Any id may be one that has not been spawned here yet.
    check: () => true,
  }
}
