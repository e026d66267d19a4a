/**
 * Ways between two values. Pure numbers; results are only shown, never sent, so functions that engines
 * round differently are allowed here.
 *
 * Invariant: at t = 0 and t = 1 each gives its ends.
 */

/** Cubic Hermite: from `a` to `b`, tangents in units of the whole way. */
export function hermite(a: number, b: number, tangentA: number, tangentB: number, t: number): number {
  const t2 = t * t
  const t3 = t2 * t
  return (2 * t3 - 3 * t2 + 1) * a + (t3 - 2 * t2 + t) * tangentA + (3 * t2 - 2 * t3) * b + (t3 - t2) * tangentB
}

/**
 * A tangent with which the curve does not leave the space between its ends: toward the end, and at most
 * three times as steep as the line. Else a ball that bounces would dip into the floor.
 * @see Fritsch and Carlson, "Monotone Piecewise Cubic Interpolation" (1980)
 */
export function limitedTangent(tangent: number, slope: number): number {
  if (tangent * slope <= 0) return 0
  return slope > 0 ? Math.min(tangent, 3 * slope) : Math.max(tangent, 3 * slope)
}

/** Below this angle (as a sine) a straight line is the same to a double's precision. */
const MIN_SINE = 1e-6

/**
 * Turns from the unit quaternion at `from[at]` to that at `to[at]` by the shorter way, at constant speed;
 * past t = 1 it turns on. Writes a unit quaternion to `out[at]`.
 */
export function slerp(from: Float64Array, to: Float64Array, t: number, out: Float64Array, at: number): void {
  let dot = 0
  for (let lane = at; lane < at + 4; lane++) dot += from[lane]! * to[lane]!
  // q and -q are the same rotation; the nearer one is the shorter way.
  const sign = dot < 0 ? -1 : 1
  dot *= sign
  let square = 0
  for (let lane = at; lane < at + 4; lane++) {
    const across = sign * to[lane]! - dot * from[lane]!
    square += across * across
  }
  const sine = Math.sqrt(square)
  let weightFrom = 1 - t
  let weightTo = t
  if (sine > MIN_SINE) {
    const angle = Math.atan2(sine, dot)
    weightFrom = Math.sin((1 - t) * angle) / sine
    weightTo = Math.sin(t * angle) / sine
  }
  let length = 0
  for (let lane = at; lane < at + 4; lane++) {
    const value = weightFrom * from[lane]! + weightTo * sign * to[lane]!
    out[lane] = value
    length += value * value
  }
  length = Math.sqrt(length)
  for (let lane = at; lane < at + 4; lane++) out[lane]! /= length
}
