/**
 * Writes the values a game hands to `spawn` into the columns of a fresh entity, and defaults where it
 * hands none: bitECS reuses slots without clearing them.
 *
 * Invariant: after this every column of the component has a value of its own at that eid.
 */
import { invariant } from '@baton/core'
import type {
  ComponentSchema,
  FieldColumns,
  FieldSchema,
  QuatColumns,
  Vec3Columns,
} from '../schema/component-schema.ts'

/** Values by field name, or by component name and then field name where two components share a field's name. */
export type SpawnValues = Readonly<Record<string, unknown>>

/** @throws InvariantError for a value of the wrong form or a name that no component has */
export function writeInitialValues(
  schemas: readonly ComponentSchema[],
  eid: number,
  values: SpawnValues,
  place: string,
): void {
  const used = new Set<string>()
  for (const schema of schemas) {
    const own = values[schema.name]
    const nested = isRecord(own) ? own : undefined
    if (nested) used.add(schema.name)
    schema.fields.forEach((field, at) => {
      const value = nested?.[field.name] ?? values[field.name]
      if (values[field.name] !== undefined) used.add(field.name)
      writeField(field, schema.door.columns[at]!, eid, value, `${place}: ${schema.name}.${field.name}`)
    })
    for (const name of Object.keys(nested ?? {})) {
      invariant(
        schema.fields.some((field) => field.name === name),
        `${place}: ${schema.name} has no field '${name}'; its fields are ${fieldNames(schema)}`,
      )
    }
  }
  for (const name of Object.keys(values)) {
    invariant(
      used.has(name),
      `${place}: no component has a field '${name}'; there are ${schemas.map(fieldNames).join('; ')}`,
    )
  }
}

function writeField(field: FieldSchema, columns: FieldColumns, eid: number, value: unknown, place: string): void {
  switch (field.kind) {
    case 'position':
      return writeNumbers(
        [(columns as Vec3Columns).x, (columns as Vec3Columns).y, (columns as Vec3Columns).z],
        eid,
        value ?? [0, 0, 0],
        place,
      )
    case 'rotation': {
      const { x, y, z, w } = columns as QuatColumns
      return writeNumbers([x, y, z, w], eid, value ?? [0, 0, 0, 1], place)
    }
    case 'string':
      invariant(value === undefined || typeof value === 'string', `${place}: wants a string (got ${typeof value})`)
      ;(columns as string[])[eid] = value ?? ''
      return
    case 'bytes':
      invariant(
        value === undefined || value instanceof Uint8Array,
        `${place}: wants a Uint8Array (got ${typeof value})`,
      )
      ;(columns as Uint8Array[])[eid] = value ?? new Uint8Array(0)
      return
    case 'enum':
      ;(columns as Uint8Array)[eid] = enumIndex(field.values, value, place)
      return
    default:
      invariant(
        value === undefined || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)),
        `${place}: wants a finite number (got ${JSON.stringify(value)})`,
      )
      ;(columns as Float32Array)[eid] = Number(
        value ?? (field.kind === 'quantized' ? Math.max(field.min, Math.min(field.max, 0)) : 0),
      )
  }
}

function writeNumbers(columns: readonly Float32Array[], eid: number, value: unknown, place: string): void {
  const list = Array.isArray(value) || value instanceof Float32Array ? value : undefined
  invariant(
    list?.length === columns.length,
    `${place}: wants ${columns.length} numbers in an array (got ${JSON.stringify(value)})`,
  )
  columns.forEach((column, at) => {
    const number = Number(list[at])
    invariant(Number.isFinite(number), `${place}: number ${at} is ${String(list[at])}; give finite numbers`)
    column[eid] = number
  })
}

function enumIndex(names: readonly string[], value: unknown, place: string): number {
  if (value === undefined) return 0
  const index = typeof value === 'number' ? value : names.indexOf(value as string)
  invariant(
    Number.isInteger(index) && index >= 0 && index < names.length,
    `${place}: '${JSON.stringify(value)}' is none of ${names.join(', ')}`,
  )
  return index
}

const fieldNames = (schema: ComponentSchema): string =>
  `${schema.name}: ${schema.fields.map((f) => f.name).join(', ') || 'none'}`

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
