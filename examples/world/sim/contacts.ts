/** Questions to the physics world: what a body stands on, what it is about to push, what it rests against. */
import RAPIER from '@dimforge/rapier3d-compat'
import { AVATAR_HALF_HEIGHT_M, AVATAR_RADIUS_M, type Body, type Physics } from './physics.ts'

/** What is at most this far away counts as touched, so that a push begins before the impact. */
const REACH_M = 0.08
/** The normal of a contact with more than this upward share is weight, not a push. */
const MAX_SIDEWAYS_Y = 0.7

const UPRIGHT = { x: 0, y: 0, z: 0, w: 1 }
let shapes: { readonly around: RAPIER.Capsule; readonly foot: RAPIER.Ball } | undefined

/** Made on first use: Rapier's shapes need its code to be loaded. */
function avatarShapes(): NonNullable<typeof shapes> {
  shapes ??= {
    around: new RAPIER.Capsule(AVATAR_HALF_HEIGHT_M, AVATAR_RADIUS_M + REACH_M),
    foot: new RAPIER.Ball(AVATAR_RADIUS_M * 0.9),
  }
  return shapes
}

/** Calls back with every body that an avatar touches, or will in the next two steps. */
export function eachNear(physics: Physics, { rigid, collider }: Body, found: (eid: number) => void): void {
  const at = rigid.translation()
  const speed = rigid.linvel()
  const ahead = 2 * physics.stepSeconds
  const next = { x: at.x + speed.x * ahead, y: at.y + speed.y * ahead, z: at.z + speed.z * ahead }
  const take = (other: RAPIER.Collider): boolean => {
    const eid = physics.eidOfCollider.get(other.handle)
    if (eid !== undefined) found(eid)
    return true
  }
  const filter = [undefined, undefined, collider] as const
  physics.world.intersectionsWithShape(next, UPRIGHT, avatarShapes().around, take, ...filter)
}

/**
 * Calls back with every body that touches this one.
 * @param found with how hard the two were pressed together sideways in the last step, newton seconds
 */
export function eachTouching(
  physics: Physics,
  { collider }: Body,
  found: (eid: number, other: Body, pressNs: number) => void,
): void {
  const { world, eidOfCollider, bodies } = physics
  const near: RAPIER.Collider[] = []
  world.contactPairsWith(collider, (other) => void near.push(other))
  for (const other of near) {
    const eid = eidOfCollider.get(other.handle)
    if (eid === undefined) continue
    let contactCount = 0
    let pressNs = 0
    world.contactPair(collider, other, (manifold) => {
      const count = manifold.numContacts()
      contactCount += count
      if (Math.abs(manifold.normal().y) > MAX_SIDEWAYS_Y) return
      for (let i = 0; i < count; i += 1) pressNs += manifold.contactImpulse(i)
    })
    if (contactCount > 0) found(eid, bodies.get(eid)!, pressNs)
  }
}

/** Is there something under an avatar's foot? */
export function isGrounded(physics: Physics, { rigid, collider }: Body): boolean {
  const at = rigid.translation()
  const { foot } = avatarShapes()
  // From its middle down to a little below its sole.
  const reach = AVATAR_HALF_HEIGHT_M + AVATAR_RADIUS_M * 0.1 + 0.08
  const down = { x: 0, y: -1, z: 0 }
  const hit = physics.world.castShape(at, UPRIGHT, down, foot, 0, reach, true, undefined, undefined, collider)
  return hit !== null
}
