/**
 * What samples of a position say about its motion: whether it is one, and along which curve.
 *
 * Invariant: a sample that belongs to another motion (before rest, beyond a jump) has no say.
 */

import { tickDifference } from '@baton/core'
import type { PositionField } from '../schema/component-schema.ts'
import { hermite, limitedTangent } from './curves.ts'
import type { JitterBuffers } from './jitter-buffer.ts'

/** Farther apart than anything moves in that time. */
export function isTeleport(field: PositionField, from: Float64Array, to: Float64Array, ticks: number): boolean {
  const at = field.group.offset
  const x = to[at]! - from[at]!
  const y = to[at + 1]! - from[at + 1]!
  const z = to[at + 2]! - from[at + 2]!
  const limit = field.teleportM * ticks
  return x * x + y * y + z * z > limit * limit
}

/** A position on the curve through the two samples, its directions taken from their neighbors. */
export function curve(
  buffers: JitterBuffers,
  index: number,
  order: number,
  field: PositionField,
  span: number,
  t: number,
): void {
  const [out, from, to, before, after] = buffers.mixing as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const ticksBefore = neighbor(buffers, index, order, -1, field, from, before)
  const ticksAfter = neighbor(buffers, index, order + 1, 1, field, to, after)
  const at = field.group.offset
  for (let lane = at; lane < at + 3; lane++) {
    const way = to[lane]! - from[lane]!
    const slope = way / span
    // Without a neighbor the curve leaves or arrives along the line.
    const start = ticksBefore === 0 ? slope : (to[lane]! - before[lane]!) / (span + ticksBefore)
    const end = ticksAfter === 0 ? slope : (after[lane]! - from[lane]!) / (span + ticksAfter)
    out[lane] = hermite(
      from[lane]!,
      to[lane]!,
      limitedTangent(start, slope) * span,
      limitedTangent(end, slope) * span,
      t,
    )
  }
}

/** Loads the sample next to one; ticks between them, 0 where there is none that belongs to the motion. */
function neighbor(
  buffers: JitterBuffers,
  index: number,
  order: number,
  side: -1 | 1,
  field: PositionField,
  sample: Float64Array,
  into: Float64Array,
): number {
  const next = order + side
  if (next < 0 || next >= buffers.count(index)) return 0
  const place = buffers.place(index, next)
  const ticks = side * tickDifference(buffers.ticks[place]!, buffers.ticks[buffers.place(index, order)]!)
  if (ticks > buffers.restTicks) return 0
  const { schema } = buffers
  schema.door.dequantize(buffers.lanes, place * schema.laneCount, into)
  return isTeleport(field, sample, into, ticks) ? 0 : ticks
}
