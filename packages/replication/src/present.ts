/**
 * The frame spine: shows what others simulate, a little in the past, smoothly.
 *
 * Invariant: only entities without authority here are written, and only their snapshot columns.
 */
import { tickDifference } from '@baton/core'
import { presentRow } from './interpolation/interpolate.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import { travelsAsState } from './pipeline/published-rows.ts'
import type { ComponentRows } from './pipeline/row-store.ts'
import { showAvatars } from './show-avatars.ts'
import type { ReplicationState } from './state.ts'

/** Ticks without a packet after which a link counts as silent: a frame or two of jitter is not silence. */
const SILENT_TICKS = 6
/** Milliseconds for which motion is carried on past the newest sample of a silent link. */
const MAX_EXTRAPOLATION_MS = 250
/** Frames in which every entity that rests is looked at once: the game may have written where it must not (IN12). */
const SWEEP_FRAMES = 64

export function present(state: ReplicationState, nowMs: number): void {
  const { store, network, delay, presenting } = state
  const { options } = presenting
  presenting.frame = (presenting.frame + 1) % SWEEP_FRAMES
  presenting.nowTick = network.exactTick(nowMs)
  options.elapsedTicks = delay.advance(presenting.nowTick)
  options.maxExtrapolationTicks = (MAX_EXTRAPOLATION_MS * network.tickRateHz) / 1000
  for (const rows of store.components) if (travelsAsState(rows.schema)) presentRows(state, rows)
  showAvatars(state)
}

function presentRows(state: ReplicationState, rows: ComponentRows): void {
  const { table, network, delay, presenting } = state
  const { schema, present } = rows
  const { options, frame } = presenting
  const buffers = state.jitter[schema.index]!
  const local = network.local.slot
  let slot = -1
  let playbackTick = 0
  options.resolve = schema.hasEntities ? state.resolveEid : undefined
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    if (present[index] !== 1) continue
    if (buffers.isSettled[index] === 1 && index % SWEEP_FRAMES !== frame) continue
    const authority = actingAuthority(table, index, local)
    if (authority === local) continue
    // Neighbors in the order mostly share it.
    if (authority !== slot) {
      slot = authority
      playbackTick = delay.playbackTick(authority)
      listenTo(state, authority)
    }
    presentRow(schema, table.eid[index]!, buffers, index, playbackTick, options)
  }
}

/** What was heard of late from where an authority's rows come. */
function listenTo(state: ReplicationState, authority: number): void {
  const { network, links, presenting } = state
  const { options, nowTick } = presenting
  options.silentSinceTick = undefined
  options.heardTick = undefined
  for (const link of links.values()) {
    const brings = network.isHost ? link.peer.slot === authority : link.peer.isHost
    if (!brings || link.newestTick === undefined) continue
    options.heardTick = link.newestTick
    if (tickDifference(nowTick, link.heardAtTick) > SILENT_TICKS) options.silentSinceTick = link.newestTick
    return
  }
}
