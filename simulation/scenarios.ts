/**
 * Runs of one thing at a time, for the figures: how long each kind of change of host is felt, how soon a
 * minority stops, and what shorter leases cost.
 *
 * Invariant: the same engine and the same checks as the swarm; only the schedule is drawn by hand.
 */
import { SeededRandom } from '@baton/core/testing'
import type { Fault, PeerPlan, Schedule } from './schedule.ts'

export const SCENARIOS = ['crash', 'close', 'leave', 'planned', 'double', 'isolate', 'stall'] as const
export type Scenario = (typeof SCENARIOS)[number]

export interface ScenarioOptions {
  readonly rttMs: number
  readonly jitterMs: number
  /** 0 to 1. */
  readonly loss: number
  readonly leaseMs: number
  readonly peers: number
  /** Of the part with faults. */
  readonly faultMs: number
  /** Longest stall of the host in `stall`. */
  readonly stallMs: number
  /** As in `Schedule`. */
  readonly isDetectionFixed: boolean
}

export function planScenario(scenario: Scenario, seed: number, options: ScenarioOptions): Schedule {
  const random = new SeededRandom(seed).fork(scenario)
  const { rttMs, jitterMs, loss, leaseMs, peers, faultMs, isDetectionFixed } = options
  return {
    version: 1,
    seed,
    peers: Array.from({ length: peers }, (_, number): PeerPlan => {
      return {
        joinMs: number * 150,
        frameMs: 16,
        clockRate: random.range(0.99, 1.01),
        clockOffsetMs: random.integer(0, 1_000_000),
        canHost: true,
      }
    }),
    conditions: { latencyMs: Math.max(0, rttMs / 2 - jitterMs / 2), jitterMs, loss },
    lobby: { latencyMs: rttMs / 2, jitterMs },
    startTick: 0,
    tickRateHz: 20,
    leaseMs,
    isDetectionFixed,
    quorumLoss: 'wait',
    game: { actEveryMs: scenario === 'stall' ? 1_000 : 300, maxEntities: 10 },
    warmMs: 1_000 + 150 * peers,
    faultMs: scenario === 'stall' ? faultMs : 6_000,
    settleMs: 5_000,
    faults: planFaults(scenario, random, options),
    outcast: undefined,
  }
}

function planFaults(scenario: Scenario, random: SeededRandom, options: ScenarioOptions): Fault[] {
  const atMs = 2_000 + random.integer(0, 200)
  switch (scenario) {
    case 'crash':
      return [{ kind: 'crash', atMs, who: 'host' }]
    case 'close':
      return [{ kind: 'tabClose', atMs, who: 'host' }]
    case 'leave':
      return [{ kind: 'close', atMs, who: 'host' }]
    case 'planned':
      return [{ kind: 'handOver', atMs, to: 'successor' }]
    case 'double':
      // The successor first: once the host is gone, nobody is asked who comes after it.
      return [
        { kind: 'crash', atMs, who: 'successor' },
        { kind: 'crash', atMs, who: 'host' },
      ]
    case 'isolate':
      return [{ kind: 'partition', atMs, side: ['host'], lobbyInside: false, ms: 3_000 }]
    case 'stall':
      return planStalls(random, options)
  }
}

/** The host stalls now and then, never as long as the promise says it may not matter. */
function planStalls(random: SeededRandom, { faultMs, stallMs }: ScenarioOptions): Fault[] {
  const faults: Fault[] = []
  for (let atMs = random.integer(1_000, 5_000); atMs < faultMs - 1_000; atMs += random.integer(2_000, 20_000)) {
    faults.push({ kind: 'pause', atMs, who: 'host', ms: random.integer(50, Math.max(50, stallMs)), sleep: false })
  }
  return faults
}
