/**
 * Puts one planted bug into a source text.
 *
 * Invariant: a text that is not there, or there twice, is an error: the bug would not be what it says.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { PlantedBug } from './planted-bug.ts'
import { PLANTED_BUGS } from './planted.ts'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** @throws Error when there is no bug of that name */
export function bugOf(name: string): PlantedBug {
  const found = PLANTED_BUGS.find((bug) => bug.name === name)
  if (found === undefined) throw new Error(`plant: no bug is called ${name}; see tools/planted-bugs`)
  return found
}

/** Files a bug changes, with their paths on this machine. */
export function filesOf(bug: PlantedBug): string[] {
  return [...new Set(bug.edits.map(({ file }) => `${ROOT}${file}`))]
}

/** @returns the file's text with the bug in it @throws Error when an edit does not fit the source any more */
export function plantedText(bug: PlantedBug, path: string): string {
  let text = readFileSync(path, 'utf8')
  for (const { file, find, put } of bug.edits) {
    if (`${ROOT}${file}` !== path) continue
    const count = text.split(find).length - 1
    if (count !== 1)
      throw new Error(`plant: ${bug.name}: found ${count} times in ${file}: ${find}; fit it to the source`)
    text = text.replace(find, () => put)
  }
  return text
}
