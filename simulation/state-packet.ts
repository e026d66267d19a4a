/**
 * The little of a state packet, and of a beat, that a bystander needs, read by docs/wire-format.md (PK3, PK4, HB1).
 *
 * Invariant: an independent reading; replication's own reader is under test.
 */
import { BitReader } from '@baton/core'

export interface StateGlance {
  term: number
  slot: number
  tick: number
  /** It shows something, and does not only ack. */
  hasRows: boolean
}

const reader = new BitReader()

/** @returns false for what is no state packet */
export function glance(data: Uint8Array, out: StateGlance): boolean {
  if (data.length < 8 || data[0]! >> 4 !== 1) return false
  reader.reset(data)
  reader.read(8)
  reader.read(16)
  out.slot = reader.read(12)
  out.term = reader.read((reader.read(2) + 1) * 8)
  reader.read(16)
  out.tick = reader.read(32)
  reader.read(2)
  if (reader.readBool()) {
    reader.read(16)
    if (!reader.readBool()) reader.read(32)
  }
  out.hasRows = reader.readBool()
  return !reader.failed
}

/** @returns `undefined` for what is no beat of a host */
export function beatTerm(data: Uint8Array): number | undefined {
  if (data.length !== 16 || data[0] !== 2) return undefined
  return new DataView(data.buffer, data.byteOffset).getUint32(3, true)
}
