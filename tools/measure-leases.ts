/**
 * `tsx tools/measure-leases.ts [--hours H] [--seeds N]`: what a shorter lease buys and what it costs: the gap
 * after a crash beside hosts that were replaced though they only stalled, for leases from 100 to 1,000 ms, with silence
 * reported as soon as it is unusual and, for comparison, only after a whole lease.
 *
 * Invariant: all columns come from the simulator's own scenarios, with the same first seed for every lease.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const LEASES_MS = [100, 200, 300, 400, 500, 600, 800, 1_000]

interface Figures {
  readonly simulatedSeconds: number
  readonly violations: number
  readonly migrations: readonly {
    readonly cause: string
    readonly migrations: number
    readonly p50Ms: number
    readonly p99Ms: number
  }[]
}

const { values } = parseArgs({
  options: { hours: { type: 'string', default: '1' }, seeds: { type: 'string', default: '60' } },
})

function simulate(flags: readonly string[]): Figures {
  const root = join(import.meta.dirname, '..')
  const command = ['--import', 'tsx', 'simulation/main.ts', '--json', ...flags]
  // The exit code tells of violations; the figures tell of them as well.
  try {
    return JSON.parse(execFileSync('node', command, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })) as Figures
  } catch (failed) {
    return JSON.parse((failed as { stdout: string }).stdout) as Figures
  }
}

/** Stalls are judged on a bad line, where they are hardest to tell from silence; the gap on a usual one. */
const BAD_LINE = ['--rtt', '80', '--loss', '20', '--jitter', '100', '--peers', '3', '--stall', '450']
const USUAL_LINE = ['--rtt', '80', '--loss', '2']

/** One kind of detection: hosts replaced in an hour, gap p50, gap p99; and what was broken, which is nothing. */
function row(leaseMs: number, detection: readonly string[]): { readonly cells: string; readonly broken: number } {
  const common = ['--lease', String(leaseMs), '--seed', '1', ...detection]
  const stalls = simulate(['--scenario', 'stall', '--hours', values.hours, ...BAD_LINE, ...common])
  const crash = simulate(['--scenario', 'crash', '--seeds', values.seeds, ...USUAL_LINE, ...common])
  const count = stalls.migrations.reduce((sum, { migrations }) => sum + migrations, 0)
  const perHour = (count * 3_600) / stalls.simulatedSeconds
  const gap = crash.migrations.find(({ cause }) => cause === 'crash')
  return {
    cells: `${perHour.toFixed(1)} | ${gap?.p50Ms ?? '-'} | ${gap?.p99Ms ?? '-'}`,
    broken: stalls.violations + crash.violations,
  }
}

console.log(
  '| lease ms | adaptive: replaced an hour | gap p50 ms | p99 ms | fixed: replaced an hour | gap p50 ms | p99 ms | violations |',
)
console.log('|--:|--:|--:|--:|--:|--:|--:|--:|')
for (const leaseMs of LEASES_MS) {
  const adaptive = row(leaseMs, [])
  const fixed = row(leaseMs, ['--fixed'])
  console.log(`| ${leaseMs} | ${adaptive.cells} | ${fixed.cells} | ${adaptive.broken + fixed.broken} |`)
}
