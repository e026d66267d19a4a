/**
 * `pnpm check`: everything that needs no browser and no real network, in under a minute on two cores.
 *
 * `pnpm check types imports` runs the named steps only. Invariant: the same steps run here and in `pnpm test`.
 */
import { pathToFileURL } from 'node:url'
import type { Step, StepResult, Tally } from './steps.ts'
import { asStep, runSteps, script, tool } from './steps.ts'
import { runVitest } from './vitest-run.ts'

/** A check of tools/checks: its first line is the note, its warnings are shown even when it passes. */
export async function ownCheck(name: string): Promise<StepResult> {
  const { code, output } = await script('tools/checks/run.ts', [name], { timeoutMs: 120_000 })
  const [note = '', ...rest] = output.trimEnd().split('\n')
  const passed = code === 0
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, note, output: rest.join('\n'), shown: rest.join('\n') }
}

// The order fills two lanes: the tests are the longest, what needs dist comes after the types.
export const CHECK_STEPS: readonly Step[] = [
  { name: 'types', run: () => asStep(tool('tsc', ['-b', ...(process.stdout.isTTY ? ['--pretty'] : [])])) },
  { name: 'unit', run: () => runVitest('unit', 300_000) },
  { name: 'format', run: () => asStep(tool('oxfmt', ['--check'])) },
  { name: 'lint', run: () => asStep(tool('oxlint', ['--type-aware', '--deny-warnings', '--format=unix'])) },
  { name: 'imports', run: () => ownCheck('imports') },
  { name: 'files', run: () => ownCheck('files') },
  { name: 'spec-ids', run: () => ownCheck('spec-ids') },
  { name: 'links', run: () => ownCheck('links') },
  { name: 'dependencies', run: () => ownCheck('dependencies') },
  { name: 'codegen', run: () => asStep(script('tools/codegen.ts', ['--check'])) },
  { name: 'sizes', run: () => ownCheck('sizes') },
  { name: 'api', after: ['types'], run: () => ownCheck('api') },
]

/** Runs all steps, or the named ones. */
export function runCheck(names: readonly string[] = []): Promise<Tally> {
  const unknown = names.filter((name) => !CHECK_STEPS.some((step) => step.name === name))
  if (unknown.length > 0) {
    const known = CHECK_STEPS.map((step) => step.name).join(', ')
    throw new Error(`check: no step named ${unknown.join(', ')}; there are ${known}`)
  }
  const chosen = CHECK_STEPS.filter((step) => names.length === 0 || names.includes(step.name))
  return runSteps(chosen, 2)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { passed, failed } = await runCheck(process.argv.slice(2))
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
