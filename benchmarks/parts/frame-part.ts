/**
 * Whole frames of real rooms, networks and replications included.
 *
 * Invariant: allocation is counted in rooms that differ only in how many entities rest.
 */
import { frameTables, measureAllocation, measureRooms, type FrameFigures } from '../run/frame-figures.ts'
import type { Part } from './part.ts'

export interface FrameResult {
  readonly rooms: readonly FrameFigures[]
  readonly resting: readonly FrameFigures[]
}

export const framePart: Part<FrameResult> = {
  name: 'frames',
  measure: (isQuick) => Promise.resolve({ rooms: measureRooms(isQuick), resting: measureAllocation(isQuick) }),
  render: ({ rooms, resting }) => `## Frames of a room\n\n${frameTables(rooms, resting)}`,
}
