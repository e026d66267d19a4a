/**
 * `pnpm sim`: many seeds, one schedule again, or one scenario for the figures.
 *
 * Invariant: a failure is printed with its seed, the commit and the one line that brings it back; the exit code is 1.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cac } from 'cac'
import { addResult, createSummary, invariantOf, planSeed, type SeedPlan, type Summary } from './batch.ts'
import { createProgress, printSummary } from './report.ts'
import { readSchedule, writeSchedule, type FaultKind, type Schedule } from './schedule.ts'
import { SCENARIOS, type Scenario, type ScenarioOptions } from './scenarios.ts'
import { shrinkSchedule } from './shrink.ts'
import { runSchedule } from './simulation.ts'
import { ALL_KINDS, type SwarmOptions } from './swarm.ts'
import { runBatch } from './workers.ts'

interface Flags {
  readonly seeds: number
  readonly seed?: number
  readonly minutes?: number
  readonly minSeeds?: number
  readonly schedule?: string
  readonly shrink?: string | boolean
  readonly save?: string
  readonly kinds?: string
  readonly peers?: number
  readonly lease?: number
  readonly workers: number
  readonly json?: boolean
  readonly verbose?: boolean
  readonly scenario?: string
  readonly rtt: number
  readonly jitter: number
  readonly loss: number
  readonly hours?: number
  readonly stall: number
  readonly fixed?: boolean
}

/** A run of the scenario `stall`. */
const STALL_RUN_MS = 600_000
const REGRESSIONS = fileURLToPath(new URL('./regressions/', import.meta.url))

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown'
  }
}

/** New ones every day and for every commit, and the same again when both are the same. */
function seedOfToday(hash: string): number {
  const day = Math.floor(Date.now() / 86_400_000)
  return ((day * 1_000_003 + Number.parseInt(hash.slice(0, 7), 16)) % 900_000_000) * 2 + 1
}

function swarmOptions(flags: Flags): SwarmOptions {
  const kinds = flags.kinds?.split(',').filter((kind) => kind !== '' && kind !== 'none')
  for (const kind of kinds ?? []) {
    if (!(ALL_KINDS as readonly string[]).includes(kind)) {
      throw new Error(`sim: no fault is called ${kind}; there are ${ALL_KINDS.join(', ')}`)
    }
  }
  return {
    ...(kinds !== undefined && { kinds: kinds as FaultKind[] }),
    ...(flags.peers !== undefined && { peers: flags.peers }),
    ...(flags.lease !== undefined && { leaseMs: flags.lease }),
  }
}

/** The flags that change what a seed stands for. */
function typed(flags: Flags): string {
  const { kinds, peers, lease, scenario, rtt, jitter, loss, stall, fixed } = flags
  const ofScenario = scenario === undefined ? {} : { scenario, rtt, jitter, loss, stall, fixed }
  return Object.entries({ kinds, peers, lease, ...ofScenario })
    .map(([name, value]) => (value === undefined ? '' : ` --${name} ${value}`))
    .join('')
}

/** One schedule, told step by step. */
function runOne(schedule: Schedule, flags: Flags): Summary {
  const result = runSchedule(schedule, flags.json === true ? {} : { log: (line) => console.log(line) })
  const summary = createSummary()
  addResult(summary, schedule.seed, result)
  const first = result.violations[0]
  if (flags.shrink !== undefined && flags.shrink !== false && first !== undefined) {
    const id = invariantOf(first.message)
    const small = shrinkSchedule(schedule, (candidate) =>
      runSchedule(candidate).violations.some((violation) => invariantOf(violation.message) === id),
    )
    const name = typeof flags.shrink === 'string' ? flags.shrink : `${id.toLowerCase()}-${schedule.seed}`
    const file = `${REGRESSIONS}${name}.json`
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, writeSchedule(small))
    const kinds = small.faults.map((fault) => fault.kind).join(', ')
    console.log(`${small.peers.length} peers, ${small.faultMs} ms, faults ${kinds || 'none'}: ${file}`)
  }
  return summary
}

/** What seeds stand for, by the flags. */
function seedPlan(flags: Flags): SeedPlan {
  const { scenario } = flags
  if (scenario === undefined) return { kind: 'swarm', options: swarmOptions(flags) }
  if (!(SCENARIOS as readonly string[]).includes(scenario)) {
    throw new Error(`sim: no scenario is called ${scenario}; there are ${SCENARIOS.join(', ')}`)
  }
  const options: ScenarioOptions = {
    rttMs: flags.rtt,
    jitterMs: flags.jitter,
    loss: flags.loss / 100,
    leaseMs: flags.lease ?? 600,
    peers: flags.peers ?? 4,
    faultMs: STALL_RUN_MS,
    stallMs: flags.stall,
    isDetectionFixed: flags.fixed === true,
  }
  return { kind: 'scenario', scenario: scenario as Scenario, options }
}

function seedCount({ minutes, hours, seeds }: Flags): number {
  if (hours !== undefined) return Math.ceil((hours * 3_600_000) / STALL_RUN_MS)
  return minutes === undefined ? seeds : Infinity
}

async function run(flags: Flags): Promise<void> {
  if (flags.save !== undefined) {
    writeFileSync(flags.save, writeSchedule(planSeed(flags.seed ?? 1, seedPlan(flags))))
    return
  }
  const hash = commit()
  const startMs = performance.now()
  const firstSeed = flags.seed ?? (flags.scenario === undefined ? seedOfToday(hash) : 1)
  let summary: Summary
  if (flags.schedule !== undefined) summary = runOne(readSchedule(readFileSync(flags.schedule, 'utf8')), flags)
  else if (flags.seed !== undefined && (flags.verbose === true || flags.shrink !== undefined)) {
    summary = runOne(planSeed(flags.seed, seedPlan(flags)), flags)
  } else {
    summary = await runBatch({
      firstSeed,
      seedCount: seedCount(flags),
      workers: flags.workers,
      minSeeds: flags.minSeeds ?? 0,
      limitMs: flags.minutes === undefined ? Infinity : flags.minutes * 60_000,
      plan: seedPlan(flags),
      ...(flags.json !== true && { onProgress: createProgress() }),
    })
  }
  printSummary(summary, {
    commit: hash,
    realMs: performance.now() - startMs,
    asJson: flags.json === true,
    flags: typed(flags),
    firstSeed,
  })
  if (summary.failures.length > 0) process.exitCode = 1
}

const cli = cac('pnpm sim')
cli
  .command('', 'Runs real core, replication and lobby under faults in virtual time, and checks every invariant')
  .option('--seeds <count>', 'Seeds to run', { default: 100 })
  .option('--seed <first>', 'First seed; default by date and commit')
  .option('--minutes <minutes>', 'As many seeds as fit, instead of --seeds')
  .option('--min-seeds <count>', 'With --minutes: at least so many, however long they take')
  .option('--schedule <file>', 'Run a recorded schedule and tell what happens')
  .option('--shrink [name]', 'With --seed or --schedule: make a failing one small, and keep it under regressions/')
  .option('--save <file>', 'With --seed: write its schedule, and run nothing')
  .option('--verbose', 'With --seed: run this one and tell what happens')
  .option('--kinds <kinds>', `Faults to choose from, with commas; "none" for no faults: ${ALL_KINDS.join(',')}`)
  .option('--peers <count>', 'Peers in the room')
  .option('--lease <ms>', 'Lease of the host')
  .option('--workers <count>', 'Processes', { default: 1 })
  .option('--scenario <name>', `One thing at a time, for figures: ${SCENARIOS.join(', ')}`)
  .option('--rtt <ms>', 'Scenario: round trip', { default: 80 })
  .option('--jitter <ms>', 'Scenario: jitter each way', { default: 10 })
  .option('--loss <percent>', 'Scenario: packets lost', { default: 2 })
  .option('--hours <hours>', 'Scenario stall: simulated hours, in runs of ten minutes')
  .option('--stall <ms>', 'Scenario stall: longest stall of the host', { default: 450 })
  .option('--fixed', 'Scenario: silence is reported after a whole lease, however rare it is')
  .option('--json', 'The summary as JSON')
  .action((flags: Flags) => run(flags))
cli.help()
try {
  cli.parse(process.argv, { run: false })
  await cli.runMatchedCommand()
} catch (mistake) {
  console.error(mistake instanceof Error ? mistake.message : String(mistake))
  process.exitCode = 2
}
