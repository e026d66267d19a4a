/**
 * `pnpm plant`: puts known bugs into the source, one at a time, and says what catches each.
 *
 * First the directed tests of the machine, then the model checker, then seeds of the simulator, until one of
 * them fails; with `--all` all three for each. Flags: `--only NAME`, `--seconds N` for the simulator (default
 * 20), `--no-sim`, `--states N` for the model checker. Exits non-zero when a bug is caught by nothing.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { cac } from 'cac'
import { build } from 'esbuild'
import { bugOf, filesOf, plantedText, ROOT } from './mutate.ts'
import { PLANTED_BUGS, type PlantedBug } from './planted.ts'

interface Flags {
  readonly only?: string
  readonly seconds: number
  readonly seed: number
  readonly sim: boolean
  readonly states: number
  readonly all?: boolean
}

interface Catch {
  readonly by: 'test' | 'model' | 'seed'
  readonly what: string
}

const WORK = `${ROOT}node_modules/.cache/planted-bugs`
const HOST_TESTS = ['votes', 'election', 'reign', 'follow', 'step'].map(
  (name) => `packages/core/src/host/${name}.test.ts`,
)
const MODEL_TESTS = ['packages/core/test/simulation/host-model.test.ts']

/** @returns the title of the first test that fails, or `undefined` when all pass */
function failingTest(bug: PlantedBug | undefined, tests: readonly string[], flags: Flags): string | undefined {
  const report = `${WORK}/report.json`
  rmSync(report, { force: true })
  const args = ['run', '--config', 'tools/planted-bugs/vitest.config.ts', '--bail', '1']
  const env = {
    ...process.env,
    BATON_PLANT: bug?.name ?? '',
    BATON_PLANT_TESTS: tests.join(','),
    BATON_MODEL_STATES: String(flags.states),
    BATON_MODEL_WALKS: '60',
  }
  const vitest = `${ROOT}node_modules/vitest/vitest.mjs`
  const run = spawnSync(process.execPath, [vitest, ...args, '--reporter', 'json', '--outputFile', report], {
    cwd: ROOT,
    env,
  })
  if (run.status === 0) return undefined
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  for (const { assertionResults, message } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed === undefined) {
      if (message !== '') return message
      continue
    }
    const said = /\b(I\d+: [^\n']*)/.exec(failed.failureMessages[0] ?? '')?.[1]
    return said === undefined || tests !== MODEL_TESTS ? failed.title : `${failed.title.split(',')[0]}: ${said}`
  }
  throw new Error(`plant: the tests ended with ${run.status}: ${String(run.stderr).slice(0, 500)}`)
}

interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly title: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** @returns the first seed that fails, and of what; `undefined` when none did in the time given */
async function failingSeed(bug: PlantedBug | undefined, { seconds, seed }: Flags): Promise<string | undefined> {
  const outfile = `${WORK}/seeds.mjs`
  const files = bug === undefined ? [] : filesOf(bug)
  await build({
    entryPoints: [`${ROOT}tools/planted-bugs/seeds.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)" },
    plugins: [
      {
        name: 'planted-bug',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) =>
            bug !== undefined && files.includes(path) ? { contents: plantedText(bug, path), loader: 'ts' } : undefined,
          )
        },
      },
    ],
  })
  const run = spawnSync(process.execPath, [outfile, String(seed), String(seconds)], { cwd: ROOT, encoding: 'utf8' })
  if (run.status !== 0) return `the simulator broke: ${run.stderr.trim().split('\n')[0]}`
  const line = run.stdout.trim().split('\n').at(-1)!
  const { seed: failed, message, count } = JSON.parse(line) as { seed?: number; message?: string; count: number }
  return failed === undefined ? undefined : `seed ${failed}, after ${count}: ${message?.split('\n')[0]?.slice(0, 100)}`
}

async function catches(bug: PlantedBug, flags: Flags): Promise<Catch[]> {
  const found: Catch[] = []
  const note = (by: Catch['by'], what: string | undefined): boolean => {
    if (what !== undefined) found.push({ by, what })
    return what !== undefined && flags.all !== true
  }
  const own = bug.tests ?? HOST_TESTS
  if ((bug.isOutside !== true || bug.tests !== undefined) && note('test', failingTest(bug, own, flags))) return found
  if (bug.isOutside !== true && note('model', failingTest(bug, MODEL_TESTS, flags))) return found
  if (flags.sim) note('seed', await failingSeed(bug, flags))
  return found
}

async function main(flags: Flags): Promise<void> {
  mkdirSync(WORK, { recursive: true })
  const bugs = flags.only === undefined ? PLANTED_BUGS : [bugOf(flags.only)]
  // All must fit before the first is tried: a table with holes says little.
  for (const bug of bugs) for (const file of filesOf(bug)) plantedText(bug, file)
  const healthy = failingTest(undefined, HOST_TESTS, flags)
  if (healthy !== undefined) throw new Error(`plant: without any bug this fails already: ${healthy}`)
  let missed = 0
  for (const bug of bugs) {
    const found = await catches(bug, flags)
    if (found.length === 0) missed++
    const lines = found.length === 0 ? ['NOT CAUGHT'] : found.map(({ by, what }) => `${by.padEnd(5)} ${what}`)
    console.log(`${bug.rule.padEnd(5)} ${bug.name.padEnd(46)} ${lines.join(`\n${' '.repeat(53)}`)}`)
  }
  console.log(`${bugs.length} bugs, ${bugs.length - missed} caught`)
  process.exitCode = missed === 0 ? 0 : 1
}

const cli = cac('plant')
cli
  .command('', 'Puts known bugs into the source and says what catches each')
  .option('--only <name>', 'this bug alone')
  .option('--seconds <n>', 'for the simulator', { default: 20 })
  .option('--seed <n>', 'its first seed', { default: 1 })
  .option('--states <n>', 'for each start of the model checker', { default: 15_000 })
  .option('--no-sim', 'without the simulator')
  .option('--all', 'all three for each bug, not only the first that catches it')
  .action(main)
cli.help()
cli.parse(process.argv, { run: false })
await cli.runMatchedCommand()
