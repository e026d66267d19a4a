/**
 * From candidate to host: what a quorum of votes makes of a member.
 *
 * Invariant: a reign begins with a roster of its own term, on top of all that was committed before. Rule HM6 in
 * docs/behavior.md.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import type { HostChangeReason } from '../network-types.ts'
import { currentRoster } from './council.ts'
import { lengthOf } from './log.ts'
import type { Candidacy, HostMachine } from './machine.ts'
import { WITNESS } from './messages.ts'
import { MAX_FORMER } from './quorum.ts'
import { beginReign, commit, createReign } from './reign.ts'
import { RETRY_MS } from './timing.ts'

/** A voter that is minutes ahead is wrong, or lies. */
const MAX_TICK_LEAP = 36_000

function isSomeAhead(tick: number, own: number): boolean {
  const ahead = (tick - own) | 0
  return ahead > 0 && ahead <= MAX_TICK_LEAP
}

/** HM6: with the votes of a quorum, and the best log among them. */
export function win(machine: HostMachine): void {
  const { candidacy, host, log, self, nowMs } = machine
  const { term, reason, grants, started } = candidacy!
  const isAgain = host === self
  const wasHost = machine.role === 'host'
  const gapMs = nowMs - machine.shownMs
  const roster = rosterOfNewReign(machine, isAgain, reason)
  for (const { tick } of grants.values()) if (isSomeAhead(tick, machine.tick)) machine.tick = tick
  commitKnown(machine, grants)
  const reign = createReign(nowMs)
  for (const slot of grants.keys()) if (slot !== self) reign.acked.set(slot, started)
  for (const [slot, grant] of grants) {
    // After a fork a voter may have committed something else: it says first what.
    const isSame = machine.generation === 0 && grant.commit >= log.base && grant.commit <= lengthOf(log)
    if (slot !== WITNESS && slot !== self && isSame) reign.next.set(slot, grant.commit + 1)
  }
  machine.candidacy = undefined
  machine.term = term
  machine.host = self
  machine.role = 'host'
  machine.before = undefined
  machine.release = undefined
  machine.claim = undefined
  machine.preVoteMs = undefined
  machine.reign = reign
  machine.reports.clear()
  machine.retryMs = nowMs + RETRY_MS
  // One that gave its reign up for a candidate, and has it back, was none in between.
  const turned = !isAgain || reason === 'fork' ? reason : wasHost ? undefined : 'returned'
  if (turned !== undefined) machine.turns.push({ slot: self, term, reason: turned, gapMs })
  beginReign(machine, roster)
}

/**
 * What a voter knows to be committed is in the best log. Who won without knowing it would count by rosters that are long
 * superseded. After a fork it may be of another log.
 */
function commitKnown(machine: HostMachine, grants: Candidacy['grants']): void {
  if (machine.generation !== 0) return
  let index = machine.log.commit
  for (const [slot, grant] of grants) if (slot !== WITNESS) index = Math.max(index, grant.commit)
  if (index > machine.log.commit) commit(machine, Math.min(index, lengthOf(machine.log)))
}

/** The same members under a new first one. A host that fell silent or left is out; one that handed over comes last. */
function rosterOfNewReign(machine: HostMachine, isAgain: boolean, reason: HostChangeReason): RosterBody {
  const roster = currentRoster(machine)
  if (isAgain) return { ...roster, tick: machine.tick }
  const { self, host } = machine
  const own = roster.members.find((member) => member.slot === self)!
  const old = roster.members.find((member) => member.slot === host)
  const rest = roster.members.filter((member) => member !== own && member !== old)
  const isKept = old !== undefined && reason === 'handed-over'
  const kept = isKept ? [old] : []
  const members = [own, ...rest.filter((member) => member.voter), ...kept, ...rest.filter((member) => !member.voter)]
  const former = old !== undefined && !isKept ? [old, ...roster.former] : roster.former
  return { nextSlot: roster.nextSlot, members, former: former.slice(0, MAX_FORMER), tick: machine.tick }
}
