/**
 * `tsx tools/measure-leases.ts [--hours H] [--seeds N]`: what a shorter lease buys and what it costs: the gap
 * after a crash beside hosts that were replaced though they only stalled, for leases from 100 to 1,000 ms.
 *
 * Invariant: both columns come from the simulator's own scenarios, with the same first seed for every lease.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const LEASES_MS = [100, 150, 200, 300, 400, 600, 800, 1_000]

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

const rough = ['--rtt', '80', '--loss', '20', '--jitter', '100', '--peers', '3', '--stall', '450']
console.log('| lease | replaced hosts that only stalled, per hour | gap after a crash p50 | p99 | violations |')
console.log('| --- | --- | --- | --- | --- |')
for (const leaseMs of LEASES_MS) {
  const lease = ['--lease', String(leaseMs), '--seed', '1']
  const stalls = simulate(['--scenario', 'stall', '--hours', values.hours, ...rough, ...lease])
  const crash = simulate(['--scenario', 'crash', '--seeds', values.seeds, '--rtt', '80', '--loss', '2', ...lease])
  const count = stalls.migrations.reduce((sum, row) => sum + row.migrations, 0)
  const perHour = (count * 3_600) / stalls.simulatedSeconds
  const gap = crash.migrations.find((row) => row.cause === 'crash')
  const broken = stalls.violations + crash.violations
  console.log(
    `| ${leaseMs} ms | ${perHour.toFixed(1)} | ${gap?.p50Ms ?? '-'} ms | ${gap?.p99Ms ?? '-'} ms | ${broken} |`,
  )
}
