/**
 * Verified bytes to plain objects.
 *
 * Invariant: takes only what the verifier has passed, so nothing here checks anything. The result shares
 * no memory with the message.
 */
import { fieldOffset, readScalar, scalarOf, type Decoded, type Field, type Layout } from './layout.ts'
import { DEFAULT_LIMITS, VerifiedMessage, type Limits } from './verify.ts'

type Plain = Record<string, unknown>

// A leading U+FEFF belongs to the text, hence `ignoreBOM`.
const utf8 = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true })

/** The message as plain objects, shaped by its layout. */
export function readMessage({ layout, view }: VerifiedMessage): Plain {
  return readTable(layout, view, layout.root, view.getUint32(0, true))
}

/** Verifies and reads in one step; this is what the entries use. Never throws. */
export function decodeMessage<T>(layout: Layout, bytes: Uint8Array, limits: Limits = DEFAULT_LIMITS): Decoded<T> {
  const checked = VerifiedMessage.verify(layout, bytes, limits)
  return checked.ok ? { ok: true, value: readMessage(checked.message) as T } : { ok: false, reason: checked.reason }
}

function readTable(layout: Layout, view: DataView, name: string, at: number, into: Plain = {}): Plain {
  const vtable = at - view.getInt32(at, true)
  for (const field of layout.tables[name]!) {
    const offset = fieldOffset(view, vtable, field.slot)
    const value = readField(layout, view, field, offset && at + offset, at, vtable)
    if (value !== undefined) into[field.name] = value
  }
  return into
}

function readField(
  layout: Layout,
  view: DataView,
  field: Field,
  position: number,
  at: number,
  vtable: number,
): unknown {
  const { kind, ref } = field
  if (scalarOf(layout, field)) {
    // Adding 0 takes the sign from a negative zero, which the writer would not keep either.
    const value = position === 0 ? (field.default ?? 0) : readScalar(view, kind, position) + 0
    return kind === 'bool' ? value === 1 : kind === 'enum' ? layout.enums[ref!]![value] : value
  }
  if (position === 0) return kind === 'vector' ? (field.of === 'u8' ? new Uint8Array(0) : []) : undefined
  if (kind === 'union') {
    const type = layout.unions[ref!]![view.getUint8(position) - 1]!
    const valueAt = at + fieldOffset(view, vtable, field.slot + 1)
    return readTable(layout, view, type, valueAt + view.getUint32(valueAt, true), { type })
  }
  const target = position + view.getUint32(position, true)
  if (kind === 'string') return readString(view, target)
  if (kind === 'table') return readTable(layout, view, ref!, target)
  return readVector(layout, view, field, target)
}

function readVector(layout: Layout, view: DataView, { of, ref }: Field, at: number): unknown {
  const count = view.getUint32(at, true)
  if (of === 'u8') return bytesAt(view, at + 4, count).slice()
  const elements: unknown[] = []
  for (let i = 0; i < count; i++) {
    const position = at + 4 + i * (of === 'u16' ? 2 : 4)
    const target = position + view.getUint32(position, true)
    elements.push(
      of === 'string'
        ? readString(view, target)
        : of === 'table'
          ? readTable(layout, view, ref!, target)
          : readScalar(view, of!, position),
    )
  }
  return elements
}

function readString(view: DataView, at: number): string {
  return utf8.decode(bytesAt(view, at + 4, view.getUint32(at, true)))
}

function bytesAt(view: DataView, at: number, count: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, count)
}
