/**
 * Where receivers without a state of their own put what they decode: columns of poses by slot.
 *
 * Invariant: `count` is the number of slots that are alive.
 */
import { POSE_SIZE } from '../scenes/trajectory.ts'
import { copyPose, type Workload } from '../workloads/workload.ts'

export class PoseStore {
  readonly poses: Float32Array
  readonly alive: Uint8Array
  count = 0

  constructor(capacity: number) {
    this.poses = new Float32Array(capacity * POSE_SIZE)
    this.alive = new Uint8Array(capacity)
  }

  set(slot: number, x: number, y: number, z: number, qx: number, qy: number, qz: number, qw: number): void {
    const { poses } = this
    const at = slot * POSE_SIZE
    poses[at] = x
    poses[at + 1] = y
    poses[at + 2] = z
    poses[at + 3] = qx
    poses[at + 4] = qy
    poses[at + 5] = qz
    poses[at + 6] = qw
    this.#revive(slot)
  }

  /** Numbers that are in a row already. */
  setFrom(slot: number, source: Float32Array, from: number): void {
    const at = slot * POSE_SIZE
    for (let part = 0; part < POSE_SIZE; part += 1) this.poses[at + part] = source[from + part]!
    this.#revive(slot)
  }

  remove(slot: number): void {
    if (this.alive[slot] === 0) return
    this.alive[slot] = 0
    this.count -= 1
  }

  read(_workload: Workload, slot: number, out: Float32Array): boolean {
    if (this.alive[slot] !== 1) return false
    copyPose(this.poses, slot, out, 0)
    return true
  }

  #revive(slot: number): void {
    if (this.alive[slot] === 1) return
    this.alive[slot] = 1
    this.count += 1
  }
}

/** What a serializer that is told of changes keeps between `write` and `encode`: slots that moved and that went. */
export class ToldChanges {
  readonly poses: Float32Array
  readonly moved: Int32Array
  readonly alive: Uint8Array
  movedCount = 0
  readonly gone: number[] = []

  constructor({ capacity }: Workload) {
    this.poses = new Float32Array(capacity * POSE_SIZE)
    this.moved = new Int32Array(capacity)
    this.alive = new Uint8Array(capacity)
  }

  write({ poses, moved, movedCount, despawned, spawned }: Workload): void {
    for (let at = 0; at < movedCount; at += 1) {
      const slot = moved[at]!
      this.moved[at] = slot
      copyPose(poses, slot, this.poses, slot)
    }
    this.movedCount = movedCount
    this.gone.length = 0
    for (const slot of despawned) {
      this.gone.push(slot)
      this.alive[slot] = 0
    }
    for (const slot of spawned) this.alive[slot] = 1
  }
}
