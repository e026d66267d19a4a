/** Turns a player's wishes into the motion of its avatar. */
import { isGrounded, type Physics } from './physics.ts'

/** What a player wants this step. Directions in world space. */
export interface Wishes {
  /** -1 to 1 along x and z. */
  moveX: number
  moveZ: number
  jump: boolean
}

const WALK_MPS = 7
const JUMP_MPS = 6.5
/** Share of the wished change of speed that a step makes: quick on the ground, some control in the air. */
const GRIP = 0.25
const AIR_GRIP = 0.06

export function moveAvatar(physics: Physics, eid: number, wishes: Wishes): void {
  const body = physics.bodies.get(eid)
  if (!body?.simulated) return
  const velocity = body.rigid.linvel()
  const grounded = isGrounded(physics, eid)
  const length = Math.max(1, Math.hypot(wishes.moveX, wishes.moveZ))
  const grip = grounded ? GRIP : AIR_GRIP
  const x = velocity.x + ((wishes.moveX / length) * WALK_MPS - velocity.x) * grip
  const z = velocity.z + ((wishes.moveZ / length) * WALK_MPS - velocity.z) * grip
  const y = wishes.jump && grounded ? JUMP_MPS : velocity.y
  body.rigid.setLinvel({ x, y, z }, true)
  if (Math.hypot(wishes.moveX, wishes.moveZ) > 0.1) {
    const yaw = Math.atan2(wishes.moveX, wishes.moveZ)
    body.rigid.setRotation({ x: 0, y: Math.sin(yaw / 2), z: 0, w: Math.cos(yaw / 2) }, true)
  }
}
