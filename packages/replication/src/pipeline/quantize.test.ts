import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bitsFor, positionHalf, rotationHalf, steppedMax } from '../schema/lane-layout.ts'
import {
  dequantizeF32,
  dequantizePosition,
  dequantizeRotation,
  dequantizeStepped,
  isF32,
  isRotation,
  quantizeF32,
  quantizePosition,
  quantizeRotation,
  quantizeStepped,
} from './quantize.ts'

const RUNS = { numRuns: 2000 }

/** Ranges and steps that `vec3` accepts: at most 2^23 steps across. */
const positions = fc
  .tuple(fc.double({ min: 0.01, max: 1e6, noNaN: true }), fc.integer({ min: 1, max: 2 ** 22 }))
  .map(([range, steps]) => ({ range, step: range / steps, half: positionHalf(range, range / steps) }))

test('QZ1: a position lane survives its Float32 column, for every range, step and lane', () => {
  fc.assert(
    fc.property(positions, fc.double({ min: 0, max: 1, noNaN: true }), ({ step, half }, part) => {
      const lane = Math.floor(part * 2 * half)
      const column = new Float32Array([dequantizePosition(lane, step, half)])
      expect(quantizePosition(column[0]!, step, half)).toBe(lane)
    }),
    RUNS,
  )
})

test('QZ1: a position within range comes back within half a step, zero exactly, and beyond is clamped', () => {
  fc.assert(
    fc.property(positions, fc.double({ min: -1, max: 1, noNaN: true }), ({ range, step, half }, part) => {
      const value = part * range
      const back = dequantizePosition(quantizePosition(value, step, half), step, half)
      expect(Math.abs(back - value)).toBeLessThanOrEqual(step * 0.5000001)
      expect(dequantizePosition(quantizePosition(0, step, half), step, half)).toBe(0)
      expect(quantizePosition(range * 1.5 + step, step, half)).toBe(2 * half)
      expect(quantizePosition(-range * 1.5 - step, step, half)).toBe(0)
      expect(quantizePosition(3e38, step, half)).toBe(2 * half)
    }),
    RUNS,
  )
})

test('QZ1: 512 m in steps of 1/512 m take 20 bits', () => {
  expect(positionHalf(512, 1 / 512)).toBe(262_144)
  expect(bitsFor(2 * positionHalf(512, 1 / 512))).toBe(20)
})

test('QZ2: a stepped float survives its Float32 column and is clamped at both ends', () => {
  const ranges = fc
    .tuple(
      fc.double({ min: -1000, max: 1000, noNaN: true }),
      fc.double({ min: 0.01, max: 1000, noNaN: true }),
      fc.integer({ min: 1, max: 4096 }),
    )
    .map(([min, span, steps]) => ({ min, max: min + span, step: span / steps }))
    .filter(({ min, max, step }) => Math.max(Math.abs(min), Math.abs(max)) / step <= 2 ** 22)
  fc.assert(
    fc.property(ranges, fc.double({ min: 0, max: 1, noNaN: true }), ({ min, max, step }, part) => {
      const laneMax = steppedMax(min, max, step)
      const lane = Math.floor(part * laneMax)
      const column = new Float32Array([dequantizeStepped(lane, min, step)])
      expect(quantizeStepped(column[0]!, min, step, laneMax)).toBe(lane)
      expect(quantizeStepped(max + 10 * step, min, step, laneMax)).toBe(laneMax)
      expect(quantizeStepped(min - 10 * step, min, step, laneMax)).toBe(0)
      const value = min + part * (max - min)
      const back = dequantizeStepped(quantizeStepped(value, min, step, laneMax), min, step)
      expect(Math.abs(back - value)).toBeLessThanOrEqual(step * 0.5000001)
    }),
    RUNS,
  )
})

test('QZ3: a 32-bit float keeps every bit, and -0 becomes 0', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const lane = quantizeF32(value)
      expect(isF32(lane)).toBe(true)
      expect(dequantizeF32(lane)).toBe(value === 0 ? 0 : value)
      expect(quantizeF32(dequantizeF32(lane))).toBe(lane)
    }),
    RUNS,
  )
  expect(quantizeF32(-0)).toBe(0)
  expect(isF32(0x80000000 | 0)).toBe(false)
})

test('QZ3: patterns of NaN and the infinities are told apart from numbers', () => {
  fc.assert(
    fc.property(fc.integer(), (lane) => {
      const value = dequantizeF32(lane)
      expect(isF32(lane)).toBe(Number.isFinite(value) && !Object.is(value, -0))
    }),
    RUNS,
  )
})

describe('rotations', () => {
  const bits = fc.integer({ min: 2, max: 15 })
  const component = fc.double({ min: -1, max: 1, noNaN: true })
  /** Any direction, and those where rounding decides which component is the largest. */
  const quaternions = fc
    .oneof(
      fc.tuple(component, component, component, component),
      fc
        .tuple(
          fc.constantFrom(0.5, Math.SQRT1_2, 1, 1 / Math.sqrt(3)),
          fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 4, maxLength: 4 }),
          fc.array(fc.constantFrom(-1, 0, 1, 1, 1), { minLength: 4, maxLength: 4 }),
        )
        .map(
          ([size, nudges, signs]) =>
            nudges.map((nudge, at) => signs[at]! * size * (1 + nudge * 1e-7)) as [number, number, number, number],
        ),
      fc
        .tuple(
          fc.integer({ min: 2, max: 15 }),
          fc.array(fc.integer({ min: -600, max: 600 }), { minLength: 3, maxLength: 3 }),
          fc.integer({ min: 0, max: 3 }),
        )
        .map(([b, steps, at]) => {
          // Points on the lattice and half way between, where ties are decided.
          const rest = steps.map((s) => (s / 2 / rotationHalf(b)) * Math.SQRT1_2)
          const all = [
            ...rest.slice(0, at),
            Math.sqrt(Math.max(0, 1 - rest.reduce((sum, r) => sum + r * r, 0))),
            ...rest.slice(at),
          ]
          return all as [number, number, number, number]
        }),
    )
    .filter((q) => Math.hypot(...q) > 1e-3)

  const exact = (lanes: Int32Array, half: number): Float64Array => {
    const values = new Float64Array(4)
    dequantizeRotation(lanes, 0, half, values, 0)
    return values
  }
  const read = (lanes: Int32Array, half: number): Float32Array => Float32Array.from(exact(lanes, half))

  test('QZ4: what was quantized is quantized to the same lanes again, through a Float32 column', () => {
    fc.assert(
      fc.property(quaternions, bits, ([x, y, z, w], b) => {
        const half = rotationHalf(b)
        const first = new Int32Array(4)
        expect(quantizeRotation(x, y, z, w, half, first, 0)).toBe(true)
        expect(isRotation(first, 0, half)).toBe(true)
        const back = read(first, half)
        const second = new Int32Array(4)
        expect(quantizeRotation(back[0]!, back[1]!, back[2]!, back[3]!, half, second, 0)).toBe(true)
        expect([...second]).toEqual([...first])
      }),
      { numRuns: 6_000 },
    )
  })

  test('QZ4: every pattern that passes the check on the wire is quantized to itself', () => {
    // All of them for small sizes, a sample of the large.
    for (let b = 2; b <= 5; b++) {
      const half = rotationHalf(b)
      let canonical = 0
      for (let code = 0; code < 4 << (3 * b); code++) {
        const mask = (1 << b) - 1
        const lanes = Int32Array.of(
          code & 3,
          (code >> 2) & mask,
          (code >> (2 + b)) & mask,
          (code >> (2 + 2 * b)) & mask,
        )
        if (!isRotation(lanes, 0, half)) continue
        canonical++
        const back = read(lanes, half)
        const again = new Int32Array(4)
        quantizeRotation(back[0]!, back[1]!, back[2]!, back[3]!, half, again, 0)
        if (lanes.some((lane, at) => lane !== again[at])) expect([...again]).toEqual([...lanes])
      }
      expect(canonical).toBeGreaterThan(b === 2 ? 15 : 300)
    }
    const any = fc.integer({ min: 0, max: 2 ** 15 - 1 })
    let accepted = 0
    fc.assert(
      fc.property(bits, fc.integer({ min: 0, max: 3 }), any, any, any, (b, largest, p, q, r) => {
        const half = rotationHalf(b)
        const mask = (1 << b) - 1
        const lanes = Int32Array.of(largest, p & mask, q & mask, r & mask)
        if (!isRotation(lanes, 0, half)) return
        accepted++
        const back = read(lanes, half)
        const again = new Int32Array(4)
        quantizeRotation(back[0]!, back[1]!, back[2]!, back[3]!, half, again, 0)
        expect([...again]).toEqual([...lanes])
      }),
      { numRuns: 6_000 },
    )
    expect(accepted).toBeGreaterThan(1500)
  })

  test('QZ4: the angle to the original stays under 3.5 steps', () => {
    fc.assert(
      fc.property(quaternions, bits, ([x, y, z, w], b) => {
        const half = rotationHalf(b)
        const lanes = new Int32Array(4)
        quantizeRotation(x, y, z, w, half, lanes, 0)
        const length = Math.hypot(x, y, z, w)
        const [bx, by, bz, bw] = [...exact(lanes, half)] as [number, number, number, number]
        const sign = x * bx + y * by + z * bz + w * bw < 0 ? -1 : 1
        // Half the chord is the sine of a quarter of the angle: exact where acos of a dot product is not.
        const chord = Math.hypot(
          x / length - sign * bx,
          y / length - sign * by,
          z / length - sign * bz,
          w / length - sign * bw,
        )
        const angleRad = 4 * Math.asin(Math.min(1, chord / 2))
        expect(angleRad).toBeLessThanOrEqual(3.5 / (half * Math.SQRT2))
      }),
      { numRuns: 6_000 },
    )
  })

  test('QZ4: a quaternion and its negative are the same lanes, and length does not matter', () => {
    fc.assert(
      fc.property(quaternions, bits, fc.constantFrom(-1, -0.125, 0.5, 8), ([x, y, z, w], b, factor) => {
        const half = rotationHalf(b)
        const first = new Int32Array(4)
        const second = new Int32Array(4)
        quantizeRotation(x, y, z, w, half, first, 0)
        quantizeRotation(x * factor, y * factor, z * factor, w * factor, half, second, 0)
        expect([...second]).toEqual([...first])
      }),
      RUNS,
    )
  })

  test('QZ4: the identity is exact at any size', () => {
    for (let b = 2; b <= 15; b++) {
      const lanes = new Int32Array(4)
      quantizeRotation(0, 0, 0, 1, rotationHalf(b), lanes, 0)
      expect([...read(lanes, rotationHalf(b))]).toEqual([0, 0, 0, 1])
    }
  })

  test('QZ4: zero, NaN and infinity are refused and leave the lanes alone', () => {
    for (const bad of [0, NaN, Infinity, -Infinity]) {
      const lanes = Int32Array.of(7, 7, 7, 7)
      expect(quantizeRotation(0, bad, 0, 0, 511, lanes, 0)).toBe(false)
      expect([...lanes]).toEqual([7, 7, 7, 7])
    }
  })
})
