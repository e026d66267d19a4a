/**
 * Plain objects to bytes, with the FlatBuffers builder. The only file that imports the library.
 *
 * Invariant: whatever this writes, the verifier passes. A value that the far end would refuse is the
 * caller's mistake and throws here, where it can still be found.
 */
import { Builder } from 'flatbuffers'
import { SCALARS, scalarOf, type Field, type Layout } from './layout.ts'
import { DEFAULT_LIMITS, type Limits } from './verify.ts'

type Plain = Readonly<Record<string, unknown>>

/**
 * Encodes one message of `layout`.
 *
 * @param message shaped as the generated interface of the layout's root; borrowed, not kept
 * @returns the caller's own array, sized exactly
 * @throws RangeError when a value does not fit its field, a required one is missing, or the message
 *   would be larger than `limits.maxBytes`
 */
export function encodeMessage(
  layout: Layout,
  message: object,
  limits: Limits = DEFAULT_LIMITS,
): Uint8Array<ArrayBuffer> {
  // A builder for each message: a shared one would be state between callers, and break when a getter encodes.
  const builder = new Builder(256)
  builder.finish(writeTable(builder, layout, layout.root, message as Plain), layout.identifier)
  const bytes = builder.asUint8Array().slice()
  if (bytes.length > limits.maxBytes) {
    throw new RangeError(`encode: a message of ${bytes.length} bytes, over ${limits.maxBytes}; send it in pieces`)
  }
  return bytes
}

function mistake(path: string, value: unknown, expected: string): never {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
  throw new RangeError(`encode: ${path} is ${shown}; give ${expected}`)
}

function writeTable(builder: Builder, layout: Layout, name: string, table: Plain): number {
  const fields = layout.tables[name]!
  // What lives behind an offset must be written before the table that points to it.
  const written = fields.map((field) => {
    const path = `${name}.${field.name}`
    const value = table[field.name]
    const scalar = scalarOf(layout, field)
    return scalar ? scalarNumber(layout, field, scalar, value, path) : writeBehind(builder, layout, field, value, path)
  })
  const last = fields[fields.length - 1]
  builder.startObject(last ? last.slot + (last.kind === 'union' ? 2 : 1) : 0)
  fields.forEach((field, i) => {
    const value = written[i]!
    const scalar = scalarOf(layout, field)
    if (field.kind === 'union' && value !== 0) {
      const type = (table[field.name] as { type: string }).type
      builder.addFieldInt8(field.slot, layout.unions[field.ref!]!.indexOf(type) + 1, 0)
      builder.addFieldOffset(field.slot + 1, value, 0)
    } else if (!scalar) builder.addFieldOffset(field.slot, value, 0)
    else if (scalar[0] === 1) builder.addFieldInt8(field.slot, value, field.default ?? 0)
    else if (scalar[0] === 2) builder.addFieldInt16(field.slot, value, field.default ?? 0)
    else if (scalar[0] === 4) builder.addFieldInt32(field.slot, value, field.default ?? 0)
    else builder.addFieldFloat64(field.slot, value, field.default ?? 0)
  })
  return builder.endObject()
}

function scalarNumber(layout: Layout, field: Field, scalar: readonly number[], value: unknown, path: string): number {
  const { kind } = field
  if (kind === 'enum') {
    const names = layout.enums[field.ref!]!
    const index = names.indexOf(value as string)
    return index >= 0 ? index : mistake(path, value, `one of ${names.join(', ')}`)
  }
  if (kind === 'bool') return typeof value === 'boolean' ? Number(value) : mistake(path, value, 'a boolean')
  const [, least, greatest] = scalar as [number, number, number]
  if (typeof value === 'number' && value >= least && value <= greatest && (kind === 'f64' || Number.isInteger(value))) {
    return value
  }
  return mistake(path, value, kind === 'f64' ? 'a finite number' : `an integer from ${least} to ${greatest}`)
}

/** Offset of what was written, 0 for what is left out. */
function writeBehind(builder: Builder, layout: Layout, field: Field, value: unknown, path: string): number {
  if (value === undefined) return field.required ? mistake(path, value, 'a value, it is required') : 0
  if (field.kind === 'string') return writeString(builder, value, path)
  if (field.kind === 'vector') return writeVector(builder, layout, field, value as ArrayLike<unknown>, path)
  if (typeof value !== 'object' || value === null) return mistake(path, value, 'an object')
  if (field.kind === 'table') return writeTable(builder, layout, field.ref!, value as Plain)
  const { type } = value as { type: string }
  const members = layout.unions[field.ref!]!
  return members.includes(type)
    ? writeTable(builder, layout, type, value as Plain)
    : mistake(`${path}.type`, type, `one of ${members.join(', ')}`)
}

function writeString(builder: Builder, value: unknown, path: string): number {
  return typeof value === 'string' ? builder.createString(value) : mistake(path, value, 'a string')
}

function writeVector(builder: Builder, layout: Layout, field: Field, value: ArrayLike<unknown>, path: string): number {
  const { of, ref } = field
  if (value.length === 0 && !field.required) return 0
  if (of === 'u8') {
    return value instanceof Uint8Array ? builder.createByteVector(value) : mistake(path, value, 'a Uint8Array')
  }
  const scalar = SCALARS[of as 'u16' | 'u32']
  const elements = Array.from(value, (element, i) => {
    const at = `${path}[${i}]`
    if (of === 'string') return writeString(builder, element, at)
    if (of === 'table') return writeTable(builder, layout, ref!, element as Plain)
    return scalarNumber(layout, { ...field, kind: of as 'u16' | 'u32' }, scalar, element, at)
  })
  const size = of === 'u16' ? 2 : 4
  builder.startVector(size, elements.length, size)
  for (const element of elements.reverse()) {
    if (of === 'u16') builder.addInt16(element)
    else if (of === 'u32') builder.addInt32(element)
    else builder.addOffset(element)
  }
  return builder.endVector()
}
