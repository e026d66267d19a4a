/**
 * Says in words why `collectRow` or `collectValue` refused a row. The slow path of the column door:
 * run once per refusal, for the event a developer reads.
 *
 * Invariant: undefined exactly when the row would be collected.
 */

import type { ComponentSchema, FieldColumns, FieldSchema } from '../schema/component-schema.ts'
import { MIN_LENGTH_SQUARED } from './quantize.ts'
import { isPlainValue } from './snapshot.ts'

/** `Transform.translation.y[12] is NaN; write finite numbers`, or undefined for a row that can travel. */
export function explainRow(schema: ComponentSchema, eid: number): string | undefined {
  const { capacity, name, fields, door } = schema
  if (!(eid >= 0 && eid < capacity)) {
    return `${name}: entity ${eid} is over the columns' capacity of ${capacity}; define the component with a larger one`
  }
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!
    const reason = explainField(field, door.columns[index]!, eid)
    if (reason !== undefined) return `${name}.${field.name}${reason}`
  }
  return undefined
}

function explainField(field: FieldSchema, columns: FieldColumns, eid: number): string | undefined {
  switch (field.kind) {
    case 'position':
      return explainParts(columns as unknown as Record<string, Float32Array>, ['x', 'y', 'z'], eid)
    case 'rotation': {
      const { x, y, z, w } = columns as unknown as Record<string, Float32Array>
      const parts = explainParts({ x: x!, y: y!, z: z!, w: w! }, ['x', 'y', 'z', 'w'], eid)
      if (parts !== undefined) return parts
      const length = x![eid]! ** 2 + y![eid]! ** 2 + z![eid]! ** 2 + w![eid]! ** 2
      return length > MIN_LENGTH_SQUARED
        ? undefined
        : `[${eid}] is a quaternion of length 0; write 0, 0, 0, 1 for no rotation`
    }
    case 'f32':
    case 'quantized':
      return explainParts({ '': columns as Float32Array }, [''], eid)
    case 'uint':
      return explainRange((columns as Uint32Array)[eid]!, eid, 0, 2 ** field.bits - 1)
    case 'int':
      return explainRange((columns as Int32Array)[eid]!, eid, -(2 ** (field.bits - 1)), 2 ** (field.bits - 1) - 1)
    case 'enum':
      return explainRange((columns as Uint8Array)[eid]!, eid, 0, field.values.length - 1)
    case 'string':
    case 'bytes': {
      const value: unknown = (columns as unknown[])[eid]
      if (isPlainValue(field, value)) return undefined
      const is = typeof value === 'string' || value instanceof Uint8Array ? `${value.length} long` : typeof value
      return `[${eid}] is ${is}; write ${field.kind} of at most ${field.maxBytes} bytes`
    }
    case 'bool':
    case 'entity':
      return undefined
  }
}

function explainParts(
  columns: Readonly<Record<string, Float32Array>>,
  parts: readonly string[],
  eid: number,
): string | undefined {
  for (const part of parts) {
    const value = columns[part]![eid]!
    if (!Number.isFinite(value)) return `${part && `.${part}`}[${eid}] is ${value}; write finite numbers`
  }
  return undefined
}

function explainRange(value: number, eid: number, min: number, max: number): string | undefined {
  return value >= min && value <= max ? undefined : `[${eid}] is ${value}; write integers from ${min} to ${max}`
}
