/**
 * Several processes that share the seeds of a batch: each asks for a few, runs them, and asks again.
 *
 * Invariant: seeds are handed out in order and each once; every worker ends with this process.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createSummary, mergeSummary, runSeed, type SeedPlan, type Summary } from './batch.ts'

/** What a worker is given. */
interface Order {
  readonly seeds: readonly number[]
  readonly plan: SeedPlan
}

export interface BatchOptions {
  readonly firstSeed: number
  /** Infinity: as many as there is time for. */
  readonly seedCount: number
  readonly workers: number
  /** No seed is begun after this, once so many have run. */
  readonly limitMs: number
  readonly minSeeds: number
  readonly plan: SeedPlan
  /** Ends the batch at the first failure. */
  readonly stopEarly?: boolean
  readonly onProgress?: (summary: Summary) => void
}

const SEEDS_PER_ORDER = 5

/** Runs seeds until they, or the time, are used up. */
export async function runBatch(options: BatchOptions): Promise<Summary> {
  const summary = createSummary()
  const endMs = performance.now() + options.limitMs
  const endSeed = options.firstSeed + options.seedCount
  let nextSeed = options.firstSeed
  const nextOrder = (): Order | undefined => {
    const isLate = performance.now() >= endMs && nextSeed - options.firstSeed >= options.minSeeds
    if (isLate || nextSeed >= endSeed) return undefined
    if (options.stopEarly === true && summary.failures.length > 0) return undefined
    const seeds: number[] = []
    while (seeds.length < SEEDS_PER_ORDER && nextSeed < endSeed) seeds.push(nextSeed++)
    return { seeds, plan: options.plan }
  }
  const done = (part: Summary): void => {
    mergeSummary(summary, part)
    options.onProgress?.(summary)
  }
  if (options.workers <= 1) {
    for (let order = nextOrder(); order !== undefined; order = nextOrder()) done(runOrder(order))
  } else await Promise.all(Array.from({ length: options.workers }, () => runWorker(nextOrder, done)))
  return summary
}

/** The part of a worker process: runs what it is sent until nobody sends any more. */
export function serveOrders(): void {
  process.on('message', (order: Order) => process.send!(runOrder(order)))
}

function runOrder({ seeds, plan }: Order): Summary {
  const part = createSummary()
  for (const seed of seeds) runSeed(seed, plan, part)
  return part
}

function runWorker(nextOrder: () => Order | undefined, done: (part: Summary) => void): Promise<void> {
  const first = nextOrder()
  // There may be fewer orders than workers.
  if (first === undefined) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL('./worker.ts', import.meta.url))
    const child: ChildProcess = fork(file, [], { execArgv: ['--import', 'tsx'] })
    child.on('message', (part: Summary) => {
      done(part)
      const order = nextOrder()
      if (order === undefined) child.disconnect()
      else child.send(order)
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`simulation: a worker ended with code ${code}`))
    })
    child.send(first)
  })
}
