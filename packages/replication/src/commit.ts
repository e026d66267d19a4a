/**
 * One committed entry: applied to the world, taken out of what is ahead, and noted as the answer to a
 * request.
 *
 * Invariant: each index once, in order; an entry that the world was given with is passed over (LJ3).
 */
import type { LogEntry } from '@baton/core'
import { applyEntry } from './apply-entry.ts'
import { overtake, settleOwn } from './pending.ts'
import type { ReplicationState } from './state.ts'
import { takeCommitted } from './tail.ts'

export function commit(state: ReplicationState, entry: LogEntry): void {
  if (entry.index <= state.logIndex) return
  state.logIndex = entry.index
  const { requester, body } = entry
  const request = 'request' in body ? body.request : 0
  const isOwn = request !== 0 && requester === state.network.local.slot
  // What this peer asked before this and is not in the log before it was refused, and the refusal lost.
  if (isOwn) overtake(state, request)
  if (!applyEntry(state, entry)) state.counters.logInvalid += 1
  takeCommitted(state, entry)
  if (request !== 0) noteLogged(state, requester, request)
  if (isOwn) settleOwn(state, request)
}

/** The highest request of a slot that the committed log answers. */
export function noteLogged({ logged }: ReplicationState, slot: number, request: number): void {
  if (request > (logged.get(slot) ?? 0)) logged.set(slot, request)
}
