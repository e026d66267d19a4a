/**
 * How many lanes' values and bits a field needs. Below quantize.ts, which uses the same steps.
 *
 * Invariant: a function of the field's parameters alone, so that equal summaries mean equal layouts.
 */

import type { LaneGroup } from './component-schema.ts'

/** Bits that hold 0..laneMax, at least 1. */
export function bitsFor(laneMax: number): number {
  return laneMax === 0 ? 1 : 32 - Math.clz32(laneMax)
}

/**
 * Steps of a position on either side of zero. Zero is always a lane, and the last step lies within half
 * a step of `range` where `range` is no multiple of `step`.
 */
export function positionHalf(range: number, step: number): number {
  return Math.floor(range / step + 0.5)
}

/** Largest lane of a float between `min` and `max`. */
export function steppedMax(min: number, max: number, step: number): number {
  return Math.floor((max - min) / step + 0.5)
}

/** Steps on either side of zero of a rotation's component. Zero is a lane; the last pattern is unused. */
export function rotationHalf(bits: number): number {
  return (1 << (bits - 1)) - 1
}

/** Bits of one lane, counted from the group's first. */
export function laneBits(group: LaneGroup, lane: number): number {
  return group.kind === 'rotation' && lane === 0 ? 2 : group.bits
}

/** Bits of a group sent absolutely. */
export function groupBits(group: LaneGroup): number {
  return group.kind === 'rotation' ? 2 + 3 * group.bits : group.count * group.bits
}
