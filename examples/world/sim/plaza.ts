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
import {
  addBody,
  createPhysics,
  eachTouching,
  readColumns,
  removeBody,
  setSimulated,
  writeColumns,
  type Physics,
} from './physics.ts'

export interface Plaza {
  readonly world: World
  readonly physics: Physics
  /** Entities whose body touches what this peer moves, and that somebody else simulates. Filled by `step`. */
  readonly touched: Set<number>
  /** Advances by whole steps up to `nowMs`. */
  advance(nowMs: number, me: number, wishes: Wishes): void
}

const STEP_MS = 1000 / 60
/** More than this behind, and the plaza lets time go: a page that slept must not simulate its sleep. */
const MAX_STEPS = 5

export async function createPlaza(world: World): Promise<Plaza> {
  const physics = await createPhysics(STEP_MS / 1000)
  const touched = new Set<number>()
  const fresh: number[] = []
  observe(world, onAdd(Transform, Crate), (eid: number) => void fresh.push(eid))
  observe(world, onAdd(Transform, Avatar), (eid: number) => void fresh.push(eid))
  observe(world, onRemove(Transform), (eid: number) => removeBody(physics, eid))
  let clockMs: number | undefined

  function embody(): void {
    for (const eid of fresh.splice(0)) {
      if (hasComponent(world, eid, Transform) && !physics.bodies.has(eid)) {
        addBody(physics, eid, hasComponent(world, eid, Crate) ? 'crate' : 'avatar')
      }
    }
  }

  function step(me: number, wishes: Wishes): void {
    moveAvatar(physics, me, wishes)
    readColumns(physics)
    physics.world.step()
    writeColumns(physics)
  }

  /** What the avatar pushes, and what those crates push in turn. */
  function findTouched(me: number): void {
    touched.clear()
    const pushing = [me]
    for (let at = 0; at < pushing.length && at < 64; at += 1) {
      eachTouching(physics, pushing[at]!, (other) => {
        const body = physics.bodies.get(other)
        if (body?.kind !== 'crate' || pushing.includes(other)) return
        if (!body.simulated) touched.add(other)
        else if (isMoving(physics, other)) pushing.push(other)
      })
    }
  }

  return {
    world,
    physics,
    touched,
    advance(nowMs, me, wishes) {
      embody()
      const mine = new Set(query(world, [Transform, Authority]))
      for (const eid of physics.bodies.keys()) setSimulated(physics, eid, mine.has(eid))
      clockMs ??= nowMs
      if (nowMs - clockMs > MAX_STEPS * STEP_MS) clockMs = nowMs - STEP_MS
      while (nowMs - clockMs >= STEP_MS) {
        step(me, wishes)
        clockMs += STEP_MS
      }
      findTouched(me)
    },
  }
}

function isMoving(physics: Physics, eid: number): boolean {
  const body = physics.bodies.get(eid)
  if (!body?.simulated || body.rigid.isSleeping()) return false
  const { x, y, z } = body.rigid.linvel()
  return x * x + y * y + z * z > 0.04
}
