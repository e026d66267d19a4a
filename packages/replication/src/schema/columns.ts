/**
 * Makers of the columns themselves: the arrays a game and bitECS read and write, one row per eid.
 *
 * Invariant: every value a fresh column holds may be sent as it is (zeros, the identity rotation, '').
 */

import { invariant } from '@baton/core'
import type { FieldColumns, NumberColumn, QuatColumns, Vec3Columns } from './component-schema.ts'
import type { FieldValue } from './fields.ts'

/** bitECS ids start at 1 and are reused at once, so this is the number of entities alive at a time. */
export const DEFAULT_CAPACITY = 65_536

const NO_BYTES = new Uint8Array(0)

/** Columns `x`, `y`, `z`. */
export function vec3(capacity = DEFAULT_CAPACITY): Vec3Columns {
  checkCapacity(capacity)
  return { x: new Float32Array(capacity), y: new Float32Array(capacity), z: new Float32Array(capacity) }
}

/** Columns `x`, `y`, `z`, `w`, holding the identity. */
export function quat(capacity = DEFAULT_CAPACITY): QuatColumns {
  return { ...vec3(capacity), w: new Float32Array(capacity).fill(1) }
}

export function f32(capacity = DEFAULT_CAPACITY): Float32Array {
  checkCapacity(capacity)
  return new Float32Array(capacity)
}

export function u8(capacity = DEFAULT_CAPACITY): Uint8Array {
  checkCapacity(capacity)
  return new Uint8Array(capacity)
}

export function u16(capacity = DEFAULT_CAPACITY): Uint16Array {
  checkCapacity(capacity)
  return new Uint16Array(capacity)
}

export function u32(capacity = DEFAULT_CAPACITY): Uint32Array {
  checkCapacity(capacity)
  return new Uint32Array(capacity)
}

export function i8(capacity = DEFAULT_CAPACITY): Int8Array {
  checkCapacity(capacity)
  return new Int8Array(capacity)
}

export function i16(capacity = DEFAULT_CAPACITY): Int16Array {
  checkCapacity(capacity)
  return new Int16Array(capacity)
}

export function i32(capacity = DEFAULT_CAPACITY): Int32Array {
  checkCapacity(capacity)
  return new Int32Array(capacity)
}

/** Local entity ids, 0 for none. */
export function eid(capacity = DEFAULT_CAPACITY): Uint32Array {
  return u32(capacity)
}

/** Strings, '' at first. */
export function str(capacity = DEFAULT_CAPACITY): string[] {
  checkCapacity(capacity)
  return new Array<string>(capacity).fill('')
}

/** Byte arrays, empty at first. Replace a row's array to change it; the old one may still be in use. */
export function blob(capacity = DEFAULT_CAPACITY): Uint8Array[] {
  checkCapacity(capacity)
  return new Array<Uint8Array>(capacity).fill(NO_BYTES)
}

/** Fresh columns for a field. */
export function createColumns(field: FieldValue, capacity: number): FieldColumns {
  switch (field.kind) {
    case 'position':
      return vec3(capacity)
    case 'rotation':
      return quat(capacity)
    case 'f32':
    case 'quantized':
      return f32(capacity)
    case 'bool':
    case 'enum':
      return u8(capacity)
    case 'uint':
      return field.bits <= 8 ? u8(capacity) : field.bits <= 16 ? u16(capacity) : u32(capacity)
    case 'int':
      return field.bits <= 8 ? i8(capacity) : field.bits <= 16 ? i16(capacity) : i32(capacity)
    case 'entity':
      return eid(capacity)
    case 'string':
      return str(capacity)
    case 'bytes':
      return blob(capacity)
  }
}

/** Rows that fit, or -1 when the columns are not what the field needs. */
export function capacityFor(field: FieldValue, columns: unknown): number {
  switch (field.kind) {
    case 'position':
      return partsCapacity(columns, ['x', 'y', 'z'])
    case 'rotation':
      return partsCapacity(columns, ['x', 'y', 'z', 'w'])
    case 'string':
    case 'bytes':
      return isArrayOf(columns, field.kind === 'string' ? isString : isBytes) ? columns.length : -1
    default:
      return numbersFit(field, columns) ? (columns as NumberColumn).length : -1
  }
}

/** What to initialize a column of this field with, for a message. */
export function makerNames(field: FieldValue): string {
  switch (field.kind) {
    case 'position':
      return 'vec3()'
    case 'rotation':
      return 'quat()'
    case 'f32':
    case 'quantized':
      return 'f32()'
    case 'bool':
    case 'enum':
      return 'u8()'
    case 'uint':
      return field.bits <= 8 ? 'u8()' : field.bits <= 16 ? 'u16()' : 'u32()'
    case 'int':
      return field.bits <= 8 ? 'i8()' : field.bits <= 16 ? 'i16()' : 'i32()'
    case 'entity':
      return 'eid()'
    case 'string':
      return 'str()'
    case 'bytes':
      return 'blob()'
  }
}

/** Whether a value looks like something that one of the makers above made. */
export function isColumns(value: unknown): boolean {
  if (ArrayBuffer.isView(value) || Array.isArray(value)) return true
  return partsCapacity(value, ['x', 'y', 'z']) >= 0
}

/** A wider column is fine: a small integer in a `Uint32Array` keeps its value. */
function numbersFit(field: FieldValue, columns: unknown): boolean {
  switch (field.kind) {
    case 'f32':
    case 'quantized':
      return columns instanceof Float32Array
    case 'bool':
    case 'enum':
      return columns instanceof Uint8Array
    case 'entity':
      return columns instanceof Uint32Array
    case 'uint':
      return (
        columns instanceof Uint32Array ||
        (field.bits <= 16 && columns instanceof Uint16Array) ||
        (field.bits <= 8 && columns instanceof Uint8Array)
      )
    case 'int':
      return (
        columns instanceof Int32Array ||
        (field.bits <= 16 && columns instanceof Int16Array) ||
        (field.bits <= 8 && columns instanceof Int8Array)
      )
    default:
      return false
  }
}

function partsCapacity(columns: unknown, parts: readonly string[]): number {
  if (typeof columns !== 'object' || columns === null) return -1
  let capacity = Infinity
  for (const part of parts) {
    const column: unknown = (columns as Record<string, unknown>)[part]
    if (!(column instanceof Float32Array)) return -1
    capacity = Math.min(capacity, column.length)
  }
  return capacity
}

function isArrayOf(columns: unknown, test: (value: unknown) => boolean): columns is unknown[] {
  return Array.isArray(columns) && columns.every(test)
}

const isString = (value: unknown): boolean => typeof value === 'string'
const isBytes = (value: unknown): boolean => value instanceof Uint8Array

function checkCapacity(capacity: number): void {
  invariant(
    Number.isInteger(capacity) && capacity >= 2 && capacity <= 2 ** 24,
    `columns: capacity ${capacity}; give the number of rows, from 2 to ${2 ** 24} (bitECS ids start at 1)`,
  )
}
