/**
 * When to stand: who hears no host, is next in line, and has a place from which to host.
 *
 * Place in the house: `silence` says what members hear, this file decides, `candidacy` is the attempt, and
 * `taking-over` its success. Invariant: nobody stands on its own silence alone. Rules HM4, HM5 and HM7 in
 * docs/behavior.md.
 */
import { stand, tickCandidacy } from './candidacy.ts'
import { countsAsVoter, currentRoster, hasPromised, isFree, isPlaced, rankOf, silenceMs } from './council.ts'
import type { HostMachine } from './machine.ts'
import { successionOf } from './quorum.ts'
import { considerReporting, hasHeir, hasReported, isSuspected } from './silence.ts'
import { ABSENT_STAGGER_MS, ATTEMPT_MS, GIVEN_UP_LEASES, LONG_SILENCE_MS, STAGGER_MS } from './timing.ts'
import { stepDown } from './votes.ts'

export function tickElection(machine: HostMachine): void {
  const { candidacy, nowMs } = machine
  if (candidacy !== undefined) return tickCandidacy(machine, candidacy)
  // A host that fetched a log in which it has no place waits for another, as all do.
  if (machine.role === 'host' && !isPlaced(machine)) stepDown(machine)
  if (machine.role === 'host') {
    if (mustWinAgain(machine) && nowMs >= machine.retryMs && !isBound(machine)) stand(machine)
  } else {
    considerReporting(machine)
    considerStanding(machine)
  }
}

/** HM3: what this member promised to another holds for itself as well. */
function isBound(machine: HostMachine): boolean {
  return hasPromised(machine) && machine.nowMs - machine.grantedMs < machine.leaseMs
}

/** HM7: a host that handed over in vain, hears of a later term, or is given up, acts again only under a new one. */
function mustWinAgain(machine: HostMachine): boolean {
  const { reign, nowMs, leaseMs } = machine
  if (reign?.releasing !== undefined && nowMs - reign.releasing.sinceMs >= ATTEMPT_MS + 2 * leaseMs) {
    reign.releasing = undefined
    reign.isBurned = true
    machine.release = undefined
  }
  if (reign?.isBurned === true) return true
  return reign?.releasing === undefined && (machine.highest > machine.term || isGivenUp(machine))
}

/**
 * Voters that have waited in vain for its quorum ack it no more: only by a vote does it get them back. Who else may host
 * goes first: it may reach whom this one does not.
 */
function isGivenUp(machine: HostMachine): boolean {
  const limitMs = hasHeir(machine) ? LONG_SILENCE_MS : GIVEN_UP_LEASES * machine.leaseMs
  return silenceMs(machine) >= limitMs && isSuspected(machine)
}

function considerStanding(machine: HostMachine): void {
  const { nowMs, release } = machine
  const isReleased = release === 0 || release === machine.self
  const isSilent = isFree(machine)
  // A learner asks as well: the answer may be that the room goes on without it.
  if (!countsAsVoter(machine, machine.self)) return
  if (!isReleased && !(isSilent && isSuspected(machine))) {
    machine.preVoteMs = undefined
    return
  }
  // The roster may say that it may not host because nobody has heard yet that it does: it goes last.
  const lastRank = successionOf(currentRoster(machine), machine.host).length
  const rank = release === machine.self ? 0 : Math.min(rankOf(machine, machine.self), lastRank)
  machine.preVoteMs ??= isReleased ? machine.releaseMs : nowMs
  if (!machine.canHost || !isPlaced(machine)) return
  if (nowMs >= machine.preVoteMs + staggerMs(machine, rank, isReleased) && nowMs >= machine.retryMs) stand(machine)
}

/**
 * HM4: one that says that it hears no host will stand; another is gone as well, most likely. Where the host let go nobody
 * has to say so.
 */
function staggerMs(machine: HostMachine, rank: number, isReleased: boolean): number {
  if (isReleased) return rank * STAGGER_MS
  let ms = 0
  for (const slot of successionOf(currentRoster(machine), machine.host).slice(0, rank)) {
    ms += hasReported(machine, slot) ? STAGGER_MS : ABSENT_STAGGER_MS
  }
  return ms
}
