/**
 * Makers of field specs: what a column means on the wire. Used by `defineReplicated` and, through
 * the decorators, by classes with static columns.
 *
 * Invariant: a spec is checked when it is made; a schema never holds a kind that cannot come back exact
 * from its own column.
 */

import { invariant } from '@baton/core'
import type {
  BoolField,
  BytesField,
  EntityField,
  EnumField,
  Float32Field,
  IntegerField,
  Interpolation,
  LaneGroup,
  PositionField,
  QuantizedField,
  QuatColumns,
  RotationField,
  StringField,
  Vec3Columns,
} from './component-schema.ts'
import { bitsFor, positionHalf, steppedMax } from './lane-layout.ts'

/** A Float32Array holds 24 bits exactly; one is kept for the rounding of steps that are no power of two. */
const MAX_FLOAT_STEPS = 2 ** 23
/** One datagram must be able to hold a value, and a spawn several. */
export const MAX_PLAIN_BYTES = 8192
const MAX_ENUM_VALUES = 256
/** 5 m in a sixtieth of a second is 300 m/s: faster than what players are shown as motion. */
const DEFAULT_TELEPORT_M = 5

type Unplaced<F> = F extends unknown ? Omit<F, 'name' | 'group'> : never

/** Any field before it has a name and a place in a row. */
export type FieldValue =
  | Unplaced<PositionField>
  | Unplaced<RotationField>
  | Unplaced<Float32Field>
  | Unplaced<QuantizedField>
  | Unplaced<IntegerField>
  | Unplaced<BoolField>
  | Unplaced<EnumField>
  | Unplaced<EntityField>
  | Unplaced<StringField>
  | Unplaced<BytesField>

declare const COLUMN: unique symbol

/** What a field maker returns. `Column` is the type that the component will have under the field's name. */
export interface FieldSpec<Column = unknown, Values extends string = string> {
  readonly field: FieldValue
  /** Shape of the row's part; undefined for a string or bytes. */
  readonly group: Pick<LaneGroup, 'kind' | 'count'> | undefined
  /** Carries types only; there is no such property. */
  readonly [COLUMN]?: { readonly column: Column; readonly values: Values }
}

const SCALAR = { kind: 'scalar', count: 1 } as const

/** The unsigned column that holds `Bits` bits. */
export type UintColumn<Bits extends number> = number extends Bits
  ? Uint8Array | Uint16Array | Uint32Array
  : Bits extends 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8
    ? Uint8Array
    : Bits extends 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16
      ? Uint16Array
      : Uint32Array

/** The signed column that holds `Bits` bits. */
export type IntColumn<Bits extends number> = number extends Bits
  ? Int8Array | Int16Array | Int32Array
  : UintColumn<Bits> extends Uint8Array
    ? Int8Array
    : UintColumn<Bits> extends Uint16Array
      ? Int16Array
      : Int32Array

export interface PositionOptions {
  /** Meters; coordinates are clamped to [-range, range]. */
  readonly range: number
  /** Meters between two values on the wire. */
  readonly step: number
  readonly interpolate?: Interpolation
  /** Meters per tick beyond which a move is shown as a jump. 5 when left out. */
  readonly teleportM?: number
}

/** A place in the world: columns `x`, `y`, `z` of meters. */
export function vec3(options: PositionOptions): FieldSpec<Vec3Columns> {
  const { range, step, interpolate = 'linear', teleportM = DEFAULT_TELEPORT_M } = options
  invariant(
    isPositive(range) && isPositive(step) && step <= range,
    `vec3: range ${range} m and step ${step} m; give positive numbers with the step no larger than the range`,
  )
  const laneMax = 2 * positionHalf(range, step)
  checkFloatSteps('vec3', range, step)
  checkInterpolation('vec3', interpolate)
  invariant(teleportM > 0, `vec3: teleportM is ${teleportM}; give meters per tick above 0, or Infinity for never`)
  return {
    field: { kind: 'position', range, step, bits: bitsFor(laneMax), laneMax, interpolate, teleportM },
    group: { kind: 'vector', count: 3 },
  }
}

/**
 * A rotation as a unit quaternion: columns `x`, `y`, `z`, `w`. It need not be exactly of length 1, but a
 * column of zeros is no rotation; new columns hold the identity.
 * @param options.bits per component, 2..15; 10 keeps within 0.28 degrees
 */
export function quat(options: {
  readonly bits: number
  readonly interpolate?: 'linear' | 'none'
}): FieldSpec<QuatColumns> {
  const { bits, interpolate = 'linear' } = options
  checkBits('quat', bits, 2, 15)
  checkInterpolation('quat', interpolate)
  return { field: { kind: 'rotation', bits, interpolate }, group: { kind: 'rotation', count: 4 } }
}

/** A 32-bit float as it is; finite. */
export function f32(options: { readonly interpolate?: 'linear' | 'none' } = {}): FieldSpec<Float32Array> {
  const { interpolate = 'linear' } = options
  checkInterpolation('f32', interpolate)
  return { field: { kind: 'f32', bits: 32, interpolate }, group: SCALAR }
}

/** A float between `min` and `max` (clamped), in steps counted from `min`. */
export function quantized(options: {
  readonly min: number
  readonly max: number
  readonly step: number
  readonly interpolate?: 'linear' | 'none'
}): FieldSpec<Float32Array> {
  const { min, max, step, interpolate = 'linear' } = options
  invariant(
    Number.isFinite(min) && Number.isFinite(max) && isPositive(step) && max - min >= step,
    `quantized: min ${min}, max ${max}, step ${step}; give a positive step that fits between min and max`,
  )
  const laneMax = steppedMax(min, max, step)
  checkFloatSteps('quantized', Math.max(Math.abs(min), Math.abs(max)), step)
  checkInterpolation('quantized', interpolate)
  return { field: { kind: 'quantized', min, max, step, bits: bitsFor(laneMax), laneMax, interpolate }, group: SCALAR }
}

/** An integer from 0 to 2^bits - 1. A larger value in the column is refused, not cut. */
export function uint<const Bits extends number>(bits: Bits): FieldSpec<UintColumn<Bits>> {
  checkBits('uint', bits, 1, 32)
  return { field: { kind: 'uint', bits }, group: SCALAR }
}

/** An integer from -2^(bits - 1) to 2^(bits - 1) - 1. */
export function int<const Bits extends number>(bits: Bits): FieldSpec<IntColumn<Bits>> {
  checkBits('int', bits, 2, 32)
  return { field: { kind: 'int', bits }, group: SCALAR }
}

/** 0 or 1 in a `Uint8Array`; anything but 0 travels as 1. */
export function bool(): FieldSpec<Uint8Array> {
  return { field: { kind: 'bool', bits: 1 }, group: SCALAR }
}

/** One of `values`, kept in the column as its index. See `enumValue` and `enumIndex`. */
export function enumeration<const Values extends string>(values: readonly Values[]): FieldSpec<Uint8Array, Values> {
  invariant(
    values.length >= 1 && values.length <= MAX_ENUM_VALUES && new Set(values).size === values.length,
    `enumeration: [${values.join(', ')}]; give 1 to ${MAX_ENUM_VALUES} values, each once`,
  )
  return { field: { kind: 'enum', values: [...values], bits: bitsFor(values.length - 1) }, group: SCALAR }
}

/** A string of at most `maxBytes` bytes of UTF-8. Only with delivery `reliable` or `once`. */
export function text(options: { readonly maxBytes: number }): FieldSpec<string[]> {
  checkBytes('text', options.maxBytes)
  return { field: { kind: 'string', maxBytes: options.maxBytes }, group: undefined }
}

/** At most `maxBytes` bytes. Only with delivery `reliable` or `once`. */
export function bytes(options: { readonly maxBytes: number }): FieldSpec<Uint8Array[]> {
  checkBytes('bytes', options.maxBytes)
  return { field: { kind: 'bytes', maxBytes: options.maxBytes }, group: undefined }
}

/** A networked entity: the column holds local eids, 0 for none; ids that every peer knows travel. */
export function entity(): FieldSpec<Uint32Array> {
  return { field: { kind: 'entity', bits: 32 }, group: SCALAR }
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0
}

function checkFloatSteps(maker: string, largest: number, step: number): void {
  invariant(
    (2 * largest) / step <= MAX_FLOAT_STEPS,
    `${maker}: steps of ${step} up to ${largest} are finer than a Float32Array column keeps; ` +
      `make the step at least ${(2 * largest) / MAX_FLOAT_STEPS}`,
  )
}

function checkBits(maker: string, bits: number, min: number, max: number): void {
  invariant(
    Number.isInteger(bits) && bits >= min && bits <= max,
    `${maker}: ${bits} bits; give an integer from ${min} to ${max}`,
  )
}

function checkBytes(maker: string, maxBytes: number): void {
  invariant(
    Number.isInteger(maxBytes) && maxBytes >= 1 && maxBytes <= MAX_PLAIN_BYTES,
    `${maker}: maxBytes is ${maxBytes}; give an integer from 1 to ${MAX_PLAIN_BYTES}`,
  )
}

function checkInterpolation(maker: string, interpolate: Interpolation): void {
  invariant(
    interpolate === 'linear' || interpolate === 'none' || (interpolate === 'hermite' && maker === 'vec3'),
    `${maker}: interpolate is '${interpolate}'; give 'linear' or 'none'${maker === 'vec3' ? " or 'hermite'" : ''}`,
  )
}
