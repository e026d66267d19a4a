/**
 * What every contender is given: a world of entities with a position and a rotation, tick after tick.
 *
 * Invariant: `poses` changes only in slots that are in `moved`, and a slot is reused only long after its
 * entity went.
 */
import { POSE_SIZE } from '../scenes/trajectory.ts'

export interface Workload {
  readonly name: string
  /** Slots; an entity has one while it lives. */
  readonly capacity: number
  /** `POSE_SIZE` numbers per slot: position in meters, unit quaternion. */
  readonly poses: Float32Array
  /** 1 where a slot has an entity. */
  readonly alive: Uint8Array
  /** Number of the entity in a slot, from 1 up, never used again. */
  readonly serial: Uint32Array
  /** Slots whose pose the game wrote this tick, those of `spawned` included; the first `movedCount` count. */
  readonly moved: Int32Array
  movedCount: number
  /** Slots of entities that came and went this tick; an entity that came does not go in the same tick. */
  readonly spawned: number[]
  readonly despawned: number[]
  /** Goes on by a tick of 1/60 s. */
  step(): void
}

/** A world whose entities all live, as of before the first tick: everything counts as spawned and moved. */
export function createWorkloadBase(name: string, capacity: number, count: number): Omit<Workload, 'step'> {
  const alive = new Uint8Array(capacity).fill(1, 0, count)
  const serial = new Uint32Array(capacity)
  for (let slot = 0; slot < count; slot += 1) serial[slot] = slot + 1
  return {
    name,
    capacity,
    poses: new Float32Array(capacity * POSE_SIZE),
    alive,
    serial,
    moved: Int32Array.from({ length: capacity }, (_, slot) => slot),
    movedCount: count,
    spawned: Array.from({ length: count }, (_, slot) => slot),
    despawned: [],
  }
}

/** Copies of a pose between arrays; `from` and `to` are slots. */
export function copyPose(source: Float32Array | Float64Array, from: number, target: Float32Array, to: number): void {
  for (let at = 0; at < POSE_SIZE; at += 1) target[to * POSE_SIZE + at] = source[from * POSE_SIZE + at]!
}
