/**
 * The bitECS column door: the one place where rows leave columns and enter them. Both ends of the
 * pipeline stand here, `outgoing.ts` with collect and write, `incoming.ts` with check, read and apply.
 *
 * Invariant: what `collectRow` gives, `checkRow` accepts, and after `applyRow` gives again, bit for bit.
 */

import { BitReader, BitWriter } from '@baton/core/bytes'
import type { ComponentSchema, ComponentValueRow, ResolveEid, ResolveNetworkId } from '../schema/component-schema.ts'
import { bitsFor } from './quantize.ts'

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
 * All values of a component in bytes, strings and bytes included (RV rules): for a spawn, an added
 * component or a reliable change.
 *
 * @returns new bytes, the caller's to keep; undefined when a value cannot travel, see `explainRow`
 */
export function writeValue(schema: ComponentSchema, eid: number, resolve: ResolveNetworkId): Uint8Array | undefined {
  const lanes = new Int32Array(schema.laneCount)
  if (!schema.door.collect(eid, lanes, 0, resolve)) return undefined
  const plain: (Uint8Array | undefined)[] = []
  let bits = schema.rowBits
  for (let index = 0; index < schema.fields.length; index++) {
    const field = schema.fields[index]!
    if (field.group !== undefined) {
      plain.push(undefined)
      continue
    }
    const bytes = plainBytes(schema.door.columns[index]![eid as never])
    if (bytes === undefined || bytes.length > field.maxBytes) return undefined
    plain.push(bytes)
    bits += bitsFor(field.maxBytes) + bytes.length * 8
  }

  const writer = new BitWriter(new Uint8Array((bits + 7) >>> 3))
  for (let index = 0; index < schema.fields.length; index++) {
    const { group, ...field } = schema.fields[index]!
    if (group === undefined) {
      const bytes = plain[index]!
      writer.write(bytes.length, bitsFor((field as { maxBytes: number }).maxBytes))
      writer.writeBytes(bytes)
      continue
    }
    for (let lane = 0; lane < group.count; lane++) {
      writer.write(lanes[group.offset + lane]!, group.kind === 'rotation' && lane === 0 ? 2 : group.bits)
    }
  }
  return writer.finish()
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
      lanes[group.offset + lane] = reader.read(group.kind === 'rotation' && lane === 0 ? 2 : group.bits)
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

/** What a string or bytes row sends; undefined for anything else a game left in the array. */
export function plainBytes(value: unknown): Uint8Array | undefined {
  if (typeof value === 'string') return encoder.encode(value)
  return value instanceof Uint8Array ? value : undefined
}

/** The rest of the last byte, all zero, and nothing after it: one value has one form. */
function isPadding(reader: BitReader): boolean {
  const rest = reader.remainingBits
  return rest === 0 || (rest < 8 && reader.read(rest) === 0)
}
