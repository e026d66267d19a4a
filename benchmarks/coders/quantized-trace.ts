/**
 * Scenes in the whole numbers that Fiedler's article uses: position in steps of 1/512 m, rotation as the
 * smallest three components of 9 bits. What the two coders of this folder are given, and must give back.
 *
 * Invariant: `BODY_INTS` numbers per body: x, y, z, index of the largest component, and the others in order.
 */
import { POSE_SIZE, poseOffset, type Trajectory } from '../scenes/trajectory.ts'

export const BODY_INTS = 7
const UNITS_PER_METER = 512
export const ROTATION_BITS = 9
const ROTATION_STEPS = 2 ** ROTATION_BITS - 1

/** The state of all bodies at a tick, quantized. */
function quantizeTick(trajectory: Trajectory, tick: number, out: Int32Array): void {
  for (let body = 0; body < trajectory.count; body += 1) {
    quantizeBody(trajectory.poses, poseOffset(trajectory, tick, body), out, body * BODY_INTS)
  }
}

/** All ticks of a scene. */
export function quantizeTrajectory(trajectory: Trajectory): readonly Int32Array[] {
  return Array.from({ length: trajectory.ticks }, (_, tick) => {
    const values = new Int32Array(trajectory.count * BODY_INTS)
    quantizeTick(trajectory, tick, values)
    return values
  })
}

function quantizeBody(poses: Float32Array, from: number, out: Int32Array, to: number): void {
  for (let axis = 0; axis < 3; axis += 1) out[to + axis] = Math.floor(poses[from + axis]! * UNITS_PER_METER + 0.5)
  const first = from + POSE_SIZE - 4
  let largest = 0
  for (let index = 1; index < 4; index += 1) {
    if (Math.abs(poses[first + index]!) > Math.abs(poses[first + largest]!)) largest = index
  }
  const sign = poses[first + largest]! < 0 ? -1 : 1
  out[to + 3] = largest
  let at = to + 4
  for (let index = 0; index < 4; index += 1) {
    if (index === largest) continue
    // From -1/√2..1/√2 to the whole range of the bits.
    const part = (sign * poses[first + index]! * Math.SQRT2 + 1) / 2
    out[at] = Math.floor(Math.min(1, Math.max(0, part)) * ROTATION_STEPS + 0.5)
    at += 1
  }
}
