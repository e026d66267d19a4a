/**
 * The Rapier door. Bodies this peer has authority over are simulated; all others are moved to where the
 * columns say they are, so that they push without being pushed.
 *
 * Invariant: columns are written for entities with authority and read for the rest, never both.
 */
import RAPIER from '@dimforge/rapier3d-compat'
import { Transform } from './components.ts'
import { CRATE_SIZE_M } from './layout.ts'

export const AVATAR_RADIUS_M = 0.45
export const AVATAR_HALF_HEIGHT_M = 0.45

interface Body {
  readonly rigid: RAPIER.RigidBody
  readonly collider: RAPIER.Collider
  readonly kind: 'crate' | 'avatar'
  simulated: boolean
  /** Where it was shown a step ago, for the velocity it starts with when this peer takes over. */
  lastX: number
  lastY: number
  lastZ: number
}

export interface Physics {
  readonly bodies: Map<number, Body>
  readonly eidOfCollider: Map<number, number>
  readonly world: RAPIER.World
  readonly stepSeconds: number
}

export async function createPhysics(stepSeconds = 1 / 60): Promise<Physics> {
  await RAPIER.init()
  const world = new RAPIER.World({ x: 0, y: -14, z: 0 })
  world.timestep = stepSeconds
  const ground = world.createRigidBody(RAPIER.RigidBodyDesc.fixed())
  world.createCollider(RAPIER.ColliderDesc.cuboid(80, 1, 80).setTranslation(0, -1, 0).setFriction(0.9), ground)
  for (const [x, z, wide, deep] of [[0, 45, 45, 1], [0, -45, 45, 1], [45, 0, 1, 45], [-45, 0, 1, 45]] as const) {
    world.createCollider(RAPIER.ColliderDesc.cuboid(wide, 6, deep).setTranslation(x, 5, z), ground)
  }
  return { bodies: new Map(), eidOfCollider: new Map(), world, stepSeconds }
}

export function addBody(physics: Physics, eid: number, kind: Body['kind']): void {
  const { translation, rotation } = Transform
  const desc = RAPIER.RigidBodyDesc.kinematicPositionBased()
    .setTranslation(translation.x[eid]!, translation.y[eid]!, translation.z[eid]!)
    .setRotation({ x: rotation.x[eid]!, y: rotation.y[eid]!, z: rotation.z[eid]!, w: rotation.w[eid]! })
  const rigid = physics.world.createRigidBody(desc)
  const half = CRATE_SIZE_M / 2
  const shape =
    kind === 'crate'
      ? RAPIER.ColliderDesc.cuboid(half, half, half).setDensity(0.35).setFriction(0.6).setRestitution(0.05)
      : RAPIER.ColliderDesc.capsule(AVATAR_HALF_HEIGHT_M, AVATAR_RADIUS_M).setDensity(2.5).setFriction(0.1)
  // A crate that others simulate must still be felt by what this peer simulates.
  shape.setActiveCollisionTypes(RAPIER.ActiveCollisionTypes.DEFAULT | RAPIER.ActiveCollisionTypes.KINEMATIC_KINEMATIC)
  const collider = physics.world.createCollider(shape, rigid)
  if (kind === 'avatar') rigid.lockRotations(true, false)
  physics.bodies.set(eid, {
    rigid,
    collider,
    kind,
    simulated: false,
    lastX: translation.x[eid]!,
    lastY: translation.y[eid]!,
    lastZ: translation.z[eid]!,
  })
  physics.eidOfCollider.set(collider.handle, eid)
}

export function removeBody(physics: Physics, eid: number): void {
  const body = physics.bodies.get(eid)
  if (!body) return
  physics.eidOfCollider.delete(body.collider.handle)
  physics.world.removeRigidBody(body.rigid)
  physics.bodies.delete(eid)
}

/** Begins or ends the simulation of a body here. It goes on with the speed it was last seen with. */
export function setSimulated(physics: Physics, eid: number, simulated: boolean): void {
  const body = physics.bodies.get(eid)
  if (!body || body.simulated === simulated) return
  body.simulated = simulated
  if (!simulated) {
    body.rigid.setBodyType(RAPIER.RigidBodyType.KinematicPositionBased, true)
    return
  }
  const at = body.rigid.translation()
  const rate = 1 / physics.stepSeconds
  body.rigid.setBodyType(RAPIER.RigidBodyType.Dynamic, true)
  const speed = { x: (at.x - body.lastX) * rate, y: (at.y - body.lastY) * rate, z: (at.z - body.lastZ) * rate }
  // A body that was snapped to its place did not fly there.
  if (Math.hypot(speed.x, speed.y, speed.z) < 25) body.rigid.setLinvel(speed, true)
}

/** Columns of what others simulate, into the bodies. */
export function readColumns(physics: Physics): void {
  const { translation, rotation } = Transform
  for (const [eid, body] of physics.bodies) {
    if (body.simulated) continue
    const at = body.rigid.translation()
    body.lastX = at.x
    body.lastY = at.y
    body.lastZ = at.z
    const x = translation.x[eid]!
    const y = translation.y[eid]!
    const z = translation.z[eid]!
    const moved = Math.abs(x - at.x) + Math.abs(y - at.y) + Math.abs(z - at.z)
    if (moved < 1e-5) continue
    const turn = { x: rotation.x[eid]!, y: rotation.y[eid]!, z: rotation.z[eid]!, w: rotation.w[eid]! }
    if (moved > 3) {
      body.rigid.setTranslation({ x, y, z }, true)
      body.rigid.setRotation(turn, true)
    } else {
      body.rigid.setNextKinematicTranslation({ x, y, z })
      body.rigid.setNextKinematicRotation(turn)
    }
  }
}

/** Bodies that this peer simulates, into the columns. */
export function writeColumns(physics: Physics): void {
  const { translation, rotation } = Transform
  for (const [eid, body] of physics.bodies) {
    if (!body.simulated || body.rigid.isSleeping()) continue
    const at = body.rigid.translation()
    const turn = body.rigid.rotation()
    translation.x[eid] = at.x
    translation.y[eid] = at.y
    translation.z[eid] = at.z
    rotation.x[eid] = turn.x
    rotation.y[eid] = turn.y
    rotation.z[eid] = turn.z
    rotation.w[eid] = turn.w
  }
}

/** Calls back with every body that touches this one. */
export function eachTouching(physics: Physics, eid: number, found: (other: number) => void): void {
  const body = physics.bodies.get(eid)
  if (!body) return
  physics.world.contactPairsWith(body.collider, (other) => {
    const otherEid = physics.eidOfCollider.get(other.handle)
    if (otherEid !== undefined) found(otherEid)
  })
}

export function isGrounded(physics: Physics, eid: number): boolean {
  const body = physics.bodies.get(eid)
  if (!body) return false
  const at = body.rigid.translation()
  const ray = new RAPIER.Ray({ x: at.x, y: at.y, z: at.z }, { x: 0, y: -1, z: 0 })
  const reach = AVATAR_HALF_HEIGHT_M + AVATAR_RADIUS_M + 0.12
  return physics.world.castRay(ray, reach, true, undefined, undefined, body.collider) !== null
}
