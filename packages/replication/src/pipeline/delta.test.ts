import { BitReader, BitWriter } from '@baton/core/bytes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createReference,
  readGroup,
  readWholeGroup,
  restoreGroup,
  turnRotation,
  writeGroup,
  writeWholeGroup,
  type Reference,
} from './delta.ts'
import type { LaneGroup } from '../schema/component-schema.ts'
import { expectationOf, expectedWidth, followWidth, readWidth, writeWidth } from './width-code.ts'

const group: fc.Arbitrary<LaneGroup> = fc.oneof(
  fc.record({
    kind: fc.constant<'vector'>('vector'),
    offset: fc.nat(3),
    count: fc.integer({ min: 1, max: 5 }),
    bits: fc.integer({ min: 1, max: 32 }),
  }),
  fc.record({
    kind: fc.constant<'scalar'>('scalar'),
    offset: fc.nat(3),
    count: fc.constant(1),
    bits: fc.integer({ min: 1, max: 32 }),
  }),
  fc.record({
    kind: fc.constant<'rotation'>('rotation'),
    offset: fc.nat(3),
    count: fc.constant(4),
    bits: fc.integer({ min: 2, max: 16 }),
  }),
)

const maskOf = (g: LaneGroup, lane: number): number =>
  g.kind === 'rotation' && lane === 0 ? 3 : g.bits === 32 ? -1 : 2 ** g.bits - 1

/** A group, three rows of it (some lanes near each other, some anywhere), and how they lie in time. */
const scenario = group.chain((g) =>
  fc.record({
    group: fc.constant(g),
    rows: fc
      .array(
        fc.tuple(fc.integer(), fc.integer({ min: -40, max: 40 }), fc.integer({ min: -40, max: 40 }), fc.boolean()),
        {
          minLength: g.count,
          maxLength: g.count,
        },
      )
      .map((lanes) =>
        [0, 1, 2].map((row) => {
          const out = new Int32Array(g.offset + g.count)
          lanes.forEach(([base, step, other, far], lane) => {
            const value = row === 0 ? base : row === 1 ? base + step : far ? ~base : base + 2 * step + other
            out[g.offset + lane] = value & maskOf(g, lane)
          })
          return out
        }),
      ),
    age: fc.integer({ min: 1, max: 32 }),
    spacing: fc.integer({ min: 0, max: 31 }),
    line: fc.boolean(),
    start: fc.integer({ min: 0, max: g.bits }),
  }),
)

function referenceOf(newest: Int32Array, older: Int32Array, age: number, spacing: number): Reference {
  const ref = createReference(newest.length)
  ref.newest.set(newest)
  ref.older.set(older)
  ref.age = age
  ref.spacing = spacing
  return ref
}

describe('delta', () => {
  test('DL1: a group comes back bit for bit, and its bits can be read without the states', () => {
    fc.assert(
      fc.property(scenario, ({ group: g, rows, age, spacing, line, start }) => {
        const [older, newest, now] = rows as [Int32Array, Int32Array, Int32Array]
        const bytes = new Uint8Array(64)
        const writer = new BitWriter(bytes)
        const ref = referenceOf(newest, older, age, spacing)
        const next = writeGroup(writer, g, now, 0, ref, line, expectationOf(start))
        expect(writer.failed).toBe(false)
        const end = writer.bitPosition
        writer.finish()

        const out = new Int32Array(now.length)
        const reader = new BitReader(bytes)
        expect(readGroup(reader, g, out, 0, expectationOf(start))).toBe(next)
        expect(reader.bitPosition).toBe(end)
        restoreGroup(g, out, 0, referenceOf(newest, older, age, spacing), line)
        expect([...out.subarray(g.offset)]).toEqual([...now.subarray(g.offset)])
      }),
      { numRuns: 4_000 },
    )
  })

  test('DL4: what goes on along a straight line takes no bits but the width', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.integer({ min: -1_000, max: 1_000 }),
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 1, max: 31 }),
        (bits, first, step, age, spacing) => {
          const g: LaneGroup = { kind: 'scalar', offset: 0, count: 1, bits }
          const mask = maskOf(g, 0)
          const older = Int32Array.of(first & mask)
          const newest = Int32Array.of((older[0]! + step) & mask)
          // The step as both ends see it, the shorter way around, and the exact rational prediction.
          const seen = BigInt.asIntN(bits, BigInt(newest[0]!) - BigInt(older[0]!))
          const twice = 2n * seen * BigInt(age) + BigInt(spacing)
          const steps = floorDivide(twice, 2n * BigInt(spacing))
          const now = Int32Array.of(Number(BigInt.asIntN(32, BigInt(newest[0]!) + steps)) & mask)
          const writer = new BitWriter(new Uint8Array(16))
          writeGroup(writer, g, now, 0, referenceOf(newest, older, age, spacing), true, 0)
          expect(writer.bitPosition).toBe(1)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('DL5: a rotation turned to another index is the same rotation, within its steps', () => {
    fc.assert(
      fc.property(
        fc.tuple(...[0, 1, 2, 3].map(() => fc.double({ min: -1, max: 1, noNaN: true }))),
        fc.integer({ min: 8, max: 16 }),
        fc.integer({ min: 0, max: 3 }),
        ([x, y, z, w], bits, largest) => {
          const half = 2 ** (bits - 1) - 1
          const length = Math.hypot(x!, y!, z!, w!)
          fc.pre(length > 1e-3)
          const unit = [x! / length, y! / length, z! / length, w! / length]
          const index = unit.findIndex((c) => Math.abs(c) === Math.max(...unit.map(Math.abs)))
          const turn = unit[index]! < 0 ? -1 : 1
          const three = unit.filter((_, c) => c !== index).map((c) => Math.round(c * turn * half * Math.SQRT2))
          const lanes = Int32Array.from([index, ...three.map((c) => c + half)])
          const turned = new Int32Array(4)
          turnRotation(lanes, 0, bits, largest, turned)
          expect(turned[0]).toBe(largest)
          if (largest === index) {
            expect([...turned]).toEqual([...lanes])
            return
          }
          // All four in steps; the one left out is what the others leave of the length.
          const rest = 2 * half * half - three.reduce((sum, c) => sum + c * c, 0)
          const steps = [...three]
          steps.splice(index, 0, Math.sqrt(Math.max(0, rest)))
          const sign = steps[largest]! < 0 ? -1 : 1
          let lane = 1
          for (let c = 0; c < 4; c += 1) {
            if (c === largest) continue
            expect(Math.abs(turned[lane]! - half - sign * steps[c]!)).toBeLessThanOrEqual(0.501)
            lane += 1
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('DL5: lanes that are no rotation are turned without a root of a negative number', () => {
    const out = new Int32Array(4)
    turnRotation(Int32Array.of(0, 1_023, 1_023, 1_023), 0, 10, 2, out)
    expect([...out]).toEqual([2, 511, 511 + 512, 511 + 512])
  })

  test('DL6: whole groups come back, whatever their lanes', () => {
    fc.assert(
      fc.property(scenario, ({ group: g, rows }) => {
        const writer = new BitWriter(new Uint8Array(64))
        writeWholeGroup(writer, g, rows[2]!, 0)
        const bits = g.kind === 'rotation' ? 2 + 3 * g.bits : g.count * g.bits
        expect(writer.bitPosition).toBe(bits)
        const out = new Int32Array(rows[2]!.length)
        readWholeGroup(new BitReader(writer.finish()), g, out, 0)
        expect([...out.subarray(g.offset)]).toEqual([...rows[2]!.subarray(g.offset)])
      }),
    )
  })

  test('DL3: widths come back, and reader and writer expect the same next', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.array(fc.nat(32), { minLength: 1, maxLength: 50 }),
        fc.boolean(),
        (bits, raw, several) => {
          const widths = raw.map((width) => Math.min(width, bits))
          const writer = new BitWriter(new Uint8Array(600))
          let expectation = expectationOf(bits >> 1)
          for (const width of widths) {
            writeWidth(writer, width, expectedWidth(expectation), several)
            expectation = followWidth(expectation, width)
            expect(expectedWidth(expectation)).toBeGreaterThanOrEqual(0)
            expect(expectedWidth(expectation)).toBeLessThanOrEqual(bits)
          }
          const reader = new BitReader(writer.finish())
          expectation = expectationOf(bits >> 1)
          for (const width of widths) {
            expect(readWidth(reader, expectedWidth(expectation), bits, several)).toBe(width)
            expectation = followWidth(expectation, width)
          }
        },
      ),
    )
  })

  test('DL3: a width that no group has is refused', () => {
    const writer = new BitWriter(new Uint8Array(8))
    writeWidth(writer, 9, 4, true)
    expect(readWidth(new BitReader(writer.finish()), 4, 8, true)).toBe(-1)
    expect(readWidth(new BitReader(new Uint8Array(20).fill(255)), 4, 32, false)).toBe(-1)
  })
})

function floorDivide(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : -((-a + b - 1n) / b)
}
