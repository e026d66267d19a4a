/**
 * Which RTCDataChannel carries what. Both ends create the same ids, so nothing is announced in-band.
 *
 * Invariant: an id means the same on every peer of this protocol version (docs/wire-format.md, WT1).
 */
import { CHANNEL } from '@baton/core'

/** simple-peer's own channel, and with it the link's lifetime: this package's own frames, never a game's bytes. */
export const LINK_STREAM_ID = 0

/** Id 1 stays free: simple-peer takes it wherever its own channel is not negotiated. */
export const FIXED_STREAMS = [
  { channel: CHANNEL.control, id: 9, reliable: true, label: 'control' },
  { channel: CHANNEL.state, id: 10, reliable: false, label: 'state' },
  { channel: CHANNEL.bulk, id: 11, reliable: true, label: 'bulk' },
] as const

/** A numbered channel travels on the data channel of its own number; 255 is below every browser's first limit (256). */
export function isNumberedChannel(channel: number): boolean {
  return Number.isInteger(channel) && channel >= CHANNEL.firstUser && channel <= CHANNEL.lastUser
}
