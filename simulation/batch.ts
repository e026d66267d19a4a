/**
 * Many seeds, and what came of them in figures.
 *
 * Invariant: a summary of summaries is the summary of all their seeds, so that workers can share a batch.
 */
import { percentile, type MigrationCause } from './migrations.ts'
import { runSchedule, type RunResult } from './simulation.ts'
import { planScenario, type Scenario, type ScenarioOptions } from './scenarios.ts'
import type { Schedule } from './schedule.ts'
import { planSchedule, type SwarmOptions } from './swarm.ts'

/** What becomes of a seed: a swarm's schedule, or one of a scenario. Plain data, for workers. */
export type SeedPlan =
  | { readonly kind: 'swarm'; readonly options: SwarmOptions }
  | { readonly kind: 'scenario'; readonly scenario: Scenario; readonly options: ScenarioOptions }

export function planSeed(seed: number, plan: SeedPlan): Schedule {
  if (plan.kind === 'swarm') return planSchedule(seed, plan.options)
  return planScenario(plan.scenario, seed, plan.options)
}

export interface Failure {
  readonly seed: number
  readonly message: string
  readonly atMs: number
}

export interface Summary {
  seedCount: number
  simulatedMs: number
  committedCount: number
  frozenCount: number
  strandedCount: number
  /** By checks of what peers hold; each has a cause elsewhere. */
  mendedCount: number
  mendedSeeds: number[]
  checkedTwice: number
  /** Gaps in milliseconds, a sample for each peer that felt one. */
  gapsMs: Partial<Record<MigrationCause, number[]>>
  migrationCount: Partial<Record<MigrationCause, number>>
  agreedMs: number[]
  /** How long a host that was cut off from all others went on sending state. */
  stopsMs: number[]
  failures: Failure[]
}

/** One seed in so many is run twice, and the traces compared. */
const TWICE = 100

export function createSummary(): Summary {
  return {
    seedCount: 0,
    simulatedMs: 0,
    committedCount: 0,
    frozenCount: 0,
    strandedCount: 0,
    mendedCount: 0,
    mendedSeeds: [],
    checkedTwice: 0,
    gapsMs: {},
    migrationCount: {},
    agreedMs: [],
    stopsMs: [],
    failures: [],
  }
}

export function runSeed(seed: number, plan: SeedPlan, summary: Summary): RunResult {
  const schedule = planSeed(seed, plan)
  const isTwice = seed % TWICE === 0
  const result = runSchedule(schedule, { withTrace: isTwice })
  addResult(summary, seed, result)
  if (isTwice) {
    summary.checkedTwice++
    const again = runSchedule(schedule, { withTrace: true })
    if (again.trace !== result.trace) {
      summary.failures.push({ seed, message: `I0: two runs differ, ${result.trace} and ${again.trace}`, atMs: 0 })
    }
  }
  return result
}

export function addResult(summary: Summary, seed: number, result: RunResult): void {
  summary.seedCount++
  summary.simulatedMs += result.simulatedMs
  summary.committedCount += result.committedCount
  if (result.isFrozen) summary.frozenCount++
  summary.strandedCount += result.strandedCount
  summary.mendedCount += result.mendedCount
  if (result.mendedCount > 0) summary.mendedSeeds.push(seed)
  if (result.agreedMs !== undefined) summary.agreedMs.push(result.agreedMs)
  summary.stopsMs.push(...result.stopsMs)
  for (const { cause, gapsMs } of result.migrations) {
    summary.migrationCount[cause] = (summary.migrationCount[cause] ?? 0) + 1
    ;(summary.gapsMs[cause] ??= []).push(...gapsMs)
  }
  const first = result.violations[0]
  if (first !== undefined) summary.failures.push({ seed, message: first.message, atMs: first.atMs })
}

export function mergeSummary(into: Summary, from: Summary): void {
  into.seedCount += from.seedCount
  into.simulatedMs += from.simulatedMs
  into.committedCount += from.committedCount
  into.frozenCount += from.frozenCount
  into.strandedCount += from.strandedCount
  into.mendedCount += from.mendedCount
  into.mendedSeeds.push(...from.mendedSeeds)
  into.checkedTwice += from.checkedTwice
  into.agreedMs.push(...from.agreedMs)
  into.stopsMs.push(...from.stopsMs)
  into.failures.push(...from.failures)
  for (const [cause, gaps] of Object.entries(from.gapsMs)) (into.gapsMs[cause as MigrationCause] ??= []).push(...gaps)
  for (const [cause, count] of Object.entries(from.migrationCount)) {
    into.migrationCount[cause as MigrationCause] = (into.migrationCount[cause as MigrationCause] ?? 0) + count
  }
}

/** The invariant a message names: `I5: ...` gives `I5`. */
export function invariantOf(message: string): string {
  return message.slice(0, message.indexOf(':'))
}

export interface GapRow {
  readonly cause: string
  readonly migrations: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function gapRows(summary: Summary): GapRow[] {
  return Object.entries(summary.gapsMs).map(([cause, gaps]) => ({
    cause,
    migrations: summary.migrationCount[cause as MigrationCause] ?? 0,
    p50Ms: Math.round(percentile(gaps, 0.5)),
    p99Ms: Math.round(percentile(gaps, 0.99)),
    maxMs: Math.round(percentile(gaps, 1)),
  }))
}

/** Entities that some peers lost, and requests applied twice or ids given twice. */
export function countOf(summary: Summary, ids: readonly string[]): number {
  return summary.failures.filter(({ message }) => ids.some((id) => message.includes(`${id}:`))).length
}
