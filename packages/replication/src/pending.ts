/**
 * What this peer has asked for and has not heard of. A request ends with the committed entry that
 * answers it, with a refusal, or with a later request of this peer in the log.
 *
 * Invariant: when a request ends, the world here is the log's again, but for what else is pending.
 */
import type { LogEntry } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import { dropAhead, settleAhead } from './ahead.ts'
import { applyDespawn, materializeAgain } from './apply-log.ts'
import { undoOptimisticClaim } from './apply-ownership.ts'
import type { PendingRequest, ReplicationState } from './state.ts'

/** The log has answered: what this peer did ahead of it stands. */
export function settleOwn(state: ReplicationState, request: number): void {
  const pending = state.pending.get(request)
  if (pending === undefined) return
  state.pending.delete(request)
  settleAhead(state, pending.body)
}

/** A request up to which the log has answered: what is pending below it will never be in it. */
export function overtake(state: ReplicationState, request: number): void {
  for (const pending of state.pending.values()) {
    if (pending.request >= request) return
    const { id, eid, holds } = end(state, pending)
    if (!holds) tellRefused(state, eid, id, pending.body.type, 'overtaken')
  }
}

/** The host has refused a request: what this peer did ahead of it is undone (OW5). */
export function refuseOwn(state: ReplicationState, request: number, reason: string): void {
  const pending = state.pending.get(request)
  if (pending === undefined) return
  const { id, eid } = end(state, pending)
  tellRefused(state, eid, id, pending.body.type, reason)
}

/** Entries were cut out of the log: of what this peer had asked, it tells the game. It is asked again. */
export function noteReverted(state: ReplicationState, cut: readonly LogEntry[]): void {
  const requests: { id: number; request: ControlBody['type'] }[] = []
  for (const { requester, body } of cut) {
    if (requester !== state.network.local.slot || !('request' in body)) continue
    const pending = state.pending.get(body.request)
    if (pending === undefined) continue
    requests.push({ id: pending.id, request: pending.body.type })
    pending.sentMs = -Infinity
  }
  if (requests.length > 0) state.outbox.push(() => state.events.emit('reverted', { requests }))
}

export function tellRefused(
  state: ReplicationState,
  eid: number,
  id: number,
  request: ControlBody['type'],
  reason: string,
): void {
  state.outbox.push(() => state.events.emit('refused', { eid, id, request, reason }))
}

/** Ends a request that was not done. `holds`: what it wanted is so all the same. */
function end(state: ReplicationState, { request, id, body }: PendingRequest) {
  const { table, network, unconfirmed } = state
  state.pending.delete(request)
  const index = table.indexById.get(id)
  const eid = index === undefined ? 0 : table.eid[index]!
  const { slot } = network.local
  let holds = false
  switch (body.type) {
    case 'Spawn':
      holds = index !== undefined && !unconfirmed.has(id)
      if (unconfirmed.delete(id)) {
        applyDespawn(state, [id])
        dropAhead(state, [id])
      }
      break
    case 'Despawn':
      holds = index === undefined
      if (index !== undefined && eid === 0) materializeAgain(state, index)
      break
    case 'Claim':
      if (index === undefined) break
      undoOptimisticClaim(state, index)
      holds = body.kind === 'own' ? table.owner[index] === slot : table.authority[index] === slot
      break
    case 'Release':
      holds = index === undefined || (body.kind === 'own' ? table.owner : table.authority)[index] !== slot
      break
    case 'Transfer':
      holds = index !== undefined && table.owner[index] === body.to
      break
    default:
      holds = settleAhead(state, body)
  }
  return { id, eid, holds }
}
