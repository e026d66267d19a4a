import { BitReader, BitWriter } from '@baton/core/bytes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MAX_BASELINE_AGE,
  MAX_SPACING,
  ROW_HEADER_BITS,
  WHOLE_ROW,
  countBits,
  countClass,
  gapOrder,
  readBaseline,
  readFirstId,
  readGolomb,
  readSource,
  readUsualAge,
  readUsualSpacing,
  readVariable,
  writeBaseline,
  writeFirstId,
  writeGolomb,
  writeSource,
  writeUsual,
  writeVariable,
} from './row-header.ts'

const uint32 = fc.integer({ min: 0, max: 0xffffffff })

/** Writes, then reads from exactly the bits that were written. */
function roundTrip<T>(write: (writer: BitWriter) => void, read: (reader: BitReader) => T): { value: T; bits: number } {
  const writer = new BitWriter(new Uint8Array(64))
  write(writer)
  const bits = writer.bitPosition
  const reader = new BitReader(writer.finish())
  const value = read(reader)
  expect(reader.bitPosition).toBe(bits)
  expect(reader.failed).toBe(false)
  return { value, bits }
}

describe('row header', () => {
  test('PK5: source ticks come back across the wrap, near ones in two or eight bits', () => {
    fc.assert(
      fc.property(uint32, fc.oneof(fc.integer({ min: -40, max: 40 }), uint32), (tick, offset) => {
        const source = (tick + offset) >>> 0
        const { value, bits } = roundTrip(
          (writer) => writeSource(writer, source, tick),
          (reader) => readSource(reader, tick),
        )
        expect(value).toBe(source)
        const distance = (source - tick) | 0
        expect(bits).toBe(distance === 0 ? 1 : distance >= -32 && distance < 32 ? 8 : 34)
      }),
    )
  })

  test('PK6: usual baselines come back', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(MAX_SPACING), (age, spacing) => {
        const { value } = roundTrip(
          (writer) => writeUsual(writer, age, spacing),
          (reader) => [readUsualAge(reader), readUsualSpacing(reader)],
        )
        expect(value).toEqual([age, spacing])
      }),
    )
  })

  test('PK7: row counts fit their field', () => {
    for (const most of [1, 3, 4, 15, 16, 127, 128, 1_023]) {
      expect(2 ** countBits(countClass(most)) - 1).toBeGreaterThanOrEqual(most)
    }
  })

  test('PK8: ids and the distances between them come back, the largest too', () => {
    fc.assert(
      fc.property(uint32, uint32, fc.nat(15), (id, gap, order) => {
        expect(roundTrip((w) => writeFirstId(w, id), readFirstId).value).toBe(id)
        expect(roundTrip((w) => writeVariable(w, id >>> 1), readVariable).value).toBe(id >>> 1)
        const value = gap === 0xffffffff ? 0xfffffffe : gap
        const result = roundTrip(
          (w) => writeGolomb(w, value, order),
          (r) => readGolomb(r, order),
        )
        expect(result.value).toBe(value)
        expect(result.bits).toBeLessThanOrEqual(32 + 32 + 15)
      }),
      { numRuns: 1_000 },
    )
    expect(
      roundTrip(
        (w) => writeGolomb(w, 0, 0),
        (r) => readGolomb(r, 0),
      ).bits,
    ).toBe(1)
    expect([0, 1, 2.4, 2.6, 32].map(gapOrder)).toEqual([0, 0, 1, 2, 15])
  })

  test('PK8: halves of an id that are too large, and numbers over 32 bits, are refused', () => {
    const writer = new BitWriter(new Uint8Array(16))
    writeVariable(writer, 0x1000)
    writeVariable(writer, 1)
    expect(readFirstId(new BitReader(writer.finish()))).toBe(-1)
    expect(readGolomb(new BitReader(new Uint8Array(16).fill(255)), 15)).toBe(-1)
    const long = new BitWriter(new Uint8Array(16))
    long.write(0x7fffffff, 31)
    long.write(0, 1)
    long.write(0xffffffff, 31)
    long.write(0x7fff, 15)
    expect(readGolomb(new BitReader(long.finish()), 15)).toBe(-1)
  })

  test('PK9: baselines come back, the usual one in a bit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: MAX_BASELINE_AGE - 1 }),
        fc.oneof(fc.integer({ min: -130, max: 130 }), fc.integer({ min: -65_536, max: 65_536 })),
        fc.nat(MAX_SPACING),
        fc.nat(MAX_SPACING),
        (age, distance, spacing, usualSpacing) => {
          const usualAge = Math.min(0xffff, Math.max(0, age + distance))
          const out = { age: 0, spacing: 0 }
          const { value, bits } = roundTrip(
            (writer) => writeBaseline(writer, age, spacing, usualAge, usualSpacing),
            (reader) => readBaseline(reader, usualAge, usualSpacing, out),
          )
          expect(value).toBe(true)
          expect(out).toEqual({ age, spacing })
          expect(bits).toBeLessThanOrEqual(ROW_HEADER_BITS)
          if (age === usualAge && spacing === usualSpacing) expect(bits).toBe(1)
        },
      ),
      { numRuns: 1_000 },
    )
    const out = { age: 5, spacing: 5 }
    const whole = roundTrip(
      (w) => writeBaseline(w, WHOLE_ROW, 0, 6, 1),
      (r) => readBaseline(r, 6, 1, out),
    )
    expect([whole.value, whole.bits, out.age]).toEqual([true, 3, WHOLE_ROW])
  })

  test('BL4: a baseline of this tick, or too old, is refused', () => {
    const out = { age: 0, spacing: 0 }
    for (const age of [0, MAX_BASELINE_AGE, 0xffff]) {
      const writer = new BitWriter(new Uint8Array(8))
      writer.write(0b011, 3)
      writer.write(age, 16)
      writer.write(0, 1)
      expect(readBaseline(new BitReader(writer.finish()), 6, 1, out)).toBe(false)
    }
    // The usual one of a packet that has named none.
    expect(readBaseline(new BitReader(new Uint8Array(1)), 0, 0, out)).toBe(false)
  })
})
