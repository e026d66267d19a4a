/**
 * What a typed buffer can be and hold: kinds, data types, seek bases, limits. Tables only.
 *
 * Invariant: the numbers are those of the documented constants (`buffer_fixed` = 0, `buffer_u8` = 1),
 * so a layer with the documented names needs no table of its own.
 */

/** 64 MiB: room for any save file or level, and an end to a grow buffer that a loop feeds by mistake. */
export const MAX_BUFFER_BYTES = 2 ** 26
/** 16 MiB: what decompressing may yield unless the caller asks for more. A few KiB can claim gigabytes. */
export const DEFAULT_DECOMPRESSED_BYTES = 2 ** 24
/** Alignments are powers of two up to this, as the documented engine has them. */
export const MAX_BUFFER_ALIGNMENT = 1024

/**
 * - `fixed`: one size; writing past the end throws.
 * - `grow`: writing past the end doubles the size until it fits.
 * - `wrap`: a ring; reading and writing past the end go on at the start, offsets count modulo the size.
 * - `fast`: `fixed`, for `u8` only and without alignment.
 * - `vbuffer`: `fixed`, and its memory never moves: `resize` throws, so a renderer may keep the view
 *   it was given (vertex data) for as long as the buffer lives.
 */
export const BUFFER_KIND = { fixed: 0, grow: 1, wrap: 2, fast: 3, vbuffer: 4 } as const
export type BufferKind = keyof typeof BUFFER_KIND

/**
 * Little-endian throughout. `string` ends with a zero byte, `text` has no end of its own; both are
 * UTF-8. `bool` is one byte.
 */
export const BUFFER_TYPE = {
  u8: 1,
  s8: 2,
  u16: 3,
  s16: 4,
  u32: 5,
  s32: 6,
  u64: 7,
  f16: 8,
  f32: 9,
  f64: 10,
  bool: 11,
  string: 12,
  text: 13,
} as const
export type BufferType = keyof typeof BUFFER_TYPE

/** The document names no numbers for these; they are those of the documented engine. */
export const BUFFER_SEEK = { start: 0, relative: 1, end: 2 } as const
export type BufferSeek = keyof typeof BUFFER_SEEK

/** What reading a type gives. `u64` is always a bigint: a type that changed with the value would fail late. */
export type BufferValue<T extends BufferType> = T extends 'string' | 'text'
  ? string
  : T extends 'bool'
    ? boolean
    : T extends 'u64'
      ? bigint
      : number

/** What writing a type takes. */
export type BufferInput<T extends BufferType> = T extends 'string' | 'text'
  ? string
  : T extends 'bool'
    ? boolean | number
    : T extends 'u64'
      ? number | bigint
      : number

/** Bytes of one value; undefined for `string` and `text`, which are as long as they are. */
export function bufferSizeOf(type: BufferType): number | undefined {
  switch (type) {
    case 'u8':
    case 's8':
    case 'bool':
      return 1
    case 'u16':
    case 's16':
    case 'f16':
      return 2
    case 'u32':
    case 's32':
    case 'f32':
      return 4
    case 'u64':
    case 'f64':
      return 8
    case 'string':
    case 'text':
      return undefined
  }
}

/** Bytes that came from outside: either what they mean, or why they mean nothing. */
export type Decoded<T> = { ok: true; value: T } | { ok: false; reason: string }
