/**
 * Towers of boxes that balls knock over, one now and then: motion that starts at once, in many, and ends.
 *
 * Invariant: the balls come last and wait out of the way until they are thrown.
 */
import { RAPIER, addBox, createPhysicsWorld, type CreateScene } from './physics.ts'

const TOWERS = 40
const STORIES = 10
const BALLS = 12
const TICKS_PER_BALL = 70
const FIRST_BALL_TICK = 9

export const createStacks: CreateScene = (random) => {
  const world = createPhysicsWorld()
  const bodies: RAPIER.RigidBody[] = []
  const side = Math.ceil(Math.sqrt(TOWERS))
  for (let tower = 0; tower < TOWERS; tower += 1) {
    const x = ((tower % side) - side / 2) * 4 + random.range(-0.5, 0.5)
    const z = (Math.floor(tower / side) - side / 2) * 4 + random.range(-0.5, 0.5)
    const half = random.range(0.25, 0.45)
    for (let story = 0; story < STORIES; story += 1) {
      const y = half * (2 * story + 1)
      bodies.push(addBox(world, { x: x + random.range(-0.03, 0.03), y, z, halfX: half, halfY: half, halfZ: half }))
    }
  }
  const balls = Array.from({ length: BALLS }, (_, ball) => {
    const body = world.createRigidBody(RAPIER.RigidBodyDesc.dynamic().setTranslation(ball * 3 - 18, 0.5, 30))
    world.createCollider(RAPIER.ColliderDesc.ball(0.5).setDensity(6), body)
    return body
  })
  return {
    world,
    bodies: [...bodies, ...balls],
    play(tick) {
      if (tick % TICKS_PER_BALL !== FIRST_BALL_TICK) return
      const ball = balls[Math.floor(tick / TICKS_PER_BALL) % BALLS]!
      const target = bodies[random.integer(0, TOWERS - 1) * STORIES + random.integer(2, STORIES - 2)]!.translation()
      const heading = random.range(0, 2 * Math.PI)
      const [x, z] = [Math.cos(heading), Math.sin(heading)]
      ball.setTranslation({ x: target.x - x * 6, y: target.y + 1, z: target.z - z * 6 }, true)
      ball.setLinvel({ x: x * 14, y: 0.5, z: z * 14 }, true)
      ball.setAngvel({ x: 0, y: 0, z: 0 }, true)
    },
  }
}
