/**
 * Records a scene into a file: `tsx benchmarks/scenes/record.ts --scene pile --seed 1 --seconds 20 --out FILE`.
 * Without `--out` it goes where the benchmarks look for it.
 *
 * Invariant: prints how many bodies move, so that a scene in which nothing happens is seen.
 */
import { parseArgs } from 'node:util'
import { saveScene, scenePath } from './scene-cache.ts'
import { SCENE_NAMES, recordScene, type SceneName } from './scenes.ts'
import { SCENE_SECONDS } from './seeds.ts'
import { POSE_SIZE, poseOffset, type Trajectory } from './trajectory.ts'

/** Bodies whose position is not that of six ticks before, on average over all ticks. */
function meanMoving(trajectory: Trajectory): number {
  const { poses, ticks, count } = trajectory
  let moving = 0
  for (let tick = 6; tick < ticks; tick += 1) {
    for (let body = 0; body < count; body += 1) {
      const now = poseOffset(trajectory, tick, body)
      const before = now - 6 * count * POSE_SIZE
      // Half a step of 1/512 m.
      if ([0, 1, 2].some((axis) => Math.abs(poses[now + axis]! - poses[before + axis]!) > 1 / 1024)) moving += 1
    }
  }
  return moving / (ticks - 6)
}

const { values } = parseArgs({
  options: {
    scene: { type: 'string', default: 'pile' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: String(SCENE_SECONDS) },
    out: { type: 'string' },
  },
})
const name = SCENE_NAMES.find((one): one is SceneName => one === values.scene)
if (name === undefined) throw new Error(`record: no scene named ${values.scene}; there are ${SCENE_NAMES.join(', ')}`)
const [seed, seconds] = [Number(values.seed), Number(values.seconds)]
const trajectory = await recordScene(name, seed, seconds)
const path = values.out ?? scenePath(name, seed, seconds)
saveScene(path, trajectory)
const { count, ticks } = trajectory
console.log(`${name} ${seed}: ${count} bodies, ${ticks} ticks, ${meanMoving(trajectory).toFixed(1)} move; ${path}`)
