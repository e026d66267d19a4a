/**
 * The header of a state packet: who speaks, in whose reign, at which tick, and what it has heard.
 *
 * Invariant: `readHeader` checks form only. Whether session, term and sender are the right ones is
 * for the caller to decide, before anything else of the packet is used (PK3).
 */
import { MAX_DATAGRAM_BYTES } from '@baton/core'
import { BitReader, type BitWriter } from '@baton/core/bytes'

/** A packet never exceeds one datagram. */
export const MAX_PACKET_BYTES = MAX_DATAGRAM_BYTES
/** High nibble of the first byte: a state packet. Low nibble: the version of this format. */
export const STATE_KIND = 1
export const STATE_VERSION = 1
/** Rows and lanes in one packet; bounds on what a reader must hold (PK11). */
export const MAX_PACKET_ROWS = 2_048
export const MAX_PACKET_LANES = 16_384
/** Bits a header takes at most, the bit that ends the sections included. */
export const HEADER_BITS = 8 + 16 + 12 + 2 + 32 + 16 + 32 + 2 + 1 + 16 + 1 + 32 + 1

export interface PacketHeader {
  /** Low 16 bits of the session's tag. */
  sessionTag: number
  term: number
  /** Of the sender, 1 to 4,095. */
  slot: number
  sequence: number
  tick: number
  /** False until the sender has received a packet: then `ack` and `ackBits` mean nothing. */
  hasAck: boolean
  ack: number
  ackBits: number
  /** Modulo 4. Another value than before: the sender has lost baselines, send whole rows (AK4). */
  refresh: number
}

export function createPacketHeader(): PacketHeader {
  return {
    sessionTag: 0,
    term: 0,
    slot: 0,
    sequence: 0,
    tick: 0,
    hasAck: false,
    ack: 0,
    ackBits: 0,
    refresh: 0,
  }
}

export function writeHeader(writer: BitWriter, header: PacketHeader): void {
  writer.write((STATE_KIND << 4) | STATE_VERSION, 8)
  writer.write(header.sessionTag, 16)
  writer.write(header.slot, 12)
  const termBytes = header.term > 0xffffff ? 4 : header.term > 0xffff ? 3 : header.term > 0xff ? 2 : 1
  writer.write(termBytes - 1, 2)
  writer.write(header.term, termBytes * 8)
  writer.write(header.sequence, 16)
  writer.write(header.tick, 32)
  writer.write(header.refresh, 2)
  writer.writeBool(header.hasAck)
  if (!header.hasAck) return
  writer.write(header.ack, 16)
  const all = header.ackBits >>> 0 === 0xffffffff
  writer.writeBool(all)
  if (!all) writer.write(header.ackBits, 32)
}

/** @returns false when the bytes are no state packet of this version or end within the header */
export function readHeader(reader: BitReader, out: PacketHeader): boolean {
  if (reader.read(8) !== ((STATE_KIND << 4) | STATE_VERSION)) return false
  out.sessionTag = reader.read(16)
  out.slot = reader.read(12)
  out.term = reader.read((reader.read(2) + 1) * 8)
  out.sequence = reader.read(16)
  out.tick = reader.read(32)
  out.refresh = reader.read(2)
  out.hasAck = reader.readBool()
  out.ack = 0
  out.ackBits = 0
  if (out.hasAck) {
    out.ack = reader.read(16)
    out.ackBits = reader.readBool() ? 0xffffffff : reader.read(32)
  }
  return !reader.failed
}

/**
 * Reads the header alone, to decide whether the packet is for this session and reign.
 * @param reader used again from packet to packet
 */
export function peekHeader(
  bytes: Uint8Array,
  out: PacketHeader = createPacketHeader(),
  reader: BitReader = new BitReader(),
): PacketHeader | undefined {
  reader.reset(bytes)
  return readHeader(reader, out) ? out : undefined
}
