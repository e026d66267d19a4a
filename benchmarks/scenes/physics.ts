/**
 * The physics engine's door for scenes: worlds of Rapier, and the bodies whose poses are recorded.
 *
 * Invariant: a scene is stepped by 1/60 s at a time and draws its randomness from its seed alone.
 */
import * as RAPIER from '@dimforge/rapier3d-compat'
import type { SeededRandom } from '@baton/core/testing'

export { RAPIER }

export const TICK_S = 1 / 60

export interface Scene {
  readonly world: RAPIER.World
  /** The entities, in the order in which they are recorded. */
  readonly bodies: readonly RAPIER.RigidBody[]
  /** What players do before the world's step; `tick` counts from 0. */
  play(tick: number): void
}

export type CreateScene = (random: SeededRandom) => Scene

/** Loads the engine, the first time; call it before any scene is created. */
export async function loadPhysics(): Promise<void> {
  await RAPIER.init()
}

/** A world with gravity along -y, and a floor at y = 0 unless the scene brings its own. */
export function createPhysicsWorld(floor: 'floor' | 'none' = 'floor'): RAPIER.World {
  const world = new RAPIER.World({ x: 0, y: -9.81, z: 0 })
  world.timestep = TICK_S
  if (floor === 'floor') {
    world.createCollider(RAPIER.ColliderDesc.cuboid(200, 1, 200).setTranslation(0, -1, 0).setFriction(0.8))
  }
  return world
}

export interface BoxOptions {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly halfX: number
  readonly halfY: number
  readonly halfZ: number
  readonly density?: number
  readonly friction?: number
}

export function addBox(world: RAPIER.World, options: BoxOptions): RAPIER.RigidBody {
  const { x, y, z, halfX, halfY, halfZ, density = 1, friction = 0.6 } = options
  const body = world.createRigidBody(RAPIER.RigidBodyDesc.dynamic().setTranslation(x, y, z))
  const shape = RAPIER.ColliderDesc.cuboid(halfX, halfY, halfZ).setDensity(density).setFriction(friction)
  world.createCollider(shape, body)
  return body
}

export function addCube(
  world: RAPIER.World,
  x: number,
  y: number,
  z: number,
  half: number,
  density = 1,
): RAPIER.RigidBody {
  return addBox(world, { x, y, z, halfX: half, halfY: half, halfZ: half, density })
}
