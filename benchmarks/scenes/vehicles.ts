/**
 * Vehicles on hilly ground, with loose crates in their way: fast bodies that seldom rest and never move
 * quite evenly.
 *
 * Invariant: the vehicles come first.
 */
import type { SeededRandom } from '@baton/core/testing'
import { RAPIER, TICK_S, addBox, addCube, createPhysicsWorld, type CreateScene } from './physics.ts'

const VEHICLES = 48
const CRATES = 150
const CELLS = 64
const GROUND_SIZE_M = 160
/** Below the lowest hill. */
const PLAIN_M = -3
const WHEELS = [
  { x: 1.3, z: 0.8 },
  { x: 1.3, z: -0.8 },
  { x: -1.3, z: 0.8 },
  { x: -1.3, z: -0.8 },
] as const

interface Vehicle {
  readonly body: RAPIER.RigidBody
  readonly controller: RAPIER.DynamicRayCastVehicleController
  readonly random: SeededRandom
  force: number
  steeringRad: number
  ticksLeft: number
}

/** Hills of a few sines, two meters high at most. */
function heightM(x: number, z: number, phase: number): number {
  return Math.sin(x * 0.09 + phase) * 0.9 + Math.sin(z * 0.13 - phase) * 0.7 + Math.sin((x + z) * 0.31) * 0.15
}

function addGround(world: RAPIER.World, phase: number): void {
  const heights = new Float32Array((CELLS + 1) * (CELLS + 1))
  for (let column = 0; column <= CELLS; column += 1) {
    for (let row = 0; row <= CELLS; row += 1) {
      const x = (column / CELLS - 0.5) * GROUND_SIZE_M
      const z = (row / CELLS - 0.5) * GROUND_SIZE_M
      heights[column * (CELLS + 1) + row] = heightM(x, z, phase)
    }
  }
  const scale = { x: GROUND_SIZE_M, y: 1, z: GROUND_SIZE_M }
  world.createCollider(RAPIER.ColliderDesc.heightfield(CELLS, CELLS, heights, scale).setFriction(1))
  // What leaves the hills lands on a plain and stays in the world.
  world.createCollider(
    RAPIER.ColliderDesc.cuboid(300, 1, 300)
      .setTranslation(0, PLAIN_M - 1, 0)
      .setFriction(1),
  )
}

function addVehicle(world: RAPIER.World, x: number, y: number, z: number, random: SeededRandom): Vehicle {
  const body = addBox(world, { x, y, z, halfX: 1.8, halfY: 0.4, halfZ: 0.9, density: 30, friction: 0.3 })
  const turn = random.range(0, Math.PI)
  body.setRotation({ x: 0, y: Math.sin(turn), z: 0, w: Math.cos(turn) }, true)
  const controller = world.createVehicleController(body)
  for (const [index, wheel] of WHEELS.entries()) {
    controller.addWheel({ x: wheel.x, y: -0.2, z: wheel.z }, { x: 0, y: -1, z: 0 }, { x: 0, y: 0, z: 1 }, 0.35, 0.4)
    controller.setWheelSuspensionStiffness(index, 28)
    controller.setWheelFrictionSlip(index, 2.5)
  }
  return { body, controller, random, force: 0, steeringRad: 0, ticksLeft: 0 }
}

function steer(vehicle: Vehicle): void {
  const { body, controller, random } = vehicle
  vehicle.ticksLeft -= 1
  if (vehicle.ticksLeft <= 0) {
    vehicle.ticksLeft = random.integer(30, 180)
    // Some stand for a while.
    vehicle.force = random.chance(0.25) ? 0 : random.range(80, 400)
    vehicle.steeringRad = random.chance(0.4) ? 0 : random.range(-0.45, 0.45)
  }
  const at = body.translation()
  // Toward the middle when it has come near the edge: full lock until it has turned.
  const isOut = Math.abs(at.x) > GROUND_SIZE_M * 0.4 || Math.abs(at.z) > GROUND_SIZE_M * 0.4
  const steeringRad = isOut ? 0.5 : vehicle.steeringRad
  for (const wheel of [0, 1]) controller.setWheelSteering(wheel, steeringRad)
  for (const wheel of [2, 3]) {
    controller.setWheelEngineForce(wheel, vehicle.force)
    controller.setWheelBrake(wheel, vehicle.force === 0 ? 12 : 0)
  }
  controller.updateVehicle(TICK_S)
}

export const createVehicles: CreateScene = (random) => {
  const world = createPhysicsWorld('none')
  const phase = random.range(0, Math.PI)
  addGround(world, phase)
  const vehicles = Array.from({ length: VEHICLES }, (_, index) => {
    const x = ((index % 8) - 3.5) * 9
    const z = (Math.floor(index / 8) - 2.5) * 9
    return addVehicle(world, x, heightM(x, z, phase) + 1.2, z, random.fork(`vehicle ${index}`))
  })
  const crates = Array.from({ length: CRATES }, () => {
    const x = random.range(-50, 50)
    const z = random.range(-50, 50)
    return addCube(world, x, heightM(x, z, phase) + 0.8, z, 0.35, 2)
  })
  return {
    world,
    bodies: [...vehicles.map(({ body }) => body), ...crates],
    play() {
      for (const vehicle of vehicles) steer(vehicle)
    },
  }
}
