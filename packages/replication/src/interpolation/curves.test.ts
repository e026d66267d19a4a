import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hermite, limitedTangent, slerp } from './curves.ts'

const value = fc.double({ min: -100, max: 100, noNaN: true })
const part = fc.double({ min: 0, max: 1, noNaN: true })
const RUNS = { numRuns: 2000 }

test('IN4: a curve begins and ends at its ends, with the tangents it was given', () => {
  fc.assert(
    fc.property(value, value, value, value, (a, b, m, n) => {
      const h = 1e-6
      expect(hermite(a, b, m, n, 0)).toBeCloseTo(a, 9)
      expect(hermite(a, b, m, n, 1)).toBeCloseTo(b, 9)
      expect((hermite(a, b, m, n, h) - a) / h).toBeCloseTo(m, 1)
      expect((b - hermite(a, b, m, n, 1 - h)) / h).toBeCloseTo(n, 1)
    }),
    RUNS,
  )
})

test('IN4: with limited tangents a curve never turns back on its way', () => {
  fc.assert(
    fc.property(value, value, value, value, part, part, (a, b, m, n, s, t) => {
      const slope = b - a
      const at = (x: number): number => hermite(a, b, limitedTangent(m, slope), limitedTangent(n, slope), x)
      const step = at(Math.max(s, t)) - at(Math.min(s, t))
      expect(step * Math.sign(slope)).toBeGreaterThanOrEqual(-1e-9)
    }),
    RUNS,
  )
})

const unit = fc
  .tuple(value, value, value, value)
  .filter((q) => Math.hypot(...q) > 0.1)
  .map((q) => Float64Array.from(q, (v) => v / Math.hypot(...q)))

test('IN5: a turn stays of unit length, begins and ends at its ends, and never takes the longer way', () => {
  fc.assert(
    fc.property(unit, unit, part, (from, to, t) => {
      const out = new Float64Array(4)
      const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, v, at) => sum + v * b[at]!, 0)
      slerp(from, to, t, out, 0)
      expect(Math.hypot(...out)).toBeCloseTo(1, 9)
      const whole = Math.acos(Math.min(1, Math.abs(dot(from, to))))
      expect(Math.acos(Math.min(1, Math.abs(dot(from, out))))).toBeLessThanOrEqual(whole * t + 1e-6)
      slerp(from, to, 0, out, 0)
      expect(Math.abs(dot(out, from))).toBeCloseTo(1, 9)
      slerp(from, to, 1, out, 0)
      expect(Math.abs(dot(out, to))).toBeCloseTo(1, 9)
    }),
    RUNS,
  )
})

test('IN5: equal and opposite signs of one rotation are no turn at all', () => {
  const from = Float64Array.of(0.5, 0.5, 0.5, 0.5)
  const out = new Float64Array(4)
  slerp(
    from,
    from.map((v) => -v),
    0.3,
    out,
    0,
  )
  expect([...out]).toEqual([0.5, 0.5, 0.5, 0.5])
})
