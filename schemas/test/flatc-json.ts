/**
 * Messages as flatc's own JSON has them, so that its readings and ours can be laid side by side.
 *
 * Invariant: knows flatc's spelling (snake case, enum names as in the schema, unions as two keys), no bytes.
 */
import type { Field, Layout } from '../codec/layout.ts'
import type { Plain } from './arbitraries.ts'

/** The compiler's options for reading bytes; the schema and `--` and the files follow. */
export const TO_JSON = ['--json', '--strict-json', '--defaults-json', '--raw-binary']

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const pascalCase = (name: string): string =>
  name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** What flatc prints for `message`, parsed. */
export function flatcJsonOf(layout: Layout, message: Plain): Plain {
  return tableJson(layout, layout.root, message)
}

function tableJson(layout: Layout, name: string, table: Plain): Plain {
  const json: Plain = {}
  for (const field of layout.tables[name]!) {
    const value = table[field.name]
    const key = snakeCase(field.name)
    if (field.kind === 'union') json[`${key}_type`] = (value as { type: string }).type
    // It leaves out an empty vector exactly when the bytes do.
    if (value === undefined || (field.kind === 'vector' && !field.required && (value as unknown[]).length === 0))
      continue
    json[key] = valueJson(layout, field, value)
  }
  return json
}

function valueJson(layout: Layout, field: Field, value: unknown): unknown {
  const { kind, of, ref } = field
  if (kind === 'enum') return pascalCase(value as string)
  if (kind === 'table') return tableJson(layout, ref!, value as Plain)
  if (kind === 'union') return tableJson(layout, (value as { type: string }).type, value as Plain)
  if (kind !== 'vector') return value
  const elements = Array.from(value as ArrayLike<unknown>)
  return of === 'table' ? elements.map((element) => tableJson(layout, ref!, element as Plain)) : elements
}
