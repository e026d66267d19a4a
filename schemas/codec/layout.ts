/**
 * What a generated layout says about a schema, and the scalar kinds the codec knows.
 *
 * Invariant: verifier, reader, writer and the JSON form all walk the same layout, so none of them can
 * know a field that another does not. A kind outside this file is refused by `pnpm codegen`.
 */

export type ScalarKind = 'bool' | 'u8' | 'u16' | 'u32' | 'f64'

export interface Field {
  readonly name: string
  /** Position in the vtable. A union takes two: its tag here, its value in the next one. */
  readonly slot: number
  readonly kind: ScalarKind | 'enum' | 'string' | 'table' | 'union' | 'vector'
  /** Element kind of a vector; `u8` is read as a `Uint8Array`, the others as arrays. */
  readonly of?: 'u8' | 'u16' | 'u32' | 'string' | 'table'
  /** Name of the enum, table or union that `kind` or `of` speaks of. */
  readonly ref?: string
  readonly required?: true
  /** Value of an absent scalar (for an enum its number); left out when 0. */
  readonly default?: number
}

export interface Layout {
  /** Four ASCII bytes at offset 4 of every message. */
  readonly identifier: string
  readonly root: string
  /** Names by value, from 0 without gaps. */
  readonly enums: Readonly<Record<string, readonly string[]>>
  /** Tables by tag, the first having tag 1; 0 means none. */
  readonly unions: Readonly<Record<string, readonly string[]>>
  readonly tables: Readonly<Record<string, readonly Field[]>>
}

/** Size in bytes, then the least and the greatest value, which for `f64` also keeps out NaN and the infinities. */
export const SCALARS: Readonly<Record<ScalarKind, readonly [size: number, least: number, greatest: number]>> = {
  bool: [1, 0, 1],
  u8: [1, 0, 0xff],
  u16: [2, 0, 0xffff],
  u32: [4, 0, 0xffffffff],
  f64: [8, -Number.MAX_VALUE, Number.MAX_VALUE],
}

/** Size, least and greatest value of a scalar or enum field; undefined for what lives behind an offset. */
export function scalarOf(
  layout: Layout,
  { kind, ref }: Field,
): readonly [size: number, least: number, greatest: number] | undefined {
  // Spelled out, most common first. It runs for every field, and looking the kind up by name made it a fifth slower.
  if (kind === 'u32') return SCALARS.u32
  if (kind === 'u16') return SCALARS.u16
  if (kind === 'string' || kind === 'vector' || kind === 'table' || kind === 'union') return undefined
  return kind === 'enum' ? [1, 0, layout.enums[ref!]!.length - 1] : SCALARS[kind]
}

export function readScalar(view: DataView, kind: Field['kind'], at: number): number {
  if (kind === 'u32') return view.getUint32(at, true)
  if (kind === 'u16') return view.getUint16(at, true)
  if (kind === 'f64') return view.getFloat64(at, true)
  return view.getUint8(at)
}

/**
 * Where a field's bytes are, counted from the start of the table; 0 when the table does not have it.
 * @param vtable position of a vtable whose size has been checked
 */
export function fieldOffset(view: DataView, vtable: number, slot: number): number {
  const entry = 4 + 2 * slot
  return entry < view.getUint16(vtable, true) ? view.getUint16(vtable + entry, true) : 0
}

/** A message that was read, or why it was not. */
export type Decoded<T> = { ok: true; value: T } | { ok: false; reason: string }
