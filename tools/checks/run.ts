/**
 * Runs one check over the repository in a process of its own: `tsx tools/checks/run.ts imports`.
 *
 * Invariant: prints its note first, then warnings, then errors, and exits with 1 when there is an error.
 */
import { join } from 'node:path'
import { ROOT } from '../workspace.ts'
import type { CheckResult } from './result.ts'

const CHECKS: Readonly<Record<string, () => Promise<CheckResult> | CheckResult>> = {
  imports: async () => {
    const { checkImports } = await import('./import-rules.ts')
    const { errors, moduleCount, edgeCount } = await checkImports(ROOT)
    return { errors, warnings: [], note: `${moduleCount} modules, ${edgeCount} imports` }
  },
  files: async () => (await import('./file-sizes.ts')).checkFileSizes(ROOT),
  'spec-ids': async () => (await import('./spec-ids.ts')).checkSpecIds(ROOT),
  links: async () => (await import('./doc-links.ts')).checkDocLinks(ROOT),
  dependencies: async () => (await import('./dependency-reasons.ts')).checkDependencyReasons(ROOT),
  sizes: async () => (await import('./size-budgets.ts')).checkSizes(join(ROOT, 'tools')),
  api: async () => (await import('./api-reports.ts')).checkApiReports(ROOT, process.argv.includes('--update')),
  packed: async () => (await import('./packed-entries.ts')).checkPackedEntries(ROOT),
}

const name = process.argv[2] ?? ''
const check = CHECKS[name]
if (check === undefined) {
  console.error(`checks: no check named "${name}"; there are ${Object.keys(CHECKS).join(', ')}`)
  process.exit(2)
}
const { errors, warnings, note } = await Promise.resolve()
  .then(check)
  .catch((error: unknown): CheckResult => ({ errors: [String(error)], warnings: [], note: 'threw' }))
console.log(note)
for (const warning of warnings) console.log(`warning: ${warning}`)
for (const error of errors) console.log(`error: ${error}`)
process.exit(errors.length === 0 ? 0 : 1)
