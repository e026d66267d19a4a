/**
 * Whole ranges of bytes to text, digests and zlib data, through libraries that others keep well.
 *
 * Invariant: decoding never throws and never holds more than its limit and one step; the checksums
 * are for finding damage, not for keeping anyone out (MD5 and SHA-1 are broken for that).
 */

import { md5, sha1 } from '@noble/hashes/legacy.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import adler32 from 'adler-32'
import crc32 from 'crc-32'
import { Unzlib, zlibSync } from 'fflate'
import { fromUint8Array, toUint8Array } from 'js-base64'
import type { Decoded } from './buffer-types.ts'
import { MAX_BUFFER_BYTES } from './buffer-types.ts'

/** As many as a buffer of the largest size has. */
const MAX_BASE64_CHARACTERS = Math.ceil(MAX_BUFFER_BYTES / 3) * 4
/** Compressed bytes go in by so many: one byte may become 1,032 (RFC 1951), so a step yields 4.2 MB at most. */
const INFLATE_STEP_BYTES = 4096
/** Header, an empty block, checksum. */
const MIN_ZLIB_BYTES = 8
const CHECKSUM_BYTES = 4

/** 32 lower-case hexadecimal digits (RFC 1321). */
export function md5Hex(bytes: Uint8Array): string {
  return bytesToHex(md5(bytes))
}

/** 40 lower-case hexadecimal digits (RFC 3174). */
export function sha1Hex(bytes: Uint8Array): string {
  return bytesToHex(sha1(bytes))
}

/** The CRC-32 of zlib, PNG and Ethernet, as an unsigned number. */
export function crc32Of(bytes: Uint8Array): number {
  return crc32.buf(bytes) >>> 0
}

/** RFC 4648 section 4, padded. */
export function base64Encode(bytes: Uint8Array): string {
  return fromUint8Array(bytes)
}

/** RFC 4648 section 4, padded; white space between the digits is passed over, anything else is refused. */
export function base64Decode(text: string): Decoded<Uint8Array> {
  // White space counts here: the length is all that may be looked at before the text is known to be small.
  if (text.length > MAX_BASE64_CHARACTERS) return { ok: false, reason: `base64: over ${MAX_BUFFER_BYTES} bytes` }
  const digits = text.replace(/[\t\n\r ]+/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return { ok: false, reason: 'base64: a character outside the alphabet' }
  if (digits.length % 4 !== 0) return { ok: false, reason: `base64: ${digits.length} digits are no multiple of 4` }
  return { ok: true, value: toUint8Array(digits) }
}

/** zlib format (RFC 1950). */
export function compress(bytes: Uint8Array): Uint8Array {
  return zlibSync(bytes)
}

/**
 * Reads zlib data (RFC 1950) that ends where `bytes` end. Stops as soon as the output passes
 * `limitBytes`, so a small message cannot make a large allocation.
 */
export function decompress(bytes: Uint8Array, limitBytes: number): Decoded<Uint8Array> {
  if (bytes.length < MIN_ZLIB_BYTES) return { ok: false, reason: `zlib: ${bytes.length} bytes are too few` }
  const pieces: Uint8Array[] = []
  let size = 0
  const stream = new Unzlib((piece) => {
    size += piece.length
    pieces.push(piece)
  })
  try {
    for (let at = 0; at < bytes.length && size <= limitBytes; at += INFLATE_STEP_BYTES) {
      const end = at + INFLATE_STEP_BYTES
      stream.push(bytes.subarray(at, end), end >= bytes.length)
    }
  } catch (error) {
    return { ok: false, reason: `zlib: ${error instanceof Error ? error.message : 'damaged'}` }
  }
  if (size > limitBytes) return { ok: false, reason: `zlib: more than ${limitBytes} bytes come out` }
  const value = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    value.set(piece, at)
    at += piece.length
  }
  // fflate passes over the checksum.
  const start = bytes.length - CHECKSUM_BYTES
  const claimed = new DataView(bytes.buffer, bytes.byteOffset + start, CHECKSUM_BYTES).getInt32(0)
  if (adler32.buf(value) !== claimed) return { ok: false, reason: 'zlib: the checksum does not fit the content' }
  return { ok: true, value }
}
