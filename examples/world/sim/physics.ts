/**
 * The Rapier door. Bodies this peer has authority over are simulated; all others are led to where the
 * columns say they are, so that they push without being pushed.
 *
 * Invariant: columns are written for entities with authority and read for the rest, never both; a body
 * is where it is drawn, so that nobody is hit by what it does not see.
 */
import RAPIER from '@dimforge/rapier3d-compat'
import { CRATE_SIZE_M, PLANTERS, WALLS, type Block } from './layout.ts'
import { createPose, distanceM, mixPose, readPose, writePose, type Pose } from './pose.ts'

export const AVATAR_RADIUS_M = 0.45
export const AVATAR_HALF_HEIGHT_M = 0.45

const GRAVITY_MPS2 = 18
/** So light, beside a player, that one who runs plows through a pyramid. */
const CRATE_DENSITY = 0.4
const AVATAR_DENSITY = 3.5
/** Low enough that a crate slides when it is pushed at its upper half, and does not tip over. */
const CRATE_FRICTION = 0.4
/** A body that would have to move further than this in a step is put there instead, or it would be a cannon ball. */
const JUMP_M = 0.3
/** Share of its way that a body goes in a step which turned out to be elsewhere: another simulated it all along. */
const SETTLE = 0.12
/** And no further than this, meters: as fast as something that is thrown. */
const SETTLE_M = 0.2
/** What turns out to be further away than this was put there, and does not travel. */
const FAR_M = 4
/** How far up the unseen part of the outer walls goes. */
const FENCE_TOP_M = 14

/** Rapier's groups: what one is in the upper 16 bits, what it collides with in the lower. */
const CRATE_GROUP = 0x0001_ffff
const AVATAR_GROUP = 0x0002_ffff
/**
 * Other players bump into this one and into nothing else. What this peer simulates is not theirs to push:
 * they take over what they touch, and a crate between two would be squeezed out like a cherry stone.
 */
const LED_AVATAR_GROUP = 0x0002_0002

export interface Body {
  readonly rigid: RAPIER.RigidBody
  readonly collider: RAPIER.Collider
  readonly kind: 'crate' | 'avatar'
  simulated: boolean
  /** Pose before the last step, of a simulated body: what is drawn lies between it and the columns. */
  readonly before: Pose
  /** Of a body that turned out to be elsewhere: the part of the way from the columns back to `before`. */
  settling: number
  /** Where the columns want a body that is led, as of this frame. */
  readonly wanted: Pose
  /** Steps since an avatar last stood on something. */
  airborneSteps: number
}

export interface Physics {
  readonly bodies: Map<number, Body>
  readonly eidOfCollider: Map<number, number>
  readonly world: RAPIER.World
  readonly stepSeconds: number
}

export async function createPhysics(stepSeconds: number): Promise<Physics> {
  await loadRapier()
  const world = new RAPIER.World({ x: 0, y: -GRAVITY_MPS2, z: 0 })
  world.timestep = stepSeconds
  const ground = world.createRigidBody(RAPIER.RigidBodyDesc.fixed())
  world.createCollider(RAPIER.ColliderDesc.cuboid(60, 1, 60).setTranslation(0, -1, 0).setFriction(0.5), ground)
  const addBlock = ({ at, half }: Block): void => {
    const shape = RAPIER.ColliderDesc.cuboid(half[0], half[1], half[2]).setTranslation(at[0], at[1], at[2])
    world.createCollider(shape.setFriction(0.2), ground)
  }
  PLANTERS.forEach(addBlock)
  for (const { at, half } of WALLS) {
    const y = FENCE_TOP_M / 2
    addBlock({ at: [at[0], y, at[2]], half: [half[0], y, half[2]] })
  }
  return { bodies: new Map(), eidOfCollider: new Map(), world, stepSeconds }
}

/** The compiled-in package warns of its own way of starting; a page's console stays clean. */
async function loadRapier(): Promise<void> {
  const { warn } = console
  console.warn = () => {}
  try {
    await RAPIER.init()
  } finally {
    console.warn = warn
  }
}

export function addBody(physics: Physics, eid: number, kind: Body['kind']): void {
  const pose = readPose(eid, createPose())
  const rigid = physics.world.createRigidBody(RAPIER.RigidBodyDesc.kinematicPositionBased())
  placeRigid(rigid, pose)
  const shape = kind === 'crate' ? crateShape() : avatarShape()
  const collider = physics.world.createCollider(shape, rigid)
  if (kind === 'avatar') rigid.lockRotations(true, false)
  const body = {
    rigid,
    collider,
    kind,
    simulated: false,
    before: pose,
    settling: 0,
    wanted: Float64Array.from(pose),
    airborneSteps: 0,
  }
  physics.bodies.set(eid, body)
  physics.eidOfCollider.set(collider.handle, eid)
}

function crateShape(): RAPIER.ColliderDesc {
  const half = CRATE_SIZE_M / 2
  const shape = RAPIER.ColliderDesc.cuboid(half, half, half).setCollisionGroups(CRATE_GROUP)
  return shape.setDensity(CRATE_DENSITY).setFriction(CRATE_FRICTION)
}

function avatarShape(): RAPIER.ColliderDesc {
  const shape = RAPIER.ColliderDesc.capsule(AVATAR_HALF_HEIGHT_M, AVATAR_RADIUS_M).setCollisionGroups(LED_AVATAR_GROUP)
  // The slipperiness of a player wins, or it would stick to what it pushes against.
  return shape.setDensity(AVATAR_DENSITY).setFriction(0).setFrictionCombineRule(RAPIER.CoefficientCombineRule.Min)
}

export function removeBody(physics: Physics, eid: number): void {
  const body = physics.bodies.get(eid)
  if (!body) return
  physics.eidOfCollider.delete(body.collider.handle)
  physics.world.removeRigidBody(body.rigid)
  physics.bodies.delete(eid)
}

/**
 * Begins or ends the simulation of a body here. One that begins goes on with the speed it was led with,
 * from where it is drawn. One that ends may have been somewhere else for its new authority, and is led there.
 */
export function setSimulated(physics: Physics, eid: number, simulated: boolean): void {
  const body = physics.bodies.get(eid)
  if (!body || body.simulated === simulated) return
  const { rigid } = body
  body.simulated = simulated
  if (body.kind === 'avatar') body.collider.setCollisionGroups(simulated ? AVATAR_GROUP : LED_AVATAR_GROUP)
  if (!simulated) {
    settleFrom(body)
    rigid.setBodyType(RAPIER.RigidBodyType.KinematicPositionBased, true)
    return
  }
  const speed = rigid.linvel()
  const spin = rigid.angvel()
  if (body.settling > 0) readRigid(rigid, body.before)
  else readPose(eid, body.before)
  body.settling = 0
  placeRigid(rigid, body.before)
  rigid.setBodyType(RAPIER.RigidBodyType.Dynamic, true)
  rigid.setLinvel(speed, true)
  rigid.setAngvel(spin, true)
}

const here = createPose()
const there = createPose()

/**
 * Columns of what others simulate, as the goal of this frame's steps. What jumps there does not jump here:
 * whoever simulates a body now, or has its say again, may have had it elsewhere all along.
 */
export function readColumns(physics: Physics, stepCount: number): void {
  for (const [eid, body] of physics.bodies) {
    if (body.simulated) continue
    const jumpM = distanceM(body.wanted, readPose(eid, here))
    body.wanted.set(here)
    if (jumpM > JUMP_M * Math.max(1, stepCount) && jumpM < FAR_M) settleFrom(body)
  }
}

/** From where it is now a body goes on its way to where the columns have it. */
function settleFrom(body: Body): void {
  body.settling = 1
  readRigid(body.rigid, body.before)
}

/**
 * Leads bodies toward their columns, and remembers where the simulated ones were.
 * @param part of the way that remains, for this step: a frame of three steps takes a third, a half, all
 */
export function prepareStep(physics: Physics, part: number): void {
  for (const [eid, body] of physics.bodies) {
    if (body.simulated) {
      readPose(eid, body.before)
      continue
    }
    const { rigid } = body
    settle(body)
    readRigid(rigid, here)
    const goal = body.settling > 0 ? mixPose(body.wanted, body.before, body.settling, there) : body.wanted
    const away = distanceM(here, goal) * part
    if (away > JUMP_M) {
      placeRigid(rigid, goal)
    } else if (away > 1e-5 || isTurned(here, goal)) {
      mixPose(here, goal, part, here)
      rigid.setNextKinematicTranslation({ x: here[0]!, y: here[1]!, z: here[2]! })
      rigid.setNextKinematicRotation({ x: here[3]!, y: here[4]!, z: here[5]!, w: here[6]! })
    }
  }
}

function settle(body: Body): void {
  if (body.settling === 0) return
  const wayM = distanceM(body.before, body.wanted)
  body.settling -= Math.min(body.settling * SETTLE, SETTLE_M / wayM)
  if (body.settling * wayM < 0.002) body.settling = 0
}

/** Bodies that this peer simulates, into the columns. */
export function writeColumns(physics: Physics): void {
  for (const [eid, { simulated, rigid }] of physics.bodies) {
    if (simulated && !rigid.isSleeping()) writePose(eid, readRigid(rigid, here))
  }
}

export function placeRigid(rigid: RAPIER.RigidBody, pose: Pose): void {
  rigid.setTranslation({ x: pose[0]!, y: pose[1]!, z: pose[2]! }, true)
  rigid.setRotation({ x: pose[3]!, y: pose[4]!, z: pose[5]!, w: pose[6]! }, true)
}

function readRigid(rigid: RAPIER.RigidBody, out: Pose): Pose {
  const at = rigid.translation()
  const turn = rigid.rotation()
  out[0] = at.x
  out[1] = at.y
  out[2] = at.z
  out[3] = turn.x
  out[4] = turn.y
  out[5] = turn.z
  out[6] = turn.w
  return out
}

function isTurned(a: Pose, b: Pose): boolean {
  return Math.abs(a[3]! * b[3]! + a[4]! * b[4]! + a[5]! * b[5]! + a[6]! * b[6]!) < 1 - 1e-7
}
