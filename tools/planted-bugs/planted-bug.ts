/**
 * What a planted bug is.
 *
 * Invariant: a bug is a text that is found exactly once and another that stands in its place; the product
 * itself knows nothing of it.
 */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  readonly find: string
  readonly put: string
}

export interface PlantedBug {
  readonly name: string
  /** The rule it breaks. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** It lies outside of the machine: only the simulator, or these test files, can see it. */
  readonly isOutside?: true
  readonly tests?: readonly string[]
}

/** Where the machine lives. */
export const HOST = 'packages/core/src/host'

export function bug(name: string, rule: string, file: string, find: string, put: string): PlantedBug {
  return { name, rule, edits: [{ file: `${HOST}/${file}.ts`, find, put }] }
}

export function outside(name: string, rule: string, edits: readonly (readonly [string, string, string])[]): PlantedBug {
  return { name, rule, isOutside: true, edits: edits.map(([file, find, put]) => ({ file, find, put })) }
}
