/**
 * The verifier that stands before every read; the FlatBuffers runtime for JavaScript has none.
 *
 * Invariant: a `VerifiedMessage` can only be made here, and reading one needs no further check. The
 * work and the memory a message can cause are bounded by its own length, whatever it claims about itself.
 */
import { fieldOffset, readScalar, scalarOf, type Field, type Layout } from './layout.ts'

export interface Limits {
  /** Whole message. 16 KiB is the size every WebRTC stack passes in one piece. */
  readonly maxBytes: number
  /** Tables inside tables, the root counted. */
  readonly maxDepth: number
  readonly maxTables: number
}

export const DEFAULT_LIMITS: Limits = { maxBytes: 16_384, maxDepth: 8, maxTables: 4_096 }

/** `workUnits`: fields looked at plus bytes walked over, the same on every machine. */
export type Verification =
  | { ok: true; message: VerifiedMessage; workUnits: number }
  | { ok: false; reason: string; workUnits: number }

interface Walk {
  readonly layout: Layout
  readonly limits: Limits
  readonly view: DataView
  tableCount: number
  /** Bytes that tables, vectors and strings have taken for themselves so far. */
  claimedBytes: number
  workUnits: number
  reason: string
}

interface Table {
  readonly name: string
  readonly at: number
  readonly vtable: number
  readonly inlineBytes: number
  readonly depth: number
}

export class VerifiedMessage {
  readonly layout: Layout
  readonly view: DataView

  private constructor(layout: Layout, view: DataView) {
    this.layout = layout
    this.view = view
  }

  /**
   * Checks every offset, size and value that a reader of `layout` would touch.
   *
   * @param bytes borrowed for as long as the result is read; must not change in between
   * @returns the checked message, or the first reason against it; never throws
   * @see docs/wire-format.md, rules SC1 to SC12
   */
  static verify(layout: Layout, bytes: Uint8Array, limits: Limits = DEFAULT_LIMITS): Verification {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const walk: Walk = { layout, limits, view, tableCount: 0, claimedBytes: 0, workUnits: 0, reason: '' }
    const passed = checkMessage(walk)
    const { workUnits, reason } = walk
    return passed
      ? { ok: true, message: new VerifiedMessage(layout, view), workUnits }
      : { ok: false, reason, workUnits }
  }
}

function refuse(walk: Walk, reason: string): false {
  walk.reason = reason
  return false
}

function checkMessage(walk: Walk): boolean {
  const { view, layout, limits } = walk
  if (view.byteLength > limits.maxBytes) return refuse(walk, `${view.byteLength} bytes, over ${limits.maxBytes}`)
  if (view.byteLength < 12) return refuse(walk, `${view.byteLength} bytes, too short for a message`)
  for (let i = 0; i < 4; i++) {
    if (view.getUint8(4 + i) !== layout.identifier.charCodeAt(i))
      return refuse(walk, `not a ${layout.identifier} message`)
  }
  const root = follow(walk, 0)
  return root > 0 && checkTable(walk, layout.root, root, 1)
}

/** Target of the offset stored at `at`, or 0: it must lie further on, inside and aligned. */
function follow(walk: Walk, at: number): number {
  const offset = walk.view.getUint32(at, true)
  const target = at + offset
  if (offset >= 4 && target % 4 === 0 && target + 4 <= walk.view.byteLength) return target
  refuse(walk, `the offset at ${at} leads to ${target} of ${walk.view.byteLength}`)
  return 0
}

/**
 * Counts bytes as belonging to one part of the message. Parts of an honest message do not overlap, so
 * their sum never exceeds it; a hostile one that shares parts to multiply work runs out here.
 */
function claim(walk: Walk, sizeBytes: number): boolean {
  walk.claimedBytes += sizeBytes
  walk.workUnits += sizeBytes
  return walk.claimedBytes <= walk.view.byteLength || refuse(walk, 'parts of the message overlap')
}

function checkTable(walk: Walk, name: string, at: number, depth: number): boolean {
  const { view, limits } = walk
  if (depth > limits.maxDepth) return refuse(walk, `deeper than ${limits.maxDepth} tables`)
  if (++walk.tableCount > limits.maxTables) return refuse(walk, `more than ${limits.maxTables} tables`)
  const vtable = at - view.getInt32(at, true)
  if (vtable < 0 || vtable + 4 > view.byteLength || vtable % 2 !== 0)
    return refuse(walk, `${name}: vtable at ${vtable}`)
  const vtableBytes = view.getUint16(vtable, true)
  if (vtableBytes < 4 || vtableBytes % 2 !== 0 || vtable + vtableBytes > view.byteLength) {
    return refuse(walk, `${name}: vtable of ${vtableBytes} bytes`)
  }
  const inlineBytes = view.getUint16(vtable + 2, true)
  if (inlineBytes < 4 || at + inlineBytes > view.byteLength)
    return refuse(walk, `${name}: table of ${inlineBytes} bytes`)
  if (!claim(walk, inlineBytes)) return false
  const table: Table = { name, at, vtable, inlineBytes, depth }
  for (const field of walk.layout.tables[name]!) {
    walk.workUnits++
    if (!checkField(walk, table, field)) return false
  }
  return true
}

/** Position of a value of `size` bytes; 0 when absent, -1 (and refused) when it does not lie well in its table. */
function place(walk: Walk, table: Table, slot: number, size: number): number {
  const { at, inlineBytes } = table
  const offset = fieldOffset(walk.view, table.vtable, slot)
  if (offset === 0) return 0
  if (offset >= 4 && offset + size <= inlineBytes && (at + offset) % size === 0) return at + offset
  refuse(walk, `${table.name}: slot ${slot} at ${offset} of ${inlineBytes} bytes`)
  return -1
}

function checkField(walk: Walk, table: Table, field: Field): boolean {
  const { layout, view } = walk
  const scalar = scalarOf(layout, field)
  if (scalar) {
    const position = place(walk, table, field.slot, scalar[0])
    if (position <= 0) return position === 0
    const value = readScalar(view, field.kind, position)
    return (value >= scalar[1] && value <= scalar[2]) || refuseField(walk, table, field, `is ${value}`)
  }
  let ref = field.ref!
  let slot = field.slot
  if (field.kind === 'union') {
    const tagAt = place(walk, table, slot++, 1)
    if (tagAt < 0) return false
    const tag = tagAt === 0 ? 0 : view.getUint8(tagAt)
    ref = layout.unions[ref]![tag - 1]!
    if (ref === undefined) return refuseField(walk, table, field, `has tag ${tag}`)
  }
  const position = place(walk, table, slot, 4)
  if (position < 0) return false
  if (position === 0) return !field.required || refuseField(walk, table, field, 'is missing')
  const target = follow(walk, position)
  if (target === 0) return false
  if (field.kind === 'string') return checkString(walk, table, field, target)
  if (field.kind === 'vector') return checkVector(walk, table, field, target)
  return checkTable(walk, ref, target, table.depth + 1)
}

function refuseField(walk: Walk, table: Table, field: Field, complaint: string): false {
  return refuse(walk, `${table.name}.${field.name} ${complaint}`)
}

function checkVector(walk: Walk, table: Table, field: Field, at: number): boolean {
  const { of } = field
  const count = walk.view.getUint32(at, true)
  const elementBytes = of === 'u8' ? 1 : of === 'u16' ? 2 : 4
  const sizeBytes = 4 + count * elementBytes
  if (at + sizeBytes > walk.view.byteLength) return refuseField(walk, table, field, `claims ${count} elements`)
  if (!claim(walk, sizeBytes)) return false
  if (of !== 'table' && of !== 'string') return true
  for (let i = 0; i < count; i++) {
    const target = follow(walk, at + 4 + 4 * i)
    if (target === 0) return false
    const passed =
      of === 'string' ? checkString(walk, table, field, target) : checkTable(walk, field.ref!, target, table.depth + 1)
    if (!passed) return false
  }
  return true
}

function checkString(walk: Walk, table: Table, field: Field, at: number): boolean {
  const { view } = walk
  const count = view.getUint32(at, true)
  const end = at + 4 + count
  if (end >= view.byteLength || view.getUint8(end) !== 0)
    return refuseField(walk, table, field, `claims ${count} bytes of text`)
  if (!claim(walk, 5 + count)) return false
  return isUtf8(view, at + 4, end) || refuseField(walk, table, field, 'is not UTF-8')
}

/** Well-formed UTF-8 as the Unicode Standard's table 3-7 has it: shortest forms only, no surrogates. */
export function isUtf8(view: DataView, from: number, end: number): boolean {
  for (let at = from; at < end;) {
    const lead = view.getUint8(at++)
    if (lead < 0x80) continue
    if (lead < 0xc2 || lead > 0xf4) return false
    let more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
    if (at + more > end) return false
    // The second byte carries the limits: shortest form, surrogates, and the end of Unicode.
    let least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    let greatest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    for (; more > 0; more--, least = 0x80, greatest = 0xbf) {
      const byte = view.getUint8(at++)
      if (byte < least || byte > greatest) return false
    }
  }
  return true
}
