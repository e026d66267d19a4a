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

/** Classes and enums of one schema by name. Their members are looked up, so they are called, not typed. */
type Generated = Readonly<Record<string, unknown>>

interface Subject {
  readonly name: 'control' | 'lobby'
  readonly layout: Layout
  readonly generated: Generated
}

export const SUBJECTS: readonly Subject[] = [
  { name: 'control', layout: controlLayout, generated: control },
  { name: 'lobby', layout: lobbyLayout, generated: lobby },
]

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

function call(target: unknown, member: string, ...args: readonly unknown[]): unknown {
  return (target as Record<string, (...args: readonly unknown[]) => unknown>)[member]!(...args)
}

/** A member of a generated enum: its number by name, its name by number. */
function enumMember(generated: Generated, name: string, key: string | number): unknown {
  return (generated[name] as Record<string | number, unknown>)[key]
}

/** The message as flatc's accessors see it. */
export function readWithFlatc({ layout, generated }: Subject, bytes: Uint8Array): Plain {
  const root = call(generated[layout.root], `getRootAs${layout.root}`, new ByteBuffer(bytes))
  return readTable(layout, generated, layout.root, root)
}

function readTable(layout: Layout, generated: Generated, name: string, accessor: unknown): Plain {
  const table: Plain = {}
  for (const field of layout.tables[name]!) {
    const value = readField(layout, generated, field, accessor)
    if (value !== null) table[field.name] = value
  }
  return table
}

function readField(layout: Layout, generated: Generated, field: Field, accessor: unknown): unknown {
  const { name, kind, of, ref } = field
  if (kind === 'union') {
    const type = enumMember(generated, ref!, call(accessor, `${name}Type`) as number) as string
    const empty = new (generated[type] as new () => object)()
    return { type, ...readTable(layout, generated, type, call(accessor, name, empty)) }
  }
  if (kind === 'vector') {
    if (of === 'u8') return (call(accessor, `${name}Array`) as Uint8Array | null)?.slice() ?? new Uint8Array(0)
    return Array.from({ length: call(accessor, `${name}Length`) as number }, (_, i) => {
      const element = call(accessor, name, i)
      return of === 'table' ? readTable(layout, generated, ref!, element) : element
    })
  }
  const value = call(accessor, name)
  if (kind === 'table' && value !== null) return readTable(layout, generated, ref!, value)
  return kind === 'enum' ? (enumMember(generated, ref!, value as number) as string).toLowerCase() : value
}

/** How a foreign writer may differ from ours without meaning anything else. */
export interface WriterHabits {
  /** Writes values that equal their default. */
  readonly forceDefaults: boolean
  /** Adds fields from the last to the first. */
  readonly reverse: boolean
}

/** The message as flatc's generated code writes it. */
export function writeWithFlatc({ layout, generated }: Subject, message: Plain, habits: WriterHabits): Uint8Array {
  const builder = new Builder(16)
  builder.forceDefaults(habits.forceDefaults)
  const writer: Writer = { layout, generated, builder, habits }
  const root = writeTable(writer, layout.root, message)
  call(generated[layout.root], `finish${layout.root}Buffer`, builder, root)
  return builder.asUint8Array().slice()
}

interface Writer {
  readonly layout: Layout
  readonly generated: Generated
  readonly builder: Builder
  readonly habits: WriterHabits
}

function writeTable(writer: Writer, name: string, table: Plain): unknown {
  const { builder, generated } = writer
  const type = generated[name]
  const fields = writer.layout.tables[name]!.filter((field) => table[field.name] !== undefined)
  const written = fields.map((field) => writeValue(writer, type, field, table[field.name]))
  call(type, `start${name}`, builder)
  for (const i of writer.habits.reverse ? [...fields.keys()].reverse() : fields.keys()) {
    const { name: fieldName, kind, ref } = fields[i]!
    if (kind === 'union') {
      const tag = enumMember(generated, ref!, (table[fieldName] as { type: string }).type)
      call(type, `add${capital(fieldName)}Type`, builder, tag)
    }
    call(type, `add${capital(fieldName)}`, builder, written[i])
  }
  return call(type, `end${name}`, builder)
}

function writeValue(writer: Writer, type: unknown, field: Field, value: unknown): unknown {
  const { kind, of, ref } = field
  const { builder, generated } = writer
  if (kind === 'string') return builder.createString(value as string)
  if (kind === 'enum') return enumMember(generated, ref!, capital(value as string))
  if (kind === 'table') return writeTable(writer, ref!, value as Plain)
  if (kind === 'union') return writeTable(writer, (value as { type: string }).type, value as Plain)
  if (kind !== 'vector') return value
  const elements = Array.from(value as ArrayLike<unknown>, (element) => {
    if (of === 'string') return builder.createString(element as string)
    return of === 'table' ? writeTable(writer, ref!, element as Plain) : element
  })
  return call(type, `create${capital(field.name)}Vector`, builder, elements)
}
