/**
 * Numbers to lanes and back (QZ rules): the one place where a float loses precision.
 *
 * Invariant: `quantize(dequantize(q)) === q` for every valid lane q, even when the float in between was
 * stored in a Float32Array. Only + - * / sqrt and floor are used, which every engine rounds alike, so a
 * new host quantizes what it received to exactly the lanes that its peers already hold.
 */

// --- positions and other stepped floats -------------------------------------------------------------

/** @param half steps on either side of zero; coordinates beyond are clamped. `value` must be finite. */
export function quantizePosition(value: number, step: number, half: number): number {
  const steps = Math.floor(value / step + 0.5)
  if (steps >= half) return 2 * half
  return steps <= -half ? 0 : steps + half
}

export function dequantizePosition(lane: number, step: number, half: number): number {
  return (lane - half) * step
}

/** Clamps to [min, max]. `value` must be finite. */
export function quantizeStepped(value: number, min: number, step: number, laneMax: number): number {
  const steps = Math.floor((value - min) / step + 0.5)
  if (steps >= laneMax) return laneMax
  return steps <= 0 ? 0 : steps
}

export function dequantizeStepped(lane: number, min: number, step: number): number {
  return min + lane * step
}

// --- 32-bit floats ----------------------------------------------------------------------------------

// Two views of the same four bytes; written and read within one call, so it carries no state.
const floatView = new Float32Array(1)
const bitsView = new Int32Array(floatView.buffer)

/** The bit pattern, as a signed 32-bit integer. -0 becomes 0, so that equal values have equal lanes. */
export function quantizeF32(value: number): number {
  floatView[0] = value + 0
  return bitsView[0]!
}

export function dequantizeF32(lane: number): number {
  bitsView[0] = lane
  return floatView[0]!
}

/** Whether `quantizeF32` can have produced it: not NaN, not infinite, not -0. */
export function isF32(lane: number): boolean {
  return (lane & 0x7f800000) !== 0x7f800000 && lane !== -0x80000000
}

// --- integers ---------------------------------------------------------------------------------------

/** Signed n-bit integers travel as an offset from the smallest, so that neighbors stay neighbors. */
export function intOffset(bits: number): number {
  return bits === 32 ? 0x80000000 : 1 << (bits - 1)
}

// --- rotations --------------------------------------------------------------------------------------

/** Components whose size differs by less than this count as equally large; above Float32 noise. */
const TIE = 1 / 1_048_576
/** The square of a length under which a quaternion has no direction worth sending. */
export const MIN_LENGTH_SQUARED = 1e-12

/**
 * Room that must stay between the largest component and an earlier one, in units of 1 / (2 half²), so
 * that neither rounding to Float32 nor `TIE` can make the earlier one win when the lanes come back.
 */
function rotationMargin(half: number): number {
  return Math.max(1, Math.ceil((half * half) / 262_144))
}

/** Whether the component left out would be found the largest again. Steps around zero, all in integers. */
function staysLargest(largest: number, a: number, b: number, c: number, half: number): boolean {
  // 2 half² times the square of the largest component, which is what the others leave of the length.
  const rest = 2 * half * half - a * a - b * b - c * c
  const margin = rotationMargin(half)
  return (
    rest >= a * a + (largest > 0 ? margin : 0) &&
    rest >= b * b + (largest > 1 ? margin : 0) &&
    rest >= c * c + (largest > 2 ? margin : 0)
  )
}

/**
 * Whether four lanes are what `quantizeRotation` can produce. A row from the wire that fails this would
 * be quantized differently by the next host.
 */
export function isRotation(lanes: Int32Array, offset: number, half: number): boolean {
  const largest = lanes[offset]!
  const a = lanes[offset + 1]!
  const b = lanes[offset + 2]!
  const c = lanes[offset + 3]!
  const max = 2 * half
  if ((largest & ~3) !== 0 || a < 0 || b < 0 || c < 0 || a > max || b > max || c > max) return false
  return staysLargest(largest, a - half, b - half, c - half, half)
}

/**
 * Smallest three: the index of the largest component, then the three others in steps of
 * 1 / (half √2), the sign turned so that the largest is positive.
 *
 * Normalizes on the way in. Where rounding would leave another component the largest, the largest of
 * the three is taken toward zero, step by step, until it is not; at all zeros that holds at the latest.
 * Angular error: at most 3.5 / (half √2) rad.
 *
 * @returns false, with `out` untouched, when a component is not finite or the length is next to zero
 * @see docs/wire-format.md QZ rules; Fiedler, "Snapshot Compression" (2015)
 */
export function quantizeRotation(
  x: number,
  y: number,
  z: number,
  w: number,
  half: number,
  out: Int32Array,
  offset: number,
): boolean {
  const lengthSquared = x * x + y * y + z * z + w * w
  // Written so that NaN fails as well.
  if (!(lengthSquared > MIN_LENGTH_SQUARED && lengthSquared < Infinity)) return false
  const length = Math.sqrt(lengthSquared)
  const sizeX = Math.abs(x)
  const sizeY = Math.abs(y)
  const sizeZ = Math.abs(z)
  const sizeW = Math.abs(w)
  const floor = Math.max(sizeX, sizeY, sizeZ, sizeW) - TIE * length
  const largest = sizeX >= floor ? 0 : sizeY >= floor ? 1 : sizeZ >= floor ? 2 : 3

  const sign = (largest === 0 ? x : largest === 1 ? y : largest === 2 ? z : w) < 0 ? -1 : 1
  const scale = (sign * half * Math.SQRT2) / length
  let a = roundWithin((largest === 0 ? y : x) * scale, half)
  let b = roundWithin((largest < 2 ? z : y) * scale, half)
  let c = roundWithin((largest < 3 ? w : z) * scale, half)
  while (!staysLargest(largest, a, b, c, half)) {
    const most = Math.max(Math.abs(a), Math.abs(b), Math.abs(c))
    if (Math.abs(a) === most) a += a > 0 ? -1 : 1
    else if (Math.abs(b) === most) b += b > 0 ? -1 : 1
    else c += c > 0 ? -1 : 1
  }
  out[offset] = largest
  out[offset + 1] = a + half
  out[offset + 2] = b + half
  out[offset + 3] = c + half
  return true
}

function roundWithin(value: number, half: number): number {
  const rounded = Math.floor(value + 0.5)
  return rounded > half ? half : rounded < -half ? -half : rounded
}

/**
 * Four lanes to x, y, z, w from `values[at]` on. The lanes must be canonical (`isRotation`); what comes
 * out is of unit length.
 */
export function dequantizeRotation(
  lanes: Int32Array,
  offset: number,
  half: number,
  values: Float64Array,
  at: number,
): void {
  const largest = lanes[offset]!
  const a = lanes[offset + 1]! - half
  const b = lanes[offset + 2]! - half
  const c = lanes[offset + 3]! - half
  const size = half * Math.SQRT2
  const rest = Math.sqrt(1 - (a * a + b * b + c * c) / (2 * half * half))
  values[at] = largest === 0 ? rest : a / size
  values[at + 1] = largest === 1 ? rest : (largest < 1 ? a : b) / size
  values[at + 2] = largest === 2 ? rest : (largest < 2 ? b : c) / size
  values[at + 3] = largest === 3 ? rest : c / size
}
