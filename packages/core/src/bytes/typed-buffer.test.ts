import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvariantError } from '../errors.ts'
import { memoryStore } from './buffer-store.ts'
import type { BufferInput, BufferKind, BufferType } from './buffer-types.ts'
import { BUFFER_KIND, BUFFER_SEEK, BUFFER_TYPE, MAX_BUFFER_BYTES, bufferSizeOf } from './buffer-types.ts'
import { TypedBuffer } from './typed-buffer.ts'

type Entry = { [T in BufferType]: { type: T; value: BufferInput<T> } }[BufferType]

/** What an entry reads back as, and its bytes, worked out without the code under test. */
type Model = { bytes: number[]; back: unknown }

function wholeModel(value: bigint, size: number, isSigned: boolean): Model {
  const span = 1n << BigInt(size * 8)
  const rest = ((value % span) + span) % span
  const bytes = Array.from({ length: size }, (_, index) => Number((rest >> BigInt(index * 8)) & 255n))
  const back = isSigned && rest >= span / 2n ? rest - span : rest
  return { bytes, back: size === 8 ? back : Number(back) }
}

/** Value of a half float from its definition (IEEE 754 binary16). */
function halfValue(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1
  const exponent = Math.floor(bits / 1024) % 32
  const fraction = bits % 1024
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const halfBits = new Map(Array.from({ length: 0x10000 }, (_, bits) => [halfKey(halfValue(bits)), bits]))

/** Tells the two zeros apart, which a map does not. */
function halfKey(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function utf8Model(text: string): number[] {
  return Array.from(text).flatMap((character) => {
    const code = character.codePointAt(0)!
    if (code < 0x80) return [code]
    const tail = (shift: number): number => 0x80 | ((code >> shift) & 63)
    if (code < 0x800) return [0xc0 | (code >> 6), tail(0)]
    if (code < 0x10000) return [0xe0 | (code >> 12), tail(6), tail(0)]
    return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)]
  })
}

function modelOf(entry: Entry): Model {
  const { type, value } = entry
  switch (type) {
    case 'u8':
    case 'u16':
    case 'u32':
      return wholeModel(BigInt(value), Number(type.slice(1)) / 8, false)
    case 's8':
    case 's16':
    case 's32':
      return wholeModel(BigInt(value), Number(type.slice(1)) / 8, true)
    case 'u64':
      return wholeModel(BigInt(value), 8, false)
    case 'f16': {
      const bits = halfBits.get(halfKey(value))!
      return { bytes: [bits % 256, Math.floor(bits / 256)], back: value }
    }
    case 'f32': {
      const floats = Float32Array.of(value)
      return { bytes: [...new Uint8Array(floats.buffer)], back: floats[0] }
    }
    case 'f64':
      return { bytes: [...new Uint8Array(Float64Array.of(value).buffer)], back: value }
    case 'bool':
      return { bytes: [value ? 1 : 0], back: Boolean(value) }
    case 'string':
      return { bytes: [...utf8Model(value), 0], back: value }
    case 'text':
      return { bytes: utf8Model(value), back: value }
  }
}

const wholeText = fc.string({ unit: 'grapheme', maxLength: 9 }).filter((text) => !text.includes('\0'))
const entryOf: { [T in BufferType]: fc.Arbitrary<Entry> } = {
  u8: fc.integer({ min: 0, max: 255 }).map((value) => ({ type: 'u8', value })),
  s8: fc.integer({ min: -128, max: 127 }).map((value) => ({ type: 's8', value })),
  u16: fc.integer({ min: 0, max: 65535 }).map((value) => ({ type: 'u16', value })),
  s16: fc.integer({ min: -32768, max: 32767 }).map((value) => ({ type: 's16', value })),
  u32: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((value) => ({ type: 'u32', value })),
  s32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value) => ({ type: 's32', value })),
  u64: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.maxSafeNat()).map((value) => ({ type: 'u64', value })),
  f16: fc
    .integer({ min: 0, max: 0xffff })
    .map(halfValue)
    .filter((value) => !Number.isNaN(value))
    .map((value) => ({ type: 'f16', value })),
  f32: fc.float({ noNaN: true }).map((value) => ({ type: 'f32', value })),
  f64: fc.double({ noNaN: true }).map((value) => ({ type: 'f64', value })),
  bool: fc.boolean().map((value) => ({ type: 'bool', value })),
  string: wholeText.map((value) => ({ type: 'string', value })),
  text: wholeText.map((value) => ({ type: 'text', value })),
}
const types = Object.keys(BUFFER_TYPE) as BufferType[]
const kinds = Object.keys(BUFFER_KIND) as BufferKind[]
const entry = fc.oneof(...types.map((type) => entryOf[type]))

function put(buffer: TypedBuffer, item: Entry): void {
  buffer.write(item.type, item.value)
}

describe('constants', () => {
  test('kinds, types and seek bases have the documented numbers', () => {
    expect(BUFFER_KIND).toEqual({ fixed: 0, grow: 1, wrap: 2, fast: 3, vbuffer: 4 })
    expect(Object.entries(BUFFER_TYPE).map(([name, number]) => `${name}=${number}`)).toEqual(
      'u8=1 s8=2 u16=3 s16=4 u32=5 s32=6 u64=7 f16=8 f32=9 f64=10 bool=11 string=12 text=13'.split(' '),
    )
    expect(BUFFER_SEEK).toEqual({ start: 0, relative: 1, end: 2 })
    expect(types.map((type) => bufferSizeOf(type) ?? 0)).toEqual([1, 1, 2, 2, 4, 4, 8, 2, 4, 8, 1, 0, 0])
  })
})

describe('TypedBuffer values', () => {
  for (const type of types) {
    test(`TB7: ${type} has the bytes of its model and reads back`, () => {
      fc.assert(
        fc.property(entryOf[type], (item) => {
          const model = modelOf(item)
          // What looks like one letter may be seven characters of four bytes each.
          const buffer = new TypedBuffer(1_024, 'fixed')
          put(buffer, item)
          expect(buffer.tell()).toBe(model.bytes.length)
          expect([...buffer.toBytes(0, buffer.tell())]).toEqual(model.bytes)
          buffer.seek('start', 0)
          expect(buffer.read(type)).toEqual(model.back)
          expect(buffer.tell()).toBe(model.bytes.length)
          expect(buffer.failed).toBe(false)
        }),
      )
    })
  }

  test('TB7: every half float pattern reads as its definition says', () => {
    const buffer = new TypedBuffer(2, 'fixed')
    const wrong = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => {
      buffer.poke(0, 'u16', bits)
      return !Object.is(buffer.peek(0, 'f16'), halfValue(bits))
    })
    expect(wrong).toEqual([])
  })

  test('TB7: a number is rounded to the nearest half float, ties to the even one', () => {
    const buffer = new TypedBuffer(2, 'fixed')
    fc.assert(
      fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
        buffer.poke(0, 'f16', value)
        const bits = buffer.peek(0, 'u16')
        const distance = Math.abs(halfValue(bits) - value)
        for (const other of [bits - 1, bits + 1]) {
          const otherValue = halfValue(other & 0xffff)
          if (!Number.isFinite(otherValue)) continue
          const otherDistance = Math.abs(otherValue - value)
          expect(distance).toBeLessThanOrEqual(otherDistance)
          if (distance === otherDistance && halfValue(bits) !== otherValue) expect(bits % 2).toBe(0)
        }
      }),
    )
    for (const [value, bits] of [
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
      [65520, 0x7c00],
      [65519, 0x7bff],
      [2 ** -25, 0],
      [Number.NaN, 0x7e00],
    ] as const) {
      buffer.poke(0, 'f16', value)
      expect(buffer.peek(0, 'u16')).toBe(bits)
    }
  })

  test('TB7: integers count modulo 2^bits and broken numbers are 0, in u64 as in the others', () => {
    const buffer = new TypedBuffer(8, 'fixed')
    for (const type of ['u8', 's8', 'u16', 's16', 'u32', 's32', 'u64'] as const) {
      const size = bufferSizeOf(type)!
      for (const value of [-1, 2 ** (size * 8) + 5, -3.7, 3.7, Number.NaN, Infinity, -Infinity]) {
        const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n
        buffer.poke(0, type, value)
        expect(buffer.peek(0, type)).toEqual(wholeModel(whole, size, type.startsWith('s')).back)
      }
    }
    buffer.poke(0, 'u64', 2n ** 64n + 9n)
    expect(buffer.peek(0, 'u64')).toBe(9n)
    buffer.poke(0, 'u64', 2n ** 64n - 1n)
    expect(buffer.peek(0, 'u64')).toBe(18_446_744_073_709_551_615n)
  })

  test('TB7: any byte but 0 is true', () => {
    expect(TypedBuffer.from(Uint8Array.of(0, 1, 2, 255)).peek(0, 'bool')).toBe(false)
    for (const at of [1, 2, 3]) expect(TypedBuffer.from(Uint8Array.of(0, 1, 2, 255)).peek(at, 'bool')).toBe(true)
  })

  test('TB7: a value of another type throws and writes nothing', () => {
    const buffer = new TypedBuffer(8, 'grow')
    const wrong: [BufferType, unknown][] = [
      ['u8', '1'],
      ['u16', true],
      ['u32', 1n],
      ['f64', undefined],
      ['u64', '5'],
      ['bool', 'yes'],
      ['string', 5],
      ['text', null],
    ]
    for (const [type, value] of wrong) {
      expect(() => buffer.write(type, value as never)).toThrow(/for type/)
      expect(() => buffer.poke(0, type, value as never)).toThrow(/TypedBuffer\.poke/)
      expect(() => buffer.fill(0, type, value as never, 4)).toThrow(/TypedBuffer\.fill/)
    }
    for (const type of ['u128', 'constructor', '', 1, undefined]) {
      expect(() => buffer.write(type as never, 1 as never)).toThrow(/no data type/)
      expect(() => buffer.read(type as never)).toThrow(/no data type/)
      expect(() => buffer.peek(0, type as never)).toThrow(/no data type/)
    }
    expect([buffer.tell(), buffer.usedSize]).toEqual([0, 0])
  })

  test('TB8: a string ends at its zero, a text at the next zero or the end, which it leaves', () => {
    const buffer = new TypedBuffer(16, 'fixed')
    buffer.write('string', 'né')
    buffer.write('string', '')
    buffer.write('text', 'ab')
    expect([...buffer.toBytes(0, 7)]).toEqual([0x6e, 0xc3, 0xa9, 0, 0, 0x61, 0x62])
    buffer.seek('start', 0)
    expect([buffer.read('string'), buffer.read('string'), buffer.read('text'), buffer.tell()]).toEqual([
      'né',
      '',
      'ab',
      7,
    ])
    expect([buffer.read('text'), buffer.tell(), buffer.failed]).toEqual(['', 7, false])
    expect([buffer.read('string'), buffer.tell()]).toEqual(['', 8])
  })

  test('TB8: without a closing zero a string gives what is there and sets failed; a text does not', () => {
    const bytes = Uint8Array.of(0x68, 0x69)
    const asText = TypedBuffer.from(bytes)
    expect([asText.read('text'), asText.tell(), asText.failed]).toEqual(['hi', 2, false])
    const asString = TypedBuffer.from(bytes)
    expect([asString.read('string'), asString.tell(), asString.failed]).toEqual(['hi', 2, true])
    expect([asText.read('string'), asText.failed]).toEqual(['', true])
  })

  test('TB8: a byte order mark is content, and bytes that are not UTF-8 become U+FFFD', () => {
    const buffer = new TypedBuffer(16, 'grow')
    buffer.write('string', '\uFEFFx')
    buffer.seek('start', 0)
    expect(buffer.read('string')).toBe('\uFEFFx')
    expect(TypedBuffer.from(Uint8Array.of(0x61, 0xff, 0xc3)).read('text')).toBe('a\uFFFD\uFFFD')
  })

  test('TB8: a zero inside a string throws, inside a text it does not', () => {
    const buffer = new TypedBuffer(16, 'fixed')
    expect(() => buffer.write('string', 'a\0b')).toThrow(/zero at character 1/)
    buffer.write('text', 'a\0b')
    expect([...buffer.toBytes(0, 4)]).toEqual([0x61, 0, 0x62, 0])
  })
})

describe('TypedBuffer kinds', () => {
  test('new memory is zero and has the size asked for', () => {
    for (const kind of kinds) {
      const buffer = new TypedBuffer(5, kind)
      expect([...buffer.toBytes()]).toEqual([0, 0, 0, 0, 0])
      expect([buffer.getSize(), buffer.usedSize, buffer.tell(), buffer.kind]).toEqual([5, 0, 0, kind])
    }
  })

  test('TB1: a fixed, fast or vbuffer throws when a write does not fit, and changes nothing', () => {
    for (const kind of ['fixed', 'fast', 'vbuffer'] as const) {
      const buffer = new TypedBuffer(3, kind)
      buffer.write('u8', 7)
      buffer.seek('start', 3)
      expect(() => buffer.write('u8', 1)).toThrow(/TypedBuffer\.write: bytes 3 to 4 do not fit a \w+ buffer of 3/)
      expect(() => buffer.poke(3, 'u8', 1)).toThrow(/TypedBuffer\.poke/)
      expect(() => buffer.poke(-1, 'u8', 1)).toThrow(/TypedBuffer\.poke/)
      expect(() => buffer.poke(0.5, 'u8', 1)).toThrow(/whole number/)
      expect(() => buffer.fill(1, 'u8', 9, 3)).toThrow(/TypedBuffer\.fill/)
      expect(() => TypedBuffer.from(new Uint8Array(4)).copy(0, 4, buffer, 0)).toThrow(/TypedBuffer\.copy/)
      if (kind !== 'fast') {
        buffer.seek('start', 2)
        expect(() => buffer.write('u16', 1)).toThrow(InvariantError)
        expect(() => buffer.write('string', 'x')).toThrow(InvariantError)
      }
      expect([...buffer.toBytes()]).toEqual([7, 0, 0])
    }
  })

  test('TB2: a grow buffer doubles until a write, poke, fill or copy fits, and keeps its content', () => {
    const buffer = new TypedBuffer(2, 'grow')
    buffer.write('u16', 0x0201)
    expect(buffer.getSize()).toBe(2)
    buffer.write('u8', 3)
    expect(buffer.getSize()).toBe(4)
    buffer.write('f64', 0)
    expect([buffer.getSize(), buffer.tell(), buffer.usedSize]).toEqual([16, 11, 11])
    buffer.poke(31, 'u8', 5)
    expect([buffer.getSize(), buffer.tell(), buffer.usedSize]).toEqual([32, 11, 32])
    buffer.fill(60, 'u8', 6, 5)
    expect([buffer.getSize(), buffer.usedSize]).toEqual([128, 65])
    TypedBuffer.from(Uint8Array.of(8, 9)).copy(0, 2, buffer, 127)
    expect([buffer.getSize(), buffer.usedSize]).toEqual([256, 129])
    const bytes = buffer.toBytes()
    expect([...bytes.subarray(0, 4), bytes[31], ...bytes.subarray(59, 66), bytes[127], bytes[128]]).toEqual([
      1, 2, 3, 0, 5, 0, 6, 6, 6, 6, 6, 0, 8, 9,
    ])
    const empty = new TypedBuffer(0, 'grow')
    empty.write('u32', 1)
    expect([empty.getSize(), empty.peek(0, 'u32')]).toEqual([4, 1])
  })

  test('TB2: growing ends at the size limit with a throw', () => {
    const buffer = new TypedBuffer(1, 'grow')
    expect(() => buffer.poke(MAX_BUFFER_BYTES, 'u8', 1)).toThrow(/over the limit/)
    expect(buffer.getSize()).toBe(1)
    for (const size of [MAX_BUFFER_BYTES + 1, -1, 0.5, Number.NaN, Infinity]) {
      expect(() => new TypedBuffer(size, 'grow')).toThrow(/TypedBuffer\.constructor: a size/)
      expect(() => buffer.resize(size)).toThrow(/TypedBuffer\.resize: a size/)
      expect(() => buffer.fill(0, 'u8', 1, size)).toThrow(/TypedBuffer\.fill: a size/)
    }
  })

  test('TB3: a wrap buffer goes on at its start, in the middle of a value too', () => {
    const buffer = new TypedBuffer(5, 'wrap')
    buffer.seek('start', 3)
    buffer.write('u32', 0x44332211)
    expect([[...buffer.toBytes()], buffer.tell(), buffer.usedSize]).toEqual([[0x33, 0x44, 0, 0x11, 0x22], 2, 5])
    buffer.seek('start', 3)
    expect([buffer.read('u32'), buffer.tell()]).toEqual([0x44332211, 2])
    expect([buffer.peek(8, 'u16'), buffer.peek(-2, 'u16'), buffer.failed]).toEqual([0x2211, 0x2211, false])
    buffer.poke(-1, 'u8', 9)
    expect(buffer.peek(4, 'u8')).toBe(9)
    buffer.seek('start', 4)
    buffer.write('string', 'abc')
    expect([[...buffer.toBytes()], buffer.tell()]).toEqual([[0x62, 0x63, 0, 0x11, 0x61], 3])
    buffer.seek('start', 4)
    expect([buffer.read('string'), buffer.tell(), buffer.failed]).toEqual(['abc', 3, false])
    buffer.write('u8', 1)
    buffer.write('u8', 1)
    expect(buffer.tell()).toBe(0)
  })

  test('TB3: of a text longer than a wrap buffer the last lap stays; with no zero in it a string is once around', () => {
    const buffer = new TypedBuffer(4, 'wrap')
    buffer.seek('start', 1)
    buffer.write('text', 'abcdefghij')
    expect(String.fromCharCode(...buffer.toBytes())).toBe('hijg')
    expect([buffer.tell(), buffer.read('string'), buffer.tell(), buffer.failed]).toEqual([3, 'ghij', 3, true])
    const none = new TypedBuffer(0, 'wrap')
    expect(() => none.write('u8', 1)).toThrow(/wrap buffer of 0 bytes/)
    expect([none.read('u8'), none.failed, none.seek('start', 5)]).toEqual([0, true, 0])
  })

  test('TB4: a fast buffer holds u8 only and has no alignment', () => {
    const buffer = new TypedBuffer(4, 'fast')
    for (const type of types.filter((name) => name !== 'u8')) {
      const value = type === 'string' || type === 'text' ? '' : 1
      expect(() => buffer.write(type, value as never)).toThrow(/only u8/)
      expect(() => buffer.poke(0, type, value as never)).toThrow(/only u8/)
      expect(() => buffer.fill(0, type, value as never, 4)).toThrow(/only u8/)
      expect(() => buffer.read(type)).toThrow(/only u8/)
      expect(() => buffer.peek(0, type)).toThrow(/only u8/)
    }
    buffer.write('u8', 200)
    expect([buffer.peek(0, 'u8'), buffer.tell()]).toEqual([200, 1])
    expect(() => new TypedBuffer(4, 'fast', 2)).toThrow(/alignment 2/)
  })

  test('TB5: the memory of a vbuffer stays where it is', () => {
    const buffer = new TypedBuffer(8, 'vbuffer', 4)
    const view = buffer.view()
    buffer.write('f32', 1)
    buffer.write('f32', 2)
    expect([...new Float32Array(view.buffer)]).toEqual([1, 2])
    expect(() => buffer.resize(16)).toThrow(/vbuffer/)
    expect(buffer.view()).toBe(view)
  })

  test('a kind or an alignment that is none throws', () => {
    for (const kind of ['ring', 'constructor', 0]) expect(() => new TypedBuffer(1, kind as never)).toThrow(/no kind/)
    for (const alignment of [0, 3, -1, 0.5, 2048, 2 ** 33, Number.NaN]) {
      expect(() => new TypedBuffer(1, 'fixed', alignment)).toThrow(/an alignment of/)
    }
    expect(new TypedBuffer(1, 'fixed', 1024).alignment).toBe(1024)
  })
})

describe('TypedBuffer position', () => {
  test('TB6: a value starts at a multiple of the alignment, and the gap is not counted before it is needed', () => {
    const buffer = new TypedBuffer(16, 'grow', 4)
    buffer.write('u8', 1)
    expect(buffer.tell()).toBe(1)
    buffer.write('u8', 2)
    expect(buffer.tell()).toBe(5)
    buffer.write('string', 'ab')
    expect(buffer.tell()).toBe(11)
    expect([...buffer.toBytes(0, 12)]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 0x61, 0x62, 0, 0])
    buffer.seek('start', 0)
    expect([buffer.read('u8'), buffer.read('u8'), buffer.read('string'), buffer.tell()]).toEqual([1, 2, 'ab', 11])
    const tight = new TypedBuffer(6, 'fixed', 4)
    tight.seek('start', 5)
    expect(() => tight.write('u8', 1)).toThrow(/bytes 8 to 9/)
    expect([tight.read('u8'), tight.failed, tight.tell()]).toEqual([0, true, 6])
  })

  test('TB6: rounding up past the end of a wrap buffer leads to its start', () => {
    const buffer = new TypedBuffer(10, 'wrap', 4)
    for (const value of [1, 2, 3, 4]) buffer.write('u8', value)
    expect([...buffer.toBytes()]).toEqual([4, 0, 0, 0, 2, 0, 0, 0, 3, 0])
    expect(buffer.tell()).toBe(1)
  })

  test('TB9: a read that is short gives nothing, sets failed and goes to the end', () => {
    for (const type of types) {
      const size = bufferSizeOf(type)
      if (size === undefined) continue
      const buffer = TypedBuffer.from(new Uint8Array(size + 1).fill(255), 'fixed')
      buffer.seek('start', 2)
      const nothing = type === 'bool' ? false : type === 'u64' ? 0n : 0
      expect([buffer.read(type), buffer.tell(), buffer.failed, type]).toEqual([nothing, size + 1, true, type])
    }
  })

  test('TB9: failed stays through reads, writes and relative seeks, until a seek from start or end', () => {
    const buffer = TypedBuffer.from(Uint8Array.of(1, 2, 3, 0))
    buffer.seek('start', 3)
    buffer.read('u16')
    buffer.seek('relative', -4)
    expect([buffer.read('u8'), buffer.tell(), buffer.failed]).toEqual([1, 1, true])
    buffer.write('u8', 5)
    expect(buffer.failed).toBe(true)
    buffer.seek('start', 1)
    expect([buffer.failed, buffer.read('u8')]).toEqual([false, 5])
    buffer.peek(4, 'u8')
    expect(buffer.failed).toBe(true)
    buffer.seek('end', -1)
    expect([buffer.failed, buffer.read('u8')]).toEqual([false, 0])
  })

  test('TB9: any reads over any bytes end without a throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.constantFrom('fixed', 'grow', 'wrap', 'vbuffer') as fc.Arbitrary<BufferKind>,
        fc.constantFrom(1, 2, 8),
        fc.array(fc.tuple(fc.constantFrom(...types), fc.oneof(fc.integer(), fc.double())), { maxLength: 30 }),
        (bytes, kind, alignment, script) => {
          const buffer = TypedBuffer.from(bytes, kind, alignment)
          for (const [type, offset] of script) {
            buffer.read(type)
            buffer.peek(offset, type)
          }
          expect(buffer.toBytes()).toEqual(bytes)
        },
      ),
    )
  })

  test('TB10: seek counts from start, position or end, and stops at both ends', () => {
    for (const kind of ['fixed', 'grow', 'fast', 'vbuffer'] as const) {
      const buffer = new TypedBuffer(10, kind)
      expect(buffer.seek('start', 4)).toBe(4)
      expect(buffer.tell()).toBe(4)
      expect(buffer.seek('relative', 3)).toBe(7)
      expect(buffer.seek('relative', -5)).toBe(2)
      expect(buffer.seek('end', -1)).toBe(9)
      expect(buffer.seek('end', 0)).toBe(10)
      expect(buffer.seek('end', 3)).toBe(10)
      expect(buffer.seek('relative', -99)).toBe(0)
      expect(buffer.seek('start', 99)).toBe(10)
      expect(buffer.seek('start', -1)).toBe(0)
      for (const offset of [0.5, Number.NaN, Infinity])
        expect(() => buffer.seek('start', offset)).toThrow(/whole number/)
      expect(() => buffer.seek('middle' as never, 0)).toThrow(/no base middle/)
    }
  })

  test('TB10: in a wrap buffer seek goes around', () => {
    const buffer = new TypedBuffer(10, 'wrap')
    expect(buffer.seek('start', 14)).toBe(4)
    expect(buffer.seek('relative', 7)).toBe(1)
    expect(buffer.seek('relative', -3)).toBe(8)
    expect(buffer.seek('end', -1)).toBe(9)
    expect(buffer.seek('end', 0)).toBe(0)
    expect(buffer.seek('start', -1)).toBe(9)
  })

  test('TB11: peek and poke leave the position and take no alignment', () => {
    const buffer = new TypedBuffer(8, 'fixed', 4)
    buffer.seek('start', 2)
    buffer.poke(3, 'u16', 0xbeef)
    expect([buffer.peek(3, 'u16'), buffer.tell()]).toEqual([0xbeef, 2])
    expect([...buffer.toBytes()]).toEqual([0, 0, 0, 0xef, 0xbe, 0, 0, 0])
  })
})

describe('TypedBuffer ranges', () => {
  test('TB12: fill sets every byte of its range and none beside it', () => {
    const buffer = new TypedBuffer(12, 'fixed')
    buffer.fill(0, 'u8', 0xff, 12)
    buffer.fill(1, 'u16', 0x0201, 7)
    expect([...buffer.toBytes()]).toEqual([255, 1, 2, 1, 2, 1, 2, 0, 255, 255, 255, 255])
    buffer.fill(8, 'text', 'ab', 4)
    expect([...buffer.toBytes(8, 4)]).toEqual([0x61, 0x62, 0x61, 0x62])
    buffer.fill(8, 'string', 'x', 4)
    expect([...buffer.toBytes(8, 4)]).toEqual([0x78, 0, 0x78, 0])
    buffer.fill(0, 'u32', 0xffffffff, 3)
    expect([...buffer.toBytes(0, 4)]).toEqual([0, 0, 0, 1])
    buffer.fill(0, 'u8', 5, 0)
    expect([buffer.peek(0, 'u8'), buffer.tell()]).toEqual([0, 0])
    expect(() => buffer.fill(0, 'text', '', 4)).toThrow(/empty text/)
  })

  test('TB12: fill keeps to the alignment, with zeros in the gaps', () => {
    const buffer = new TypedBuffer(14, 'fixed', 4)
    buffer.fill(0, 'u8', 9, 0)
    for (let at = 0; at < 14; at++) buffer.poke(at, 'u8', 7)
    buffer.fill(1, 'u16', 0x0201, 12)
    expect([...buffer.toBytes()]).toEqual([7, 0, 0, 0, 1, 2, 0, 0, 1, 2, 0, 0, 0, 7])
  })

  test('TB12: fill goes around a wrap buffer', () => {
    const buffer = new TypedBuffer(6, 'wrap')
    buffer.fill(4, 'u16', 0x0201, 4)
    expect([...buffer.toBytes()]).toEqual([1, 2, 0, 0, 1, 2])
    buffer.fill(-1, 'u8', 8, 2)
    expect([...buffer.toBytes()]).toEqual([8, 2, 0, 0, 1, 8])
  })

  test('TB12: copy between any kinds is a copy of the bytes before it, around the ends of rings', () => {
    const kind = fc.constantFrom('fixed', 'grow', 'wrap') as fc.Arbitrary<BufferKind>
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 12 }),
        fc.uint8Array({ minLength: 1, maxLength: 12 }),
        fc.tuple(kind, kind, fc.boolean()),
        fc.tuple(fc.nat(30), fc.nat(40), fc.nat(30)),
        (sourceBytes, targetBytes, [sourceKind, targetKind, isSame], [offset, size, targetOffset]) => {
          const source = TypedBuffer.from(sourceBytes, sourceKind)
          const target = isSame ? source : TypedBuffer.from(targetBytes, targetKind)
          const isIn = sourceKind === 'wrap' || offset + size <= sourceBytes.length
          const before = target.toBytes()
          const isRoom = target.kind !== 'fixed' || targetOffset + size <= before.length
          if (!isIn || !isRoom) {
            expect(() => source.copy(offset, size, target, targetOffset)).toThrow(/TypedBuffer\.copy/)
            expect(target.toBytes()).toEqual(before)
            return
          }
          const expected = [...before]
          for (let index = 0; index < size; index++) {
            const at = targetOffset + index
            expected[target.kind === 'wrap' ? at % before.length : at] =
              sourceBytes[(offset + index) % sourceBytes.length]!
          }
          source.copy(offset, size, target, targetOffset)
          const after = [...target.toBytes()]
          expect(after.slice(0, expected.length)).toEqual(Array.from(expected, (byte) => byte ?? 0))
          expect(after.slice(expected.length).every((byte) => byte === 0)).toBe(true)
          expect(target.tell()).toBe(0)
          if (!isSame) expect(source.toBytes()).toEqual(sourceBytes)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('TB13: resize keeps what fits, zeros the rest and holds the position inside', () => {
    const buffer = TypedBuffer.from(Uint8Array.of(1, 2, 3, 4), 'fixed')
    buffer.seek('end', 0)
    buffer.resize(6)
    expect([[...buffer.toBytes()], buffer.tell(), buffer.getSize(), buffer.usedSize]).toEqual([
      [1, 2, 3, 4, 0, 0],
      4,
      6,
      4,
    ])
    buffer.resize(2)
    expect([[...buffer.toBytes()], buffer.tell(), buffer.getSize(), buffer.usedSize]).toEqual([[1, 2], 2, 2, 2])
    buffer.resize(3)
    expect([...buffer.toBytes()]).toEqual([1, 2, 0])
    const ring = TypedBuffer.from(Uint8Array.of(1, 2, 3, 4), 'wrap')
    ring.seek('start', 3)
    ring.resize(2)
    expect(ring.tell()).toBe(0)
    buffer.resize(0)
    expect([buffer.getSize(), buffer.tell()]).toEqual([0, 0])
  })

  test('TB13: after delete every method throws', () => {
    const buffer = new TypedBuffer(4, 'grow')
    const other = new TypedBuffer(4, 'grow')
    buffer.delete()
    const uses: (() => unknown)[] = [
      () => buffer.getSize(),
      () => buffer.usedSize,
      () => buffer.tell(),
      () => buffer.seek('start', 0),
      () => buffer.write('u8', 1),
      () => buffer.read('u8'),
      () => buffer.poke(0, 'u8', 1),
      () => buffer.peek(0, 'u8'),
      () => buffer.fill(0, 'u8', 1, 1),
      () => buffer.copy(0, 0, other, 0),
      () => other.copy(0, 0, buffer, 0),
      () => buffer.resize(1),
      () => buffer.toBytes(),
      () => buffer.view(),
      () => buffer.base64Encode(),
      () => buffer.md5(),
      () => buffer.sha1(),
      () => buffer.crc32(),
      () => buffer.compress(),
      () => buffer.decompress(),
      () => buffer.delete(),
    ]
    for (const use of uses) expect(use).toThrow(/the buffer was deleted/)
  })

  test('from and toBytes copy; view does not', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const buffer = TypedBuffer.from(bytes)
    bytes[0] = 9
    buffer.toBytes()[1] = 9
    expect([...buffer.toBytes()]).toEqual([1, 2, 3])
    expect([...buffer.toBytes(1)]).toEqual([2, 3])
    expect([...buffer.toBytes(1, 1)]).toEqual([2])
    buffer.view()[2] = 9
    expect(buffer.peek(2, 'u8')).toBe(9)
    expect(() => buffer.toBytes(1, 3)).toThrow(/3 bytes from offset 1 are not in a grow buffer of 3/)
    expect(() => buffer.toBytes(4)).toThrow(/TypedBuffer\.toBytes/)
    expect(() => buffer.toBytes(0, 0.5)).toThrow(/TypedBuffer\.toBytes/)
    expect([...TypedBuffer.from(bytes, 'wrap').toBytes(2, 7)]).toEqual([3, 9, 2, 3, 9, 2, 3])
  })
})

describe('TypedBuffer as a whole', () => {
  test('TB14: digests, base64 and compression take the range they are given, around a ring too', () => {
    const text = Uint8Array.from('xxabcxx', (character) => character.charCodeAt(0))
    const plain = TypedBuffer.from(text, 'fixed')
    const ring = TypedBuffer.from(
      Uint8Array.from('cxxab', (character) => character.charCodeAt(0)),
      'wrap',
    )
    for (const [buffer, offset] of [
      [plain, 2],
      [ring, 3],
    ] as const) {
      expect(buffer.md5(offset, 3)).toBe('900150983cd24fb0d6963f7d28e17f72')
      expect(buffer.sha1(offset, 3)).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
      expect(buffer.crc32(offset, 3)).toBe(0x352441c2)
      expect(buffer.base64Encode(offset, 3)).toBe('YWJj')
      const back = buffer.compress(offset, 3).decompress()
      expect(back.ok && String.fromCharCode(...back.value.toBytes())).toBe('abc')
    }
    const whole = TypedBuffer.from(Uint8Array.of(0x61, 0x62, 0x63))
    expect(whole.md5()).toBe('900150983cd24fb0d6963f7d28e17f72')
    expect(whole.sha1()).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
    expect(whole.crc32()).toBe(0x352441c2)
    expect(whole.base64Encode()).toBe('YWJj')
    expect(plain.base64Encode(5)).toBe('eHg=')
    for (const use of [
      () => plain.md5(5, 3),
      () => plain.sha1(5, 3),
      () => plain.crc32(5, 3),
      () => plain.base64Encode(5, 3),
      () => plain.compress(5, 3),
    ]) {
      expect(use).toThrow(/3 bytes from offset 5/)
    }
  })

  test('TB14: base64Decode gives a grow buffer at position 0, or a reason', () => {
    const decoded = TypedBuffer.base64Decode('YWJj')
    if (!decoded.ok) throw new Error(decoded.reason)
    const { value } = decoded
    expect([value.kind, value.alignment, value.tell(), value.read('text')]).toEqual(['grow', 1, 0, 'abc'])
    expect(TypedBuffer.base64Decode('YW=j').ok).toBe(false)
  })

  test('TB15: decompress reads the used bytes only, so that room behind them does no harm', () => {
    const source = new TypedBuffer(64, 'fixed')
    source.fill(0, 'text', 'hello ', 60)
    const packed = source.compress()
    expect(packed.getSize()).toBeLessThan(30)
    const roomy = new TypedBuffer(1024, 'grow')
    packed.copy(0, packed.getSize(), roomy, 0)
    const back = roomy.decompress()
    if (!back.ok) throw new Error(back.reason)
    expect(back.value.toBytes()).toEqual(source.toBytes())
    expect([back.value.kind, back.value.alignment, back.value.tell()]).toEqual(['grow', 1, 0])
    expect(roomy.decompress(63)).toEqual({ ok: false, reason: 'zlib: more than 63 bytes come out' })
    expect(roomy.decompress(64).ok).toBe(true)
    expect(new TypedBuffer(64, 'grow').decompress().ok).toBe(false)
    expect(() => roomy.decompress(MAX_BUFFER_BYTES + 1)).toThrow(/TypedBuffer\.decompress: a size/)
  })

  test('TB16: what is saved is loaded, later changes apart; a missing name loads as undefined', async () => {
    const store = memoryStore()
    const buffer = new TypedBuffer(8, 'fixed', 4)
    buffer.write('u32', 0xdeadbeef)
    await buffer.save(store, 'one.sav')
    buffer.poke(0, 'u32', 0)
    const loaded = await TypedBuffer.load(store, 'one.sav')
    expect([...loaded!.toBytes()]).toEqual([0xef, 0xbe, 0xad, 0xde, 0, 0, 0, 0])
    expect([loaded!.kind, loaded!.alignment, loaded!.tell()]).toEqual(['grow', 1, 0])
    loaded!.poke(0, 'u32', 1)
    expect((await TypedBuffer.load(store, 'one.sav'))!.peek(0, 'u32')).toBe(0xdeadbeef)
    await buffer.save(store, 'one.sav')
    expect((await TypedBuffer.load(store, 'one.sav'))!.peek(0, 'u32')).toBe(0)
    expect(await TypedBuffer.load(store, 'two.sav')).toBeUndefined()
    expect(await TypedBuffer.load(memoryStore(), 'one.sav')).toBeUndefined()
  })

  test('TB16: a slow store is given the bytes of the moment of the save', async () => {
    let given: Uint8Array | undefined
    const slow = {
      read: () => Promise.resolve(given),
      write: (_: string, bytes: Uint8Array) => Promise.resolve(void (given = bytes)),
    }
    const buffer = TypedBuffer.from(Uint8Array.of(1, 2))
    const saved = buffer.save(slow, 'x')
    buffer.poke(0, 'u8', 9)
    await saved
    expect([...given!]).toEqual([1, 2])
  })

  test('TB16: a failing store rejects', async () => {
    const broken = { read: () => Promise.reject(new Error('no disk')), write: () => Promise.reject(new Error('full')) }
    await expect(TypedBuffer.load(broken, 'x')).rejects.toThrow('no disk')
    await expect(new TypedBuffer(1, 'fixed').save(broken, 'x')).rejects.toThrow('full')
  })

  test('TB1, TB2, TB3, TB6, TB7: any script of writes, pokes and seeks gives the bytes of a model, and reads back', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: entry.map((item) => ({ kind: 'write' as const, item })) },
      { weight: 2, arbitrary: fc.tuple(entry, fc.nat(60)).map(([item, at]) => ({ kind: 'poke' as const, item, at })) },
      { weight: 1, arbitrary: fc.nat(60).map((at) => ({ kind: 'seek' as const, at })) },
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('fixed', 'grow', 'wrap', 'vbuffer') as fc.Arbitrary<BufferKind>,
        fc.constantFrom(1, 2, 4, 8),
        fc.array(step, { maxLength: 20 }),
        (size, kind, alignment, script) => {
          const buffer = new TypedBuffer(size, kind, alignment)
          const model: number[] = Array.from({ length: size }, () => 0)
          let position = 0
          for (const item of script) {
            if (item.kind === 'seek') {
              position = kind === 'wrap' ? item.at % size : Math.min(item.at, buffer.getSize())
              buffer.seek('start', item.at)
              continue
            }
            const { bytes, back } = modelOf(item.item)
            let at = item.kind === 'poke' ? item.at : Math.ceil(position / alignment) * alignment
            if (kind === 'wrap' && item.kind === 'write' && at >= size) at = 0
            const perform = (): void => {
              if (item.kind === 'poke') buffer.poke(item.at, item.item.type, item.item.value)
              else put(buffer, item.item)
            }
            if ((kind === 'fixed' || kind === 'vbuffer') && at + bytes.length > size) {
              expect(perform).toThrow(InvariantError)
              continue
            }
            perform()
            bytes.forEach((byte, index) => (model[kind === 'wrap' ? (at + index) % size : at + index] = byte))
            if (item.kind === 'write') position = kind === 'wrap' ? (at + bytes.length) % size : at + bytes.length
            if (bytes.length <= size && item.item.type !== 'text') expect(buffer.peek(at, item.item.type)).toEqual(back)
            expect(buffer.tell()).toBe(position)
          }
          const bytes = [...buffer.toBytes()]
          expect(bytes.slice(0, model.length)).toEqual(Array.from(model, (byte) => byte ?? 0))
          expect(bytes.slice(model.length).every((byte) => byte === 0)).toBe(true)
          expect(buffer.failed).toBe(false)
        },
      ),
      { numRuns: 300 },
    )
  })
})
