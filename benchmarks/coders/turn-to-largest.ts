/**
 * A smallest-three rotation written with another component left out, so that it can be compared with one
 * whose largest component is that one.
 *
 * Invariant: only operations that ECMAScript defines to the last bit, so both ends get the same numbers.
 */
import { ROTATION_BITS } from './quantized-trace.ts'

const STEPS = 2 ** ROTATION_BITS - 1

/** @param values index of the largest component at `at`, then the three others @param out the other three, quantized */
export function turnToLargest(values: Int32Array, at: number, largest: number, out: Int32Array): void {
  const leftOut = values[at]!
  let rest = 1
  const parts = [0, 0, 0, 0]
  for (let index = 0, from = at + 1; index < 4; index += 1) {
    if (index === leftOut) continue
    const part = ((values[from]! * 2) / STEPS - 1) / Math.SQRT2
    parts[index] = part
    rest -= part * part
    from += 1
  }
  parts[leftOut] = Math.sqrt(Math.max(0, rest))
  const sign = parts[largest]! < 0 ? -1 : 1
  for (let index = 0, to = 0; index < 4; index += 1) {
    if (index === largest) continue
    out[to] = Math.floor((sign * parts[index]! * Math.SQRT2 + 1) * 0.5 * STEPS + 0.5)
    to += 1
  }
}
