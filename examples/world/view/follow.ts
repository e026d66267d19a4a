/** A camera that follows: behind the avatar, softly, at the angle and distance the player chose. */
import { Vector3, type PerspectiveCamera } from 'three'
import { createPose } from '../sim/pose.ts'
import type { Moment } from './moment.ts'

/** Share of the way that is left after a second: the follow is as soft at any frame rate. */
const LAG_PER_SECOND = 0.00001
/** Up and down it follows more slowly, so that a jump is seen as one. */
const LAG_PER_SECOND_UP = 0.004
/** The camera looks over the avatar's head, meters. */
const OVER_M = 1.1

export interface Look {
  /** Radians around the vertical axis; 0 looks toward -z. */
  readonly yaw: number
  readonly pitch: number
  readonly distanceM: number
}

export interface Follow {
  readonly focus: Vector3
  update(camera: PerspectiveCamera, eid: number, moment: Moment, look: Look): void
}

export function createFollow(): Follow {
  const focus = new Vector3(0, 1, 0)
  const pose = createPose()
  let started = false
  return {
    focus,
    update(camera, eid, { part, elapsedSeconds, poseOf }, { yaw, pitch, distanceM }) {
      poseOf(eid, part, pose)
      const across = started ? 1 - LAG_PER_SECOND ** elapsedSeconds : 1
      const upward = started ? 1 - LAG_PER_SECOND_UP ** elapsedSeconds : 1
      started = true
      focus.x += (pose[0]! - focus.x) * across
      focus.y += (pose[1]! + OVER_M - focus.y) * upward
      focus.z += (pose[2]! - focus.z) * across
      const flat = Math.cos(pitch) * distanceM
      camera.position.set(
        focus.x + Math.sin(yaw) * flat,
        focus.y + Math.sin(pitch) * distanceM,
        focus.z + Math.cos(yaw) * flat,
      )
      camera.lookAt(focus)
    },
  }
}
