/** How much picture a machine can afford: sharpness and shadows step down when frames are late, and up when they are not. */
import type { DirectionalLight, WebGLRenderer } from 'three'

interface Level {
  /** Pixels drawn per pixel of the page, at most. */
  readonly pixelRatio: number
  /** Texels of the shadow map's edge. */
  readonly shadowSize: number
  /** Without shadows they are not computed but stay compiled in: switching them costs no stutter. */
  readonly hasShadows: boolean
}

const LEVELS: readonly Level[] = [
  { pixelRatio: 0.5, shadowSize: 512, hasShadows: false },
  { pixelRatio: 0.75, shadowSize: 1024, hasShadows: true },
  { pixelRatio: 1, shadowSize: 2048, hasShadows: true },
  { pixelRatio: 2, shadowSize: 2048, hasShadows: true },
]
/** Frames between two looks at the frame rate. */
const LOOK_FRAMES = 45
const LATE_MS = 24
const EARLY_MS = 17.5
/** One step up that had to be taken back is not tried again. */
const MAX_TRIES = 2

export type QualityWish = 'auto' | 'low' | 'high'

export interface Quality {
  /** `auto` follows the frame rate. */
  wish: QualityWish
  /** The machine is at its limit: what is far off, and round edges, are left out. */
  readonly isRough: boolean
  follow(elapsedMs: number): void
}

export function createQuality(renderer: WebGLRenderer, sun: DirectionalLight, firstWish: QualityWish): Quality {
  let wish = firstWish
  let level = 0
  const tries = LEVELS.map(() => 0)
  let frames = 0
  let sumMs = 0
  const apply = (): void => {
    const { pixelRatio, shadowSize, hasShadows } = LEVELS[level]!
    renderer.setPixelRatio(Math.min(devicePixelRatio, pixelRatio))
    renderer.shadowMap.autoUpdate = hasShadows
    renderer.shadowMap.needsUpdate = true
    sun.shadow.intensity = hasShadows ? 1 : 0
    if (sun.shadow.mapSize.x === shadowSize) return
    sun.shadow.mapSize.set(shadowSize, shadowSize)
    sun.shadow.map?.dispose()
    sun.shadow.map = null
  }
  const begin = (): void => {
    level = wish === 'low' ? 0 : wish === 'high' ? 3 : 2
    apply()
  }
  begin()
  return {
    get wish() {
      return wish
    },
    set wish(next) {
      if (next === wish) return
      wish = next
      begin()
    },
    get isRough() {
      return level === 0
    },
    follow(elapsedMs) {
      // A long pause is a tab that was hidden, not a slow machine.
      if (wish !== 'auto' || elapsedMs > 500) return
      frames += 1
      sumMs += elapsedMs
      if (frames < LOOK_FRAMES) return
      const meanMs = sumMs / frames
      frames = sumMs = 0
      if (meanMs > LATE_MS && level > 0) level -= 1
      else if (meanMs < EARLY_MS && level < LEVELS.length - 1 && tries[level + 1]! < MAX_TRIES)
        tries[(level += 1)]! += 1
      else return
      apply()
    },
  }
}
