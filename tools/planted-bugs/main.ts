/**
 * `pnpm plant`: puts known bugs into the source, one at a time, and says what catches each.
 *
 * First the directed tests of the machine, then the model checker, then seeds of the simulator, until one of
 * them fails; with `--all` all three for each. Flags: `--only NAME`, `--seconds N` for the simulator (default
 * 20), `--no-sim`, `--states N` for the model checker. Exits non-zero when a bug is caught by nothing.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, realpathSync } from 'node:fs'
import { cac } from 'cac'
import { build, type BuildOptions } from 'esbuild'
import { bugOf, filesOf, plantedText, ROOT } from './mutate.ts'
import type { PlantedBug } from './planted-bug.ts'
import { PLANTED_BUGS } from './planted.ts'

interface Flags {
  readonly only?: string
  readonly seconds: number
  readonly seed: number
  readonly sim: boolean
  readonly states: number
  readonly walks: number
  readonly all?: boolean
}

interface Catch {
  readonly by: 'test' | 'model' | 'seed'
  readonly what: string
}

const WORK = `${ROOT}node_modules/.cache/planted-bugs`
const OUT = `${WORK}/run-${process.pid}.mjs`
/** The matchers that vitest itself uses; they lie beside it. */
const EXPECT = realpathSync(`${realpathSync(`${ROOT}node_modules/vitest`)}/../@vitest/expect`)
const HOST_TESTS = ['votes', 'election', 'reign', 'follow', 'catch-up', 'forks', 'quorum', 'step'].map(
  (name) => `packages/core/src/host/${name}.test.ts`,
)
const MODEL_TESTS = ['packages/core/test/simulation/host-model.test.ts']

/** @returns the titles of the tests that fail, those of the bug's own rule first; `undefined` when all pass */
async function failingTest(
  bug: PlantedBug | undefined,
  tests: readonly string[],
  flags: Flags,
): Promise<string | undefined> {
  const isModel = tests === MODEL_TESTS
  const imports = tests.map((file) => `import ${JSON.stringify(ROOT + file)}`)
  const contents = `${imports.join('\n')}
import { runCases } from 'vitest'
console.log(JSON.stringify(await runCases()))`
  await bundle(bug, { stdin: { contents, resolveDir: ROOT, loader: 'ts' } })
  const env = {
    ...process.env,
    BATON_MODEL_STATES: String(flags.states),
    BATON_MODEL_WALKS: String(flags.walks),
    ...(isModel && { BATON_PLANT_FIRST: '1' }),
  }
  const run = spawnSync(process.execPath, [OUT], { cwd: ROOT, env, encoding: 'utf8' })
  if (run.status !== 0) return `the tests broke: ${run.stderr.trim().split('\n')[0]}`
  const failed = JSON.parse(run.stdout.trim().split('\n').at(-1)!) as { title: string; message: string }[]
  // Of another room's tests only those of the rule count: it may be in the middle of something.
  const heeded = failed.filter(({ title }) => bug?.isOutside !== true || title.startsWith(`${bug.rule}:`))
  const titles = heeded.map(({ title, message }) => {
    const said = isModel ? /\b((?:I|HM)\d+: [^\n'"\\]*)/.exec(message)?.[1] : undefined
    return said === undefined ? title : `${title.replace(/^[I\d ]*: |,.*/g, '')}: ${said}`
  })
  const shown = [...titles.filter((title) => title.startsWith(`${bug?.rule}:`)), ...titles][0]
  return titles.length > 1 ? `${shown} (and ${titles.length - 1} more)` : shown
}

/** Makes one file of it all, with the bug in it. */
async function bundle(bug: PlantedBug | undefined, entry: BuildOptions): Promise<void> {
  const files = bug === undefined ? [] : filesOf(bug)
  await build({
    ...entry,
    outfile: OUT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    // A package without side effects has test files that have some.
    ignoreAnnotations: true,
    alias: { vitest: `${ROOT}tools/planted-bugs/harness.ts`, 'planted-expect': EXPECT },
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'\nconst require = makeRequire(import.meta.url)",
    },
    plugins: [
      {
        name: 'planted-bug',
        setup(builder) {
          builder.onLoad({ filter: /\.ts$/ }, ({ path }) =>
            bug !== undefined && files.includes(path) ? { contents: plantedText(bug, path), loader: 'ts' } : undefined,
          )
        },
      },
    ],
  })
}

/** @returns the first seed that fails, and of what; `undefined` when none did in the time given */
async function failingSeed(bug: PlantedBug | undefined, { seconds, seed }: Flags): Promise<string | undefined> {
  await bundle(bug, { entryPoints: [`${ROOT}tools/planted-bugs/seeds.ts`] })
  const run = spawnSync(process.execPath, [OUT, String(seed), String(seconds)], { cwd: ROOT, encoding: 'utf8' })
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
  if ((bug.isOutside !== true || bug.tests !== undefined) && note('test', await failingTest(bug, own, flags)))
    return found
  if (bug.isOutside !== true && note('model', await failingTest(bug, MODEL_TESTS, flags))) return found
  if (flags.sim) note('seed', await failingSeed(bug, flags))
  return found
}

async function main(flags: Flags): Promise<void> {
  mkdirSync(WORK, { recursive: true })
  const bugs = flags.only === undefined ? PLANTED_BUGS : [bugOf(flags.only)]
  // All must fit before the first is tried: a table with holes says little.
  for (const bug of bugs) for (const file of filesOf(bug)) plantedText(bug, file)
  for (const tests of [
    HOST_TESTS,
    ...bugs.flatMap((bug) => (bug.tests === undefined || bug.isOutside === true ? [] : [bug.tests])),
  ]) {
    const failing = await failingTest(undefined, tests, flags)
    if (failing !== undefined) throw new Error(`plant: without any bug this fails already: ${failing}`)
  }
  if (flags.sim) {
    const seed = await failingSeed(undefined, flags)
    if (seed !== undefined) throw new Error(`plant: without any bug the simulator fails already: ${seed}`)
  }
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
  .option('--walks <n>', 'ways at random, for each start of the model checker', { default: 100 })
  .option('--no-sim', 'without the simulator')
  .option('--all', 'all three for each bug, not only the first that catches it')
  .action(main)
cli.help()
cli.parse(process.argv, { run: false })
await cli.runMatchedCommand()
