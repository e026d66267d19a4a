/**
 * The components of one replication, numbered. Everything downstream takes its schemas from here.
 *
 * Invariant: the numbers follow from the names alone, so two builds that list the same components in
 * another order still understand each other (PH rules).
 */

import { invariant } from '@baton/core'
import { compileDoor } from '../pipeline/column-door.ts'
import type { ComponentSchema } from './component-schema.ts'
import { definitionOf } from './define-replicated.ts'
import { hashProtocol } from './protocol-hash.ts'

/** A component travels as one byte. */
export const MAX_COMPONENTS = 256

export interface ComponentFingerprint {
  readonly name: string
  readonly hash: number
  readonly summary: string
}

export interface Registry {
  /** By `index`, which is the order of names, not the order they were given in. */
  readonly schemas: readonly ComponentSchema[]
  byComponent(component: object): ComponentSchema | undefined
  byName(name: string): ComponentSchema | undefined
  /** Of the whole set; never 0. */
  readonly hash: number
  /** What a peer shows another whose hash differs. */
  readonly fingerprints: readonly ComponentFingerprint[]
}

/**
 * @param components made by `defineReplicated` or `@replicated`, each once, in any order
 * @throws InvariantError for a component that is not replicated, or a name that is there twice
 */
export function createRegistry(components: readonly object[]): Registry {
  invariant(
    components.length <= MAX_COMPONENTS,
    `registry: ${components.length} components; a session has at most ${MAX_COMPONENTS}`,
  )
  const definitions = components.map((component, position) => {
    const definition = definitionOf(component)
    invariant(
      definition !== undefined,
      `registry: component ${position} is not replicated; define it with defineReplicated or @replicated()`,
    )
    return definition
  })
  // By code unit: a locale's order would differ between peers.
  definitions.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  definitions.forEach(({ name }, index) => {
    invariant(
      definitions[index + 1]?.name !== name,
      `registry: two components are named '${name}'; give each its own (a minifier may have renamed classes: @replicated({ name }))`,
    )
  })

  const schemas = definitions.map((definition, index): ComponentSchema => {
    return { ...definition, index, door: compileDoor(definition) }
  })
  const byComponent = new Map(schemas.map((schema) => [schema.component, schema]))
  const byName = new Map(schemas.map((schema) => [schema.name, schema]))
  return {
    schemas,
    byComponent: (component) => byComponent.get(component),
    byName: (name) => byName.get(name),
    hash: hashProtocol(schemas),
    fingerprints: schemas.map(({ name, hash, summary }) => ({ name, hash, summary })),
  }
}
