/**
 * One value to bytes and back, for the typed buffer. Both directions of a type stand side by side.
 *
 * Invariant: loading expects that the bytes are there; the position is not known here.
 */

import { getFloat16, setFloat16 } from '@petamoriken/float16'
import { invariant } from '../errors.ts'
import { checkType, checkValue } from './buffer-checks.ts'
import type { BufferMemory } from './buffer-memory.ts'
import type { BufferInput, BufferType, BufferValue } from './buffer-types.ts'
import { MAX_BUFFER_BYTES, bufferSizeOf } from './buffer-types.ts'

const encoder = new TextEncoder()
// A byte order mark is content: without `ignoreBOM` a string would come back one character short.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Integers are taken modulo 2^bits, as a typed array takes them; not-a-number is 0 in them. */
function storeNumber(view: DataView, at: number, type: BufferType, value: BufferInput<BufferType>): void {
  switch (type) {
    case 'u8':
      return view.setUint8(at, value as number)
    case 's8':
      return view.setInt8(at, value as number)
    case 'u16':
      return view.setUint16(at, value as number, true)
    case 's16':
      return view.setInt16(at, value as number, true)
    case 'u32':
      return view.setUint32(at, value as number, true)
    case 's32':
      return view.setInt32(at, value as number, true)
    case 'u64':
      return view.setBigUint64(at, typeof value === 'bigint' ? value : wholeOf(value as number), true)
    case 'f16':
      return setFloat16(view, at, value as number, true)
    case 'f32':
      return view.setFloat32(at, value as number, true)
    case 'f64':
      return view.setFloat64(at, value as number, true)
    case 'bool':
      return view.setUint8(at, value ? 1 : 0)
    case 'string':
    case 'text':
      invariant(false, 'buffer-values: text has no fixed size; use encodeValue')
  }
}

export function loadNumber(view: DataView, at: number, type: BufferType): number | bigint | boolean {
  switch (type) {
    case 'u8':
      return view.getUint8(at)
    case 's8':
      return view.getInt8(at)
    case 'u16':
      return view.getUint16(at, true)
    case 's16':
      return view.getInt16(at, true)
    case 'u32':
      return view.getUint32(at, true)
    case 's32':
      return view.getInt32(at, true)
    case 'u64':
      return view.getBigUint64(at, true)
    case 'f16':
      return getFloat16(view, at, true)
    case 'f32':
      return view.getFloat32(at, true)
    case 'f64':
      return view.getFloat64(at, true)
    case 'bool':
      return view.getUint8(at) !== 0
    case 'string':
    case 'text':
      invariant(false, 'buffer-values: text has no fixed size; use decodeText')
  }
}

/** What a read gives when there is nothing to read. */
export function nothingOf<T extends BufferType>(type: T): BufferValue<T>
export function nothingOf(type: BufferType): BufferValue<BufferType> {
  if (type === 'string' || type === 'text') return ''
  if (type === 'bool') return false
  return type === 'u64' ? 0n : 0
}

/** Writes one value at `offset`. Returns the place after it. */
export function putValue(
  memory: BufferMemory,
  method: string,
  offset: number,
  type: BufferType,
  value: BufferInput<BufferType>,
): number {
  checkType(method, memory.kind, type)
  checkValue(method, type, value)
  const size = bufferSizeOf(type)
  if (size !== undefined) {
    memory.reserve(method, offset, size)
    const at = memory.place(offset)
    if (at + size <= memory.sizeBytes) {
      storeNumber(memory.view, at, type, value)
      return memory.wrote(at + size)
    }
  }
  return memory.store(method, offset, encodeValue(method, type, value))
}

/** One value as bytes of its own. */
export function encodeValue(method: string, type: BufferType, value: BufferInput<BufferType>): Uint8Array {
  const size = bufferSizeOf(type)
  if (size === undefined) return encodeText(method, type === 'string', value as string)
  const bytes = new Uint8Array(size)
  storeNumber(new DataView(bytes.buffer), 0, type, value)
  return bytes
}

/** UTF-8, with a closing zero when `isClosed`. A zero inside would then cut it short, so it throws. */
function encodeText(method: string, isClosed: boolean, value: string): Uint8Array {
  invariant(
    value.length < MAX_BUFFER_BYTES,
    `TypedBuffer.${method}: a text of ${value.length} characters is over the ${MAX_BUFFER_BYTES} bytes of a buffer; split it`,
  )
  if (!isClosed) return encoder.encode(value)
  const zero = value.indexOf('\0')
  invariant(
    zero === -1,
    `TypedBuffer.${method}: a string with a zero at character ${zero} would be read back cut; write it as text`,
  )
  return encoder.encode(`${value}\0`)
}

/** Bytes that are not UTF-8 become U+FFFD: this may come from the wire. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** `BigInt` throws for fractions and for what is not finite; the other integer types take both. */
function wholeOf(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n
}
