/**
 * Reads the component values of a spawn, all or nothing.
 *
 * Invariant: what comes out has been checked against its schema; each component at most once.
 */
import { readValue } from './pipeline/snapshot.ts'
import type { SpawnedComponent } from './apply-log.ts'
import type { ReplicationState } from './state.ts'

/** @returns `undefined` when any value is malformed, unknown or given twice */
export function readSpawnedComponents(
  state: ReplicationState,
  values: readonly { readonly component: number; readonly data: Uint8Array; readonly tick: number }[],
): SpawnedComponent[] | undefined {
  const seen = new Set<number>()
  const components: SpawnedComponent[] = []
  for (const { component, data, tick } of values) {
    const schema = state.registry.schemas[component]
    const row = schema && readValue(schema, data)
    if (schema === undefined || row === undefined || seen.has(component)) return undefined
    seen.add(component)
    components.push({ schema, row, tick })
  }
  return components
}
