/**
 * The one question asked of every row that arrives: may its sender say so?
 *
 * Invariant: a row that is refused changes nothing but a counter.
 */

export type RowVerdict = 'apply' | 'not-authority' | 'own' | 'old' | 'ahead'

/** A row stamped further ahead than this of our own tick is a lie or a broken clock: half a second at 60 Hz. */
export const MAX_TICKS_AHEAD = 30

/**
 * @param senderIsHost the host relays everybody's rows; anyone else speaks for itself only
 * @param authority slot that simulates the entity, as this peer holds it
 * @param rowTick source tick of the row, u32
 * @param knownTick source tick of what we hold, u32; equal means we have it already
 * @param nowTick this peer's tick, u32
 */
export function judgeRow(
  senderIsHost: boolean,
  senderSlot: number,
  localSlot: number,
  authority: number,
  rowTick: number,
  knownTick: number,
  nowTick: number,
): RowVerdict {
  if (!senderIsHost && authority !== senderSlot) return 'not-authority'
  if (authority === localSlot) return 'own'
  if (!senderIsHost && isFarAhead(rowTick, nowTick)) return 'ahead'
  if (((rowTick - knownTick) | 0) <= 0) return 'old'
  return 'apply'
}

/** Would taking this tick freeze the entity until the clock has caught up? */
export function isFarAhead(tick: number, nowTick: number): boolean {
  return ((tick - nowTick) | 0) > MAX_TICKS_AHEAD
}
