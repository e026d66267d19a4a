/**
 * The bitECS door: every structural change of the world, and every one that is noticed, passes here.
 *
 * Invariant: observers only take notes. What they noted is compared with the replicated state once per
 * send, so a change that replication itself made is never taken for the game's (LC6).
 */
import {
  addComponent,
  addEntity,
  createRelation,
  entityExists,
  hasComponent,
  observe,
  onAdd,
  onRemove,
  removeComponent,
  removeEntity,
  withAutoRemoveSubject,
  type Relation,
  type World,
} from 'bitecs'
import type { ComponentSchema } from '../schema/component-schema.ts'

/** On every replicated entity. */
export const Networked = {}
/** On entities this peer owns. */
export const Owned = {}
/** On entities this peer simulates: a game writes the columns of these and of no others. */
export const Authority = {}
/** `ChildOf(parent)`: children go when their parent goes. */
export const ChildOf: Relation<object> = createRelation<object>(withAutoRemoveSubject)

export interface StructureNotes {
  /** Entities that lost `Networked` or were removed, by eid, in order. */
  readonly removed: number[]
  /** Pairs of eid and component index whose presence may have changed. */
  readonly touched: number[]
}

export interface Ecs {
  readonly world: World
  readonly notes: StructureNotes
  readonly stop: () => void
}

/** @param onNetworkedRemoved called at once, while the eid still means that entity; it must only take notes */
export function watchWorld(
  world: World,
  schemas: readonly ComponentSchema[],
  onNetworkedRemoved: (eid: number) => void,
): Ecs {
  const notes: StructureNotes = { removed: [], touched: [] }
  const stops = [observe(world, onRemove(Networked), onNetworkedRemoved)]
  for (const schema of schemas) {
    const note = (eid: number): void => {
      notes.touched.push(eid, schema.index)
    }
    stops.push(observe(world, onAdd(Networked, schema.component), note))
    stops.push(observe(world, onRemove(Networked, schema.component), note))
  }
  return { world, notes, stop: () => stops.forEach((stop) => stop()) }
}

/** A new local entity with the given components, not yet `Networked`. */
export function createEntity(ecs: Ecs, components: readonly object[]): number {
  const eid = addEntity(ecs.world)
  for (const component of components) addComponent(ecs.world, eid, component)
  return eid
}

export function destroyEntity(ecs: Ecs, eid: number): void {
  if (entityExists(ecs.world, eid)) removeEntity(ecs.world, eid)
}

export function exists(ecs: Ecs, eid: number): boolean {
  return entityExists(ecs.world, eid)
}

export function has(ecs: Ecs, eid: number, component: object): boolean {
  return entityExists(ecs.world, eid) && hasComponent(ecs.world, eid, component)
}

export function setPresence(ecs: Ecs, eid: number, component: object, present: boolean): void {
  if (!exists(ecs, eid) || has(ecs, eid, component) === present) return
  if (present) addComponent(ecs.world, eid, component)
  else removeComponent(ecs.world, eid, component)
}
