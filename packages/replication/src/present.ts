/**
 * The frame spine: shows what others simulate, a little in the past, smoothly.
 *
 * Invariant: only entities without authority here are written, and only their snapshot columns.
 */
import { tickDifference, type Peer } from '@baton/core'
import { presentRow } from './interpolation/interpolate.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import { resolveEid } from './lookup.ts'
import type { ColumnDoor, FieldSchema, QuatColumns, Vec3Columns } from './schema/component-schema.ts'
import type { ReplicationState } from './state.ts'

/** Ticks without a packet after which a link counts as silent: a frame or two of jitter is not silence. */
const SILENT_TICKS = 6
/** Milliseconds for which motion is carried on past the newest sample of a silent link. */
const MAX_EXTRAPOLATION_MS = 250

export function present(state: ReplicationState, nowMs: number): void {
  const { table, store, network, delay, jitter } = state
  const local = network.local.slot
  const nowTick = network.exactTick(nowMs)
  const elapsedTicks = delay.advance(nowTick)
  const maxExtrapolationTicks = (MAX_EXTRAPOLATION_MS * network.tickRateHz) / 1000
  for (const rows of store.components) {
    const { schema } = rows
    if (schema.delivery !== 'snapshot' || schema.laneCount === 0) continue
    const resolve = schema.hasEntities ? (id: number): number => resolveEid(state, id) : undefined
    const buffers = jitter[schema.index]!
    const options = { elapsedTicks, silentSinceTick: undefined as number | undefined, maxExtrapolationTicks, resolve }
    for (let i = 0; i < table.count; i += 1) {
      const index = table.order[i]!
      if (rows.present[index] !== 1) continue
      const authority = actingAuthority(table, index, local)
      if (authority === local) continue
      options.silentSinceTick = silentSince(state, authority, nowTick)
      presentRow(schema, table.eid[index]!, buffers, index, delay.playbackTick(authority), options)
    }
  }
  showAvatars(state)
}

/** The newest tick heard from where an authority's rows come, when nothing has come for a while. */
function silentSince(state: ReplicationState, authority: number, nowTick: number): number | undefined {
  const { network, links } = state
  for (const link of links.values()) {
    const brings = network.isHost ? link.peer.slot === authority : link.peer.isHost
    if (!brings || link.newestTick === undefined) continue
    return tickDifference(nowTick, link.heardAtTick) > SILENT_TICKS ? link.newestTick : undefined
  }
  return undefined
}

/** `peer.translation` and `peer.rotation` are those of the first avatar that the peer owns (PT1). */
function showAvatars(state: ReplicationState): void {
  const { table, prefabs, network } = state
  for (const peer of [network.local, ...network.peers]) {
    for (let i = 0; i < table.count; i += 1) {
      const index = table.order[i]!
      if (table.owner[index] !== peer.slot || !prefabs.all[table.prefab[index]!]!.prefab.avatar) continue
      showAvatar(state, peer, index)
      break
    }
  }
}

function showAvatar(state: ReplicationState, peer: Peer, index: number): void {
  const eid = state.table.eid[index]!
  for (const { schema, present } of state.store.components) {
    if (present[index] !== 1) continue
    const position = columnsOf<Vec3Columns>(schema, 'position')
    const rotation = columnsOf<QuatColumns>(schema, 'rotation')
    if (position) {
      peer.translation[0] = position.x[eid]!
      peer.translation[1] = position.y[eid]!
      peer.translation[2] = position.z[eid]!
    }
    if (rotation) {
      peer.rotation[0] = rotation.x[eid]!
      peer.rotation[1] = rotation.y[eid]!
      peer.rotation[2] = rotation.z[eid]!
      peer.rotation[3] = rotation.w[eid]!
    }
    if (position) return
  }
}

function columnsOf<Columns>(
  schema: { readonly fields: readonly FieldSchema[]; readonly door: ColumnDoor },
  kind: FieldSchema['kind'],
): Columns | undefined {
  const at = schema.fields.findIndex((field) => field.kind === kind)
  return at < 0 ? undefined : (schema.door.columns[at] as Columns)
}
