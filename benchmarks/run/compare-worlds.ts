/**
 * A receiver's world beside the workload it should show.
 *
 * Invariant: an entity is looked at by who it is, never by where it happens to be stored.
 */
import type { Receiver } from '../contenders/contender.ts'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import type { Workload } from '../workloads/workload.ts'

export interface Comparison {
  /** Worst over all entities that both have. */
  readonly errorM: number
  readonly errorDegrees: number
  /** Both have it, and it is off by more than any precision in the table. */
  readonly stale: number
  /** The workload has it, the receiver does not. */
  readonly missing: number
  /** The receiver has it, the workload does not. */
  readonly ghosts: number
}

/** Coarsest precision in the table: 1/64 m in three axes, and a rotation of 9 bits. */
const STALE_M = 0.02
const STALE_DEGREES = 1

export function compareWorlds(workload: Workload, receiver: Receiver): Comparison {
  const pose = new Float32Array(POSE_SIZE)
  let [errorM, errorDegrees, stale, missing, present] = [0, 0, 0, 0, 0]
  for (let slot = 0; slot < workload.capacity; slot += 1) {
    if (workload.alive[slot] !== 1) continue
    if (!receiver.read(workload, slot, pose)) {
      missing += 1
      continue
    }
    present += 1
    const at = slot * POSE_SIZE
    const offM = distanceM(workload.poses, at, pose)
    const offDegrees = angleDegrees(workload.poses, at + 3, pose, 3)
    errorM = Math.max(errorM, offM)
    errorDegrees = Math.max(errorDegrees, offDegrees)
    if (!(offM <= STALE_M && offDegrees <= STALE_DEGREES)) stale += 1
  }
  return { errorM, errorDegrees, stale, missing, ghosts: receiver.count - present }
}

function distanceM(a: Float32Array, at: number, b: Float32Array): number {
  return Math.hypot(a[at]! - b[0]!, a[at + 1]! - b[1]!, a[at + 2]! - b[2]!)
}

/** Between two rotations, whatever their lengths and signs; exact for small angles, where a cosine is not. */
export function angleDegrees(a: Float32Array, from: number, b: Float32Array, to: number): number {
  let [near, far, lengthA, lengthB] = [0, 0, 0, 0]
  for (let part = 0; part < 4; part += 1) {
    lengthA += a[from + part]! ** 2
    lengthB += b[to + part]! ** 2
  }
  const [scaleA, scaleB] = [1 / Math.sqrt(lengthA), 1 / Math.sqrt(lengthB)]
  for (let part = 0; part < 4; part += 1) {
    near += (a[from + part]! * scaleA - b[to + part]! * scaleB) ** 2
    far += (a[from + part]! * scaleA + b[to + part]! * scaleB) ** 2
  }
  const chord = Math.sqrt(Math.min(near, far))
  return (4 * Math.asin(Math.min(1, chord / 2)) * 180) / Math.PI
}
