/**
 * A dependency comes with its reason: one row of docs/dependencies.md per package of any package.json.
 *
 * Invariant: the table holds neither less nor more than what the workspace installs.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listPackages, readManifest } from '../workspace.ts'
import type { CheckResult } from './result.ts'

export const REASONS = 'docs/dependencies.md'

/** Rows `| name | reason |`, the name with or without back-ticks; several names may share a row with commas. */
export function reasonsOf(markdown: string): Map<string, string> {
  const reasons = new Map<string, string>()
  for (const line of markdown.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    if (cells.length < 4 || cells[0] !== '' || /^:?-+:?$/.test(cells[1] ?? '')) continue
    for (const name of (cells[1] ?? '').split(',')) reasons.set(name.trim().replaceAll('`', ''), cells[2] ?? '')
  }
  return reasons
}

export function checkDependencyReasons(root: string): CheckResult {
  const users = new Map<string, string[]>()
  const manifests = [{ folder: '', manifest: readManifest(root, '') }, ...listPackages(root)]
  for (const { folder, manifest } of manifests) {
    const names = Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.peerDependencies,
      ...manifest.optionalDependencies,
    })
    for (const name of names) {
      if (!name.startsWith('@baton/')) users.set(name, [...(users.get(name) ?? []), join(folder, 'package.json')])
    }
  }
  if (!existsSync(join(root, REASONS))) return { errors: [`${REASONS}: missing`], warnings: [], note: '' }
  const reasons = reasonsOf(readFileSync(join(root, REASONS), 'utf8'))
  reasons.delete('package')
  const errors: string[] = []
  for (const [name, files] of users) {
    const reason = reasons.get(name)
    if (reason === undefined) errors.push(`${REASONS}: no row for ${name} (${files.join(', ')})`)
    else if (reason.length < 10) errors.push(`${REASONS}: the row of ${name} gives no reason`)
  }
  for (const name of reasons.keys()) {
    if (!users.has(name)) errors.push(`${REASONS}: ${name} is in no package.json any more; remove its row`)
  }
  return { errors, warnings: [], note: `${users.size} packages` }
}
