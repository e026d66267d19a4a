/**
 * The host's pen: what its arbiter decides is written at the end of the log.
 *
 * Invariant: nothing is applied here. An entry takes effect where every peer sees it in the log, the
 * host included (LG1).
 */
import type { Ownership } from './lifecycle/entity-table.ts'
import { takeLog } from './log.ts'
import type { LogBody } from './log-state.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { ReplicationState } from './state.ts'

/** @returns false where this peer may not write just now */
export function writeEntry(state: ReplicationState, body: LogBody, slot: number): boolean {
  if (state.network.lower.append(body, slot) === undefined) return false
  // Alone, it is committed already, and what was asked for is done when the game's call returns.
  takeLog(state)
  return true
}

/** Changes owner or authority of an entity. @param request number of the request this answers, 0 for none */
export function writeOwnership(
  state: ReplicationState,
  id: NetworkId,
  next: Ownership,
  slot: number,
  request: number,
): boolean {
  const tick = ((state.lastSentTick ?? state.network.tick(state.nowMs)) + 1) >>> 0
  return writeEntry(state, { type: 'Grant', request, requester: slot, tick, entries: [{ id, ...next }] }, slot)
}
