/**
 * The version of an installed package, for the table.
 *
 * Invariant: what is printed is what ran, never what a comment says.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export function packageVersion(name: string): string {
  // Some packages do not export their package.json, so it is looked for in the folders above.
  let folder = dirname(fileURLToPath(import.meta.url))
  while (folder !== dirname(folder)) {
    const path = join(folder, 'node_modules', name, 'package.json')
    if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
    folder = dirname(folder)
  }
  throw new Error(`packageVersion: ${name} is not installed; run pnpm install`)
}
