/**
 * Takes one row of another peer: judged, stored, and handed to interpolation.
 *
 * Invariant: every row is judged here and nowhere else. A row that is refused changes only a counter.
 */
import { judgeRow } from './authority/accept-update.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import { isLaterTick } from './pipeline/row-store.ts'
import type { Link, ReplicationState } from './state.ts'

export function acceptRow(
  state: ReplicationState,
  link: Link,
  component: number,
  index: number,
  tick: number,
  lanes: Int32Array,
  offset: number,
): void {
  const { table, store, network, counters, tap } = state
  const rows = store.components[component]!
  const { schema } = rows
  const local = network.local.slot
  const senderIsHost = link.peer.isHost
  const knownTick = rows.present[index] === 0 ? (tick - 1) >>> 0 : rows.tick[index]!
  const authority = table.authority[index]!
  const now = network.tick(state.nowMs)
  counters.rowsReceived += 1
  const verdict = judgeRow(senderIsHost, link.peer.slot, local, authority, tick, knownTick, now)
  if (verdict === 'not-authority' || verdict === 'ahead') counters.rowsWithoutAuthority += 1
  else if (verdict === 'old') counters.rowsOld += 1
  if (verdict !== 'apply') return
  const isClaimed = actingAuthority(table, index, local) === local
  // While this peer acts on a claim it keeps what it hears aside, in case the host says no.
  state.jitter[component]!.insert(index, tick, lanes, offset)
  if (isClaimed) return
  const { laneCount } = schema
  const base = index * laneCount
  for (let lane = 0; lane < laneCount; lane += 1) rows.current[base + lane] = lanes[offset + lane]!
  rows.tick[index] = tick
  // The component's adding is still under way on the slower channel.
  if (rows.present[index] === 0) rows.present[index] = 2
  if (tap.onAccepted) tap.onAccepted(schema, table.id[index]!, tick, lanes, offset)
}

/** Of an early row and the values of the adding that it overtook, are the row's the newer? */
export function isEarlyRowNewer(state: ReplicationState, component: number, index: number, tick: number): boolean {
  const rows = state.store.components[component]!
  return rows.present[index] === 2 && isLaterTick(rows.tick[index]!, tick)
}
