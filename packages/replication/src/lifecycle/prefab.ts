/**
 * Prefabs: what an entity is made of, known by name to every peer, so that a spawn carries values only.
 *
 * Invariant: prefabs are numbered by name order and their make-up is part of the protocol hash; two
 * peers in one session agree on both.
 */
import { invariant } from '@baton/core'
import type { ComponentSchema } from '../schema/component-schema.ts'
import type { ClaimPolicy, DepartPolicy } from '../schema/policies.ts'

export interface PrefabOptions<Components extends readonly object[] = readonly object[]> {
  /** Replicated components every entity of this prefab starts with. */
  readonly components: Components
  /** What becomes of it when its owner leaves. Default `transfer`. */
  readonly whenOwnerLeaves?: DepartPolicy
  /** Who may claim or touch it. Default `anyone`. */
  readonly claim?: ClaimPolicy
  /** The first entity of such a prefab that a peer owns gives that peer its `translation` and `rotation`. */
  readonly avatar?: boolean
  /** Called on every peer right after the entity exists with its values: add local components here. */
  readonly setup?: (eid: number) => void
}

export interface Prefab<Components extends readonly object[] = readonly object[]> extends PrefabOptions<Components> {
  readonly whenOwnerLeaves: DepartPolicy
  readonly claim: ClaimPolicy
  readonly avatar: boolean
}

/**
 * Describes one kind of entity.
 *
 * @example
 * const crate = definePrefab({ components: [Transform] })
 * const avatar = definePrefab({ components: [Transform], whenOwnerLeaves: 'despawn', claim: 'nobody', avatar: true })
 */
export function definePrefab<const Components extends readonly object[]>(
  options: PrefabOptions<Components>,
): Prefab<Components> {
  return { whenOwnerLeaves: 'transfer', claim: 'anyone', avatar: false, ...options }
}

export interface RegisteredPrefab {
  readonly name: string
  readonly index: number
  readonly prefab: Prefab
  readonly schemas: readonly ComponentSchema[]
}

export interface PrefabRegistry {
  readonly all: readonly RegisteredPrefab[]
  readonly byName: ReadonlyMap<string, RegisteredPrefab>
  readonly byPrefab: ReadonlyMap<Prefab, RegisteredPrefab>
}

/** @throws InvariantError when a prefab names a component that is not registered */
export function createPrefabRegistry(
  prefabs: Readonly<Record<string, Prefab>>,
  schemaOf: (component: object) => ComponentSchema | undefined,
): PrefabRegistry {
  const all = Object.keys(prefabs)
    .sort()
    .map((name, index): RegisteredPrefab => {
      const prefab = prefabs[name]!
      const schemas = prefab.components.map((component) => {
        const schema = schemaOf(component)
        invariant(
          schema,
          `createReplication: prefab '${name}' has a component that is not in components; list it there`,
        )
        return schema
      })
      return { name, index, prefab, schemas }
    })
  return {
    all,
    byName: new Map(all.map((one) => [one.name, one])),
    byPrefab: new Map(all.map((one) => [one.prefab, one])),
  }
}

/** What the protocol hash covers of a prefab, in words. */
export function summarizePrefab(one: RegisteredPrefab): string {
  const { whenOwnerLeaves, claim, avatar } = one.prefab
  const parts = one.schemas.map((schema) => schema.name).join(', ')
  return `components: ${parts || 'none'}; owner leaves: ${whenOwnerLeaves}; claim: ${claim}${avatar ? '; avatar' : ''}`
}
