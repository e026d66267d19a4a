/** Scenes are the same for the same seed, differ between seeds, move, and survive their file. */
import { expect, test } from 'vitest'
import { SCENE_NAMES, recordScene } from './scenes.ts'
import { JUDGING_SEEDS, TUNING_SEEDS } from './seeds.ts'
import { POSE_SIZE, poseOffset, readTrajectory, writeTrajectory, type Trajectory } from './trajectory.ts'

const SECONDS = 0.5

function movedBodies(trajectory: Trajectory): number {
  const { poses, count, ticks } = trajectory
  const last = poseOffset(trajectory, ticks - 1, 0)
  let moved = 0
  for (let body = 0; body < count; body += 1) {
    const at = body * POSE_SIZE
    if ([0, 1, 2].some((axis) => poses[last + at + axis] !== poses[at + axis])) moved += 1
  }
  return moved
}

/** Bit for bit. Comparing element by element would take longer than recording. */
function samePoses(a: Trajectory, b: Trajectory): boolean {
  return Buffer.from(a.poses.buffer).equals(Buffer.from(b.poses.buffer))
}

test.each(SCENE_NAMES)('scene %s is given by its seed', async (name) => {
  const first = await recordScene(name, 7, SECONDS)
  const again = await recordScene(name, 7, SECONDS)
  const other = await recordScene(name, 8, SECONDS)
  expect(first.ticks).toBe(30)
  expect(first.count).toBeGreaterThan(100)
  expect(samePoses(again, first)).toBe(true)
  expect(samePoses(other, first)).toBe(false)
  expect(movedBodies(first)).toBeGreaterThan(0)
  expect(first.poses.every((value) => Number.isFinite(value))).toBe(true)
})

test('the pile has 901 cubes', async () => {
  expect((await recordScene('pile', 1, 1 / 60)).count).toBe(901)
})

test('a trajectory comes back from its file as it was', async () => {
  const trajectory = await recordScene('stacks', 3, SECONDS)
  const bytes = writeTrajectory(trajectory)
  const read = readTrajectory(bytes)
  expect([read.count, read.ticks]).toEqual([trajectory.count, trajectory.ticks])
  expect(samePoses(read, trajectory)).toBe(true)
  expect(bytes.length).toBeLessThan(trajectory.poses.byteLength)
  expect(() => readTrajectory(bytes.subarray(0, 8))).toThrow('not a scene')
  expect(() => readTrajectory(new Uint8Array(64))).toThrow('not a scene')
})

test('no seed is for tuning and for judging', () => {
  const judging: readonly number[] = JUDGING_SEEDS
  expect(TUNING_SEEDS.filter((seed) => judging.includes(seed))).toEqual([])
})
