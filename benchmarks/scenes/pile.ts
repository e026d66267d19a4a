/**
 * A field of 900 small cubes and a player's big one, in the manner of Fiedler's networked physics demo: the
 * player drives, and may draw near cubes to itself (they roll along as a ball) or blow them away.
 *
 * Invariant: 901 bodies; the player's is the first.
 */
import type { SeededRandom } from '@baton/core/testing'
import { addCube, createPhysicsWorld, type CreateScene, type RAPIER, type Scene } from './physics.ts'

const SIDE = 30
const SPACING_M = 0.75
const SMALL_HALF_M = 0.2
const BIG_HALF_M = 0.75
/** Cubes nearer than this to the player feel it. */
const REACH_M = 2.5
const PULL_MPS2 = 60
const PUSH_MPS2 = 90
const BOUNDS_M = 10

/** What the player does for a while. */
type Mood = 'gather' | 'drive' | 'blow'

interface Player {
  readonly body: RAPIER.RigidBody
  readonly random: SeededRandom
  readonly moods: readonly Mood[]
  mood: Mood
  moodTicks: number
  headingRad: number
  speedMps: number
}

function createField(random: SeededRandom, moods: readonly Mood[]): Scene {
  const world = createPhysicsWorld()
  const big = addCube(world, 0, BIG_HALF_M + 2, 0, BIG_HALF_M)
  const small: RAPIER.RigidBody[] = []
  for (let at = 0; at < SIDE * SIDE; at += 1) {
    const x = ((at % SIDE) - (SIDE - 1) / 2) * SPACING_M + random.range(-0.05, 0.05)
    const z = (Math.floor(at / SIDE) - (SIDE - 1) / 2) * SPACING_M + random.range(-0.05, 0.05)
    small.push(addCube(world, x, SMALL_HALF_M, z, SMALL_HALF_M))
  }
  const headingRad = random.range(0, 2 * Math.PI)
  const player: Player = { body: big, random, moods, mood: moods[0]!, moodTicks: 120, headingRad, speedMps: 4 }
  return {
    world,
    bodies: [big, ...small],
    play() {
      decide(player)
      drive(player)
      if (player.mood === 'gather') attract(player.body, small, PULL_MPS2)
      if (player.mood === 'blow') attract(player.body, small, -PUSH_MPS2)
    },
  }
}

function decide(player: Player): void {
  const { random } = player
  player.moodTicks -= 1
  if (player.moodTicks > 0) return
  player.mood = random.pick(player.moods)
  player.moodTicks = player.mood === 'blow' ? random.integer(10, 40) : random.integer(60, 180)
  player.headingRad += random.range(-2, 2)
  player.speedMps = random.range(2, 7)
}

/** Pushes toward the wanted speed above the ground, as a player's keys would; turns back at the field's edge. */
function drive(player: Player): void {
  const { body, random } = player
  const at = body.translation()
  const velocity = body.linvel()
  if (Math.abs(at.x) > BOUNDS_M || Math.abs(at.z) > BOUNDS_M) player.headingRad = Math.atan2(-at.z, -at.x)
  player.headingRad += random.range(-0.06, 0.06)
  const pull = body.mass() * 0.12
  const x = (Math.cos(player.headingRad) * player.speedMps - velocity.x) * pull
  const z = (Math.sin(player.headingRad) * player.speedMps - velocity.z) * pull
  // Above the center, so that it rolls.
  body.applyImpulseAtPoint({ x, y: 0, z }, { x: at.x, y: at.y + BIG_HALF_M * 0.6, z: at.z }, true)
}

function attract(body: RAPIER.RigidBody, others: readonly RAPIER.RigidBody[], pullMps2: number): void {
  const center = body.translation()
  for (const other of others) {
    const at = other.translation()
    const x = center.x - at.x
    const y = center.y - at.y
    const z = center.z - at.z
    const distance = Math.sqrt(x * x + y * y + z * z)
    if (distance > REACH_M || distance < 0.01) continue
    const impulse = (other.mass() * pullMps2) / 60 / distance
    other.applyImpulse({ x: x * impulse, y: y * impulse, z: z * impulse }, true)
  }
}

/** A ball of cubes rolls about. */
export const createPile: CreateScene = (random) => createField(random, ['gather', 'gather', 'gather', 'drive'])

/** Cubes are gathered and blown apart, or just pushed aside. */
export const createBurst: CreateScene = (random) => createField(random, ['gather', 'gather', 'blow', 'drive', 'blow'])
