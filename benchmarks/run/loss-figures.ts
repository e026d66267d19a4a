/**
 * What a lossy channel leaves behind: entities come, go and move while one packet in twenty is lost; then
 * all rests, and what a receiver still has wrong stays wrong.
 *
 * Invariant: packets that a contender sends reliably are never lost, and what it throws is counted and not
 * fatal, as in a game that goes on.
 */
import { SeededRandom } from '@baton/core/testing'
import type { Contender } from '../contenders/contender.ts'
import { createSynthetic, type SyntheticOptions } from '../workloads/synthetic.ts'
import type { Workload } from '../workloads/workload.ts'
import { compareWorlds } from './compare-worlds.ts'

export interface LossFigures {
  readonly name: string
  readonly stale: number
  readonly missing: number
  readonly ghosts: number
  /** Packets that its decoder threw at. */
  readonly thrown: number
  readonly lostPackets: number
}

export const LOSS = 0.05
export const LOSS_WORLD: SyntheticOptions = { entities: 500, moving: 100, churn: 3 }
const BUSY_TICKS = 240
/** Without any motion: time for everything that is resent to arrive. */
const QUIET_TICKS = 120
const ACK_TICKS = 6

function silently(work: () => void): void {
  const { log, warn, error } = console
  console.log = console.warn = console.error = () => {}
  try {
    work()
  } finally {
    Object.assign(console, { log, warn, error })
  }
}

export function measureLoss(contender: Contender, seed: number): LossFigures {
  const workload = createSynthetic({ ...LOSS_WORLD, seed })
  const sender = contender.createSender(workload, [ACK_TICKS])
  const receiver = contender.createReceiver(workload, sender)
  const random = new SeededRandom(`loss ${seed}`)
  let [thrown, lostPackets, isLossy] = [0, 0, false]

  function take(_guest: number, packet: Uint8Array, isReliable = false): boolean {
    if (isLossy && !isReliable && random.chance(LOSS)) {
      lostPackets += 1
      return false
    }
    try {
      // Some say on the console what they could not decode, line after line, and go on.
      silently(() => receiver.receive(packet.slice()))
    } catch {
      thrown += 1
    }
    return true
  }

  function run(world: Workload, tick: number): void {
    sender.write(world)
    sender.encode(tick, take)
  }

  // Nobody loses the first packets, which a game sends reliably.
  run(workload, 1)
  isLossy = true
  for (let tick = 2; tick <= BUSY_TICKS; tick += 1) {
    workload.step()
    run(workload, tick)
  }
  const quiet: Workload = { ...workload, movedCount: 0, spawned: [], despawned: [] }
  for (let tick = 1; tick <= QUIET_TICKS; tick += 1) run(quiet, BUSY_TICKS + tick)
  const { stale, missing, ghosts } = compareWorlds(workload, receiver)
  return { name: contender.name, stale, missing, ghosts, thrown, lostPackets }
}
