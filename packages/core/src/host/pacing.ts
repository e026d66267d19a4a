/**
 * How often the same part of the log is sent to the same member.
 *
 * Invariant: what has moved on is answered soon, what stands still more and more rarely, and never not at all.
 */
import type { Answered, HostMachine } from './machine.ts'

/** Before the same is sent to the same member again; each time twice as long. */
const ANSWER_MS = 100
const MAX_ANSWER_MS = 3_200

/**
 * Whether a member is sent what follows `commit` now. What was sent is on its way: a channel that is slow because
 * it lost something is made slower by more of the same.
 */
export function mayAnswer(
  { nowMs }: HostMachine,
  answered: Map<number, Answered>,
  to: number,
  commit: number,
): boolean {
  const last = answered.get(to)
  const isAgain = last !== undefined && last.commit === commit
  if (last !== undefined && nowMs - last.atMs < (isAgain ? last.gapMs : ANSWER_MS)) return false
  answered.set(to, { commit, atMs: nowMs, gapMs: isAgain ? Math.min(2 * last.gapMs, MAX_ANSWER_MS) : ANSWER_MS })
  return true
}
