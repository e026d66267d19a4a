/**
 * The recorded scenes by name, and the recorder.
 *
 * Invariant: one name, seed and length give one trajectory, bit for bit, on one version of the engine.
 */
import { SeededRandom } from '@baton/core/testing'
import { createCrowd } from './crowd.ts'
import { loadPhysics, type CreateScene } from './physics.ts'
import { createBurst, createPile } from './pile.ts'
import { createStacks } from './stacks.ts'
import { POSE_SIZE, type Trajectory } from './trajectory.ts'
import { createVehicles } from './vehicles.ts'

const SCENES = {
  pile: createPile,
  burst: createBurst,
  stacks: createStacks,
  vehicles: createVehicles,
  crowd: createCrowd,
} as const satisfies Record<string, CreateScene>

export type SceneName = keyof typeof SCENES

export const SCENE_NAMES = Object.keys(SCENES) as readonly SceneName[]

/** Ticks of 1/60 s before the recording starts, in which things settle. */
const SETTLE_TICKS = 60

/** Plays a scene and keeps every pose. Takes about a second per ten of the scene's. */
export async function recordScene(name: SceneName, seed: number, seconds: number): Promise<Trajectory> {
  await loadPhysics()
  const scene = SCENES[name](new SeededRandom(`${name} ${seed}`))
  for (let tick = 0; tick < SETTLE_TICKS; tick += 1) scene.world.step()
  const count = scene.bodies.length
  const ticks = Math.round(seconds * 60)
  const poses = new Float32Array(ticks * count * POSE_SIZE)
  let at = 0
  for (let tick = 0; tick < ticks; tick += 1) {
    scene.play(tick)
    scene.world.step()
    for (const body of scene.bodies) {
      const { x, y, z } = body.translation()
      const turn = body.rotation()
      poses.set([x, y, z, turn.x, turn.y, turn.z, turn.w], at)
      at += POSE_SIZE
    }
  }
  scene.world.free()
  return { count, ticks, poses }
}
