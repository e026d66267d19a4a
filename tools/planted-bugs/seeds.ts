/**
 * Runs seeds of the simulator until one fails; bundled with a planted bug in it.
 *
 * Invariant: what it prints last is one line of JSON: the seeds that were run, and the first that failed.
 */
import { createSummary, runSeed } from '../../simulation/batch.ts'

const first = Number(process.argv[2])
const endMs = Date.now() + Number(process.argv[3]) * 1_000
const summary = createSummary()
let seed = first
let thrown: string | undefined
for (; Date.now() < endMs && summary.failures.length === 0 && thrown === undefined; seed++) {
  try {
    runSeed(seed, { kind: 'swarm', options: {} }, summary)
  } catch (error) {
    thrown = error instanceof Error ? error.message : String(error)
  }
}
const failure = thrown === undefined ? summary.failures[0] : { seed: seed - 1, message: thrown }
console.log(JSON.stringify({ count: seed - first, seed: failure?.seed, message: failure?.message }))
