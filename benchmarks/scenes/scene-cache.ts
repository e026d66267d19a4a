/**
 * Recorded scenes on disk, under the ignored folder `.cache/scenes` of the repository.
 *
 * Invariant: a file that is missing or unreadable is recorded anew; nothing but time depends on the cache.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recordScene, type SceneName } from './scenes.ts'
import { readTrajectory, writeTrajectory, type Trajectory } from './trajectory.ts'

/** Raise it with every change of what a scene is: older files are then not found. */
const RECORDER_VERSION = 2

const FOLDER = fileURLToPath(new URL('../../.cache/scenes', import.meta.url))

export function scenePath(name: SceneName, seed: number, seconds: number): string {
  return join(FOLDER, `${name}-${seed}-${seconds}s-v${RECORDER_VERSION}.scene`)
}

export function saveScene(path: string, trajectory: Trajectory): void {
  mkdirSync(dirname(path), { recursive: true })
  // Whole or not at all, also when two runs write the same scene.
  const part = `${path}.${process.pid}.part`
  writeFileSync(part, writeTrajectory(trajectory))
  renameSync(part, path)
}

/** The scene from the cache, or recorded and cached. */
export async function loadScene(name: SceneName, seed: number, seconds: number): Promise<Trajectory> {
  const path = scenePath(name, seed, seconds)
  if (existsSync(path)) {
    try {
      return readTrajectory(readFileSync(path))
    } catch {
      // Cut short by an earlier run that was ended: recorded below.
    }
  }
  const trajectory = await recordScene(name, seed, seconds)
  saveScene(path, trajectory)
  return trajectory
}
