/**
 * Ends the wait for owners who do not come back. Every peer knows what is held and until when; the one
 * that hosts writes the end of it into the log.
 *
 * Invariant: an entry is written once for each, by the view of the whole log.
 */
import { ownedBy } from './authority/ownership.ts'
import type { ReplicationState } from './state.ts'
import { tailOwnership } from './tail.ts'
import { writeOwnership } from './write-entry.ts'

/** Host, once per tick. */
export function endHolds(state: ReplicationState, tick: number): void {
  const { slot } = state.network.local
  for (const [id, dueTick] of state.held) {
    if (((tick - dueTick) | 0) < 0) continue
    const ownership = tailOwnership(state, id)
    if (ownership === undefined || state.roster?.slots.has(ownership.owner)) continue
    writeOwnership(state, id, ownedBy(ownership, slot), slot, 0)
  }
}
