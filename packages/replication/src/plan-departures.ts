/**
 * What a roster makes of the entities of those it does not name, and of those it names again: a pure
 * function of the world and that roster, so that every peer comes to the same by itself.
 *
 * Invariant: nothing is changed here.
 */
import type { ControlBody } from '@baton/schemas'
import { decideDeparture, type Departure } from './authority/departure.ts'
import { NOBODY, simulatedBy } from './authority/ownership.ts'
import type { Ownership } from './lifecycle/entity-table.ts'
import type { CommittedRoster } from './log-state.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { ReplicationState } from './state.ts'

export interface DeparturePlan {
  readonly changes: readonly (readonly [NetworkId, Ownership])[]
  readonly despawns: readonly NetworkId[]
}

/** @param slots of the members, the host's first */
export function rosterOf(slots: readonly number[]): CommittedRoster {
  return { slots: new Set(slots), host: slots[0] ?? NOBODY }
}

export function slotsOf({ members }: Extract<ControlBody, { type: 'Roster' }>): number[] {
  return members.map(({ slot }) => slot)
}

/** What a roster will bring about once it is committed. @param holds ownership by entity index, where it lives */
export function planDepartures(
  state: ReplicationState,
  roster: CommittedRoster,
  holds: (index: number) => Ownership | undefined,
): DeparturePlan {
  const { table } = state
  const changes: [NetworkId, Ownership][] = []
  const despawns: NetworkId[] = []
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    const ownership = holds(index)
    if (ownership === undefined) continue
    const departure = departureOf(state, index, ownership, roster)
    if (departure.kind === 'despawn') despawns.push(table.id[index]!)
    else if (departure.kind === 'change') changes.push([table.id[index]!, departure.next])
  }
  return { changes, despawns }
}

/** What becomes of one entity under a roster. */
export function departureOf(
  { table, held }: ReplicationState,
  index: number,
  ownership: Ownership,
  { slots, host }: CommittedRoster,
): Departure {
  const { owner, authority } = ownership
  const policy = table.policy[index]!
  const isOwnerGone = owner !== NOBODY && !slots.has(owner)
  const isAuthorityGone = authority !== NOBODY && !slots.has(authority)
  if (held.has(table.id[index]!)) {
    if (!isOwnerGone && authority === NOBODY) {
      return { kind: 'change', next: simulatedBy(ownership, owner), held: false }
    }
    // Held already: only somebody who touched it meanwhile can have gone.
    if (isOwnerGone) {
      return isAuthorityGone ? { kind: 'change', next: simulatedBy(ownership, NOBODY), held: true } : { kind: 'keep' }
    }
  }
  if (isOwnerGone) return decideDeparture(ownership, policy, owner, host)
  return isAuthorityGone ? decideDeparture(ownership, policy, authority, host) : { kind: 'keep' }
}
