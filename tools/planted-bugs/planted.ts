/**
 * The list of bugs that are put into the source, one at a time, to see whether anything notices.
 *
 * Invariant: no two have the same name.
 */
import { BELIEF_BUGS } from './planted-belief-bugs.ts'
import type { PlantedBug } from './planted-bug.ts'
import { HOST_BUGS } from './planted-host-bugs.ts'
import { LOG_BUGS } from './planted-log-bugs.ts'
import { OUTSIDE_BUGS } from './planted-outside-bugs.ts'

export const PLANTED_BUGS: readonly PlantedBug[] = [...HOST_BUGS, ...BELIEF_BUGS, ...LOG_BUGS, ...OUTSIDE_BUGS]
