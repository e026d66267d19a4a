import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { addResult, createSummary, gapRows, mergeSummary, type Summary } from './batch.ts'
import { MigrationLog, percentile } from './migrations.ts'
import { NodeClock } from './node-clock.ts'
import { planScenario } from './scenarios.ts'
import { readSchedule, writeSchedule, type Fault, type Schedule } from './schedule.ts'
import { shrinkSchedule, withoutPeer } from './shrink.ts'
import { runSchedule } from './simulation.ts'
import { runBatch } from './workers.ts'
import { ALL_KINDS, planSchedule } from './swarm.ts'

const REGRESSIONS = fileURLToPath(new URL('./regressions/', import.meta.url))

/** What a check says; put together, so that no tool takes it for a title. */
const DIFFERS = ['I5', 'differs'].join(': ')

const SCENARIO = {
  rttMs: 40,
  jitterMs: 5,
  loss: 0.01,
  leaseMs: 600,
  peers: 3,
  faultMs: 60_000,
  stallMs: 450,
  isDetectionFixed: false,
} as const

function messages(schedule: Schedule): string[] {
  return runSchedule(schedule).violations.map((violation) => violation.message)
}

describe('the simulator', { timeout: 120_000 }, () => {
  it('gives one trace for one schedule, and others for other seeds', () => {
    const traces = [4, 4, 5].map((seed) => {
      const schedule = planSchedule(seed, { kinds: ['crash', 'pause', 'weather', 'cut'], peers: 3, faultMs: 5_000 })
      return runSchedule(schedule, { withTrace: true }).trace
    })
    expect(traces[0]).not.toBe(0)
    expect(traces[0]).toBe(traces[1])
    expect(traces[0]).not.toBe(traces[2])
  })

  it('runs a schedule that was written and read as the one it was', () => {
    const schedule = planSchedule(9, { peers: 4, faultMs: 4_000 })
    const again = readSchedule(writeSchedule(schedule))
    expect(runSchedule(again, { withTrace: true })).toEqual(runSchedule(schedule, { withTrace: true }))
    expect(() => readSchedule('{"version":2}')).toThrow(/version 1/)
  })

  it('I6 I8 I9 I13: finds nothing wrong, and equal worlds, where nothing goes wrong', () => {
    for (const seed of [1, 2, 3]) {
      const result = runSchedule(planSchedule(seed, { kinds: [], faultMs: 4_000 }))
      expect(result.violations).toEqual([])
      expect(result.committedCount).toBeGreaterThan(10)
      expect(result.agreedMs).toBeDefined()
    }
  })

  it('counts one change of host when the host crashes, and what each of the others felt', () => {
    const result = runSchedule(planScenario('crash', 1, SCENARIO))
    expect(result.violations).toEqual([])
    expect(result.migrations.map((migration) => migration.cause)).toEqual(['crash'])
    expect(result.migrations[0]!.gapsMs.length).toBeGreaterThanOrEqual(1)
  })

  it('plans the same faults for the same seed, and lets every kind come up', () => {
    const kinds = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const schedule = planSchedule(seed)
      expect(planSchedule(seed)).toEqual(schedule)
      for (const fault of schedule.faults) kinds.add(fault.kind)
      expect(schedule.faults.every((fault) => fault.atMs < schedule.faultMs)).toBe(true)
    }
    expect([...kinds].sort()).toEqual([...ALL_KINDS].sort())
  })
})

describe('shrinking', () => {
  const crash: Fault = { kind: 'crash', atMs: 900, who: 2 }
  const noise = (count: number): Fault[] =>
    Array.from({ length: count }, (_, index) => ({ kind: 'pause', atMs: index * 10, who: 1, ms: 50, sleep: false }))

  it('keeps the one fault that matters, and the peers and the time it needs', () => {
    const schedule: Schedule = { ...planSchedule(1, { peers: 6, faultMs: 16_000 }), faults: [...noise(40), crash] }
    const small = shrinkSchedule(schedule, ({ faults, peers }) => {
      return peers.length >= 3 && faults.some((fault) => fault.kind === 'crash')
    })
    expect(small.faults.map((fault) => fault.kind)).toEqual(['crash'])
    expect(small.peers).toHaveLength(3)
    expect(small.faultMs).toBe(1_000)
    expect(small.conditions).toEqual({})
  })

  it('keeps two faults that only matter together', () => {
    const cut: Fault = { kind: 'cut', atMs: 300, from: 0, to: 1, ms: 100 }
    const schedule: Schedule = { ...planSchedule(2, { peers: 3, faultMs: 8_000 }), faults: [...noise(30), cut, crash] }
    const small = shrinkSchedule(schedule, ({ faults }) => {
      return ['cut', 'crash'].every((kind) => faults.some((fault) => fault.kind === kind))
    })
    expect(small.faults.map((fault) => fault.kind).sort()).toEqual(['crash', 'cut'])
  })

  it('spends no more runs than it may', () => {
    let runs = 0
    const schedule: Schedule = { ...planSchedule(3, { peers: 8 }), faults: noise(100) }
    shrinkSchedule(
      schedule,
      () => {
        runs++
        return false
      },
      25,
    )
    expect(runs).toBe(25)
  })

  it('numbers the peers anew when one is taken out', () => {
    const partition: Fault = { kind: 'partition', atMs: 1, side: [0, 1, 2], lobbyInside: true, ms: 5 }
    const schedule: Schedule = { ...planSchedule(4, { peers: 4 }), faults: [crash, ...noise(1), partition], outcast: 3 }
    const { faults, outcast, peers } = withoutPeer(schedule, 1)
    expect(peers).toHaveLength(3)
    expect(outcast).toBe(2)
    expect(faults).toEqual([
      { ...crash, who: 1 },
      { ...partition, side: [0, 1] },
    ])
  })
})

describe('figures', () => {
  it('attribute a change of host to what ended the reign before', () => {
    const log = new MigrationLog()
    const [a, b] = [{}, {}]
    const state = (term: number) => ({ term, slot: 1, tick: 0, hasRows: true })
    for (const peer of [a, b]) log.heard(peer, 's', state(1), 1_000)
    log.ends('crash', 1_010)
    log.ends('crash', 1_020)
    log.heard(a, 's', state(2), 1_800)
    log.heard(b, 's', state(2), 1_900)
    log.heard(a, 's', state(3), 2_000)
    expect(log.migrations).toEqual([
      { term: 2, cause: 'double', atMs: 1_800, gapsMs: [800, 900] },
      { term: 3, cause: 'stall', atMs: 2_000, gapsMs: [200] },
    ])
    expect(percentile([5, 1, 3], 0.5)).toBe(3)
    expect(percentile([5, 1, 3], 1)).toBe(5)
  })

  it('are those of all seeds, where there are fewer than workers', async () => {
    const plan = { kind: 'swarm', options: { kinds: [], peers: 2, faultMs: 500 } } as const
    const summary = await runBatch({ firstSeed: 1, seedCount: 1, workers: 2, limitMs: Infinity, minSeeds: 0, plan })
    expect([summary.seedCount, summary.failures]).toEqual([1, []])
  })

  it('add up over workers as over seeds', () => {
    const whole = createSummary()
    const parts: Summary[] = [createSummary(), createSummary()]
    for (let seed = 0; seed < 6; seed++) {
      const result = {
        violations: seed === 3 ? [{ id: 'I5' as const, message: DIFFERS, atMs: 9 }] : [],
        simulatedMs: 1_000 + seed,
        migrations: [{ term: 2, cause: 'crash' as const, atMs: 1, gapsMs: [seed] }],
        committedCount: seed,
        isFrozen: seed === 2,
        agreedMs: seed,
        strandedCount: 1,
        mendedCount: seed % 2,
        stopsMs: [seed],
        trace: 0,
      }
      addResult(whole, seed, result)
      addResult(parts[seed < 3 ? 0 : 1]!, seed, result)
    }
    const sum = createSummary()
    for (const part of parts) mergeSummary(sum, part)
    expect(sum).toEqual(whole)
    expect(gapRows(sum)).toEqual([{ cause: 'crash', migrations: 6, p50Ms: 2, p99Ms: 5, maxMs: 5 }])
    expect(sum.failures).toEqual([{ seed: 3, message: DIFFERS, atMs: 9 }])
  })
})

describe('clocks of a peer', () => {
  it('stand still while the machine sleeps, but for the one on the wall', () => {
    const clock = new NodeClock(1.01, 500)
    const before = clock.monotonicMs(1_000)
    const wall = clock.wallMs(1_000)
    clock.sleep(2_000)
    expect(clock.monotonicMs(3_000)).toBeCloseTo(before)
    expect(clock.wallMs(3_000) - wall).toBeCloseTo(2_020)
  })
})

describe('schedules that once found something', { timeout: 120_000 }, () => {
  const names = (existsSync(REGRESSIONS) ? readdirSync(REGRESSIONS) : []).filter((name) => name.endsWith('.json'))
  it.each(names.length === 0 ? ['none'] : names)('%s', (name) => {
    if (name !== 'none') expect(messages(readSchedule(readFileSync(`${REGRESSIONS}${name}`, 'utf8')))).toEqual([])
  })
})
