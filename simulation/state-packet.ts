/**
 * The little of a state packet that a bystander needs, read by docs/wire-format.md (PK3, PK4).
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
