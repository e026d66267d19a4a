/**
 * The send spine, once per tick: structure the game changed, values it wrote, rows for every peer.
 * Read it from top to bottom: it is the way of a value from the columns to the wire.
 *
 * Invariant: rows are quantized once per tick, for all peers; what this peer does not simulate is
 * never read from its columns.
 */
import { noteComponentAhead, isSamePlain } from './ahead.ts'
import { ask, repeatRequests } from './ask.ts'
import { endHolds } from './holds.ts'
import { pumpBaseline } from './joins.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import { collectRow, collectValue, encodeValue } from './pipeline/snapshot.ts'
import { travelsAsState } from './pipeline/published-rows.ts'
import { refreshRow } from './pipeline/refresh-row.ts'
import { isLaterTick, type ComponentRows } from './pipeline/row-store.ts'
import { NOBODY } from './authority/ownership.ts'
import { requestRelease } from './requests.ts'
import { addToGroup, allLists, clearGroups, listsFor } from './row-groups.ts'
import { applyStructureNotes } from './structure.ts'
import { CHANNEL } from '@baton/core'
import { sendHostState } from './host-state.ts'
import { guardCallback } from './outbox.ts'
import { restingSince } from './take-over.ts'
import type { ComponentSchema } from './schema/component-schema.ts'
import type { Link, ReplicationState } from './state.ts'

/** Ticks without a change after which authority by touch goes back: half a second at 60 Hz. */
const REST_TICKS = 30

export function sendFrame(state: ReplicationState, nowMs: number): void {
  const { network } = state
  state.nowMs = nowMs
  applyStructureNotes(state)
  const tick = network.tick(nowMs)
  const isDue = state.lastSentTick === undefined || isLaterTick(tick, state.lastSentTick)
  if (isDue && network.isJoined) {
    state.lastSentTick = tick
    collectRows(state, tick)
    collectReliable(state, tick)
    releaseRested(state)
    if (network.lower.isActing) endHolds(state, tick)
    state.published.publish(tick, allLists(state.groups), state.store.components)
    for (const link of state.links.values()) sendTo(state, link, tick)
  }
  repeatRequests(state)
  keepHostState(state, tick)
  network.flush(nowMs)
}

/** Host: the game's own state, to those who would follow. */
function keepHostState(state: ReplicationState, tick: number): void {
  const { hostState, network, nowMs } = state
  if (hostState === undefined || !network.isHost) return
  const { lower, term } = network
  const isHandingOver = !lower.isActing && lower.inspect()?.isReleasing === true
  sendHostState(hostState, {
    nowMs,
    tick,
    term,
    isHost: lower.isActing || isHandingOver,
    isHandingOver,
    // Links, not peers: what a link that ended had under way is sent again on the next.
    successors: network.peers.flatMap((peer) => (peer.linked ? (state.links.get(peer) ?? []) : [])),
    bufferedBytes: ({ peer }) => lower.bufferedBytes(peer, CHANNEL.bulk),
    send: ({ peer }, chunk) => lower.sendBulk(peer, { type: 'HostStateChunk', ...chunk }),
    guard: (callback) => guardCallback(state, callback),
    report: (error) => state.outbox.push(() => state.events.emit('error', error)),
  })
}

/** Ticks from one sending of a component to the next: 1 unless it was given a rate of its own (LC10). */
function ticksBetween({ rateHz }: ComponentSchema, tickRateHz: number): number {
  return rateHz === undefined ? 1 : Math.max(1, Math.round(tickRateHz / rateHz))
}

/** Columns to lanes, for all snapshot rows this peer simulates; the rest go on as they were received. */
function collectRows(state: ReplicationState, tick: number): void {
  const { table, store, groups, network, tap, resolveId } = state
  const local = network.local.slot
  clearGroups(groups)
  for (const rows of store.components) {
    const { schema } = rows
    if (!travelsAsState(schema)) continue
    if (tick % ticksBetween(schema, network.tickRateHz) !== 0) continue
    for (let i = 0; i < table.count; i += 1) {
      const index = table.order[i]!
      if (rows.present[index] !== 1 || table.eid[index] === 0) continue
      const authority = actingAuthority(table, index, local)
      if (authority === local) {
        if (!isLaterTick(tick, rows.tick[index]!)) continue
        if (!refreshRow(rows, table.eid[index]!, index, state.isMarked, resolveId)) reportBadValue(state, index, rows)
        rows.tick[index] = tick
        if (tap.onCollected) tap.onCollected(schema, table.id[index]!, tick, rows.current, index * schema.laneCount)
      } else if (!network.isHost) continue
      // Nobody simulates what is held for its owner: the host says where it rests.
      else if (authority === NOBODY && isLaterTick(tick, rows.tick[index]!)) rows.tick[index] = tick
      if (authority !== local && tap.onPassedOn) {
        tap.onPassedOn(schema, table.id[index]!, rows.tick[index]!, rows.current, index * schema.laneCount)
      }
      addToGroup(groups, schema.index, authority, index)
    }
  }
}

/** Reliable components travel when they differ from what the log said last. */
function collectReliable(state: ReplicationState, tick: number): void {
  const { table, store, network } = state
  const local = network.local.slot
  for (const rows of store.components) {
    const { schema } = rows
    if (schema.delivery !== 'reliable') continue
    for (let i = 0; i < table.count; i += 1) {
      const index = table.order[i]!
      if (rows.present[index] !== 1 || table.eid[index] === 0) continue
      if (actingAuthority(table, index, local) !== local) continue
      publishIfChanged(state, rows, index, tick)
    }
  }
}

function publishIfChanged(state: ReplicationState, rows: ComponentRows, index: number, tick: number): void {
  const { schema } = rows
  if (!hasChanged(state, rows, index)) return
  const row = collectValue(schema, state.table.eid[index]!, state.resolveId)
  if (!row) {
    reportBadValue(state, index, rows)
    return
  }
  noteComponentAhead(state, index, schema.index)
  rows.current.set(row.lanes, index * schema.laneCount)
  rows.plain[index] = row.plain
  rows.tick[index] = tick
  const id = state.table.id[index]!
  const value = { component: schema.index, tick, data: encodeValue(schema, row) }
  ask(state, id, { type: 'ComponentChanged', request: 0, id, value })
}

function hasChanged(state: ReplicationState, rows: ComponentRows, index: number): boolean {
  const { schema } = rows
  const eid = state.table.eid[index]!
  const known = rows.plain[index]
  for (let at = 0; at < schema.fields.length; at += 1) {
    if (schema.fields[at]!.group) continue
    if (!isSamePlain(known?.[at], (schema.door.columns[at] as (string | Uint8Array)[])[eid])) return true
  }
  if (schema.laneCount === 0) return false
  const { scratch } = state
  if (!collectRow(schema, eid, scratch, 0, state.resolveId)) return true
  const offset = index * schema.laneCount
  for (let lane = 0; lane < schema.laneCount; lane += 1) {
    if (scratch[lane] !== rows.current[offset + lane]) return true
  }
  return false
}

/** What was only touched and lies still goes back to its owner. */
function releaseRested(state: ReplicationState): void {
  const { table, network, restTicks } = state
  const local = network.local.slot
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    // Not while a claim waits for its answer, and never what this peer owns.
    if (table.authority[index] !== local || table.owner[index] === local || table.claimed[index] === 1) continue
    restTicks[index] = isStill(state, index) ? restTicks[index]! + 1 : 0
    if (restTicks[index] === REST_TICKS) requestRelease(state, index, 'touch')
  }
}

/** None of its rows has changed since the tick before the last. */
function isStill({ published, lastSentTick }: ReplicationState, index: number): boolean {
  for (const rows of published.components) {
    if (rows && rows.present[index] === 1 && ((lastSentTick! - rows.changedTick[index]!) | 0) <= 1) return false
  }
  return true
}

function sendTo(state: ReplicationState, link: Link, tick: number): void {
  const { network, counters, table } = state
  if (link.baseline !== undefined || link.wantedIndex !== undefined) pumpBaseline(state, link)
  if (!link.subscribed || (network.isHost ? !link.synced : link.peer !== network.host)) return
  const lists = network.isHost ? listsFor(state.groups, link.peer.slot, network.local.slot) : allLists(state.groups)
  // One for all links: a frame makes no objects.
  const { request } = state
  request.tick = tick
  request.sessionTag = network.sessionTag & 0xffff
  request.term = network.term
  request.slot = network.local.slot
  request.ids = table.id
  request.lists = lists
  request.acks = link.decoder
  request.budgetBytes = Math.ceil(state.sendBudgetBytesPerSecond / network.tickRateHz)
  request.sendEmpty = link.owesAck
  request.restingSince = restingSince(state, link)
  counters.packetsSent += link.encoder.encodeTick(request, link.emit)
  link.owesAck = false
  counters.rowsSent += link.encoder.rowsSent
}

function reportBadValue(state: ReplicationState, index: number, rows: ComponentRows): void {
  const { table, reportedBad } = state
  const { schema } = rows
  state.counters.badValues += 1
  const key = `${table.id[index]} ${schema.name}`
  // Once per entity and component: a NaN usually stays, and sixty events a second help nobody.
  if (reportedBad.has(key) || reportedBad.size >= 1_024) return
  reportedBad.add(key)
  const event = {
    eid: table.eid[index]!,
    id: table.id[index]!,
    component: schema.name,
    code: 'replication/bad-value',
  } as const
  state.outbox.push(() => state.events.emit('badvalue', event))
}
