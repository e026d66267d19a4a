/**
 * flatc's generated TypeScript as an independent reader and writer of the same messages.
 *
 * Invariant: field positions, defaults and types come from flatc's code; of our layout only the names are used.
 */
import { Builder, ByteBuffer } from 'flatbuffers'
import type { Field, Layout } from '../codec/layout.ts'
import * as control from '../generated/flatbuffers/baton/control.ts'
import * as lobby from '../generated/flatbuffers/baton/lobby.ts'
import { controlLayout } from '../generated/control.layout.ts'
import { lobbyLayout } from '../generated/lobby.layout.ts'
import type { Plain } from './arbitraries.ts'

// Generated classes are reached by name, so their members are looked up, not typed.
// oxlint-disable-next-line typescript/no-explicit-any
type Generated = any

export const SUBJECTS = [
  { name: 'control', layout: controlLayout as Layout, generated: control as Generated },
  { name: 'lobby', layout: lobbyLayout as Layout, generated: lobby as Generated },
] as const

const capital = (name: string): string => name[0]!.toUpperCase() + name.slice(1)

/** The message as flatc's accessors see it. */
export function readWithFlatc(layout: Layout, generated: Generated, bytes: Uint8Array): Plain {
  const buffer = new ByteBuffer(bytes)
  return readTable(layout, generated, layout.root, generated[layout.root][`getRootAs${layout.root}`](buffer))
}

function readTable(layout: Layout, generated: Generated, name: string, accessor: Generated): Plain {
  const table: Plain = {}
  for (const field of layout.tables[name]!) {
    const value = readField(layout, generated, field, accessor)
    if (value !== null) table[field.name] = value
  }
  return table
}

function readField(layout: Layout, generated: Generated, field: Field, accessor: Generated): unknown {
  const { name, kind, of, ref } = field
  if (kind === 'union') {
    const type = generated[ref!][accessor[`${name}Type`]()]
    return { type, ...readTable(layout, generated, type, accessor[name](new generated[type]())) }
  }
  if (kind === 'vector') {
    if (of === 'u8') return accessor[`${name}Array`]()?.slice() ?? new Uint8Array(0)
    return Array.from({ length: accessor[`${name}Length`]() }, (_, i) => {
      const element = accessor[name](i)
      return of === 'table' ? readTable(layout, generated, ref!, element) : element
    })
  }
  const value = accessor[name]()
  if (kind === 'table' && value !== null) return readTable(layout, generated, ref!, value)
  return kind === 'enum' ? String(generated[ref!][value]).toLowerCase() : value
}

/** How a foreign writer may differ from ours without meaning anything else. */
export interface WriterHabits {
  /** Writes values that equal their default. */
  readonly forceDefaults: boolean
  /** Adds fields from the last to the first. */
  readonly reverse: boolean
}

/** The message as flatc's generated code writes it. */
export function writeWithFlatc(layout: Layout, generated: Generated, message: Plain, habits: WriterHabits): Uint8Array {
  const builder = new Builder(16)
  builder.forceDefaults(habits.forceDefaults)
  const root = writeTable(layout, generated, builder, layout.root, message, habits)
  generated[layout.root][`finish${layout.root}Buffer`](builder, root)
  return builder.asUint8Array().slice()
}

function writeTable(layout: Layout, generated: Generated, builder: Builder, name: string, table: Plain, habits: WriterHabits): number {
  const type = generated[name]
  const fields = layout.tables[name]!.filter((field) => table[field.name] !== undefined)
  const written = fields.map((field) => writeValue(layout, generated, builder, type, field, table[field.name], habits))
  type[`start${name}`](builder)
  for (const i of habits.reverse ? [...fields.keys()].reverse() : fields.keys()) {
    const { name: fieldName, kind, ref } = fields[i]!
    if (kind === 'union') {
      type[`add${capital(fieldName)}Type`](builder, generated[ref!][(table[fieldName] as { type: string }).type])
    }
    type[`add${capital(fieldName)}`](builder, written[i])
  }
  return type[`end${name}`](builder)
}

function writeValue(
  layout: Layout,
  generated: Generated,
  builder: Builder,
  type: Generated,
  field: Field,
  value: unknown,
  habits: WriterHabits,
): unknown {
  const { kind, of, ref } = field
  if (kind === 'string') return builder.createString(value as string)
  if (kind === 'enum') return generated[ref!][capital(value as string)]
  if (kind === 'table') return writeTable(layout, generated, builder, ref!, value as Plain, habits)
  if (kind === 'union') return writeTable(layout, generated, builder, (value as { type: string }).type, value as Plain, habits)
  if (kind !== 'vector') return value
  const elements = Array.from(value as ArrayLike<unknown>, (element) => {
    if (of === 'string') return builder.createString(element as string)
    return of === 'table' ? writeTable(layout, generated, builder, ref!, element as Plain, habits) : element
  })
  return type[`create${capital(field.name)}Vector`](builder, elements)
}
