/**
 * A recorded scene as a workload.
 *
 * Invariant: a body counts as moved when a bit of its pose differs from the tick before, as an engine that
 * knows what sleeps would say it. After its last tick a scene starts over.
 */
import { POSE_SIZE, type Trajectory } from '../scenes/trajectory.ts'
import { createWorkloadBase, type Workload } from './workload.ts'

export function createReplay(name: string, trajectory: Trajectory): Workload {
  const { count, ticks, poses: recorded } = trajectory
  const workload: Workload = { ...createWorkloadBase(name, count, count), step }
  const { poses, moved, spawned } = workload
  poses.set(recorded.subarray(0, count * POSE_SIZE))
  let tick = 0

  function step(): void {
    tick = (tick + 1) % ticks
    spawned.length = 0
    workload.movedCount = 0
    for (let body = 0; body < count; body += 1) {
      if (!take(body)) continue
      moved[workload.movedCount] = body
      workload.movedCount += 1
    }
  }

  function take(body: number): boolean {
    const from = (tick * count + body) * POSE_SIZE
    const to = body * POSE_SIZE
    let isMoved = false
    for (let at = 0; at < POSE_SIZE; at += 1) {
      if (poses[to + at] === recorded[from + at]) continue
      poses[to + at] = recorded[from + at]!
      isMoved = true
    }
    return isMoved
  }
  return workload
}
