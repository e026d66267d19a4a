/**
 * `pnpm test`: everything that CI runs, one heavy section after another, on a machine with Node and npm.
 *
 * The last line is `N passed, N failed`: tests of every vitest project, plus one for each other step. Invariant: a
 * section that cannot run is a failure; nothing is skipped in silence.
 */
import { CHECK_STEPS, ownCheck } from './check.ts'
import { prepareMachine } from './machine.ts'
import type { CommandResult, Step, StepResult, Tally } from './steps.ts'
import { asStep, runSteps, script } from './steps.ts'
import { runVitest } from './vitest-run.ts'

/** Long enough to reach new inputs, short enough for every push; `pnpm fuzz --seconds N` goes on from here. */
const FUZZ_SECONDS = 20

/** New schedules of faults on every push; every invariant holds in each. `pnpm sim --minutes N` goes on from here. */
const SWARM = ['--minutes', '1', '--min-seeds', '500', '--workers', '2']

/** A step whose output is worth reading when all is well: the demo ends with a table. */
async function withOutput(running: Promise<CommandResult>): Promise<StepResult> {
  const result = await asStep(running)
  return { ...result, shown: result.output }
}

const SECTIONS: readonly Step[] = [
  { name: 'integration', run: () => runVitest('integration', 600_000) },
  { name: 'packed', run: () => ownCheck('packed') },
  { name: 'simulation', run: () => runVitest('simulation', 600_000) },
  { name: 'swarm', run: () => asStep(script('simulation/main.ts', SWARM, { timeoutMs: 900_000 })) },
  {
    name: 'fuzz',
    run: () => asStep(script('tools/fuzz.ts', ['--seconds', String(FUZZ_SECONDS)], { timeoutMs: 300_000 })),
  },
  { name: 'node-webrtc', run: () => runVitest('node-webrtc', 600_000) },
  { name: 'browser', run: () => runVitest('browser', 600_000) },
  { name: 'e2e', run: () => runVitest('e2e', 900_000) },
  { name: 'migration', run: () => runVitest('migration', 900_000) },
  { name: 'demo', run: () => withOutput(script('tools/demo.ts', ['--headless'], { timeoutMs: 300_000 })) },
]

async function runAll(): Promise<Tally> {
  const prepared = await runSteps([{ name: 'machine', run: prepareMachine }], 1)
  if (prepared.failed > 0) return prepared
  const checked = await runSteps(CHECK_STEPS, 2)
  const tested = await runSteps(SECTIONS, 1)
  return {
    passed: prepared.passed + checked.passed + tested.passed,
    failed: prepared.failed + checked.failed + tested.failed,
  }
}

const { passed, failed } = await runAll()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
