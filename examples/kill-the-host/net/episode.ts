/**
 * What each player went through since a button was pressed, read from its marks.
 *
 * Invariant: pure, and measured: a moment that did not come is undefined.
 */
import type { NetworkId } from '@baton/replication'
import type { Mark, Player } from './player.ts'

/** Milliseconds count from the press of the button. */
export interface Account {
  readonly name: string
  /** The last snapshot from the host of before. */
  readonly lastHeardMs: number | undefined
  readonly suspectMs: number | undefined
  readonly voteMs: number | undefined
  /** The first snapshot of the next host, or this player's own first as the host. */
  readonly firstHeardMs: number | undefined
  readonly host: string | undefined
  readonly reason: string | undefined
  readonly term: number | undefined
  /** As the network told the game. */
  readonly gapMs: number | undefined
}

export interface Episode {
  readonly title: string
  readonly startMs: number
  readonly host: string
  readonly balls: readonly NetworkId[]
}

export function accountOf({ name, marks }: Player, { startMs, host }: Episode): Account {
  const since = marks.filter(({ nowMs }) => nowMs >= startMs)
  const first = (is: (mark: Mark) => boolean): number | undefined => {
    const found = since.find(is)
    return found && found.nowMs - startMs
  }
  const change = since.find((mark) => mark.kind === 'host')
  const next = change?.host
  const isNext = (mark: Mark): boolean => mark.kind === 'snapshot' && mark.from === next
  const firstHeardMs = next === undefined ? undefined : first(isNext)
  // Whoever had the baton heard nobody, and has no gap.
  const isOld = name === host
  const heard = marks.filter(
    (mark) => mark.kind === 'snapshot' && mark.from === host && mark.nowMs - startMs <= (firstHeardMs ?? Infinity),
  )
  const lastHeardMs = isOld || next === undefined ? undefined : heard.at(-1)?.nowMs
  return {
    name,
    lastHeardMs: lastHeardMs === undefined ? undefined : lastHeardMs - startMs,
    suspectMs: first((mark) => mark.kind === 'state' && mark.state === 'suspect'),
    voteMs: first((mark) => mark.kind === 'vote'),
    firstHeardMs,
    host: next,
    reason: change?.change.reason,
    term: change?.change.term,
    gapMs: isOld ? undefined : change?.change.gapMs,
  }
}

/** How many of the balls of before a player has, and how many more than those. */
export function countBalls(player: Player, { balls }: Episode): { readonly kept: number; readonly extra: number } {
  const now = player.ballIds()
  const kept = balls.filter((id) => now.includes(id)).length
  return { kept, extra: now.length - kept }
}
