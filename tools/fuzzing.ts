/**
 * Runs named decoders over damaged input and keeps count; knows no decoder itself.
 *
 * Invariant: input number `i` of a target depends on the seed, the target's name and `i` alone, so every
 * finding can be had again with one command.
 */
import { seededRandom, type Random } from '../schemas/test/mutate.ts'

export { mutate, mutateText, randomBytes, seededRandom, type Random } from '../schemas/test/mutate.ts'

export type FuzzInput = Uint8Array | string

export interface Outcome {
  readonly accepted: boolean
  /** What the input cost in the decoder's own count of steps, where it keeps one. */
  readonly workUnits?: number
}

export interface FuzzTarget {
  readonly name: string
  /** One input, mostly damaged, sometimes sound. */
  input(random: Random): FuzzInput
  /** Feeds the decoder. Throwing is a finding, and so is any contradiction that this reports by throwing. */
  feed(input: FuzzInput): Outcome
}

export interface Finding {
  readonly caseNumber: number
  readonly input: FuzzInput
  readonly error: unknown
}

export interface FuzzReport {
  inputs: number
  accepted: number
  throws: number
  /** Slowest single input, the best of five when it is slow. Shown and never judged: machines differ. */
  worstMs: number
  worstMsCase: number
  worstWorkUnits: number
  /** The first few. */
  readonly findings: Finding[]
}

const KEPT_FINDINGS = 3

export function emptyReport(): FuzzReport {
  return { inputs: 0, accepted: 0, throws: 0, worstMs: 0, worstMsCase: 0, worstWorkUnits: 0, findings: [] }
}

/** FNV-1a, so that targets of one seed do not all get the same inputs. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

export function inputOf(target: FuzzTarget, seed: number, caseNumber: number): FuzzInput {
  return target.input(seededRandom((seed ^ hashOf(target.name)) + Math.imul(caseNumber, 0x9e3779b1)))
}

function timed(target: FuzzTarget, input: FuzzInput, nowMs: () => number): number {
  const startMs = nowMs()
  try {
    target.feed(input)
  } catch {
    // Counted the first time.
  }
  return nowMs() - startMs
}

/**
 * Feeds the target the cases from `firstCase` on, adding to `report`.
 * @param nowMs the clock to measure single inputs by
 */
export function fuzz(
  target: FuzzTarget,
  seed: number,
  firstCase: number,
  count: number,
  report: FuzzReport,
  nowMs: () => number,
): void {
  for (let caseNumber = firstCase; caseNumber < firstCase + count; caseNumber++) {
    const input = inputOf(target, seed, caseNumber)
    const startMs = nowMs()
    report.inputs++
    try {
      const { accepted, workUnits = 0 } = target.feed(input)
      if (accepted) report.accepted++
      report.worstWorkUnits = Math.max(report.worstWorkUnits, workUnits)
    } catch (error) {
      report.throws++
      if (report.findings.length < KEPT_FINDINGS) report.findings.push({ caseNumber, input, error })
    }
    let tookMs = nowMs() - startMs
    // The machine's other work lands on some input; only what is slow again is the input's own cost.
    for (let again = 0; again < 4 && tookMs > report.worstMs; again++)
      tookMs = Math.min(tookMs, timed(target, input, nowMs))
    if (tookMs > report.worstMs) {
      report.worstMs = tookMs
      report.worstMsCase = caseNumber
    }
  }
}
