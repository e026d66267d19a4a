/**
 * What happens to entities when a peer goes: each by its own policy, decided by the host at once, so
 * that every peer changes at the same place of the log.
 *
 * Invariant: nothing is left with a departed peer as its authority (OW7).
 */
import type { DepartPolicy } from '../schema/policies.ts'
import { NOBODY, ownedBy, simulatedBy, type OwnershipState } from './ownership.ts'

export type Departure =
  | { readonly kind: 'keep' }
  | { readonly kind: 'despawn' }
  | { readonly kind: 'change'; readonly next: OwnershipState; readonly held: boolean }

/**
 * @param gone slot of the peer that left
 * @param host slot of the host that decides, never `gone`
 */
export function decideDeparture(state: OwnershipState, policy: DepartPolicy, gone: number, host: number): Departure {
  if (state.owner === gone) {
    if (policy === 'despawn') return { kind: 'despawn' }
    if (policy === 'hold') return { kind: 'change', next: simulatedBy(state, NOBODY), held: true }
    return { kind: 'change', next: ownedBy(state, host), held: false }
  }
  if (state.authority === gone) {
    return { kind: 'change', next: simulatedBy(state, state.owner === NOBODY ? host : state.owner), held: false }
  }
  return { kind: 'keep' }
}
