/** A camera that follows: behind the avatar, softly, at the angle the player chose. */
import { Vector3, type PerspectiveCamera } from 'three'
import { Transform } from '../sim/components.ts'

const DISTANCE_M = 11
/** Share of the way that is left after a second: the follow is smooth at any frame rate. */
const LAG_PER_SECOND = 0.0004

export interface Follow {
  readonly focus: Vector3
  update(camera: PerspectiveCamera, eid: number, yaw: number, pitch: number, deltaSeconds: number): void
}

export function createFollow(): Follow {
  const focus = new Vector3(0, 1, 0)
  const wanted = new Vector3()
  let started = false
  return {
    focus,
    update(camera, eid, yaw, pitch, deltaSeconds) {
      const { translation } = Transform
      wanted.set(translation.x[eid]!, translation.y[eid]! + 0.8, translation.z[eid]!)
      focus.lerp(wanted, started ? 1 - LAG_PER_SECOND ** deltaSeconds : 1)
      started = true
      const flat = Math.cos(pitch) * DISTANCE_M
      camera.position.set(
        focus.x + Math.sin(yaw) * flat,
        focus.y + Math.sin(pitch) * DISTANCE_M,
        focus.z + Math.cos(yaw) * flat,
      )
      camera.lookAt(focus)
    },
  }
}
