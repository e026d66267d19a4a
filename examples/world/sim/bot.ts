/** What a headless player does: walks in loops through the crates, and keeps those it owns in motion. */
import type { Wishes } from './avatar.ts'
import type { Physics } from './physics.ts'

/** @param n which bot; each walks its own rose around the square */
export function botWishes(n: number, seconds: number): Wishes {
  const angle = seconds * 0.7 + n * 1.7
  return { moveX: Math.cos(angle) + 0.4 * Math.sin(seconds * 2.3), moveZ: Math.sin(angle), jump: seconds % 5 < 0.1 }
}

/**
 * Tosses crates now and then, so that hundreds move at once: those that this peer simulates, and that are its own.
 * @param isMine what is only pushed here is left to its owner
 */
export function stir(physics: Physics, stepCount: number, isMine: (eid: number) => boolean): void {
  for (const [eid, body] of physics.bodies) {
    if (body.kind !== 'crate' || !body.simulated || !isMine(eid) || (stepCount + eid * 37) % 75 !== 0) continue
    const at = body.rigid.translation()
    // Toward the middle and around it, so that nothing collects at the walls.
    const push = { x: -at.x * 0.05 - at.z * 0.09, y: 5 + (eid % 5), z: -at.z * 0.05 + at.x * 0.09 }
    body.rigid.setLinvel(push, true)
    body.rigid.setAngvel({ x: (eid % 7) - 3, y: (eid % 5) - 2, z: (eid % 3) - 1 }, true)
  }
}
