/**
 * The seeds of the recorded scenes, and the rule for them.
 *
 * The rule: whoever changes a coder looks at `TUNING_SEEDS` as often as he likes, and at `JUDGING_SEEDS`
 * only through the table that `pnpm bench` prints. A figure that is published comes from judging seeds. A
 * seed never moves from one list to the other; a judging seed that somebody tuned on is struck out and
 * another one takes its place.
 *
 * Invariant: no seed is in both lists.
 */
export const TUNING_SEEDS = [1, 2, 3, 4] as const
export const JUDGING_SEEDS = [901, 902] as const

/** Seconds that are recorded of a scene, unless a caller asks for another length. */
export const SCENE_SECONDS = 20
