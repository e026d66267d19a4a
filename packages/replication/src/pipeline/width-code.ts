/**
 * The number of bits a group's differences take, written relative to what the groups before it in the
 * packet took: things that move alike need alike many.
 *
 * Invariant: the expectation follows widths alone, so reader and writer keep the same one (DL3).
 */
import type { BitReader, BitWriter } from '@baton/core/bytes'

/** An expectation is kept in sixteenths of a bit. */
const FRACTION_BITS = 4
const ONE_HALF = 8
/** How fast the expectation follows: a quarter of the way per group. */
const FOLLOW_SHIFT = 2
/** Longest run of ones that a code can need: a folded distance between 0 and 32. */
const MAX_ONES = 64

export function expectationOf(width: number): number {
  return width << FRACTION_BITS
}

/** The width that an expectation stands for. */
export function expectedWidth(expectation: number): number {
  return (expectation + ONE_HALF) >> FRACTION_BITS
}

export function followWidth(expectation: number, width: number): number {
  return expectation + (((width << FRACTION_BITS) - expectation) >> FOLLOW_SHIFT)
}

/**
 * Writes `width` as its folded distance from the expected one: ones, then a zero. For a group of
 * several lanes each one stands for two, and the odd bit follows: such widths spread more.
 */
export function writeWidth(writer: BitWriter, width: number, expected: number, several: boolean): void {
  const distance = width - expected
  const folded = (distance << 1) ^ (distance >> 31)
  if (several) {
    writeOnes(writer, folded >> 1)
    writer.write(folded & 1, 1)
  } else {
    writeOnes(writer, folded)
  }
}

/** @returns the width, or -1 when it is none that `bits` allows */
export function readWidth(reader: BitReader, expected: number, bits: number, several: boolean): number {
  let folded = reader.readOnes(MAX_ONES)
  if (folded < 0) return -1
  if (several) folded = (folded << 1) | reader.read(1)
  const width = expected + ((folded >> 1) ^ -(folded & 1))
  return width >= 0 && width <= bits ? width : -1
}

/** `count` ones and a zero. */
export function writeOnes(writer: BitWriter, count: number): void {
  let left = count
  for (; left > 31; left -= 31) writer.write(0x7fffffff, 31)
  writer.write((1 << left) - 1, left + 1)
}
