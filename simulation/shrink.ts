/**
 * From a schedule that fails to a small one that fails the same way.
 *
 * Invariant: every step is kept only if the run still breaks the same invariant, so what comes out is a real failure.
 */
import type { Fault, Schedule, Who } from './schedule.ts'

/** Whether a schedule still fails as the first one did. */
export type StillFails = (schedule: Schedule) => boolean

/** @param limit runs that may be spent */
export function shrinkSchedule(schedule: Schedule, stillFails: StillFails, limit = 400): Schedule {
  let best = schedule
  let left = limit
  const attempt = (candidate: Schedule): boolean => {
    if (left <= 0) return false
    left--
    if (!stillFails(candidate)) return false
    best = candidate
    return true
  }
  while (attempt(halved(best))) {
    // Half as long, as often as that goes.
  }
  for (let number = best.peers.length - 1; number >= 0 && best.peers.length > 1; number--) {
    attempt(withoutPeer(best, number))
  }
  for (const kind of new Set(best.faults.map((fault) => fault.kind))) {
    attempt({ ...best, faults: best.faults.filter((fault) => fault.kind !== kind) })
  }
  attempt({ ...best, conditions: {} })
  attempt({ ...best, outcast: undefined })
  attempt({ ...best, game: { ...best.game, actEveryMs: 0 } })
  best = minimize(best, attempt, () => best)
  attempt(halved(best))
  return best
}

function halved(schedule: Schedule): Schedule {
  const faultMs = Math.floor(schedule.faultMs / 2)
  return { ...schedule, faultMs, faults: schedule.faults.filter((fault) => fault.atMs < faultMs) }
}

/** Delta debugging (Zeller, ddmin) over the list of faults. */
function minimize(schedule: Schedule, attempt: StillFails, current: () => Schedule): Schedule {
  let parts = 2
  while (current().faults.length > 0) {
    const { faults } = current()
    const size = Math.ceil(faults.length / parts)
    let hasShrunk = false
    for (let start = 0; start < faults.length; start += size) {
      const rest = [...faults.slice(0, start), ...faults.slice(start + size)]
      if (!attempt({ ...current(), faults: rest })) continue
      hasShrunk = true
      break
    }
    if (hasShrunk) parts = Math.max(2, parts - 1)
    else if (size === 1) break
    else parts = Math.min(faults.length, parts * 2)
  }
  return schedule === current() ? schedule : current()
}

/** Numbers above it move down by one; faults that named it go. */
export function withoutPeer(schedule: Schedule, number: number): Schedule {
  const moved = (who: Who): Who | undefined => {
    if (typeof who !== 'number' || who < number) return who
    return who === number ? undefined : who - 1
  }
  const faults = schedule.faults.flatMap((fault): Fault[] => {
    switch (fault.kind) {
      case 'cut':
      case 'clog': {
        const [from, to] = [moved(fault.from), moved(fault.to)]
        return from === undefined || to === undefined ? [] : [{ ...fault, from, to }]
      }
      case 'partition':
        return [{ ...fault, side: fault.side.map(moved).filter((who) => who !== undefined) }]
      case 'handOver': {
        const to = moved(fault.to)
        return to === undefined ? [] : [{ ...fault, to }]
      }
      case 'weather':
      case 'lobbyRestart':
        return [fault]
      default: {
        const who = moved(fault.who)
        return who === undefined ? [] : [{ ...fault, who }]
      }
    }
  })
  const outcast = schedule.outcast === undefined ? undefined : moved(schedule.outcast)
  return {
    ...schedule,
    peers: schedule.peers.filter((_, index) => index !== number),
    faults,
    outcast: typeof outcast === 'number' ? outcast : undefined,
  }
}
