/** Workloads say truly what moved, came and went. */
import { describe, expect, test } from 'vitest'
import { recordScene } from '../scenes/scenes.ts'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import { createReplay } from './replay.ts'
import { createSynthetic } from './synthetic.ts'
import type { Workload } from './workload.ts'

/** Slots whose pose differs from the one before. */
function changedSlots({ poses, capacity }: Workload, before: Float32Array): number[] {
  return Array.from({ length: capacity }, (_, slot) => slot).filter((slot) =>
    poses
      .subarray(slot * POSE_SIZE, (slot + 1) * POSE_SIZE)
      .some((value, at) => value !== before[slot * POSE_SIZE + at]),
  )
}

function movedSlots({ moved, movedCount }: Workload): number[] {
  return [...moved.subarray(0, movedCount)]
}

describe('synthetic', () => {
  test.each([
    { entities: 100, moving: 10, churn: 0 },
    { entities: 100, moving: 100, churn: 0 },
    { entities: 100, moving: 20, churn: 3 },
  ])('%o: only what is said to have moved has', (options) => {
    const workload = createSynthetic(options)
    const isAlive = (slot: number): boolean => workload.alive[slot] === 1
    for (let tick = 0; tick < 200; tick += 1) {
      const before = workload.poses.slice()
      workload.step()
      const moved = new Set(movedSlots(workload))
      expect(moved.size).toBe(workload.movedCount)
      expect(changedSlots(workload, before).filter((slot) => isAlive(slot) && !moved.has(slot))).toEqual([])
      expect(workload.spawned.length).toBe(options.churn)
      expect(workload.despawned.some(isAlive)).toBe(false)
      expect(workload.spawned.every((slot) => isAlive(slot) && moved.has(slot))).toBe(true)
      expect(workload.alive.reduce((sum, one) => sum + one, 0)).toBe(options.entities)
    }
    const serials = [...workload.alive.keys()].filter(isAlive).map((slot) => workload.serial[slot])
    expect(new Set(serials).size).toBe(options.entities)
  })

  test('as many move as asked for, and equal options give equal ticks', () => {
    const options = { entities: 50, moving: 5, churn: 1 }
    const [one, other] = [createSynthetic(options), createSynthetic(options)]
    for (let tick = 0; tick < 50; tick += 1) {
      one.step()
      other.step()
      expect(one.movedCount).toBeLessThanOrEqual(6)
      expect(movedSlots(other)).toEqual(movedSlots(one))
    }
    expect(other.poses).toEqual(one.poses)
    expect(one.name).toBe('50 entities, 10 % moving, churn')
  })
})

test('a replay moves what the recording moves', async () => {
  const workload = createReplay('stacks', await recordScene('stacks', 2, 0.5))
  let moved = 0
  for (let tick = 0; tick < 60; tick += 1) {
    const before = workload.poses.slice()
    workload.step()
    expect(changedSlots(workload, before)).toEqual(movedSlots(workload))
    moved += workload.movedCount
  }
  expect(moved).toBeGreaterThan(0)
})
