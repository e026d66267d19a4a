import { SeededRandom } from '@baton/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_PRIORITY, URGENCY, createRowPolicy, rowScore, starvationBoundTicks } from './priority.ts'

describe('priority', () => {
  test('PR1: a score is priority times waiting, with priority held between 1 and 16', () => {
    expect(rowScore(4, 10, false)).toBe(40)
    expect(rowScore(4, 10, true)).toBe(40 * URGENCY)
    expect(rowScore(0, 10, false)).toBe(10)
    expect(rowScore(-3, 0, false)).toBe(1)
    expect(rowScore(Number.NaN, 10, false)).toBe(10)
    expect(rowScore(1e9, 10, false)).toBe(10 * MAX_PRIORITY)
  })

  test('PR2: chosen rows fit together, and none is passed over for one that scores much less', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            score: fc.oneof(fc.constant(0), fc.double({ min: 1, max: 1e6, noNaN: true })),
            bits: fc.integer({ min: 1, max: 900 }),
          }),
          { maxLength: 200 },
        ),
        fc.nat(30_000),
        (rows, budgetBits) => {
          const policy = createRowPolicy()
          const scores = Float32Array.from(rows, ({ score }) => score)
          const bits = Int32Array.from(rows, (row) => row.bits)
          const chosen = new Uint8Array(rows.length)
          const count = policy.choose(scores, bits, rows.length, budgetBits, chosen)
          expect(chosen.reduce((sum, one) => sum + one, 0)).toBe(count)
          let used = 0
          for (let row = 0; row < rows.length; row += 1) {
            if (chosen[row] === 0) continue
            expect(scores[row]).toBeGreaterThan(0)
            used += bits[row]!
          }
          expect(used).toBeLessThanOrEqual(budgetBits)
          const wanted = rows.filter(({ score }) => score > 0)
          const largest = Math.max(1, ...wanted.map((row) => row.bits))
          expect(count).toBeGreaterThanOrEqual(Math.min(wanted.length, Math.floor(budgetBits / largest)))
          const least = Math.min(Infinity, ...rows.filter((_, row) => chosen[row] === 1).map(({ score }) => score))
          const passedOver = Math.max(0, ...rows.filter((_, row) => chosen[row] === 0).map(({ score }) => score))
          if (count > 0 && budgetBits >= 900) expect(least * 1.19).toBeGreaterThanOrEqual(Math.min(passedOver, 1e6))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('PR4: every row is sent within the bound, whatever the priorities and losses', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 1, max: 8 }),
        (seed, rowCount, rowsPerTick) => {
          const random = new SeededRandom(seed)
          const policy = createRowPolicy()
          const bits = new Int32Array(rowCount).fill(100)
          const scores = new Float32Array(rowCount)
          const chosen = new Uint8Array(rowCount)
          const sentAt = new Float64Array(rowCount)
          const bound = starvationBoundTicks(rowCount, rowsPerTick, MAX_PRIORITY * URGENCY)
          let longest = 0
          const meek = random.integer(0, rowCount - 1)
          for (let tick = 1; tick < bound + 500; tick += 1) {
            for (let row = 0; row < rowCount; row += 1) {
              // One row always has the least, the others mostly the most, and losses besides.
              const priority = row === meek ? 1 : random.chance(0.9) ? MAX_PRIORITY : random.range(1, MAX_PRIORITY)
              scores[row] = policy.score(priority, tick - sentAt[row]!, row !== meek && random.chance(0.8))
            }
            policy.choose(scores, bits, rowCount, rowsPerTick * 100, chosen)
            for (let row = 0; row < rowCount; row += 1) {
              if (chosen[row] === 1) sentAt[row] = tick
              longest = Math.max(longest, tick - sentAt[row]!)
            }
          }
          expect(longest).toBeLessThanOrEqual(bound)
        },
      ),
      { numRuns: 12 },
    )
  })

  test('PR4: rows of equal priority take turns', () => {
    const policy = createRowPolicy()
    const rowCount = 103
    const bits = new Int32Array(rowCount).fill(100)
    const scores = new Float32Array(rowCount)
    const chosen = new Uint8Array(rowCount)
    const sentAt = new Float64Array(rowCount)
    let longest = 0
    for (let tick = 1; tick < 500; tick += 1) {
      for (let row = 0; row < rowCount; row += 1) scores[row] = policy.score(1, tick - sentAt[row]!, false)
      policy.choose(scores, bits, rowCount, 1_000, chosen)
      for (let row = 0; row < rowCount; row += 1) {
        if (chosen[row] === 1) sentAt[row] = tick
        longest = Math.max(longest, tick - sentAt[row]!)
      }
    }
    // Eleven ticks are the least that 103 rows need, ten a tick; classes are not exact.
    expect(longest).toBeLessThanOrEqual(16)
  })
})
