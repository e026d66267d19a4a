/**
 * What a typed buffer asks of its caller, said in one sentence when it is not so.
 *
 * Invariant: nothing here looks at bytes, so nothing from the wire can throw here.
 */

import { invariant } from '../errors.ts'
import type { BufferKind, BufferType } from './buffer-types.ts'
import { BUFFER_KIND, BUFFER_TYPE, MAX_BUFFER_ALIGNMENT, MAX_BUFFER_BYTES } from './buffer-types.ts'

/** Throws unless such a buffer can be. */
export function checkShape(sizeBytes: number, kind: BufferKind, alignment: number): void {
  invariant(
    Object.hasOwn(BUFFER_KIND, kind),
    `TypedBuffer: no kind ${String(kind)}; use one of ${Object.keys(BUFFER_KIND).join(', ')}`,
  )
  checkSize('constructor', sizeBytes)
  const isPower = Number.isInteger(alignment) && alignment >= 1 && (alignment & (alignment - 1)) === 0
  invariant(
    isPower && alignment <= MAX_BUFFER_ALIGNMENT,
    `TypedBuffer: an alignment of ${alignment}; use a power of two from 1 to ${MAX_BUFFER_ALIGNMENT}`,
  )
  invariant(
    kind !== 'fast' || alignment === 1,
    `TypedBuffer: a fast buffer with alignment ${alignment}; it has none, give 1`,
  )
}

/** Throws unless a buffer can have this size. `method` is the place named in the message. */
export function checkSize(method: string, sizeBytes: number): void {
  invariant(
    Number.isInteger(sizeBytes) && sizeBytes >= 0 && sizeBytes <= MAX_BUFFER_BYTES,
    `TypedBuffer.${method}: a size of ${sizeBytes} bytes; use a whole number from 0 to ${MAX_BUFFER_BYTES}`,
  )
}

/** Throws unless `type` is one that a buffer of this kind holds. `method` is the place named in the message. */
export function checkType(method: string, kind: BufferKind, type: BufferType): void {
  // Tested first, so that the messages are built only for a mistake. Own keys only: 'constructor' is no type.
  if (Object.hasOwn(BUFFER_TYPE, type) && (kind !== 'fast' || type === 'u8')) return
  invariant(
    Object.hasOwn(BUFFER_TYPE, type),
    `TypedBuffer.${method}: no data type ${String(type)}; use one of ${Object.keys(BUFFER_TYPE).join(', ')}`,
  )
  invariant(false, `TypedBuffer.${method}: a fast buffer holds no ${type}, only u8; use a fixed buffer`)
}

/** Throws unless `value` is what `type` takes. */
export function checkValue(method: string, type: BufferType, value: unknown): void {
  const given = typeof value
  const taken =
    type === 'string' || type === 'text'
      ? given === 'string'
      : given === 'number' || (type === 'bool' && given === 'boolean') || (type === 'u64' && given === 'bigint')
  if (!taken) invariant(false, `TypedBuffer.${method}: a ${given} for type ${type}; convert it first`)
}
