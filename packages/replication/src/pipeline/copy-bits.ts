/**
 * Moves bits that were written before to where they are written again, at whatever place in a byte.
 *
 * Invariant: reads nothing into the result but the bits named.
 */
import type { BitWriter } from '@baton/core/bytes'

/** Writes `count` bits of `source` from bit `first` on. */
export function copyBits(writer: BitWriter, source: Uint8Array, first: number, count: number): void {
  const shift = first & 7
  let at = first >>> 3
  let left = count
  for (; left > 0; left -= 32, at += 4) {
    const low = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24)
    // Bits beyond the source's end are none that are wanted.
    const word = shift === 0 ? low : (low >>> shift) | (source[at + 4]! << (32 - shift))
    writer.write(word, left < 32 ? left : 32)
  }
}
