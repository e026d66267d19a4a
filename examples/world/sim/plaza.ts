/**
 * The plaza: one step of the game. It knows bodies, crates and wishes; where the other players are is
 * none of its business.
 *
 * Invariant: only entities with `Authority` are simulated here.
 */
import { Authority } from '@baton/replication'
import { hasComponent, observe, onAdd, onRemove, query, type World } from 'bitecs'
import { moveAvatar, type Wishes } from './avatar.ts'
import { Avatar, Crate, Transform } from './components.ts'
import { eachNear, eachTouching } from './contacts.ts'
import {
  addBody,
  createPhysics,
  prepareStep,
  readColumns,
  removeBody,
  setSimulated,
  writeColumns,
  type Body,
  type Physics,
} from './physics.ts'
import { mixPose, readPose, type Pose } from './pose.ts'

export interface Plaza {
  readonly world: World
  readonly physics: Physics
  /**
   * Crates that this peer should simulate, because its avatar or what that has set in motion moves
   * them. Those it simulates already are among them for as long as the avatar pushes. Filled by `advance`.
   */
  readonly touched: ReadonlySet<number>
  /** Advances by whole steps of `STEP_SECONDS`. */
  advance(stepCount: number, me: number, wishes: Wishes): void
  /** Where an entity is to be drawn, `part` (0 to 1) of a step after the last one. */
  readonly poseOf: (eid: number, part: number, out: Pose) => Pose
}

/** Steps a second; the room's ticks are as long. */
export const STEP_HZ = 60
/** More at once and the plaza lets time go: a page that slept must not simulate its sleep. */
const MAX_STEPS = 5
/** Slower than this nothing pushes anything, meters per second. */
const MIN_PUSH_MPS = 0.25
/** A crate that leans on another presses less, one that a player pushes presses more, newton seconds a step. */
const MIN_PRESS_NS = 1

export async function createPlaza(world: World): Promise<Plaza> {
  const physics = await createPhysics(1 / STEP_HZ)
  const touched = new Set<number>()
  const fresh: number[] = []
  observe(world, onAdd(Transform, Crate), (eid: number) => void fresh.push(eid))
  observe(world, onAdd(Transform, Avatar), (eid: number) => void fresh.push(eid))
  observe(world, onRemove(Transform), (eid: number) => removeBody(physics, eid))

  /** Gives bodies to who has come. Not at once, because an entity gets its tags and its values one by one. */
  function embody(): void {
    for (const eid of fresh.splice(0)) {
      if (!hasComponent(world, eid, Transform) || physics.bodies.has(eid)) continue
      addBody(physics, eid, hasComponent(world, eid, Crate) ? 'crate' : 'avatar')
    }
  }

  function findTouched(me: number, wishes: Wishes): void {
    touched.clear()
    const avatar = physics.bodies.get(me)
    const wantsToMove = wishes.jump || wishes.moveX !== 0 || wishes.moveZ !== 0
    if (avatar?.simulated && (wantsToMove || isMoving(avatar))) {
      eachNear(physics, avatar, (eid) => {
        if (physics.bodies.get(eid)!.kind === 'crate') touched.add(eid)
      })
    }
    // What was set in motion here takes along what it meets, and what it is pressed against.
    for (const body of physics.bodies.values()) {
      if (body.kind !== 'crate' || !body.simulated || body.rigid.isSleeping()) continue
      const moves = isMoving(body)
      eachTouching(physics, body, (eid, other, pressNs) => {
        if (other.kind !== 'crate' || other.simulated) return
        if (moves || pressNs > MIN_PRESS_NS) touched.add(eid)
      })
    }
  }

  return {
    world,
    physics,
    touched,
    advance(stepCount, me, wishes) {
      embody()
      const mine = new Set(query(world, [Transform, Authority]))
      for (const eid of physics.bodies.keys()) setSimulated(physics, eid, mine.has(eid))
      const count = Math.min(stepCount, MAX_STEPS)
      readColumns(physics, count)
      for (let remaining = count; remaining > 0; remaining -= 1) {
        const avatar = physics.bodies.get(me)
        if (avatar?.simulated) moveAvatar(physics, avatar, wishes)
        prepareStep(physics, 1 / remaining)
        physics.world.step()
        writeColumns(physics)
      }
      if (count > 0) findTouched(me, wishes)
    },
    poseOf(eid, part, out) {
      readPose(eid, out)
      const body = physics.bodies.get(eid)
      if (body?.simulated) return mixPose(body.before, out, part, out)
      return body && body.settling > 0 ? mixPose(out, body.before, body.settling, out) : out
    },
  }
}

function isMoving({ simulated, rigid }: Body): boolean {
  if (!simulated || rigid.isSleeping()) return false
  const { x, y, z } = rigid.linvel()
  return x * x + y * y + z * z > MIN_PUSH_MPS * MIN_PUSH_MPS
}
