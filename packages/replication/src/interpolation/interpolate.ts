/**
 * Shows an entity at a moment between two of its samples (IN rules). The last stage before the columns;
 * `present.ts` calls it for every entity that another peer simulates.
 *
 * Invariant: what is shown lies on the way between two samples that were sent; only where the caller
 * says that the link is silent does it go on past the newest, and no further than it is told.
 */

import { tickDifference, wrapTick } from '@baton/core'
import type { ComponentSchema, ResolveEid } from '../schema/component-schema.ts'
import type { JitterBuffers } from './jitter-buffer.ts'
import { slerp } from './curves.ts'
import { curve, isTeleport } from './motion.ts'

export interface PresentOptions {
  /** Ticks since this entity's last frame: how far its own playback may move. */
  readonly elapsedTicks: number
  /**
   * The newest tick heard on a link that has fallen silent; undefined for a link that is alive, on which
   * an entity without news is at rest. Only what had a sample at that very tick is carried on.
   */
  readonly silentSinceTick?: number | undefined
  /**
   * The newest tick heard on the link that brings the entity: what had no sample since is at rest, and
   * settles. Undefined where that is not known.
   */
  readonly heardTick?: number | undefined
  /** Ticks past the newest sample to which motion is carried on: 250 ms of them. */
  readonly maxExtrapolationTicks: number
  /** Needed where the schema has entity fields. */
  readonly resolve?: ResolveEid | undefined
}

/**
 * - `empty`: nothing is known, nothing was written.
 * - `early`: the oldest sample is yet to come; it is shown.
 * - `between`: on the way between two samples.
 * - `held`: at the newest sample, or at rest before the next.
 * - `extrapolated`: past the newest sample of a silent link.
 * - `stalled`: as far past it as allowed, and still nothing.
 */
export type Presented = 'empty' | 'early' | 'between' | 'held' | 'extrapolated' | 'stalled'

/** Share of the passing time by which an entity catches up when its playback changes. */
const CATCH_UP = 0.25
/** More than this behind, at 60 Hz a second, it jumps. */
const MAX_CATCH_UP_TICKS = 60

/**
 * Writes one component of one entity into its columns as it is at `playbackTick`. Allocates nothing.
 *
 * When the playback of an entity changes (another peer simulates it now, with another delay) the entity
 * runs at 3/4 or 5/4 speed until it is where it should be, and never backward.
 *
 * @param index         the entity's place in `buffers`
 * @param playbackTick  exact tick to show, from `InterpolationDelay.playbackTick`
 */
export function presentRow(
  schema: ComponentSchema,
  eid: number,
  buffers: JitterBuffers,
  index: number,
  playbackTick: number,
  options: PresentOptions,
): Presented {
  const count = buffers.count(index)
  if (count === 0) return 'empty'
  // What is sent more rarely is shown so much later, or the next sample would always come too late.
  const target = wrapTick(playbackTick - (buffers.intervalTicks - 1))
  const shown = follow(buffers.shownTick[index]!, target, options.elapsedTicks)
  buffers.shownTick[index] = shown

  // Playback runs near the newest end, so the search starts there.
  let order = count - 1
  while (order >= 0 && tickDifference(buffers.ticks[buffers.place(index, order)]!, shown) > 0) order -= 1
  if (order < 0) return write(schema, eid, buffers, buffers.place(index, 0), 'early', options)
  if (order === count - 1) return presentNewest(schema, eid, buffers, index, order, shown, target, options)

  const from = buffers.place(index, order)
  const to = buffers.place(index, order + 1)
  const gap = tickDifference(buffers.ticks[to]!, buffers.ticks[from]!)
  // After rest the way begins shortly before its end, not where the rest began.
  const span = gap > buffers.restTicks ? buffers.leadTicks : gap
  const passed = span - tickDifference(buffers.ticks[to]!, shown)
  if (passed <= 0) return write(schema, eid, buffers, from, 'held', options)
  return mix(schema, eid, buffers, index, order, span, passed / span, options)
}

/** Moves an entity's own playback on toward the one it should have. */
function follow(shown: number, target: number, elapsedTicks: number): number {
  const behind = tickDifference(target, shown)
  // NaN, the first time, is neither.
  if (!(Math.abs(behind) <= MAX_CATCH_UP_TICKS)) return behind < 0 ? shown : target
  const step = Math.max(elapsedTicks * (1 - CATCH_UP), Math.min(elapsedTicks * (1 + CATCH_UP), behind))
  return Math.abs(behind - elapsedTicks) < 1e-6 ? target : wrapTick(shown + step)
}

function presentNewest(
  schema: ComponentSchema,
  eid: number,
  buffers: JitterBuffers,
  index: number,
  order: number,
  shown: number,
  target: number,
  options: PresentOptions,
): Presented {
  const { silentSinceTick, maxExtrapolationTicks } = options
  const to = buffers.place(index, order)
  const past = tickDifference(shown, buffers.ticks[to]!)
  if (past >= 0 && shown === target && hasComeToRest(buffers, to, options)) {
    write(schema, eid, buffers, to, 'held', options)
    buffers.settle(index)
    return 'held'
  }
  if (past <= 0 || order === 0 || silentSinceTick === undefined) {
    return write(schema, eid, buffers, to, 'held', options)
  }
  const unheardTicks = tickDifference(silentSinceTick, buffers.ticks[to]!)
  const gap = tickDifference(buffers.ticks[to]!, buffers.ticks[buffers.place(index, order - 1)]!)
  // News was heard without it: it had come to rest. A gap before it: its speed is not known.
  if (unheardTicks >= buffers.intervalTicks || gap > buffers.restTicks) {
    return write(schema, eid, buffers, to, 'held', options)
  }
  const allowed = Math.min(past, maxExtrapolationTicks)
  const presented = mix(schema, eid, buffers, index, order - 1, gap, 1 + allowed / gap, options)
  if (presented !== 'between') return 'held'
  return past > maxExtrapolationTicks ? 'stalled' : 'extrapolated'
}

/** News was heard without it. What refers to other entities is looked at always: they come and go. */
function hasComeToRest(buffers: JitterBuffers, place: number, { heardTick }: PresentOptions): boolean {
  if (heardTick === undefined || buffers.schema.hasEntities) return false
  return tickDifference(heardTick, buffers.ticks[place]!) >= buffers.intervalTicks
}

function write(
  schema: ComponentSchema,
  eid: number,
  buffers: JitterBuffers,
  place: number,
  presented: Presented,
  options: PresentOptions,
): Presented {
  const values = buffers.mixing[0]!
  schema.door.dequantize(buffers.lanes, place * schema.laneCount, values)
  schema.door.applyValues(eid, values, options.resolve)
  return presented
}

/**
 * Writes what lies `t` of the way (past 1: beyond) from the `order`th sample to the next.
 * @param span ticks of that way, which after rest is shorter than the time between the samples
 */
function mix(
  schema: ComponentSchema,
  eid: number,
  buffers: JitterBuffers,
  index: number,
  order: number,
  span: number,
  t: number,
  options: PresentOptions,
): Presented {
  const { laneCount, fields, door } = schema
  const [out, from, to] = buffers.mixing as [Float64Array, Float64Array, Float64Array]
  door.dequantize(buffers.lanes, buffers.place(index, order) * laneCount, from)
  door.dequantize(buffers.lanes, buffers.place(index, order + 1) * laneCount, to)
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at]!
    if (field.kind === 'position' && isTeleport(field, from, to, span)) {
      // All of the row jumps together, and not before its time.
      return write(schema, eid, buffers, buffers.place(index, t < 1 ? order : order + 1), 'held', options)
    }
  }
  // Discrete kinds take the older sample's value, until the newer one's time has come.
  const base = t < 1 ? from : to
  for (let lane = 0; lane < laneCount; lane++) out[lane] = base[lane]!

  for (let at = 0; at < fields.length; at++) {
    const field = fields[at]!
    switch (field.kind) {
      case 'position':
        if (field.interpolate === 'none') break
        if (field.interpolate === 'hermite' && t < 1) curve(buffers, index, order, field, span, t)
        else for (let lane = 0; lane < 3; lane++) line(from, to, t, out, field.group.offset + lane)
        break
      case 'rotation':
        if (field.interpolate !== 'none') slerp(from, to, t, out, field.group.offset)
        break
      case 'quantized':
        if (field.interpolate === 'none') break
        line(from, to, t, out, field.group.offset)
        out[field.group.offset] = Math.max(field.min, Math.min(field.max, out[field.group.offset]!))
        break
      case 'f32':
        if (field.interpolate !== 'none') line(from, to, t, out, field.group.offset)
        break
      default:
        break
    }
  }
  door.applyValues(eid, out, options.resolve)
  return 'between'
}

function line(from: Float64Array, to: Float64Array, t: number, out: Float64Array, lane: number): void {
  out[lane] = from[lane]! + (to[lane]! - from[lane]!) * t
}
