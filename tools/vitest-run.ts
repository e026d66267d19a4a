/**
 * Runs one project of vitest.config.ts and counts what came of it.
 *
 * Invariant: a file that cannot run, an error outside any test and a run without tests are failures; vitest's own
 * output is kept for when something failed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { StepResult } from './steps.ts'
import { tool } from './steps.ts'
import { ROOT } from './workspace.ts'

/** The part of vitest's JSON report that is counted here. */
export interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

export interface VitestCount {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly fileCount: number
}

/** @param report undefined when vitest ended without writing one */
export function countVitest(report: VitestReport | undefined, exitCode: number): VitestCount {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0, fileCount: 0 }
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length
  let failed = report.numFailedTests + broken
  const passed = report.numPassedTests
  // An unhandled rejection, or no test at all: vitest says so by its exit code alone.
  if (failed === 0 && (exitCode !== 0 || passed === 0)) failed = 1
  const skipped = report.numPendingTests + report.numTodoTests
  return { passed, failed, skipped, fileCount: report.testResults.length }
}

const REPORTERS = ['default', 'json', './tools/vitest-running.ts'].map((name) => `--reporter=${name}`)

export async function runVitest(project: string, timeoutMs: number): Promise<StepResult> {
  const file = join(ROOT, 'node_modules', '.cache', 'test-results', `${project}.json`)
  mkdirSync(dirname(file), { recursive: true })
  const running = file.replace('.json', '.running')
  for (const old of [file, running]) rmSync(old, { force: true })
  const { code, output } = await tool(
    'vitest',
    ['run', '--project', project, ...REPORTERS, `--outputFile.json=${file}`],
    { timeoutMs, env: { BATON_RUNNING_FILE: running } },
  )
  const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as VitestReport) : undefined
  const count = countVitest(report, code)
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
  const hung = report === undefined && existsSync(running) ? readFileSync(running, 'utf8').trim() : ''
  const failed = count.failed > 0 ? `, ${count.failed} failed` : ''
  return {
    passed: count.passed,
    failed: count.failed,
    note: `${count.passed} tests in ${count.fileCount} files${failed}${skipped}`,
    output: hung === '' ? output : `${output}\nvitest: these files had not ended:\n${hung}`,
  }
}
