/** Every contender brings a world over as it is, with entities that come, go and move. */
import { expect, test } from 'vitest'
import { compareWorlds } from '../run/compare-worlds.ts'
import { measureWorkload } from '../run/measure-workload.ts'
import { createSynthetic } from '../workloads/synthetic.ts'
import { CONTENDERS } from './contenders.ts'

const WORLD = { entities: 60, moving: 20, churn: 1 }

test('names are unique', () => {
  expect(new Set(CONTENDERS.map(({ name }) => name)).size).toBe(CONTENDERS.length)
})

test.each(CONTENDERS.map((one) => [one.name, one] as const))('%s shows what it was given', (_name, contender) => {
  const options = { ackTicks: [3, 7], loss: 0.1, ticks: 30, budgetMs: Infinity, allocations: false }
  const [figures] = measureWorkload(createSynthetic(WORLD), [contender], options)
  expect(figures!.fault).toBeUndefined()
  expect(figures!.ticks).toBe(30)
  expect(figures!.bytesPerTick).toBeGreaterThan(0)
  expect(figures!.errorM).toBeLessThan(0.02)
})

test('a world that differs is told apart', () => {
  const workload = createSynthetic(WORLD)
  const poses = workload.poses.slice()
  poses[0]! += 1
  const { stale, missing, ghosts } = compareWorlds(workload, {
    receive: () => {},
    read(_workload, slot, out) {
      out.set(poses.subarray(slot * 7, slot * 7 + 7))
      return slot !== 5
    },
    count: 62,
  })
  expect({ stale, missing, ghosts }).toEqual({ stale: 1, missing: 1, ghosts: 3 })
})
