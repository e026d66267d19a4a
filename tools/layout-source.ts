/**
 * Writes the TypeScript of a layout: interfaces for people, one table of fields for the codec.
 *
 * Invariant: what the codec does not know is refused here with a sentence, so that a schema can never
 * grow a field that is silently not carried.
 */
import type { Field, Layout } from '../schemas/codec/layout.ts'
import type { Schema, SchemaField, SchemaTable } from './reflection.ts'

const SCALAR_KINDS: Record<string, 'bool' | 'u8' | 'u16' | 'u32' | 'f64'> = {
  bool: 'bool',
  ubyte: 'u8',
  ushort: 'u16',
  uint: 'u32',
  double: 'f64',
}
const ELEMENT_KINDS: Record<string, 'u8' | 'u16' | 'u32' | 'string' | 'table'> = {
  ubyte: 'u8',
  ushort: 'u16',
  uint: 'u32',
  string: 'string',
  table: 'table',
}
const ELEMENT_TYPES = { u16: 'number', u32: 'number', string: 'string' } as const

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const kebabCase = (name: string): string => name.replace(/\B[A-Z]/g, '-$&').toLowerCase()

function refuse(place: string, problem: string): never {
  throw new Error(`codegen: ${place} ${problem}`)
}

function fieldOf(schema: Schema, table: SchemaTable, field: SchemaField): Field | undefined {
  const place = `${table.name}.${field.name}`
  if (field.deprecated || field.type.base === 'utype') return undefined
  if (field.optional && field.type.base in SCALAR_KINDS) refuse(place, 'is an optional scalar; give it a default')
  const { base, element, index } = field.type
  const enumeration = schema.enums[index]
  const required = field.required && { required: true as const }
  const common = { name: camelCase(field.name), slot: field.id }
  if (base === 'union') {
    if (!field.required) refuse(place, 'is a union that may be absent; mark it (required)')
    return { ...common, slot: field.id - 1, kind: 'union', ref: enumeration!.name, ...required }
  }
  if (base === 'table') {
    if (schema.tables[index]!.isStruct) refuse(place, 'is a struct; use a table')
    return { ...common, kind: 'table', ref: schema.tables[index]!.name, ...required }
  }
  if (base === 'string') return { ...common, kind: 'string', ...required }
  if (base === 'vector') {
    const of = ELEMENT_KINDS[element] ?? refuse(place, `is a vector of ${element}; teach schemas/codec/layout.ts first`)
    if (of === 'table' && schema.tables[index]!.isStruct) refuse(place, 'is a vector of structs; use tables')
    if (of !== 'table' && index >= 0) refuse(place, 'is a vector of enums; teach schemas/codec first')
    return { ...common, kind: 'vector', of, ...(of === 'table' && { ref: schema.tables[index]!.name }), ...required }
  }
  const kind = SCALAR_KINDS[base] ?? refuse(place, `is a ${base}; teach schemas/codec/layout.ts first`)
  const fallback = kind === 'f64' ? field.defaultReal : field.defaultInteger
  const absent = fallback !== 0 && { default: fallback }
  if (index < 0) return { ...common, kind, ...absent }
  if (kind !== 'u8') refuse(place, `is an enum of ${base}; use ubyte`)
  return { ...common, kind: 'enum', ref: enumeration!.name, ...absent }
}

export function layoutOf(schema: Schema): Layout {
  const enums: Record<string, string[]> = {}
  const unions: Record<string, string[]> = {}
  for (const { name, isUnion, values } of schema.enums) {
    values.forEach(({ value }, i) => value === i || refuse(name, 'has gaps or does not start at 0'))
    const names = values.map((value) => value.name)
    if (isUnion) unions[name] = names.slice(1)
    else enums[name] = names.map(kebabCase)
  }
  const tables: Record<string, Field[]> = {}
  for (const table of schema.tables) {
    const fields = table.fields.flatMap((field) => fieldOf(schema, table, field) ?? [])
    const isMember = Object.values(unions).some((members) => members.includes(table.name))
    if (isMember && fields.some(({ name }) => name === 'type'))
      refuse(table.name, 'is in a union and has a field "type"')
    tables[table.name] = fields
  }
  return { identifier: schema.identifier, root: schema.root, enums, unions, tables }
}

function typeOf(field: Field): string {
  if (field.kind === 'enum' || field.kind === 'table' || field.kind === 'union') return field.ref!
  if (field.kind === 'string') return 'string'
  if (field.kind === 'bool') return 'boolean'
  if (field.kind !== 'vector') return 'number'
  if (field.of === 'u8') return 'Uint8Array'
  return `readonly ${field.of === 'table' ? field.ref! : ELEMENT_TYPES[field.of!]}[]`
}

function docLines(documentation: readonly string[], indent: string): string {
  const [first, ...more] = documentation
  if (first === undefined) return ''
  if (more.length === 0) return `${indent}/** ${first} */\n`
  return `${indent}/**\n${documentation.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`
}

function interfaceSource(layout: Layout, table: SchemaTable): string {
  const doc = docLines(table.documentation, '')
  const fields = layout.tables[table.name]!
  if (fields.length === 0) return `${doc}export type ${table.name} = Record<never, never>\n`
  const lines = fields.map((field) => {
    const documentation = table.fields.find(({ name }) => camelCase(name) === field.name)!.documentation
    const absent = !field.required && (field.kind === 'string' || field.kind === 'table')
    const type = typeOf(field)
    return `${docLines(documentation, '  ')}  ${field.name}${absent ? '?' : ''}: ${type}${absent ? ' | undefined' : ''}\n`
  })
  return `${doc}export interface ${table.name} {\n${lines.join('')}}\n`
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

function fieldSource(field: Field): string {
  const entries = Object.entries(field).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? `'${value}'` : value}`,
  )
  return `      { ${entries.join(', ')} },\n`
}

/** The text of `<name>.layout.ts`. */
export function layoutSource(name: string, schema: Schema): string {
  const layout = layoutOf(schema)
  const lists = (record: Readonly<Record<string, readonly string[]>>): string =>
    Object.entries(record)
      .map(([key, names]) => `    ${key}: [${quoted(names)}],\n`)
      .join('')
  const tables = Object.entries(layout.tables).map(([key, fields]) =>
    fields.length === 0 ? `    ${key}: [],\n` : `    ${key}: [\n${fields.map(fieldSource).join('')}    ],\n`,
  )
  return [
    `// Generated by \`pnpm codegen\` from schemas/${name}.fbs. Do not edit.\nimport type { Layout } from '../codec/layout.ts'\n`,
    ...schema.enums
      .filter(({ isUnion }) => !isUnion)
      .map(
        (e) =>
          `${docLines(e.documentation, '')}export type ${e.name} = ${layout.enums[e.name]!.map((n) => `'${n}'`).join(' | ')}\n`,
      ),
    ...schema.tables.map((table) => interfaceSource(layout, table)),
    ...Object.entries(layout.unions).map(
      ([key, members]) => `export type ${key} =\n${members.map((m) => `  | ({ type: '${m}' } & ${m})\n`).join('')}`,
    ),
    `export const ${name}Layout = {\n  identifier: '${layout.identifier}',\n  root: '${layout.root}',\n` +
      `  enums: {\n${lists(layout.enums)}  },\n  unions: {\n${lists(layout.unions)}  },\n  tables: {\n${tables.join('')}  },\n` +
      '} as const satisfies Layout\n',
  ].join('\n')
}
