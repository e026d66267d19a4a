/**
 * The bitECS column door: the one place where rows leave columns and enter them. Both ends of the
 * pipeline stand here, `outgoing.ts` with collect and write, `incoming.ts` with check, read and apply.
 *
 * Invariant: what `collectRow` gives, `checkRow` accepts, and after `applyRow` gives again, bit for bit.
 */

import { invariant } from '@baton/core'
import { BitReader, BitWriter } from '@baton/core/bytes'
import type {
  BytesField,
  ComponentSchema,
  ComponentValueRow,
  ResolveEid,
  ResolveNetworkId,
  StringField,
} from '../schema/component-schema.ts'
import { bitsFor, laneBits } from '../schema/lane-layout.ts'

/**
 * Columns to lanes, `laneCount` of them from `out[offset]` on. Allocates nothing.
 *
 * @param resolve needed where the schema has entity fields; the lanes then hold network ids
 * @returns false, with `out` untouched, when a value cannot travel (not finite, no rotation, out of the
 *   field's range of integers, eid over the capacity); `explainRow` says which
 */
export function collectRow(
  schema: ComponentSchema,
  eid: number,
  out: Int32Array,
  offset: number,
  resolve?: ResolveNetworkId,
): boolean {
  return schema.door.collect(eid, out, offset, resolve)
}

/**
 * Lanes to columns. The lanes must be collected ones or have passed `checkRow`.
 * @returns false, with nothing written, when the eid is over the capacity of the columns
 */
export function applyRow(
  schema: ComponentSchema,
  eid: number,
  lanes: Int32Array,
  offset: number,
  resolve?: ResolveEid,
): boolean {
  return schema.door.apply(eid, lanes, offset, resolve)
}

/** Whether lanes that came from a stranger are such as `collectRow` can give. Allocates nothing. */
export function checkRow(schema: ComponentSchema, lanes: Int32Array, offset: number): boolean {
  return schema.door.check(lanes, offset)
}

/**
 * All values of a component out of its columns, exact to the lane, strings and bytes included.
 *
 * @returns a new row (byte arrays are copies); undefined when a value cannot travel, see `explainRow`
 */
export function collectValue(
  schema: ComponentSchema,
  eid: number,
  resolve: ResolveNetworkId,
): ComponentValueRow | undefined {
  const lanes = new Int32Array(schema.laneCount)
  if (!schema.door.collect(eid, lanes, 0, resolve)) return undefined
  const plain: (string | Uint8Array | undefined)[] = []
  for (let index = 0; index < schema.fields.length; index++) {
    const field = schema.fields[index]!
    if (field.group !== undefined) {
      plain.push(undefined)
      continue
    }
    const value: unknown = (schema.door.columns[index] as unknown[])[eid]
    if (!isPlainValue(field, value)) return undefined
    plain.push(typeof value === 'string' ? value : value.slice())
  }
  return { lanes, plain }
}

/**
 * A row's bytes (RV rules): for a spawn, an added component or a reliable change.
 *
 * @param row lanes that were collected or checked; strings and bytes within their limits. A missing
 *   string or bytes is written as an empty one
 * @returns new bytes, the caller's to keep
 */
export function encodeValue(schema: ComponentSchema, row: ComponentValueRow): Uint8Array {
  let bits = schema.rowBits
  const plain = schema.fields.map((field, index) => {
    if (field.group !== undefined) return NO_BYTES
    const value = row.plain[index] ?? NO_BYTES
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    bits += bitsFor(field.maxBytes) + bytes.length * 8
    return bytes
  })
  const writer = new BitWriter(new Uint8Array((bits + 7) >>> 3))
  for (let index = 0; index < schema.fields.length; index++) {
    const field = schema.fields[index]!
    const { group } = field
    if (group === undefined) {
      const bytes = plain[index]!
      invariant(
        bytes.length <= field.maxBytes,
        `encodeValue: ${schema.name}.${field.name} has ${bytes.length} bytes, over ${field.maxBytes}; collect it first`,
      )
      writer.write(bytes.length, bitsFor(field.maxBytes))
      writer.writeBytes(bytes)
      continue
    }
    for (let lane = 0; lane < group.count; lane++) {
      writer.write(row.lanes[group.offset + lane]!, laneBits(group, lane))
    }
  }
  return writer.finish()
}

/** `collectValue` and `encodeValue` in one: columns to bytes, or undefined when a value cannot travel. */
export function writeValue(schema: ComponentSchema, eid: number, resolve: ResolveNetworkId): Uint8Array | undefined {
  const row = collectValue(schema, eid, resolve)
  return row === undefined ? undefined : encodeValue(schema, row)
}

/**
 * Bytes of a stranger to checked values. Never throws; allocates no more than the schema's own limits.
 *
 * @returns undefined when the bytes are too short, too long, or hold anything `writeValue` cannot write
 */
export function readValue(schema: ComponentSchema, bytes: Uint8Array): ComponentValueRow | undefined {
  const reader = new BitReader(bytes)
  const lanes = new Int32Array(schema.laneCount)
  const plain: (string | Uint8Array | undefined)[] = []
  for (const field of schema.fields) {
    const { group } = field
    if (group === undefined) {
      const length = reader.read(bitsFor(field.maxBytes))
      if (length > field.maxBytes) return undefined
      const content = reader.readBytes(length)
      const value = field.kind === 'string' ? decodeText(content) : content
      if (reader.failed || value === undefined) return undefined
      plain.push(value)
      continue
    }
    for (let lane = 0; lane < group.count; lane++) {
      lanes[group.offset + lane] = reader.read(laneBits(group, lane))
    }
    plain.push(undefined)
  }
  if (reader.failed || !isPadding(reader) || !schema.door.check(lanes, 0)) return undefined
  return { lanes, plain }
}

/**
 * Checked values into columns.
 * @returns false, with nothing written, when the eid is over the capacity of the columns
 */
export function applyValue(
  schema: ComponentSchema,
  eid: number,
  row: ComponentValueRow,
  resolveEid: ResolveEid,
): boolean {
  if (!schema.door.apply(eid, row.lanes, 0, resolveEid)) return false
  for (let index = 0; index < row.plain.length; index++) {
    const value = row.plain[index]
    if (value !== undefined) (schema.door.columns[index] as (string | Uint8Array)[])[eid] = value
  }
  return true
}

const NO_BYTES = new Uint8Array(0)
// No state is kept between calls: without `stream` both are pure functions of their input.
const encoder = new TextEncoder()
// A byte order mark is part of the text here, not a hint to drop.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeText(content: Uint8Array): string | undefined {
  try {
    return decoder.decode(content)
  } catch {
    return undefined
  }
}

/** Whether a string or bytes row holds what its field can send; a game may have left anything there. */
export function isPlainValue(field: StringField | BytesField, value: unknown): value is string | Uint8Array {
  if (field.kind === 'bytes') return value instanceof Uint8Array && value.length <= field.maxBytes
  // A unit of UTF-16 takes at most 3 bytes, so most strings need not be encoded to be measured.
  if (typeof value !== 'string' || value.length > field.maxBytes) return false
  return value.length * 3 <= field.maxBytes || encoder.encode(value).length <= field.maxBytes
}

/** The rest of the last byte, all zero, and nothing after it: one value has one form. */
function isPadding(reader: BitReader): boolean {
  const rest = reader.remainingBits
  return rest === 0 || (rest < 8 && reader.read(rest) === 0)
}
