/**
 * Room for the frame spine to work in, kept from frame to frame so that showing allocates nothing.
 *
 * Invariant: means nothing between two calls of `present`.
 */
import type { PresentOptions } from './interpolation/interpolate.ts'

/** What is worked with while a frame is shown, used again for the next one. */
export interface Presenting {
  frame: number
  nowTick: number
  readonly options: { -readonly [Key in keyof PresentOptions]: PresentOptions[Key] }
}

export function createPresenting(): Presenting {
  const options = {
    elapsedTicks: 0,
    silentSinceTick: undefined,
    heardTick: undefined,
    maxExtrapolationTicks: 0,
    resolve: undefined,
  }
  return { frame: 0, nowTick: 0, options }
}
