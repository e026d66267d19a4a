/**
 * What `pnpm sim` prints. Invariant: the last line says how many seeds ran and how many failed.
 */
import { countOf, gapRows, invariantOf, type Summary } from './batch.ts'
import { percentile } from './migrations.ts'

const PROGRESS_EVERY = 25
const MAX_SHOWN = 10

/** Tells of failures as they come: a long run need not be waited for. */
export function createProgress(): (summary: Summary) => void {
  let shown = 0
  return ({ seedCount, simulatedMs, failures }) => {
    for (; shown < failures.length; shown++) console.log(`seed ${failures[shown]!.seed} failed`)
    if (seedCount % PROGRESS_EVERY !== 0) return
    console.log(`${seedCount} seeds, ${Math.round(simulatedMs / 1_000)} s simulated, ${failures.length} failed`)
  }
}

export interface ReportOptions {
  readonly commit: string
  readonly realMs: number
  readonly asJson: boolean
  /** What else a run needs besides its seed, as it was typed. */
  readonly flags: string
  readonly firstSeed: number
}

export function printSummary(summary: Summary, { commit, realMs, asJson, flags, firstSeed }: ReportOptions): void {
  const { seedCount, simulatedMs, failures, agreedMs, stopsMs } = summary
  const figures = {
    commit,
    firstSeed,
    seeds: seedCount,
    simulatedSeconds: Math.round(simulatedMs / 1_000),
    timesRealTime: Math.round(simulatedMs / realMs),
    committedEntries: summary.committedCount,
    frozenWithoutQuorum: summary.frozenCount,
    stranded: summary.strandedCount,
    entitiesMended: summary.mendedCount,
    mendedSeeds: summary.mendedSeeds.slice(0, MAX_SHOWN),
    checkedTwice: summary.checkedTwice,
    migrations: gapRows(summary),
    agreedAfterMs: spread(agreedMs),
    isolatedHostStopsMs: spread(stopsMs),
    entitiesLost: countOf(summary, ['I6']),
    entitiesDoubled: failures.filter(({ message }) => ['I7', 'I8'].includes(invariantOf(message))).length,
    violations: failures.length,
    byInvariant: countByInvariant(summary),
    failures: failures.slice(0, MAX_SHOWN),
  }
  if (asJson) return console.log(JSON.stringify(figures))
  for (const { seed, message, atMs } of figures.failures) {
    console.log(`\nseed ${seed} at ${Math.round(atMs)} ms, commit ${commit}: ${message}`)
    console.log(`  pnpm sim --seed ${seed}${flags} --verbose    (--shrink makes it small)`)
  }
  console.log(`\n| cause | migrations | gap p50 | p99 | max |\n| --- | --- | --- | --- | --- |`)
  for (const { cause, migrations, p50Ms, p99Ms, maxMs } of figures.migrations) {
    console.log(`| ${cause} | ${migrations} | ${p50Ms} ms | ${p99Ms} ms | ${maxMs} ms |`)
  }
  const { simulatedSeconds, timesRealTime, committedEntries, frozenWithoutQuorum, agreedAfterMs } = figures
  console.log(
    `\n${simulatedSeconds} s simulated, ${timesRealTime} times real time; ${committedEntries} entries committed;`,
  )
  console.log(
    `${frozenWithoutQuorum} frozen without quorum; ${figures.stranded} peers stranded without a link to the host; ${figures.checkedTwice} seeds run twice;`,
  )
  if (agreedAfterMs) console.log(`equal worlds after p50 ${agreedAfterMs.p50} ms, max ${agreedAfterMs.max} ms;`)
  const stops = figures.isolatedHostStopsMs
  if (stops) console.log(`a host cut off stops after p50 ${stops.p50} ms, max ${stops.max} ms;`)
  const where = figures.mendedSeeds.length === 0 ? '' : ` in seeds ${figures.mendedSeeds.join(', ')}`
  console.log(`rows of ${figures.entitiesMended} entities mended${where};`)
  console.log(`entities lost ${figures.entitiesLost}, doubled ${figures.entitiesDoubled}`)
  const broken = Object.entries(figures.byInvariant).map(([id, count]) => `${id} ${count}`)
  const what = broken.length === 0 ? '' : ` (${broken.join(', ')})`
  console.log(`${seedCount} seeds from ${firstSeed} at ${commit}, ${failures.length} failed${what}`)
}

function spread(values: readonly number[]): { p50: number; max: number } | undefined {
  if (values.length === 0) return undefined
  return { p50: Math.round(percentile(values, 0.5)), max: Math.round(percentile(values, 1)) }
}

function countByInvariant({ failures }: Summary): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { message } of failures) {
    const id = invariantOf(message)
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts
}
