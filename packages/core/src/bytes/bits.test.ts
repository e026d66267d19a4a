import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvariantError } from '../errors.ts'
import { BitReader } from './bit-reader.ts'
import { BitWriter, MAX_BIT_BUFFER_BYTES } from './bit-writer.ts'

const GUARD = 0xa5

type Write =
  | { kind: 'bits'; value: number; bitCount: number }
  | { kind: 'bool'; value: boolean }
  | { kind: 'bytes'; value: Uint8Array }

const bitsWrite = fc
  .integer({ min: 1, max: 32 })
  .chain((bitCount) =>
    fc.integer({ min: 0, max: 2 ** bitCount - 1 }).map((value): Write => ({ kind: 'bits', value, bitCount })),
  )
const write = fc.oneof(
  { weight: 6, arbitrary: bitsWrite },
  { weight: 2, arbitrary: fc.boolean().map((value): Write => ({ kind: 'bool', value })) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 11 }).map((value): Write => ({ kind: 'bytes', value })) },
)

function perform(writer: BitWriter, item: Write): void {
  if (item.kind === 'bits') writer.write(item.value, item.bitCount)
  else if (item.kind === 'bool') writer.writeBool(item.value)
  else writer.writeBytes(item.value)
}

function perceive(reader: BitReader, item: Write): unknown {
  if (item.kind === 'bits') return reader.read(item.bitCount)
  if (item.kind === 'bool') return reader.readBool()
  return reader.readBytes(item.value.length)
}

/** The oracle: a list of single bits, in stream order. */
function bitsOf(item: Write): number[] {
  if (item.kind === 'bool') return [item.value ? 1 : 0]
  if (item.kind === 'bytes') return [...item.value].flatMap((byte) => valueBits(byte, 8))
  return valueBits(item.value, item.bitCount)
}

function valueBits(value: number, bitCount: number): number[] {
  return Array.from({ length: bitCount }, (_, bit) => Math.floor((value >>> 0) / 2 ** bit) % 2)
}

function packed(bits: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  for (const [index, bit] of bits.entries()) bytes[Math.floor(index / 8)]! += bit * 2 ** (index % 8)
  return bytes
}

/** A target inside a larger buffer full of guard bytes, at an offset that is not a multiple of 4. */
function guarded(byteCount: number): { target: Uint8Array; intact: (from: number) => boolean } {
  const whole = new Uint8Array(byteCount + 10).fill(GUARD)
  const target = whole.subarray(3, 3 + byteCount)
  return {
    target,
    intact: (from) => whole.every((byte, index) => (index >= 3 && index < 3 + from) || byte === GUARD),
  }
}

describe('BitWriter and BitReader', () => {
  test('BR1: the lowest bit comes first, within a byte and within a value', () => {
    const writer = new BitWriter(new Uint8Array(8))
    writer.write(0b1, 1)
    writer.write(0b01, 2)
    writer.write(0b11010, 5)
    expect([...writer.finish()]).toEqual([0b11010_01_1])
    writer.reset()
    writer.write(0x12345678, 32)
    expect([...writer.finish()]).toEqual([0x78, 0x56, 0x34, 0x12])
    writer.reset()
    writer.writeBool(true)
    writer.write(0x8000_0001, 32)
    expect([...writer.finish()]).toEqual([0b0000_0011, 0, 0, 0, 0b0000_0001])
  })

  test('BR1: golden bytes of a mixed script', () => {
    const writer = new BitWriter(new Uint8Array(16))
    writer.write(5, 3)
    writer.write(1000, 11)
    writer.writeBool(true)
    writer.writeBytes(Uint8Array.of(0xde, 0xad))
    writer.write(0xcafebabe, 32)
    writer.write(0x1ffff, 17)
    expect([...writer.finish()]).toEqual([0x45, 0x5f, 0xef, 0x56, 0x5f, 0x5d, 0x7f, 0xe5, 0xff, 0xff])
  })

  test('BR1: any script of writes gives the bytes of the bit by bit model, and reads back', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), fc.integer({ min: 0, max: 5 }), (script, spare) => {
        const bits = script.flatMap(bitsOf)
        const { target, intact } = guarded(Math.ceil(bits.length / 8) + spare)
        const writer = new BitWriter(target)
        for (const item of script) perform(writer, item)
        const bytes = writer.finish()
        expect(writer.failed).toBe(false)
        expect(writer.bitPosition).toBe(bits.length)
        expect(writer.byteLength).toBe(bytes.length)
        expect(bytes).toEqual(packed(bits))
        expect(bytes.buffer).toBe(target.buffer)
        expect(intact(bytes.length)).toBe(true)
        const reader = new BitReader(bytes)
        for (const item of script) expect(perceive(reader, item)).toEqual(item.value)
        expect(reader.failed).toBe(false)
        expect(reader.bitPosition).toBe(bits.length)
        expect(reader.remainingBits).toBe(bytes.length * 8 - bits.length)
      }),
      { numRuns: 300 },
    )
  })

  test('BR2: a value counts modulo 2^width, negative and broken numbers too', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer(),
          fc.double(),
          fc.constantFrom(Number.NaN, Infinity, -Infinity, 2 ** 32, 2 ** 53, -1, -(2 ** 31)),
        ),
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 0, max: 31 }),
        (value, bitCount, lead) => {
          const writer = new BitWriter(new Uint8Array(12))
          for (let index = 0; index < lead; index++) writer.writeBool(true)
          writer.write(value, bitCount)
          writer.write(0, 3)
          const reader = new BitReader(writer.finish())
          for (let index = 0; index < lead; index++) expect(reader.readBool()).toBe(true)
          expect(reader.read(bitCount)).toBe((value >>> 0) % 2 ** bitCount)
          expect(reader.read(3)).toBe(0)
        },
      ),
    )
  })

  test('BR2: a width outside 1..32 throws at the writer and is a failed read at the reader', () => {
    for (const width of [0, 33, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
      const writer = new BitWriter(new Uint8Array(16))
      writer.write(1, 8)
      expect(() => writer.write(1, width)).toThrow(InvariantError)
      expect(() => writer.patch(0, 1, width)).toThrow(InvariantError)
      const reader = new BitReader(new Uint8Array(16))
      expect(reader.read(width)).toBe(0)
      expect(reader.failed).toBe(true)
    }
  })

  test('BR3: the bits after the last one are zero, whatever the target held before', () => {
    const target = new Uint8Array(8).fill(0xff)
    const writer = new BitWriter(target)
    writer.write(0, 3)
    expect([...writer.finish()]).toEqual([0])
    expect([...target.subarray(1)]).toEqual([255, 255, 255, 255, 255, 255, 255])
    expect(new BitWriter(target).finish().length).toBe(0)
  })

  test('BR3: complete puts the last bits in place as finish does', () => {
    const bytes = new Uint8Array(8).fill(0xaa)
    const writer = new BitWriter(bytes)
    writer.write(0x5ff, 11)
    expect(writer.complete()).toBe(2)
    expect([...bytes]).toEqual([0xff, 0x05, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa])
  })

  test('BR3: writing goes on after finish', () => {
    const writer = new BitWriter(new Uint8Array(8))
    writer.write(0b101, 3)
    writer.finish()
    writer.write(0x7fff, 15)
    const reader = new BitReader(writer.finish())
    expect([reader.read(3), reader.read(15)]).toEqual([0b101, 0x7fff])
  })

  test('BR4: bytes need no alignment, and what is read is a copy', () => {
    class Lazy extends Uint8Array {
      // As Node's Buffer does.
      override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
        return this.subarray(start, end) as Uint8Array<ArrayBuffer>
      }
    }
    const source = new Lazy([1, 2, 3, 4])
    const reader = new BitReader(source)
    const read = reader.readBytes(3)
    source.fill(9)
    expect(read).toEqual(Uint8Array.of(1, 2, 3))
    expect(read.constructor).toBe(Uint8Array)
    expect(new BitWriter(new Lazy(4)).finish().constructor).toBe(Uint8Array)
  })

  test('BR5: what does not fit is not written at all, failed stays, nothing past the target is touched', () => {
    fc.assert(
      fc.property(fc.array(write, { minLength: 1, maxLength: 60 }), fc.nat(), (script, cut) => {
        const bits = script.flatMap(bitsOf)
        const needed = Math.ceil(bits.length / 8)
        fc.pre(needed > 0)
        const { target, intact } = guarded(cut % needed)
        const writer = new BitWriter(target)
        let kept = 0
        for (const item of script) {
          const size = bitsOf(item).length
          if (kept + size > target.length * 8) break
          kept += size
        }
        for (const item of script) perform(writer, item)
        expect(writer.failed).toBe(true)
        expect(writer.bitPosition).toBe(kept)
        writer.writeBool(true)
        writer.writeBytes(new Uint8Array(0))
        writer.patch(0, 1, 1)
        expect(writer.bitPosition).toBe(kept)
        expect(writer.finish()).toEqual(packed(bits.slice(0, kept)))
        expect(writer.failed).toBe(true)
        expect(intact(writer.byteLength)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('BR6: any reads over any bytes never throw; past the end all is zero and failed stays', () => {
    const read = fc.oneof(
      fc.integer({ min: -1, max: 34 }).map((bitCount) => ({ kind: 'bits' as const, bitCount })),
      fc.constant({ kind: 'bool' as const }),
      fc
        .oneof(fc.integer({ min: -1, max: 9 }), fc.constantFrom(2 ** 31, 2 ** 53, Number.NaN, 0.5))
        .map((count) => ({ kind: 'bytes' as const, count })),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), fc.array(read, { maxLength: 40 }), (source, script) => {
        const before = source.slice()
        const reader = new BitReader(source)
        for (const item of script) {
          const failedBefore = reader.failed
          const value =
            item.kind === 'bits'
              ? reader.read(item.bitCount)
              : item.kind === 'bool'
                ? reader.readBool()
                : reader.readBytes(item.count)
          if (failedBefore) expect(reader.failed).toBe(true)
          if (reader.failed) {
            expect(value).toEqual(item.kind === 'bits' ? 0 : item.kind === 'bool' ? false : new Uint8Array(0))
            expect(reader.remainingBits).toBe(0)
          }
        }
        expect(source).toEqual(before)
      }),
      { numRuns: 400 },
    )
  })

  test('BR6: ones are counted as bit by bit, and no further than their limit or the end', () => {
    fc.assert(
      fc.property(
        // Mostly ones, so that runs go over bytes and over the end.
        fc.array(fc.constantFrom(0xff, 0xff, 0x7f, 0xfe, 0x00, 0x3c), { maxLength: 12 }),
        fc.array(fc.nat(70), { minLength: 1, maxLength: 20 }),
        (bytes, limits) => {
          const [runs, bits] = [new BitReader(Uint8Array.from(bytes)), new BitReader(Uint8Array.from(bytes))]
          for (const limit of limits) {
            let expected = 0
            while (expected <= limit && bits.read(1) === 1) expected += 1
            expect(runs.readOnes(limit)).toBe(expected > limit ? -1 : expected)
            expect([runs.bitPosition, runs.failed]).toEqual([bits.bitPosition, bits.failed])
          }
        },
      ),
    )
  })

  test('BR6: a truncated message reads as its prefix, then fails', () => {
    fc.assert(
      fc.property(fc.array(write, { minLength: 1, maxLength: 40 }), fc.nat(), (script, cut) => {
        const bits = script.flatMap(bitsOf)
        const bytes = packed(bits)
        fc.pre(bytes.length > 0)
        const short = bytes.subarray(0, cut % bytes.length)
        const reader = new BitReader(short)
        let position = 0
        let failed = false
        for (const item of script) {
          position += bitsOf(item).length
          failed ||= position > short.length * 8
          const value = perceive(reader, item)
          expect(reader.failed).toBe(failed)
          if (!failed) expect(value).toEqual(item.value)
        }
        expect(reader.failed).toBe(true)
      }),
    )
  })

  test('BR6: a loop over remainingBits ends though its step never fits', () => {
    const reader = new BitReader(new Uint8Array(3))
    let rounds = 0
    while (reader.remainingBits > 0 && rounds < 100) {
      reader.read(16)
      rounds++
    }
    expect(rounds).toBe(2)
  })

  test('BR6: reset starts at a byte offset and clears the failure; an offset past the end fails', () => {
    const reader = new BitReader()
    expect(reader.read(1)).toBe(0)
    expect(reader.failed).toBe(true)
    reader.reset(Uint8Array.of(1, 2, 3), 1)
    expect(reader.failed).toBe(false)
    expect(reader.bitPosition).toBe(8)
    expect(reader.read(8)).toBe(2)
    reader.reset(Uint8Array.of(1, 2, 3), 3)
    expect([reader.failed, reader.remainingBits]).toEqual([false, 0])
    for (const offset of [4, -1, 0.5, Number.NaN]) {
      reader.reset(Uint8Array.of(1, 2, 3), offset)
      expect([reader.failed, reader.remainingBits, reader.read(8)]).toEqual([true, 0, 0])
    }
  })

  test('BR7, BR8: any script with patches and rewinds gives the bytes of the model', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: write.map((item) => ({ kind: 'write' as const, item })) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('patch' as const),
          at: fc.nat(),
          value: fc.integer(),
          bitCount: fc.integer({ min: 1, max: 32 }),
        }),
      },
      { weight: 1, arbitrary: fc.nat().map((at) => ({ kind: 'rewind' as const, at })) },
      { weight: 1, arbitrary: fc.constant({ kind: 'finish' as const }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 120 }), (script, size) => {
        const { target, intact } = guarded(size)
        const writer = new BitWriter(target)
        let model: number[] = []
        let failed = false
        let most = 0
        for (const item of script) {
          if (item.kind === 'write') {
            perform(writer, item.item)
            const bits = bitsOf(item.item)
            failed ||= model.length + bits.length > size * 8
            if (!failed) model.push(...bits)
          } else if (item.kind === 'patch') {
            if (model.length < item.bitCount) continue
            const at = item.at % (model.length - item.bitCount + 1)
            writer.patch(at, item.value, item.bitCount)
            if (!failed) model.splice(at, item.bitCount, ...valueBits(item.value, item.bitCount))
          } else if (item.kind === 'rewind') {
            const at = item.at % (model.length + 1)
            writer.rewind(at)
            model = model.slice(0, at)
            failed = false
          } else {
            expect(writer.finish()).toEqual(packed(model))
          }
          most = Math.max(most, Math.ceil(model.length / 8))
          expect([writer.bitPosition, writer.failed]).toEqual([model.length, failed])
        }
        expect(writer.finish()).toEqual(packed(model))
        expect(intact(most)).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  test('BR7: a patch ahead of the position throws and changes nothing', () => {
    const writer = new BitWriter(new Uint8Array(8))
    writer.write(0xff, 8)
    for (const [at, width] of [
      [1, 8],
      [-1, 1],
      [0.5, 1],
      [8, 1],
    ] as const) {
      expect(() => writer.patch(at, 0, width)).toThrow(/BitWriter\.patch/)
    }
    expect([...writer.finish()]).toEqual([0xff])
  })

  test('BR8: rewind after an overflow makes the writer usable again; ahead of the position it throws', () => {
    const writer = new BitWriter(new Uint8Array(4))
    writer.write(7, 20)
    const mark = writer.bitPosition
    writer.write(1, 10)
    writer.write(1, 10)
    expect(writer.failed).toBe(true)
    writer.rewind(mark)
    expect(writer.failed).toBe(false)
    writer.write(3, 12)
    const reader = new BitReader(writer.finish())
    expect([reader.read(20), reader.read(12), writer.failed]).toEqual([7, 3, false])
    for (const at of [33, -1, 0.5, Number.NaN]) expect(() => writer.rewind(at)).toThrow(/BitWriter\.rewind/)
  })

  test('a buffer over the size limit is refused by the writer and a failed read for the reader', () => {
    // A length only, so that the test does not need the memory.
    const huge = new Proxy(new Uint8Array(0), {
      get: (target, key): unknown => (key === 'length' ? MAX_BIT_BUFFER_BYTES + 1 : Reflect.get(target, key, target)),
    })
    expect(() => new BitWriter(huge)).toThrow(/BitWriter\.reset/)
    expect(new BitReader(huge).failed).toBe(true)
  })
})
