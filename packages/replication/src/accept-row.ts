/**
 * Takes one row of another peer: judged, stored, and handed to interpolation.
 *
 * Invariant: every row is judged here and nowhere else. A row that is refused changes only a counter.
 */
import { judgeRow } from './authority/accept-update.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import { isLaterTick, noteRowWritten, risingTick } from './pipeline/row-store.ts'
import type { Link, ReplicationState } from './state.ts'

export function acceptRow(
  state: ReplicationState,
  link: Link,
  component: number,
  index: number,
  tick: number,
  lanes: Int32Array,
  offset: number,
  packetTick = link.decoder.header.tick,
): void {
  const { table, store, network, counters, tap } = state
  const rows = store.components[component]!
  const { schema } = rows
  const local = network.local.slot
  const now = network.tick(state.nowMs)
  const knownTick = rows.hasHeard[index] === 1 ? rows.heardTick[index]! : (tick - 1) >>> 0
  counters.rowsReceived += 1
  const verdict = judgeRow(link.peer.isHost, link.peer.slot, local, table.authority[index]!, tick, knownTick, now)
  if (verdict === 'not-authority' || verdict === 'ahead') counters.rowsWithoutAuthority += 1
  else if (verdict === 'old') counters.rowsOld += 1
  if (verdict === 'own') hearAside(state, component, index, tick, lanes, offset, packetTick)
  if (verdict !== 'apply') return
  const isFirst = rows.hasHeard[index] === 0
  rows.heardTick[index] = tick
  rows.heardPacketTick[index] = packetTick
  rows.hasHeard[index] = 1
  // A new authority's clock may be behind the last one's: what the host passes on still rises (OW9).
  const risen = network.isHost ? risingTick(rows, index, tick) : tick
  const buffers = state.jitter[component]!
  // A new host may go on from less than the last one had passed on (OW9).
  if (isFirst && !buffers.isNewest(index, risen)) buffers.reset(index, risen, lanes, offset)
  else buffers.insert(index, risen, lanes, offset)
  // While this peer acts on a claim it keeps what it hears aside, in case the host says no; and what
  // comes before its component waits for that.
  if (actingAuthority(table, index, local) === local || rows.present[index] === 0) return
  const { laneCount } = schema
  const base = index * laneCount
  for (let lane = 0; lane < laneCount; lane += 1) rows.current[base + lane] = lanes[offset + lane]!
  rows.tick[index] = risen
  noteRowWritten(rows, index)
  if (tap.onAccepted) tap.onAccepted(schema, table.id[index]!, tick, lanes, offset)
}

/**
 * The host shows another's state of what this peer simulates. From before the grant it means nothing;
 * from after it, the authority has passed on and the log is about to say so (OW9).
 */
function hearAside(
  state: ReplicationState,
  component: number,
  index: number,
  tick: number,
  lanes: Int32Array,
  offset: number,
  packetTick: number,
): void {
  const rows = state.store.components[component]!
  if (state.network.isHost || isLaterTick(state.table.grantTick[index]!, packetTick)) return
  if (rows.hasHeard[index] === 1 && !isLaterTick(tick, rows.heardTick[index]!)) return
  const { jitter } = state
  if (rows.isOverruled[index] === 0) jitter[component]!.reset(index, tick, lanes, offset)
  else jitter[component]!.insert(index, tick, lanes, offset)
  rows.heardTick[index] = tick
  rows.heardPacketTick[index] = packetTick
  rows.hasHeard[index] = 1
  rows.isOverruled[index] = 1
}

/**
 * Of the values that a component was added with and a row of it that overtook them, the newer.
 * @returns the tick of the row that stands in `lanes` now, or `tick` where `lanes` stay
 */
export function newerOfEarlyRow(
  state: ReplicationState,
  component: number,
  index: number,
  lanes: Int32Array,
  tick: number,
): number {
  const buffers = state.jitter[component]!
  const { scratch } = state
  const heardTick = buffers.newest(index, scratch, 0)
  if (heardTick === undefined || !isLaterTick(heardTick, tick)) return tick
  for (let lane = 0; lane < lanes.length; lane += 1) lanes[lane] = scratch[lane]!
  return heardTick
}
