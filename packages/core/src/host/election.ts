/**
 * The candidate: when to stand, whom to ask, what to do with a quorum.
 *
 * Invariant: nobody stands on its own silence alone, and whoever wins holds every entry that was
 * committed: it takes the best log among the votes. Rules HM4 to HM6 in docs/behavior.md.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import { agrees, countsAsVoter, currentRoster, hasPromised, isFree, needsWitness, rankOf } from './council.ts'
import { isBetter, lengthOf, tailOf, type Tail } from './log.ts'
import {
  ATTEMPT_MS,
  draw,
  EVERYONE,
  now,
  REPEAT_MS,
  send,
  STAGGER_MS,
  WITNESS,
  type Candidacy,
  type HostMachine,
  type HostMessage,
} from './machine.ts'
import { beginReign, createReign } from './reign.ts'
import { abandon, isForged, noteEvidence, promise, isVoterOrWitness } from './votes.ts'
import type { HostChangeReason } from '../network-types.ts'

type Message<Type extends HostMessage['type']> = Extract<HostMessage, { type: Type }>

/** A report is repeated three times before it counts as old. */
const REPORT_MS = 3.5 * REPEAT_MS
const RETRY_MS = 500
/** Two of the longest round trips that are played over, and a log of some length. */
const FETCH_MS = 1_500
const RETRY_SPREAD_MS = 600
/** Who left of late, and may come back to its slot. */
const MAX_FORMER = 16

export function tickElection(machine: HostMachine): void {
  const { candidacy, nowMs } = machine
  if (candidacy !== undefined) {
    if (nowMs - candidacy.startedMs >= attemptMs(machine, candidacy)) giveUp(machine)
    else if (nowMs - candidacy.sentMs >= REPEAT_MS) ask(machine)
    return
  }
  if (machine.role === 'host') {
    if (mustWinAgain(machine) && nowMs >= machine.retryMs && !isBound(machine)) stand(machine)
  } else considerStanding(machine)
}

/**
 * Who has not heard of a release agrees only when its lease has run out: that is worth waiting for. So is the
 * better log, once a quorum agrees: the next attempt would have to fetch it again.
 */
function attemptMs({ leaseMs }: HostMachine, { reason, fetched }: Candidacy): number {
  if (fetched !== undefined) return FETCH_MS
  return reason === 'left' || reason === 'handed-over' ? Math.max(ATTEMPT_MS, leaseMs + 2 * REPEAT_MS) : ATTEMPT_MS
}

/** HM3: what this member promised to another holds for itself as well. */
function isBound(machine: HostMachine): boolean {
  return hasPromised(machine) && machine.nowMs - machine.grantedMs < machine.leaseMs
}

/** HM7: a host that handed over in vain, or hears of a later term, acts again only under a new one. */
function mustWinAgain(machine: HostMachine): boolean {
  const { reign, nowMs, leaseMs } = machine
  if (reign?.releasing !== undefined && nowMs - reign.releasing.sinceMs >= ATTEMPT_MS + 2 * leaseMs) {
    reign.releasing = undefined
    reign.isBurned = true
    machine.release = undefined
  }
  return reign?.isBurned === true || (reign?.releasing === undefined && machine.highest > machine.term)
}

function considerStanding(machine: HostMachine): void {
  const { nowMs, release } = machine
  const isReleased = release === 0 || release === machine.self
  const isSilent = isFree(machine)
  if (isSilent && nowMs - machine.reportedMs >= REPEAT_MS) {
    machine.reportedMs = nowMs
    send(machine, EVERYONE, { type: 'Suspect', promised: Math.max(machine.promised, machine.highest) })
  }
  // A learner asks as well: the answer may be that the room goes on without it.
  if (!countsAsVoter(machine, machine.self)) return
  if (!isReleased && !(isSilent && isSuspected(machine))) {
    machine.preVoteMs = undefined
    return
  }
  const rank = release === machine.self ? 0 : rankOf(machine, machine.self)
  machine.preVoteMs ??= isReleased ? machine.releaseMs : nowMs
  if (!machine.canHost || rank === Infinity) return
  if (nowMs >= machine.preVoteMs + rank * STAGGER_MS && nowMs >= machine.retryMs) stand(machine)
}

/** HM4: a quorum says that it hears no host. The lobby hears one only when asked, so it is no hindrance. */
export function isSuspected(machine: HostMachine): boolean {
  const { reports, nowMs, self } = machine
  return agrees(machine, (slot) => slot === self || nowMs - (reports.get(slot) ?? -Infinity) < REPORT_MS, true)
}

export function takeSuspect(machine: HostMachine, from: number, { promised }: Message<'Suspect'>): void {
  if (isForged(machine, from, promised) || !countsAsVoter(machine, from)) return
  machine.highest = Math.max(machine.highest, promised)
  machine.reports.set(from, machine.nowMs)
}

function stand(machine: HostMachine): void {
  const { log, release } = machine
  const term = Math.max(machine.promised, machine.highest, machine.term) + 1
  const reason: HostChangeReason =
    machine.forked !== undefined ? 'fork' : release === machine.self ? 'handed-over' : release === 0 ? 'left' : 'lost'
  promise(machine, machine.self, term)
  const own = { ...tailOf(log), commit: log.commit, tick: machine.tick }
  machine.candidacy = {
    term,
    reason,
    startedMs: machine.nowMs,
    started: now(machine),
    sentMs: -Infinity,
    grants: new Map([[machine.self, own]]),
    fetchedTo: 0,
    fetchMs: -Infinity,
  }
  ask(machine)
  tryWin(machine)
}

function ask(machine: HostMachine): void {
  const { candidacy, log, self } = machine
  if (candidacy === undefined) return
  candidacy.sentMs = machine.nowMs
  const { term: lastTerm, index: length } = tailOf(log)
  const request = {
    type: 'VoteRequest',
    term: candidacy.term,
    candidate: self,
    lastTerm,
    length,
    commit: log.commit,
    leaseMs: machine.leaseMs,
  } as const
  send(machine, EVERYONE, request)
  if (needsWitness(machine)) send(machine, WITNESS, request)
  tryWin(machine)
}

function giveUp(machine: HostMachine): void {
  abandon(machine)
  machine.retryMs = machine.nowMs + RETRY_MS + RETRY_SPREAD_MS * draw(machine)
}

export function takeVote(machine: HostMachine, from: number, vote: Message<'Vote'>): void {
  if (!isVoterOrWitness(machine, from) || isForged(machine, from, vote.term)) return
  noteEvidence(machine, from, vote.term, vote.candidate)
  machine.highest = Math.max(machine.highest, vote.term)
  const { candidacy } = machine
  if (candidacy === undefined || vote.candidate !== machine.self || vote.term !== candidacy.term) return
  const { lastTerm: term, length: index, commit, tick } = vote
  candidacy.grants.set(from, { term, index, commit, tick })
  tryWin(machine)
}

/** With a quorum: fetches the best log, if that is another's, then takes over. */
export function tryWin(machine: HostMachine): void {
  const { candidacy, log } = machine
  if (candidacy === undefined) return
  const { grants } = candidacy
  if (!agrees(machine, (slot) => grants.has(slot), grants.has(WITNESS))) return
  let best: Tail = tailOf(log)
  let holder = machine.self
  for (const [slot, tail] of grants) {
    if (slot === WITNESS || !isBetter(tail, best)) continue
    best = tail
    holder = slot
  }
  // The lobby remembers how far a log went that it helped to commit, but not what was in it. Voters that are
  // a quorum without it include one that knows.
  const witnessed = grants.get(WITNESS)
  const needsIt = !agrees(machine, (slot) => grants.has(slot), false)
  if (needsIt && witnessed !== undefined && isBetter(witnessed, best)) return
  // Who was left out by the log that it fetched has no place from which to host.
  if (!currentRoster(machine).members.some((member) => member.slot === machine.self)) return abandon(machine)
  if (holder === machine.self) return win(machine)
  if (machine.nowMs - candidacy.fetchMs < REPEAT_MS) return
  candidacy.fetchMs = machine.nowMs
  if (candidacy.fetched !== holder) candidacy.fetchedTo = log.commit
  candidacy.fetched = holder
  send(machine, holder, { type: 'FetchLog', from: log.commit + 1 })
}

/** A voter that is minutes ahead is wrong, or lies. */
const MAX_TICK_LEAP = 36_000

function isSomeAhead(tick: number, own: number): boolean {
  const ahead = (tick - own) | 0
  return ahead > 0 && ahead <= MAX_TICK_LEAP
}

/** HM6. */
function win(machine: HostMachine): void {
  const { candidacy, host, log, self, nowMs } = machine
  const { term, reason, grants, started } = candidacy!
  const isAgain = host === self
  const wasHost = machine.role === 'host'
  const gapMs = nowMs - machine.heardMs
  const roster = rosterOfNewReign(machine, isAgain, reason)
  for (const { tick } of grants.values()) if (isSomeAhead(tick, machine.tick)) machine.tick = tick
  const reign = createReign(nowMs)
  for (const slot of grants.keys()) if (slot !== self) reign.acked.set(slot, started)
  for (const [slot, grant] of grants) {
    if (slot !== WITNESS && slot !== self && grant.commit >= log.base && grant.commit <= lengthOf(log)) {
      reign.next.set(slot, grant.commit + 1)
    }
  }
  machine.candidacy = undefined
  machine.term = term
  machine.host = self
  machine.role = 'host'
  machine.before = undefined
  machine.release = undefined
  machine.claim = undefined
  machine.preVoteMs = undefined
  machine.hasLeft = false
  machine.reign = reign
  machine.reports.clear()
  machine.retryMs = nowMs + RETRY_MS
  // One that gave its reign up for a candidate, and has it back, was none in between.
  const turned = !isAgain || reason === 'fork' ? reason : wasHost ? undefined : 'returned'
  if (turned !== undefined) machine.turns.push({ slot: self, term, reason: turned, gapMs })
  beginReign(machine, roster)
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
