/** The numbers under the tables. */
import { describe, expect, test } from 'vitest'
import { angleDegrees } from './compare-worlds.ts'
import { formatNumber, formatRatio, growth, markdownTable, mean, median, quantile } from './statistics.ts'

describe('statistics', () => {
  test('the median is the middle of the values, in whatever order they come', () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([4, 1, 3, 2])).toBe(3)
    expect(median([])).toBeNaN()
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  test('a quantile is a value that was there', () => {
    const values = Array.from({ length: 100 }, (_, at) => at)
    expect(quantile(values, 0.99)).toBe(99)
    expect(quantile(values, 0)).toBe(0)
    expect(quantile(values, 1)).toBe(99)
    expect(mean(values)).toBe(49.5)
  })

  test('growth is the power of a curve', () => {
    const sizes = [10, 100, 1_000]
    expect(growth(sizes.map((size) => [size, size * 7]))).toBeCloseTo(1)
    expect(growth(sizes.map((size) => [size, size * size]))).toBeCloseTo(2)
    expect(growth(sizes.map((size) => [size, 5]))).toBeCloseTo(0)
    expect(growth([[10, 5]])).toBeNaN()
  })

  test('numbers are as long as they are exact', () => {
    expect([1_234.5, 123.4, 12.34, 1.234, 0.001_23, 0, 7, Number.NaN, undefined].map(formatNumber)).toEqual([
      '1,235',
      '123',
      '12.3',
      '1.23',
      '0.0012',
      '0',
      '7',
      '–',
      '–',
    ])
    expect(formatRatio(30, 10)).toBe('×3')
    expect(formatRatio(3, 0)).toBe('–')
    expect(formatRatio(undefined, 3)).toBe('–')
  })

  test('a table has a line for the head, one for the columns and one per row', () => {
    expect(markdownTable(['a', 'b'], [['x', '1']])).toBe('| a | b |\n| --- | ---: |\n| x | 1 |')
  })
})

describe('angleDegrees', () => {
  const turned = (degrees: number): Float32Array => {
    const half = (degrees * Math.PI) / 360
    return Float32Array.from([Math.sin(half), 0, 0, Math.cos(half)])
  }

  test('measures small and large angles, whatever the sign and length', () => {
    for (const degrees of [0, 0.05, 1, 90, 179]) {
      expect(angleDegrees(turned(0), 0, turned(degrees), 0)).toBeCloseTo(degrees, 3)
      expect(
        angleDegrees(
          turned(0),
          0,
          turned(degrees).map((part) => part * -3),
          0,
        ),
      ).toBeCloseTo(degrees, 3)
    }
  })
})
