/**
 * A crowd of walking characters among posts: kinematic bodies that slide along each other and turn about
 * the vertical axis only.
 *
 * Invariant: nothing here is dynamic; every motion is a character's own step.
 */
import type { SeededRandom } from '@baton/core/testing'
import { RAPIER, TICK_S, createPhysicsWorld, type CreateScene } from './physics.ts'

const PEOPLE = 160
const POSTS = 60
const BOUNDS_M = 28
const RADIUS_M = 0.35
const HALF_HEIGHT_M = 0.55
/** How much of the angle to the wanted heading is turned per tick. */
const TURN = 0.15

interface Person {
  readonly body: RAPIER.RigidBody
  readonly collider: RAPIER.Collider
  readonly random: SeededRandom
  headingRad: number
  facingRad: number
  speedMps: number
  fallMps: number
  ticksLeft: number
}

function addPerson(world: RAPIER.World, random: SeededRandom): Person {
  const x = random.range(-BOUNDS_M, BOUNDS_M)
  const z = random.range(-BOUNDS_M, BOUNDS_M)
  const y = HALF_HEIGHT_M + RADIUS_M + 0.02
  const body = world.createRigidBody(RAPIER.RigidBodyDesc.kinematicPositionBased().setTranslation(x, y, z))
  const collider = world.createCollider(RAPIER.ColliderDesc.capsule(HALF_HEIGHT_M, RADIUS_M), body)
  return { body, collider, random, headingRad: 0, facingRad: 0, speedMps: 0, fallMps: 0, ticksLeft: 0 }
}

function decide(person: Person): void {
  const { random, body } = person
  person.ticksLeft -= 1
  if (person.ticksLeft > 0) return
  person.ticksLeft = random.integer(40, 240)
  const at = body.translation()
  const isOut = Math.abs(at.x) > BOUNDS_M || Math.abs(at.z) > BOUNDS_M
  person.headingRad = isOut ? Math.atan2(-at.x, -at.z) : random.range(-Math.PI, Math.PI)
  // A third stand and look about, the others walk or run.
  person.speedMps = random.chance(0.35) ? 0 : random.chance(0.25) ? random.range(3, 5) : random.range(0.8, 1.8)
}

function walk(person: Person, controller: RAPIER.KinematicCharacterController): void {
  const { body, collider } = person
  const turn = Math.atan2(
    Math.sin(person.headingRad - person.facingRad),
    Math.cos(person.headingRad - person.facingRad),
  )
  if (person.speedMps === 0 && Math.abs(turn) < 0.002) return
  person.facingRad += turn * TURN
  const step = person.speedMps * TICK_S
  person.fallMps = controller.computedGrounded() ? 0 : person.fallMps + 9.81 * TICK_S
  const wanted = {
    x: Math.sin(person.facingRad) * step,
    y: -0.002 - person.fallMps * TICK_S,
    z: Math.cos(person.facingRad) * step,
  }
  controller.computeColliderMovement(collider, wanted)
  const moved = controller.computedMovement()
  const at = body.translation()
  body.setNextKinematicTranslation({ x: at.x + moved.x, y: at.y + moved.y, z: at.z + moved.z })
  const half = person.facingRad / 2
  body.setNextKinematicRotation({ x: 0, y: Math.sin(half), z: 0, w: Math.cos(half) })
}

export const createCrowd: CreateScene = (random) => {
  const world = createPhysicsWorld()
  for (let post = 0; post < POSTS; post += 1) {
    const shape = RAPIER.ColliderDesc.cylinder(2, 0.4)
    world.createCollider(shape.setTranslation(random.range(-BOUNDS_M, BOUNDS_M), 2, random.range(-BOUNDS_M, BOUNDS_M)))
  }
  const people = Array.from({ length: PEOPLE }, (_, index) => addPerson(world, random.fork(`person ${index}`)))
  const controller = world.createCharacterController(0.02)
  return {
    world,
    bodies: people.map(({ body }) => body),
    play() {
      for (const person of people) {
        decide(person)
        walk(person, controller)
      }
    },
  }
}
