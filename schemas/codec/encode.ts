/**
 * Plain objects to bytes, with the FlatBuffers builder. The only file that imports the library.
 *
 * Invariant: whatever this writes, the verifier passes. A value that the far end would refuse is the
 * caller's mistake and throws here, where it can still be found.
 */
import { Builder } from 'flatbuffers'
import { SCALARS, scalarOf, type Field, type Layout, type ScalarKind } from './layout.ts'
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

function mistake(table: string, field: Field, value: unknown, expected: string, place = ''): never {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
  throw new RangeError(`encode: ${table}.${field.name}${place} is ${shown}; give ${expected}`)
}

function writeTable(builder: Builder, layout: Layout, name: string, table: Plain): number {
  const fields = layout.tables[name]!
  // What lives behind an offset must be written before the table that points to it.
  const behind = fields.map((field) =>
    scalarOf(layout, field) ? 0 : writeBehind(builder, layout, name, field, table[field.name]),
  )
  const last = fields[fields.length - 1]
  builder.startObject(last ? last.slot + (last.kind === 'union' ? 2 : 1) : 0)
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const value = table[field.name]
    if (scalarOf(layout, field)) addScalar(builder, layout, name, field, value)
    else if (field.kind !== 'union') builder.addFieldOffset(field.slot, behind[i]!, 0)
    else {
      const tag = layout.unions[field.ref!]!.indexOf((value as { type: string }).type) + 1
      builder.addFieldInt8(field.slot, tag, 0)
      builder.addFieldOffset(field.slot + 1, behind[i]!, 0)
    }
  }
  return builder.endObject()
}

function addScalar(builder: Builder, layout: Layout, name: string, field: Field, value: unknown): void {
  // By place: to take an array apart makes an iterator, and this runs for every field of every message.
  const size = scalarOf(layout, field)![0]
  const { slot, default: absent = 0 } = field
  const number = toNumber(layout, name, field, value)
  if (size === 4) builder.addFieldInt32(slot, number, absent)
  else if (size === 2) builder.addFieldInt16(slot, number, absent)
  else if (size === 1) builder.addFieldInt8(slot, number, absent)
  else builder.addFieldFloat64(slot, number, absent)
}

function toNumber(layout: Layout, name: string, field: Field, value: unknown): number {
  const { kind, ref } = field
  if (kind === 'enum') {
    const names = layout.enums[ref!]!
    const index = names.indexOf(value as string)
    return index >= 0 ? index : mistake(name, field, value, `one of ${names.join(', ')}`)
  }
  if (kind === 'bool') return typeof value === 'boolean' ? Number(value) : mistake(name, field, value, 'a boolean')
  return fits(kind as ScalarKind, value) ? value : mistake(name, field, value, wanted(kind as ScalarKind))
}

function fits(kind: ScalarKind, value: unknown): value is number {
  const range = SCALARS[kind]
  const inRange = typeof value === 'number' && value >= range[1] && value <= range[2]
  return inRange && (kind === 'f64' || Number.isInteger(value))
}

function wanted(kind: ScalarKind): string {
  return kind === 'f64' ? 'a finite number' : `an integer from 0 to ${SCALARS[kind][2]}`
}

/** Offset of what was written, 0 for what is left out. */
function writeBehind(builder: Builder, layout: Layout, name: string, field: Field, value: unknown): number {
  const { kind, ref } = field
  if (value === undefined) return field.required ? mistake(name, field, value, 'a value, it is required') : 0
  if (kind === 'string')
    return typeof value === 'string' ? builder.createString(value) : mistake(name, field, value, 'a string')
  if (kind === 'vector') return writeVector(builder, layout, name, field, value)
  if (typeof value !== 'object' || value === null) return mistake(name, field, value, 'an object')
  if (kind === 'table') return writeTable(builder, layout, ref!, value as Plain)
  const { type } = value as { type: string }
  const members = layout.unions[ref!]!
  return members.includes(type)
    ? writeTable(builder, layout, type, value as Plain)
    : mistake(name, field, type, `one of ${members.join(', ')}`, '.type')
}

function writeVector(builder: Builder, layout: Layout, name: string, field: Field, value: unknown): number {
  const { of, ref } = field
  if (of === 'u8' ? !(value instanceof Uint8Array) : !Array.isArray(value)) {
    return mistake(name, field, value, of === 'u8' ? 'a Uint8Array' : 'a list')
  }
  const list = value as readonly unknown[]
  if (list.length === 0 && !field.required) return 0
  if (of === 'u8') return builder.createByteVector(value as Uint8Array)
  const elements = list.map((element, i): number => {
    if (of === 'u16' || of === 'u32') {
      return fits(of, element) ? element : mistake(name, field, element, wanted(of), `[${i}]`)
    }
    if (of === 'string' && typeof element === 'string') return builder.createString(element)
    if (of === 'table' && typeof element === 'object' && element !== null) {
      return writeTable(builder, layout, ref!, element as Plain)
    }
    return mistake(name, field, element, of === 'string' ? 'a string' : 'an object', `[${i}]`)
  })
  const size = of === 'u16' ? 2 : 4
  builder.startVector(size, elements.length, size)
  // The builder writes from the end.
  for (let i = elements.length - 1; i >= 0; i--) {
    if (of === 'u16') builder.addInt16(elements[i]!)
    else if (of === 'u32') builder.addInt32(elements[i]!)
    else builder.addOffset(elements[i]!)
  }
  return builder.endVector()
}
