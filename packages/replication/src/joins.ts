/**
 * Gives a peer the world: whoever holds none says so, the host cuts a baseline at a place of the log and
 * feeds it in pieces. A late join; and the way back for a peer that was away for too long.
 *
 * Invariant: entries up to the place of the cut are in the baseline, those after it wait until it is in
 * and then follow in order; nothing is applied twice and nothing is skipped (LJ3).
 */
import type { Peer } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import { commit } from './commit.ts'
import { cutBaseline } from './cut-baseline.ts'
import { beginAnew } from './links.ts'
import { MAX_BASELINE_BYTES, readBaseline, writeBaseline } from './lifecycle/baseline-bytes.ts'
import {
  ackChunk,
  createBaselineReceiver,
  createBaselineSender,
  nextChunk,
  takeChunk,
} from './lifecycle/baseline-transfer.ts'
import { overtake } from './pending.ts'
import { reconcile } from './reconcile.ts'
import type { Link, ReplicationState } from './state.ts'
import { planAnew } from './tail.ts'

/** Guest: what this peer holds is no world. The host is told, as soon as there is one. */
export function askForWorld(state: ReplicationState): void {
  state.synced = false
  state.network.lower.setHoldsWorld(false)
  state.incomingBaseline = undefined
  state.givenWorld = undefined
  beginAnew(state)
}

/** Host: starts to give `link` the world as it stands, once that is far enough for it. */
export function startBaseline(state: ReplicationState, link: Link): void {
  const { table, network, logIndex } = state
  if (link.wantedIndex === undefined || link.wantedIndex > logIndex) return
  link.wantedIndex = undefined
  const bytes = writeBaseline(cutBaseline(state))
  if (bytes.length > MAX_BASELINE_BYTES) {
    network.lower.breach(link.peer, `world of ${bytes.length} bytes is over ${MAX_BASELINE_BYTES}`)
    return
  }
  const tick = network.tick(state.nowMs)
  link.baseline = createBaselineSender(state.nextBaseline, tick, table.count, logIndex, bytes)
  state.nextBaseline += 1
}

/** Host, every tick: sends the pieces that the window allows. */
export function pumpBaseline(state: ReplicationState, link: Link): void {
  if (link.wantedIndex !== undefined) startBaseline(state, link)
  if (!link.baseline) return
  for (let chunk = nextChunk(link.baseline); chunk; chunk = nextChunk(link.baseline)) {
    state.network.lower.sendBulk(link.peer, { type: 'BaselineChunk', ...chunk })
  }
}

/** Host: a piece has arrived; the next may go, or the peer holds the world. */
export function takeBaselineAck(state: ReplicationState, from: Peer, baseline: number, index: number): void {
  const link = state.links.get(from)
  if (!link?.baseline) return
  if (ackChunk(link.baseline, baseline, index)) {
    link.baseline = undefined
    link.synced = true
  } else pumpBaseline(state, link)
}

/** Guest: takes a piece. @returns false when it cannot belong to any baseline */
export function takeBaselineChunk(
  state: ReplicationState,
  from: Peer,
  chunk: Extract<ControlBody, { type: 'BaselineChunk' }>,
): boolean {
  const ack = { type: 'BaselineAck', baseline: chunk.baseline, index: chunk.index } as const
  // It holds a world already, that of an earlier reign perhaps. The host has to know, or sends it no row (LJ3).
  if (state.synced) {
    state.network.lower.sendBulk(from, ack)
    return true
  }
  // What was under way when this peer asked again.
  if (chunk.logIndex < state.neededIndex) return true
  if (chunk.index === 0) state.incomingBaseline = createBaselineReceiver(chunk)
  const receiver = state.incomingBaseline
  if (!receiver) return false
  const result = takeChunk(receiver, chunk)
  if (result === 'invalid') {
    state.incomingBaseline = undefined
    return false
  }
  const { receivedBytes, entityCount } = receiver
  const totalBytes = receiver.bytes.length
  state.outbox.push(() => state.events.emit('progress', { receivedBytes, totalBytes, entityCount }))
  state.network.lower.sendBulk(from, ack)
  if (result === 'more') return true
  state.incomingBaseline = undefined
  const baseline = readBaseline(receiver.bytes)
  if (!baseline) return false
  state.givenWorld = { baseline, logIndex: receiver.logIndex }
  return true
}

/** Guest, every frame: takes the world it was given, once its own log has come as far. */
export function takeWorld(state: ReplicationState): void {
  const { givenWorld, network } = state
  if (givenWorld === undefined || network.lower.commitIndex < givenWorld.logIndex) return
  const { baseline, logIndex } = givenWorld
  state.givenWorld = undefined
  reconcile(state, baseline)
  state.logIndex = logIndex
  state.neededIndex = logIndex
  const { term } = network
  if (state.reign?.term !== term) state.reign = { term, tick: undefined }
  // What the log had answered while this peer did not follow it: what came of it is in the world.
  overtake(state, (state.logged.get(state.network.local.slot) ?? 0) + 1)
  followLog(state)
  for (const link of state.links.values()) if (link.peer.isHost) link.synced = true
  state.outbox.push(() => state.events.emit('synced'))
}

/** There is a world to apply the log to: what has waited for it is applied. */
export function followLog(state: ReplicationState): void {
  state.synced = true
  state.network.lower.setHoldsWorld(true)
  planAnew(state)
  for (const entry of state.waitingLog.splice(0)) commit(state, entry)
}
