/**
 * `pnpm build`: compiles every package into its dist, as it would be published, and checks what a user would install.
 *
 * Invariant: a build starts from nothing, so that a file that has lost its source is not published.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { asStep, runSteps, script, tool } from './steps.ts'
import { listPackages, ROOT } from './workspace.ts'

for (const { folder } of listPackages(ROOT)) rmSync(join(ROOT, folder, 'dist'), { recursive: true, force: true })
const { failed } = await runSteps(
  [
    { name: 'compile', run: () => asStep(tool('tsc', ['-b', '--force'])) },
    { name: 'packed entries', after: ['compile'], run: () => asStep(script('tools/checks/run.ts', ['packed'])) },
  ],
  1,
)
process.exitCode = failed === 0 ? 0 : 1
