/**
 * The closures of one field, by its kind. Put together to a component's door by column-door.ts.
 *
 * Invariant: the choice by kind is made here, once; each closure holds its own columns and constants.
 */

import type {
  FieldColumns,
  FieldSchema,
  NumberColumn,
  QuatColumns,
  ResolveEid,
  ResolveNetworkId,
  Vec3Columns,
} from '../schema/component-schema.ts'
import { rotationHalf } from '../schema/lane-layout.ts'
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
} from './quantize.ts'

/** Writes one field's lanes; false, with anything written, when the column holds no such value. */
type Collect = (eid: number, out: Int32Array, offset: number, resolve: ResolveNetworkId | undefined) => boolean

export interface FieldDoor {
  readonly collect: Collect
  /** Whether lanes from a stranger are such as `collect` can produce. */
  readonly check: (lanes: Int32Array, offset: number) => boolean
  readonly dequantize: (lanes: Int32Array, offset: number, values: Float64Array) => void
  readonly apply: (eid: number, values: Float64Array, resolve: ResolveEid | undefined) => void
}

/** Undefined for a field without lanes. */
export function compileField(field: FieldSchema, columns: FieldColumns): FieldDoor | undefined {
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
    dequantize(lanes, offset, values) {
      values[at] = dequantizePosition(lanes[offset + at]!, step, half)
      values[at + 1] = dequantizePosition(lanes[offset + at + 1]!, step, half)
      values[at + 2] = dequantizePosition(lanes[offset + at + 2]!, step, half)
    },
    apply(eid, values) {
      xs[eid] = values[at]!
      ys[eid] = values[at + 1]!
      zs[eid] = values[at + 2]!
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
    dequantize: (lanes, offset, values) => dequantizeRotation(lanes, offset + at, half, values, at),
    apply(eid, values) {
      xs[eid] = values[at]!
      ys[eid] = values[at + 1]!
      zs[eid] = values[at + 2]!
      ws[eid] = values[at + 3]!
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
    dequantize(lanes, offset, values) {
      values[at] = dequantizeF32(lanes[offset + at]!)
    },
    apply: writeTo(column, at),
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
    dequantize(lanes, offset, values) {
      values[at] = dequantizeStepped(lanes[offset + at]!, min, step)
    },
    apply: writeTo(column, at),
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
    dequantize(lanes, offset, values) {
      values[at] = (lanes[offset + at]! >>> 0) - zero
    },
    apply: writeTo(column, at),
    check: (lanes, offset) => lanes[offset + at]! >>> 0 <= laneMax,
  }
}

function boolDoor(column: Uint8Array, at: number): FieldDoor {
  return {
    collect(eid, out, offset) {
      out[offset + at] = column[eid] === 0 ? 0 : 1
      return true
    },
    dequantize(lanes, offset, values) {
      values[at] = lanes[offset + at]!
    },
    apply: writeTo(column, at),
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
    dequantize(lanes, offset, values) {
      values[at] = lanes[offset + at]! >>> 0
    },
    apply(eid, values, resolve) {
      const id = values[at]!
      column[eid] = id === 0 ? 0 : resolve!(id)
    },
    // Any id may be one that has not been spawned here yet.
    check: () => true,
  }
}

function writeTo(column: NumberColumn, at: number): FieldDoor['apply'] {
  return (eid, values) => {
    column[eid] = values[at]!
  }
}
