/**
 * `pnpm fuzz --seconds N [--seed S] [--target NAME]`: damaged input for every decoder, in turns; one line each.
 *
 * `--case I` with a seed and a target runs that one input and shows it. Exits non-zero when a decoder threw.
 * Invariant: the seed is printed first, so an interrupted run can be had again.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { FUZZ_TARGETS } from './fuzz-targets.ts'
import { emptyReport, fuzz, inputOf, type FuzzInput, type FuzzReport, type FuzzTarget } from './fuzzing.ts'

const CASES_PER_TURN = 500
const nowMs = () => performance.now()

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new Error(`fuzz: --${name} is ${text}; give a whole number from 0`)
  return value
}

function show(input: FuzzInput): string {
  return typeof input === 'string' ? JSON.stringify(input) : Buffer.from(input).toString('hex')
}

function line(target: FuzzTarget, report: FuzzReport): string {
  const percent = ((100 * report.accepted) / Math.max(1, report.inputs)).toFixed(1)
  const units = report.worstWorkUnits > 0 ? `, ${report.worstWorkUnits} steps` : ''
  return (
    `${target.name.padEnd(16)} ${String(report.inputs).padStart(10)} inputs, ${percent.padStart(5)} % accepted, ` +
    `${report.throws} throws, worst ${report.worstMs.toFixed(2)} ms (case ${report.worstMsCase})${units}`
  )
}

function printFindings(target: FuzzTarget, seed: number, report: FuzzReport): void {
  for (const { caseNumber, input, error } of report.findings) {
    console.error(`${target.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    console.error(`  input ${show(input).slice(0, 2_000)}`)
    console.error(`  again: pnpm fuzz --target '${target.name}' --seed ${seed} --case ${caseNumber}`)
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    target: { type: 'string' },
    case: { type: 'string' },
  },
})
const seed = wholeNumber('seed', values.seed)
const targets = FUZZ_TARGETS.filter(({ name }) => values.target === undefined || name === values.target)
if (targets.length === 0) {
  throw new Error(`fuzz: no target "${values.target}"; there are ${FUZZ_TARGETS.map(({ name }) => name).join(', ')}`)
}

const reports = targets.map(emptyReport)
if (values.case === undefined) {
  console.log(`seed ${seed}, ${targets.length} targets, ${values.seconds} s`)
  const endMs = nowMs() + 1_000 * wholeNumber('seconds', values.seconds)
  for (let firstCase = 0; nowMs() < endMs; firstCase += CASES_PER_TURN) {
    targets.forEach((target, i) => fuzz(target, seed, firstCase, CASES_PER_TURN, reports[i]!, nowMs))
  }
} else {
  const caseNumber = wholeNumber('case', values.case)
  targets.forEach((target, i) => {
    console.log(show(inputOf(target, seed, caseNumber)))
    fuzz(target, seed, caseNumber, 1, reports[i]!, nowMs)
  })
}

targets.forEach((target, i) => {
  console.log(line(target, reports[i]!))
  printFindings(target, seed, reports[i]!)
})
if (reports.some(({ throws }) => throws > 0)) process.exitCode = 1
