/** Turns a player's wishes into the motion of its avatar. */
import { isGrounded } from './contacts.ts'
import { spawnPoint } from './layout.ts'
import type { Body, Physics } from './physics.ts'

/** What a player wants this step. Directions in world space. */
export interface Wishes {
  /** -1 to 1 along x and z. */
  moveX: number
  moveZ: number
  jump: boolean
}

const WALK_MPS = 6.5
/** High enough to get onto a crate. */
const JUMP_MPS = 7.2
/** Share of the wished change of speed that a step makes: quick on the ground, some control in the air. */
const GRIP = 0.22
const AIR_GRIP = 0.07
/** Share of the way to where it walks that an avatar turns in a step. */
const TURN = 0.25
/** Whoever runs over an edge may still jump for this many steps. */
const LATE_JUMP_STEPS = 6
/** Below this it has fallen out of the world, meters. */
const BOTTOM_M = -8

export function moveAvatar(physics: Physics, body: Body, wishes: Wishes): void {
  const { rigid } = body
  if (rigid.translation().y < BOTTOM_M) {
    const [x, y, z] = spawnPoint(0)
    rigid.setTranslation({ x, y, z }, true)
  }
  const velocity = rigid.linvel()
  const isUp = velocity.y > JUMP_MPS / 2
  body.airborneSteps = !isUp && isGrounded(physics, body) ? 0 : body.airborneSteps + 1
  const grip = body.airborneSteps === 0 ? GRIP : AIR_GRIP
  const wished = Math.hypot(wishes.moveX, wishes.moveZ)
  const speed = WALK_MPS / Math.max(1, wished)
  const jumps = wishes.jump && !isUp && body.airborneSteps <= LATE_JUMP_STEPS
  const next = {
    x: velocity.x + (wishes.moveX * speed - velocity.x) * grip,
    y: jumps ? JUMP_MPS : velocity.y,
    z: velocity.z + (wishes.moveZ * speed - velocity.z) * grip,
  }
  if (jumps) body.airborneSteps = LATE_JUMP_STEPS + 1
  rigid.setLinvel(next, wished > 0 || jumps)
  if (wished > 0.1) turnTo(body, Math.atan2(wishes.moveX, wishes.moveZ))
}

/** @param yawRad around the vertical axis; 0 looks toward +z */
function turnTo({ rigid }: Body, yawRad: number): void {
  const turn = rigid.rotation()
  const before = 2 * Math.atan2(turn.y, turn.w)
  let change = (yawRad - before) % (2 * Math.PI)
  if (change > Math.PI) change -= 2 * Math.PI
  if (change < -Math.PI) change += 2 * Math.PI
  const next = before + change * TURN
  rigid.setRotation({ x: 0, y: Math.sin(next / 2), z: 0, w: Math.cos(next / 2) }, true)
}
