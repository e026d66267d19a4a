/** How the pictures ask where things are: between the last step of the game and the one before. */
import type { Pose } from '../sim/pose.ts'

export interface Poses {
  /** Part of the next step that is over, 0 to 1. */
  readonly part: number
  readonly poseOf: (eid: number, part: number, out: Pose) => Pose
}
