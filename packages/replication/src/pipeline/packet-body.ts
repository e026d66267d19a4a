/**
 * The first sections of a packet, as they are kept to begin packets to other far ends with.
 *
 * Invariant: rows can go on after a body as after the packet it was taken from: what those before them decide
 * is kept with it.
 */
import type { BitWriter } from '@baton/core/bytes'
import { MAX_PACKET_BYTES } from './packet.ts'

/** Rows from `rowStart` to before `rowEnd`, in `bits` bits from `firstBit` on. */
export interface Body {
  /** Of `MAX_PACKET_BYTES`. */
  readonly bytes: Uint8Array
  rowStart: number
  rowEnd: number
  firstBit: number
  bits: number
  laneCount: number
  usualAge: number
  usualSpacing: number
  /** Which components were opened, how they are predicted, and what widths are expected behind it. */
  readonly model: Int32Array
}

export function createBody(modelLength: number): Body {
  const counts = { rowStart: 0, rowEnd: 0, firstBit: 0, bits: 0, laneCount: 0, usualAge: 0, usualSpacing: 0 }
  return { bytes: new Uint8Array(MAX_PACKET_BYTES), model: new Int32Array(modelLength), ...counts }
}

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
