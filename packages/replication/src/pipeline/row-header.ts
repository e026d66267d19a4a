/**
 * What stands before the lanes: of a packet's section (which component, source tick, usual baseline)
 * and of a row (which entity, which baseline).
 *
 * Invariant: reader and writer of each part stand next to each other and agree bit by bit (PK4–PK9).
 */
import type { BitReader, BitWriter } from '@baton/core/bytes'
import { readOnes, writeOnes } from './width-code.ts'

/** A row's baseline may not be this many ticks old or older: sixteen bits of its tick travel (BL4). */
export const MAX_BASELINE_AGE = 65_536 - 64
/** Ticks between the two states that a straight line is drawn through. */
export const MAX_SPACING = 31
/** A baseline older than this predicts rest: a straight line over so long says nothing (DL4). */
export const MAX_LINE_TICKS = 32

/** A row without a baseline: its lanes follow whole. */
export const WHOLE_ROW = 0

/** Bits of the row count of a section, by class: most sections are small. */
const COUNT_BITS = [2, 4, 7, 10] as const
export const MAX_SECTION_ROWS = 1_023
/** Ones that say: the distance to the previous id follows in 32 bits. */
const GAP_ESCAPE = 15
export const GAP_PARAMETER_BITS = 4

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

/** The distance to the previous id of the section, 1 or more, as a Rice code with a parameter of 0 to 15. */
export function writeGap(writer: BitWriter, gap: number, parameter: number): void {
  const value = gap - 1
  const ones = Math.floor(value / 2 ** parameter)
  if (ones >= GAP_ESCAPE) {
    writer.write(2 ** GAP_ESCAPE - 1, GAP_ESCAPE)
    writer.write(value, 32)
    return
  }
  writeOnes(writer, ones)
  if (parameter > 0) writer.write(value, parameter)
}

export function readGap(reader: BitReader, parameter: number): number {
  const ones = readOnes(reader, GAP_ESCAPE - 1)
  if (ones < 0) return reader.read(32) + 1
  return ones * 2 ** parameter + (parameter > 0 ? reader.read(parameter) : 0) + 1
}

/** The Rice parameter for ids that are this far apart on average. */
export function gapParameter(mean: number): number {
  return mean < 2 ? 0 : Math.min(15, Math.floor(Math.log2(mean * 0.7)))
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
  const folded = ((distance << 1) ^ (distance >> 31)) + 1
  const length = 32 - Math.clz32(folded)
  if (length <= 8) {
    writer.write(0b01, 2)
    writeOnes(writer, length - 1)
    if (length > 1) writer.write(folded, length - 1)
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
  if (reader.read(1) === 1) {
    if (reader.read(1) === 0) {
      const bits = readOnes(reader, 7)
      if (bits < 0) return false
      const folded = ((bits > 0 ? reader.read(bits) : 0) | (1 << bits)) - 1
      out.age = usualAge + ((folded >> 1) ^ -(folded & 1))
    } else if (reader.read(1) === 0) {
      out.age = reader.read(16)
    } else {
      out.age = WHOLE_ROW
      return true
    }
    if (reader.read(1) === 1) out.spacing = reader.read(5)
  }
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
export const SECTION_HEADER_BITS = 1 + 16 + 2 + 10 + 34 + 1 + 17 + 7 + 36 + 35 + GAP_PARAMETER_BITS
export const ROW_HEADER_BITS = GAP_ESCAPE + 32 + 3 + 16 + 6
