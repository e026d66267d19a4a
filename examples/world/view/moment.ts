/** What every picture needs to know of a frame: where things are, between the last step of the game and the one before. */
import type { Pose } from '../sim/pose.ts'

export interface Moment {
  /** Part of the next step that is over, 0 to 1. */
  readonly part: number
  /** Since the last frame. */
  readonly elapsedSeconds: number
  readonly isRough: boolean
  readonly poseOf: (eid: number, part: number, out: Pose) => Pose
}
