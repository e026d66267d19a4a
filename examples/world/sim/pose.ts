/** Where a body is: seven numbers, x y z in meters and a unit quaternion x y z w. Read from columns, mixed, written. */
import { Transform } from './components.ts'

export type Pose = Float64Array

export const createPose = (): Pose => new Float64Array(7)

/** The columns of an entity into `out`. */
export function readPose(eid: number, out: Pose): Pose {
  const { translation, rotation } = Transform
  out[0] = translation.x[eid]!
  out[1] = translation.y[eid]!
  out[2] = translation.z[eid]!
  out[3] = rotation.x[eid]!
  out[4] = rotation.y[eid]!
  out[5] = rotation.z[eid]!
  out[6] = rotation.w[eid]!
  return out
}

export function writePose(eid: number, pose: Pose): void {
  const { translation, rotation } = Transform
  translation.x[eid] = pose[0]!
  translation.y[eid] = pose[1]!
  translation.z[eid] = pose[2]!
  rotation.x[eid] = pose[3]!
  rotation.y[eid] = pose[4]!
  rotation.z[eid] = pose[5]!
  rotation.w[eid] = pose[6]!
}

/** The pose `part` of the way from one to another, the shorter way around. `out` may be either of them. */
export function mixPose(from: Pose, to: Pose, part: number, out: Pose): Pose {
  for (let i = 0; i < 3; i += 1) out[i] = from[i]! + (to[i]! - from[i]!) * part
  const dot = from[3]! * to[3]! + from[4]! * to[4]! + from[5]! * to[5]! + from[6]! * to[6]!
  const sign = dot < 0 ? -1 : 1
  let square = 0
  for (let i = 3; i < 7; i += 1) {
    const value = from[i]! + (sign * to[i]! - from[i]!) * part
    out[i] = value
    square += value * value
  }
  const length = Math.sqrt(square) || 1
  for (let i = 3; i < 7; i += 1) out[i]! /= length
  return out
}

export function distanceM(a: Pose, b: Pose): number {
  return Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!)
}
