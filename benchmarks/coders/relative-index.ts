/**
 * How far the next changed body is from the one before, in Fiedler's classes: +1, then ranges of 5, 8, 16,
 * 32 and 64, each after one more zero bit, then the number itself.
 *
 * Invariant: distances from 1 up; both directions use one table.
 */
import type { BitReader, BitWriter } from '@baton/core/bytes'

/** First distance of a class and the bits it is written in. */
const CLASSES = [
  { from: 1, bits: 0 },
  { from: 2, bits: 3 },
  { from: 7, bits: 3 },
  { from: 15, bits: 4 },
  { from: 31, bits: 5 },
  { from: 63, bits: 6 },
] as const
const BEYOND = 127

function limitOf(index: number): number {
  return CLASSES[index + 1]?.from ?? BEYOND
}

export function relativeIndexBits(distance: number, indexBits: number): number {
  for (let index = 0; index < CLASSES.length; index += 1) {
    if (distance < limitOf(index)) return index + 1 + CLASSES[index]!.bits
  }
  return CLASSES.length + indexBits
}

export function writeRelativeIndex(writer: BitWriter, distance: number, indexBits: number): void {
  for (let index = 0; index < CLASSES.length; index += 1) {
    const { from, bits } = CLASSES[index]!
    const fits = distance < limitOf(index)
    writer.write(fits ? 1 : 0, 1)
    if (!fits) continue
    if (bits > 0) writer.write(distance - from, bits)
    return
  }
  writer.write(distance, indexBits)
}

export function readRelativeIndex(reader: BitReader, indexBits: number): number {
  for (const { from, bits } of CLASSES) {
    if (reader.read(1) === 1) return bits === 0 ? from : from + reader.read(bits)
  }
  return reader.read(indexBits)
}
