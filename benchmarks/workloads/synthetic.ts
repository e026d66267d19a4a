/**
 * Made-up crates by the number: as many entities, movers and changes of structure as asked for, without an
 * engine's cost. For how cost grows; what it says of bytes is less than what recorded scenes say.
 *
 * Invariant: the same options give the same ticks.
 */
import { SeededRandom } from '@baton/core/testing'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import { createCrates, stepCrates, type Crates } from './crate-motion.ts'
import { createWorkloadBase, type Workload } from './workload.ts'

export interface SyntheticOptions {
  readonly entities: number
  readonly moving: number
  /** Entities that go and come each tick; 0 for none. */
  readonly churn: number
  readonly seed?: number
}

/** Ticks until the slot of an entity that went is used again. */
const SLOT_REST_TICKS = 60

function syntheticName({ entities, moving, churn }: SyntheticOptions): string {
  const share = moving === entities ? 'all' : `${Math.round((moving / entities) * 100)} %`
  return `${entities.toLocaleString('en-US')} entities, ${share} moving${churn > 0 ? ', churn' : ''}`
}

export function createSynthetic(options: SyntheticOptions): Workload {
  const { entities, moving, churn, seed = 5 } = options
  const capacity = entities + churn * SLOT_REST_TICKS
  const crates = createCrates(capacity, moving, seed)
  const random = new SeededRandom(`churn ${seed}`)
  const workload: Workload = { ...createWorkloadBase(syntheticName(options), capacity, entities), step }
  const free = Array.from({ length: capacity - entities }, (_, at) => entities + at)
  let nextSerial = entities + 1
  for (let slot = 0; slot < capacity; slot += 1) showCrate(crates, slot, workload.poses)

  function step(): void {
    stepCrates(crates)
    const { alive, spawned, despawned } = workload
    spawned.length = 0
    despawned.length = 0
    workload.movedCount = 0
    for (let at = 0; at < churn; at += 1) {
      let slot = random.integer(0, capacity - 1)
      while (alive[slot] === 0) slot = (slot + 1) % capacity
      alive[slot] = 0
      despawned.push(slot)
    }
    for (let at = 0; at < churn; at += 1) {
      const slot = free.shift()!
      alive[slot] = 1
      workload.serial[slot] = nextSerial
      nextSerial += 1
      spawned.push(slot)
      if (crates.isMoving[slot] === 0) note(slot)
    }
    free.push(...despawned)
    for (const slot of crates.moving) if (alive[slot] === 1) note(slot)
  }

  function note(slot: number): void {
    showCrate(crates, slot, workload.poses)
    workload.moved[workload.movedCount] = slot
    workload.movedCount += 1
  }
  return workload
}

function showCrate({ position, rotation }: Crates, crate: number, poses: Float32Array): void {
  const at = crate * POSE_SIZE
  for (let axis = 0; axis < 3; axis += 1) poses[at + axis] = position[crate * 3 + axis]!
  for (let part = 0; part < 4; part += 1) poses[at + 3 + part] = rotation[crate * 4 + part]!
}
