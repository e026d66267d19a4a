/**
 * Cuts the world of the committed log at the place where it stands now: without what this peer has
 * spawned or changed ahead of it, and without ownership that is not committed.
 *
 * Invariant: at equal `logIndex`, what is cut is equal on all peers but for the rows of snapshots.
 */
import { committedComponent, committedParent } from './ahead.ts'
import type { Baseline, BaselineComponent, BaselineEntity } from './lifecycle/baseline-bytes.ts'
import { encodeValue } from './pipeline/snapshot.ts'
import type { ReplicationState } from './state.ts'
import { committedOwnership } from './tail.ts'

export function cutBaseline(state: ReplicationState): Baseline {
  const { table, unconfirmed, roster, held } = state
  const entities: BaselineEntity[] = []
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    const id = table.id[index]!
    if (unconfirmed.has(id)) continue
    entities.push({
      id,
      prefab: table.prefab[index]!,
      ...committedOwnership(state, index),
      parent: committedParent(state, index),
      policy: table.policy[index]!,
      components: cutComponents(state, index),
    })
  }
  const members = roster === undefined ? [] : [roster.host, ...[...roster.slots].filter((slot) => slot !== roster.host)]
  return { members, slots: cutSlots(state), held: [...held], entities }
}

function cutComponents(state: ReplicationState, index: number): BaselineComponent[] {
  const components: BaselineComponent[] = []
  for (const schema of state.registry.schemas) {
    const { present, tick, row } = committedComponent(state, index, schema.index)
    if (present) components.push({ component: schema.index, tick, data: encodeValue(schema, row) })
  }
  return components
}

function cutSlots({ table, logged, network, spawnedTo }: ReplicationState): Baseline['slots'] {
  const own = network.local.slot
  const slots = [...new Set([...table.highWater.keys(), ...logged.keys()])]
  return slots.map((slot) => ({
    slot,
    // Of this peer's own, some may not be in the log yet.
    counter: slot === own ? spawnedTo : (table.highWater.get(slot) ?? 0),
    request: logged.get(slot) ?? 0,
  }))
}
