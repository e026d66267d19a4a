/**
 * Crates that are pushed, tumble, hop and come to rest, made up from a seed: no physics engine, but its
 * manner of moving. Jumps of velocity, contact jitter and starts and stops cost bytes, so they are here.
 *
 * Invariant: one seed gives one motion, and as many crates as asked for move at any tick.
 */
import { SeededRandom } from '@baton/core/testing'

const TICK_S = 1 / 60
const GRAVITY = 9.81
const HALF_SIZE_M = 0.5

/** Columns per crate: position in meters, unit quaternion, velocities per second. */
export interface Crates {
  readonly count: number
  readonly position: Float64Array
  readonly rotation: Float64Array
  readonly velocity: Float64Array
  readonly spin: Float64Array
  /** Crates that move, and the ticks each goes on for. */
  readonly moving: Int32Array
  readonly ticksLeft: Int32Array
  /** 1 where a crate is among `moving`. */
  readonly isMoving: Uint8Array
  readonly random: SeededRandom
}

export function createCrates(count: number, movingCount: number, seed: number): Crates {
  const random = new SeededRandom(seed)
  const crates: Crates = {
    count,
    position: new Float64Array(count * 3),
    rotation: new Float64Array(count * 4),
    velocity: new Float64Array(count * 3),
    spin: new Float64Array(count * 3),
    moving: new Int32Array(movingCount),
    ticksLeft: new Int32Array(movingCount),
    isMoving: new Uint8Array(count),
    random,
  }
  const side = Math.ceil(Math.sqrt(count))
  for (let crate = 0; crate < count; crate += 1) {
    crates.position[crate * 3] = ((crate % side) - side / 2) * 2
    crates.position[crate * 3 + 1] = HALF_SIZE_M
    crates.position[crate * 3 + 2] = (Math.floor(crate / side) - side / 2) * 2
    crates.rotation[crate * 4 + 3] = 1
  }
  // Neighbors move together, as where somebody walks.
  if (movingCount < count) crates.isMoving[0] = 1
  for (let at = 0; at < movingCount; at += 1) start(crates, at, Math.floor((at * count) / movingCount))
  if (movingCount < count) crates.isMoving[0] = 0
  return crates
}

/** Goes on by one tick of 1/60 s. */
export function stepCrates(crates: Crates): void {
  const { moving, ticksLeft, random } = crates
  for (let at = 0; at < moving.length; at += 1) {
    const crate = moving[at]!
    move(crates, crate)
    ticksLeft[at] = ticksLeft[at]! - 1
    if (ticksLeft[at]! > 0) continue
    crates.velocity.fill(0, crate * 3, crate * 3 + 3)
    crates.spin.fill(0, crate * 3, crate * 3 + 3)
    crates.isMoving[crate] = 0
    start(crates, at, random.chance(0.7) ? (crate + 1) % crates.count : random.integer(0, crates.count - 1))
  }
}

function start(crates: Crates, at: number, from: number): void {
  let crate = from
  while (crates.isMoving[crate] === 1) crate = (crate + 1) % crates.count
  crates.moving[at] = crate
  crates.isMoving[crate] = 1
  crates.ticksLeft[at] = crates.random.integer(40, 240)
  hit(crates, crate)
}

/** Another body gives it a push: velocity and spin change at once. */
function hit(crates: Crates, crate: number): void {
  const { random, velocity, spin } = crates
  const heading = random.range(0, 2 * Math.PI)
  const speed = random.range(0.5, 5)
  velocity[crate * 3] = Math.cos(heading) * speed
  velocity[crate * 3 + 1] = random.chance(0.3) ? random.range(1, 4) : 0
  velocity[crate * 3 + 2] = Math.sin(heading) * speed
  // It slides and turns, or it rolls.
  const rolls = random.chance(0.6) ? 1 / HALF_SIZE_M : 0
  spin[crate * 3] = velocity[crate * 3 + 2]! * rolls
  spin[crate * 3 + 1] = random.range(-2, 2)
  spin[crate * 3 + 2] = -velocity[crate * 3]! * rolls
}

function move(crates: Crates, crate: number): void {
  const { random, position, velocity, spin } = crates
  if (random.chance(1 / 40)) hit(crates, crate)
  for (let axis = 0; axis < 3; axis += 1) {
    const at = crate * 3 + axis
    const isGrounded = position[crate * 3 + 1]! <= HALF_SIZE_M
    if (axis === 1) velocity[at] = velocity[at]! - GRAVITY * TICK_S
    // Contacts push unevenly: a solver's jitter.
    else if (isGrounded) velocity[at] = velocity[at]! * 0.99 + random.range(-0.08, 0.08)
    if (isGrounded) spin[at] = spin[at]! * 0.99 + random.range(-0.15, 0.15)
    position[at] = position[at]! + velocity[at]! * TICK_S
    // Inside the range of the component, like a wall around the world.
    if (axis !== 1 && Math.abs(position[at]!) > 200) velocity[at] = -velocity[at]!
  }
  const height = crate * 3 + 1
  if (position[height]! < HALF_SIZE_M) {
    position[height] = HALF_SIZE_M
    velocity[height] = velocity[height]! < -1 ? velocity[height]! * -0.4 : 0
  }
  turn(crates.rotation, crate * 4, spin[crate * 3]!, spin[crate * 3 + 1]!, spin[crate * 3 + 2]!)
}

/** Turns a quaternion by an angular velocity for one tick. */
function turn(rotation: Float64Array, at: number, spinX: number, spinY: number, spinZ: number): void {
  const x = rotation[at]!
  const y = rotation[at + 1]!
  const z = rotation[at + 2]!
  const w = rotation[at + 3]!
  const half = TICK_S / 2
  const nextX = x + half * (spinX * w + spinY * z - spinZ * y)
  const nextY = y + half * (spinY * w + spinZ * x - spinX * z)
  const nextZ = z + half * (spinZ * w + spinX * y - spinY * x)
  const nextW = w - half * (spinX * x + spinY * y + spinZ * z)
  const length = Math.sqrt(nextX * nextX + nextY * nextY + nextZ * nextZ + nextW * nextW)
  rotation[at] = nextX / length
  rotation[at + 1] = nextY / length
  rotation[at + 2] = nextZ / length
  rotation[at + 3] = nextW / length
}
