/**
 * The candidate: when to stand, whom to ask, what to do with a quorum.
 *
 * Invariant: nobody stands on its own silence alone, and whoever wins holds every entry that was
 * committed: it takes the best log among the votes. Rules HM4 to HM6 in docs/behavior.md.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import {
  agrees,
  countsAsVoter,
  currentRoster,
  hasPromised,
  isFree,
  needsWitness,
  others,
  rankOf,
  silenceMs,
} from './council.ts'
import { isBetter, lengthOf, tailOf, type Tail } from './log.ts'
import {
  ABSENT_STAGGER_MS,
  ATTEMPT_MS,
  draw,
  EVERYONE,
  GIVEN_UP_LEASES,
  LONG_SILENCE_MS,
  now,
  REPEAT_MS,
  send,
  STAGGER_MS,
  URGENT_REPEAT_MS,
  WITNESS,
  type Candidacy,
  type HostMachine,
  type Message,
} from './machine.ts'
import { MAX_FORMER, successionOf } from './quorum.ts'
import { beginReign, commit, createReign } from './reign.ts'
import { abandon, isForged, noteEvidence, promise, isVoterOrWitness, sendFence, stepDown } from './votes.ts'
import type { HostChangeReason } from '../network-types.ts'

/** A report is repeated three times before it counts as old. */
const REPORT_MS = 3.5 * URGENT_REPEAT_MS
/** Silence is reported after this share of the lease at the earliest, and after so many times what is usual of late. */
const SOONEST_REPORT = 0.5
const UNUSUAL = 3
const RETRY_MS = 500
/** Two of the longest round trips that are played over, and a log of some length. */
const FETCH_MS = 1_500
/** Three of the longest round trips that are played over: for the votes of all that the lobby let go on. */
const FORK_WAIT_MS = 1_000
const RETRY_SPREAD_MS = 600
/** The same for a host that is given up, where another may take over that it keeps from it by asking. */
const HEIR_MS = 3_000

export function tickElection(machine: HostMachine): void {
  const { candidacy, nowMs } = machine
  if (candidacy !== undefined) {
    if (nowMs - candidacy.startedMs >= attemptMs(machine, candidacy)) giveUp(machine)
    else if (nowMs - candidacy.sentMs >= URGENT_REPEAT_MS) ask(machine, candidacy)
    return
  }
  // A host that fetched a log in which it has no place waits for another, as all do.
  if (machine.role === 'host' && !isPlaced(machine)) stepDown(machine)
  if (machine.role === 'host') {
    if (mustWinAgain(machine) && nowMs >= machine.retryMs && !isBound(machine)) stand(machine)
  } else considerStanding(machine)
}

/**
 * Who has not heard of a release agrees only when its lease has run out: that is worth waiting for. So is the
 * better log, once a quorum agrees: the next attempt would have to fetch it again.
 */
function attemptMs({ leaseMs }: HostMachine, { reason, fetched }: Candidacy): number {
  if (fetched !== undefined || reason === 'fork') return FETCH_MS
  return reason === 'left' || reason === 'handed-over' ? Math.max(ATTEMPT_MS, leaseMs + 2 * REPEAT_MS) : ATTEMPT_MS
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

/** Host: another that may host says that it hears none. */
function hasHeir(machine: HostMachine): boolean {
  const slots = successionOf(currentRoster(machine), machine.self)
  return machine.role === 'host' && slots.some((slot) => slot !== machine.self && hasReported(machine, slot))
}

function report(machine: HostMachine, to: number): void {
  const promised = Math.max(machine.promised, machine.highest)
  send(machine, to, { type: 'Suspect', promised, commit: machine.log.commit })
}

/** HM5: whom the newest roster leaves out, or gives no vote, has no place from which to host. */
function isPlaced(machine: HostMachine): boolean {
  return currentRoster(machine).members.some(({ slot, voter }) => slot === machine.self && voter)
}

function considerStanding(machine: HostMachine): void {
  const { nowMs, release } = machine
  const isReleased = release === 0 || release === machine.self
  const isSilent = isFree(machine)
  if (isWorried(machine) && nowMs - machine.reportedMs >= URGENT_REPEAT_MS) {
    machine.reportedMs = nowMs
    report(machine, EVERYONE)
    // It has nothing to say to that. But that it could be told shows that it is back.
    if (needsWitness(machine) && !machine.hasWitness) report(machine, WITNESS)
  }
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
 * HM4: after how much silence this member says that it hears no host. It only says so: nobody is free to vote before a
 * lease is over. So it may be earlier than that where silence is rare, and the reports are there when the lease is over.
 */
export function patienceMs({ leaseMs, worstGapMs }: HostMachine): number {
  return Math.min(leaseMs, Math.max(SOONEST_REPORT * leaseMs, UNUSUAL * worstGapMs))
}

function isWorried(machine: HostMachine): boolean {
  return silenceMs(machine) >= patienceMs(machine) && machine.nowMs - machine.grantedMs >= machine.leaseMs
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

function hasReported({ reports, nowMs }: HostMachine, slot: number): boolean {
  return nowMs - (reports.get(slot) ?? -Infinity) < REPORT_MS
}

/** HM4: a quorum says that it hears no host. The lobby hears one only when asked: where it is there, it is no hindrance. */
export function isSuspected(machine: HostMachine): boolean {
  return agrees(machine, (slot) => slot === machine.self || hasReported(machine, slot), machine.hasWitness)
}

/** @param term the sender's, as the envelope says */
export function takeSuspect(machine: HostMachine, from: number, term: number, suspect: Message<'Suspect'>): void {
  const { promised } = suspect
  if (isForged(machine, from, promised)) return
  // It does not know yet who hosts by now: it is told whom to ask.
  if (machine.term > term) sendFence(machine, from)
  // HM20: no roster here names it, so that it has not heard yet what this member lacks.
  const isStranger = !others(machine).includes(from)
  if (isStranger && suspect.commit > machine.log.commit && isWorried(machine)) report(machine, from)
  if (!countsAsVoter(machine, from)) return
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
    learners: new Map(),
    fetchedTo: 0,
    fetchMs: -Infinity,
  }
  ask(machine, machine.candidacy)
}

function ask(machine: HostMachine, candidacy: Candidacy): void {
  const { log, self } = machine
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
  // What the lobby has seen nobody that answered holds: another may reach a quorum that needs no lobby.
  const inVainMs = lacksWitnessed(machine) ? HEIR_MS : 0
  abandon(machine)
  const spreadMs = hasHeir(machine) ? HEIR_MS : RETRY_SPREAD_MS
  machine.retryMs = machine.nowMs + RETRY_MS + inVainMs + spreadMs * draw(machine)
}

export function takeVote(machine: HostMachine, from: number, vote: Message<'Vote'>): void {
  if (isForged(machine, from, vote.term)) return
  const counts = isVoterOrWitness(machine, from)
  if (counts) {
    noteEvidence(machine, from, vote.term, vote.candidate)
    machine.highest = Math.max(machine.highest, vote.term)
  }
  const { candidacy } = machine
  if (candidacy === undefined || vote.candidate !== machine.self || vote.term !== candidacy.term) return
  const { lastTerm: term, length: index, commit, tick } = vote
  if (counts) candidacy.grants.set(from, { term, index, commit, tick })
  else if (others(machine).includes(from)) candidacy.learners.set(from, { term, index })
  tryWin(machine)
}

interface Holder {
  readonly slot: number
  readonly tail: Tail
}

/** Whoever has the best log by what its vote says. */
function bestOf(tails: ReadonlyMap<number, Tail>, known: Holder): Holder {
  let best = known
  for (const [slot, tail] of tails) if (slot !== WITNESS && isBetter(tail, best.tail)) best = { slot, tail }
  return best
}

function lacksWitnessed({ candidacy, log, self }: HostMachine): boolean {
  const witnessed = candidacy?.grants.get(WITNESS)
  if (candidacy === undefined || witnessed === undefined) return false
  return isBetter(witnessed, bestOf(candidacy.grants, { slot: self, tail: tailOf(log) }).tail)
}

/** With a quorum: fetches the best log, if that is another's, then takes over. */
export function tryWin(machine: HostMachine): void {
  const { candidacy, log } = machine
  if (candidacy === undefined) return
  const { grants, learners } = candidacy
  if (!agrees(machine, (slot) => grants.has(slot), grants.has(WITNESS))) return
  if (isEarlyInFork(machine, candidacy)) return
  let best = bestOf(grants, { slot: machine.self, tail: tailOf(log) })
  // The lobby remembers how far a log went that it helped to commit, but not what was in it. Voters that are
  // a quorum without it include one that knows; else a learner may.
  const witnessed = grants.get(WITNESS)
  const needsIt = witnessed !== undefined && !agrees(machine, (slot) => grants.has(slot), false)
  if (needsIt && isBetter(witnessed, best.tail)) best = bestOf(learners, best)
  if (needsIt && isBetter(witnessed, best.tail)) return
  // The log that it fetched may have left it out.
  if (!isPlaced(machine)) return abandon(machine)
  const holder = best.slot
  if (holder === machine.self) return win(machine)
  if (machine.nowMs - candidacy.fetchMs < REPEAT_MS) return
  candidacy.fetchMs = machine.nowMs
  if (candidacy.fetched !== holder) candidacy.fetchedTo = log.commit
  candidacy.fetched = holder
  send(machine, holder, { type: 'FetchLog', from: log.commit + 1 })
}

/**
 * A quorum of a fork may know less of the room before than one that is left and has not voted yet: the fork begins with
 * the best log of all that go on, where they can be asked in time.
 */
function isEarlyInFork({ forked, nowMs, self }: HostMachine, { grants, startedMs }: Candidacy): boolean {
  if (forked === undefined || nowMs - startedMs >= FORK_WAIT_MS) return false
  return forked.members.some(({ slot, voter }) => voter && slot !== self && !grants.has(slot))
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
  const gapMs = nowMs - machine.shownMs
  const roster = rosterOfNewReign(machine, isAgain, reason)
  for (const { tick } of grants.values()) if (isSomeAhead(tick, machine.tick)) machine.tick = tick
  const reign = createReign(nowMs)
  for (const slot of grants.keys()) if (slot !== self) reign.acked.set(slot, started)
  for (const [slot, grant] of grants) {
    // After a fork a voter may have committed something else: it says first what.
    const isSame = machine.forked === undefined && grant.commit >= log.base && grant.commit <= lengthOf(log)
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
  commitKnown(machine, grants)
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
  if (machine.forked !== undefined) return
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
