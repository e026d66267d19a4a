/**
 * What stands before the lanes: of a packet's section (which component, source tick, usual baseline)
 * and of a row (which entity, which baseline).
 *
 * Invariant: reader and writer of each part stand next to each other and agree bit by bit (PK4–PK9).
 */
import type { BitReader, BitWriter } from '@baton/core/bytes'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { writeOnes } from './width-code.ts'

/** A row's baseline may not be this many ticks old or older: sixteen bits of its tick travel (BL4). */
export const MAX_BASELINE_AGE = 65_536 - 64
/** Ticks between the two states that a straight line is drawn through. */
export const MAX_SPACING = 31
/** Bits that a spacing takes. */
export const SPACING_BITS = 5
/** A baseline older than this predicts rest: a straight line over so long says nothing (DL4). */
export const MAX_LINE_TICKS = 32

/** Folded distances from the usual age below this are written as such; farther ages in 16 bits. */
const NEAR_AGES = 255

/** A row without a baseline: its lanes follow whole. */
export const WHOLE_ROW = 0

/** Bits of the row count of a section, by class: most sections are small. */
const COUNT_BITS = [2, 4, 7, 10] as const
export const MAX_SECTION_ROWS = 1_023
export const GAP_ORDER_BITS = 4

/** @returns the class of the row count's field; `MAX_SECTION_ROWS` fits the last */
export function countClass(most: number): number {
  return most <= 3 ? 0 : most <= 15 ? 1 : most <= 127 ? 2 : 3
}

export function countBits(countClass: number): number {
  return COUNT_BITS[countClass]!
}

/** A number of 0 to 2^31 - 1 by its length and its bits below the first one. */
export function writeVariable(writer: BitWriter, value: number): void {
  const length = 32 - Math.clz32(value)
  writer.write(length, 5)
  if (length > 1) writer.write(value, length - 1)
}

export function readVariable(reader: BitReader): number {
  const length = reader.read(5)
  return length > 1 ? (reader.read(length - 1) | (1 << (length - 1))) >>> 0 : length
}

/** The id of a section's first row: slot and counter apart, both are small numbers. */
export function writeFirstId(writer: BitWriter, id: number): void {
  writeVariable(writer, id >>> 20)
  writeVariable(writer, id & 0xfffff)
}

/** @returns an id, or -1 when one half is too large for it */
export function readFirstId(reader: BitReader): number {
  const slot = readVariable(reader)
  const counter = readVariable(reader)
  return slot > 0xfff || counter > 0xfffff ? -1 : slot * 0x100000 + counter
}

/**
 * An exponential Golomb code (Teuhola, 1978): small numbers short, and none too large.
 * @param value 0 to 2^32 - 2
 * @param order 0 to 15: bits of `value` that are written as they are
 */
export function writeGolomb(writer: BitWriter, value: number, order: number): void {
  const high = (value >>> order) + 1
  const length = 31 - Math.clz32(high)
  writeOnes(writer, length)
  if (length > 0) writer.write(high, length)
  if (order > 0) writer.write(value, order)
}

/** @returns the value, or -1 when it is over 2^32 - 1 */
export function readGolomb(reader: BitReader, order: number): number {
  const length = reader.readOnes(31)
  if (length < 0) return -1
  const high = (length > 0 ? reader.read(length) : 0) + ((1 << length) >>> 0) - 1
  const value = high * (1 << order) + (order > 0 ? reader.read(order) : 0)
  return value > 0xffffffff ? -1 : value
}

/** The order that suits distances between ids whose bits number this many on average. */
export function gapOrder(meanBits: number): number {
  return Math.min(15, Math.max(0, Math.round(meanBits - 1)))
}

/** How far a section's source tick lies from the packet's tick, with an escape. */
export function writeSource(writer: BitWriter, source: number, tick: number): void {
  const offset = (source - tick) | 0
  if (offset === 0) {
    writer.write(0, 1)
  } else if (offset >= -32 && offset < 32) {
    writer.write(0b01, 2)
    writer.write(offset, 6)
  } else {
    writer.write(0b11, 2)
    writer.write(source, 32)
  }
}

export function readSource(reader: BitReader, tick: number): number {
  if (reader.read(1) === 0) return tick
  if (reader.read(1) === 1) return reader.read(32)
  return (tick + ((reader.read(6) << 26) >> 26)) >>> 0
}

/** The usual baseline of a section's rows. */
export function writeUsual(writer: BitWriter, age: number, spacing: number): void {
  if (age < 32) writer.write(age << 1, 6)
  else writer.write((age << 1) | 1, 17)
  if (spacing < 3) writer.write(spacing, 2)
  else writer.write((spacing << 2) | 3, 7)
}

export function readUsualAge(reader: BitReader): number {
  return reader.read(1) === 0 ? reader.read(5) : reader.read(16)
}

export function readUsualSpacing(reader: BitReader): number {
  const spacing = reader.read(2)
  return spacing < 3 ? spacing : reader.read(5)
}

/**
 * A row's baseline: 0 the section's usual one; 10 near its age; 110 any age; 111 none.
 * @param age ticks before the packet's tick, `WHOLE_ROW` for none
 */
export function writeBaseline(
  writer: BitWriter,
  age: number,
  spacing: number,
  usualAge: number,
  usualSpacing: number,
): void {
  if (age === WHOLE_ROW) {
    writer.write(0b111, 3)
    return
  }
  if (age === usualAge && spacing === usualSpacing) {
    writer.write(0, 1)
    return
  }
  const distance = age - usualAge
  const folded = (distance << 1) ^ (distance >> 31)
  if (folded < NEAR_AGES) {
    writer.write(0b01, 2)
    writeGolomb(writer, folded, 0)
  } else {
    writer.write(0b011, 3)
    writer.write(age, 16)
  }
  if (spacing === usualSpacing) writer.write(0, 1)
  else writer.write((spacing << 1) | 1, 6)
}

/** What `readBaseline` found. */
export interface BaselineRead {
  /** `WHOLE_ROW`, or 1 to `MAX_BASELINE_AGE - 1`. */
  age: number
  spacing: number
}

/** @returns false when the age is none that a baseline can have */
export function readBaseline(reader: BitReader, usualAge: number, usualSpacing: number, out: BaselineRead): boolean {
  out.age = usualAge
  out.spacing = usualSpacing
  const ones = reader.readOnes(2)
  if (ones < 0) {
    out.age = WHOLE_ROW
    return true
  }
  if (ones === 1) {
    const folded = readGolomb(reader, 0)
    if (folded < 0 || folded >= NEAR_AGES) return false
    out.age = usualAge + ((folded >> 1) ^ -(folded & 1))
  } else if (ones === 2) {
    out.age = reader.read(16)
  }
  if (ones > 0 && reader.read(1) === 1) out.spacing = reader.read(5)
  return out.age > 0 && out.age < MAX_BASELINE_AGE
}

/** Bits of a component's index in the registry. */
export function componentBits(components: number): number {
  return Math.max(1, 32 - Math.clz32(components - 1))
}

/** Bits of the width that a group is expected to have at the start: 0 to the bits of its lanes. */
export function startWidthBits(bits: number): number {
  return 32 - Math.clz32(bits)
}

/** At most this many bits for a section's header without start widths, and for a row's. */
const SECTION_HEADER_BITS = 1 + 16 + 2 + 10 + 34 + 1 + 17 + 7 + 36 + 35 + GAP_ORDER_BITS
export const ROW_HEADER_BITS = 32 + 32 + 15 + 3 + 16 + 6

/** Bits that one row takes at most, with a section of its own. */
export function worstRowBits(schema: ComponentSchema): number {
  let bits = SECTION_HEADER_BITS + ROW_HEADER_BITS
  for (const group of schema.groups) {
    // Line bit, start width, width code (folded distance in ones), index, lanes.
    bits += 1 + startWidthBits(group.bits) + (2 * group.bits + 2) + 3 + group.count * group.bits
  }
  return bits
}
