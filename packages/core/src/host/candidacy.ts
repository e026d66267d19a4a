/**
 * The candidate's attempt: whom to ask, how long to wait, and whose log to fetch.
 *
 * Invariant: whoever wins holds every entry that was committed: it takes the best log among the votes. Rules HM5, HM6
 * and HM12 in docs/behavior.md.
 */
import type { HostChangeReason } from '../network-types.ts'
import { agrees, isPlaced, needsWitness, others } from './council.ts'
import { isBetter, tailOf, type Tail } from './log.ts'
import { draw, now, send, type Candidacy, type HostMachine } from './machine.ts'
import { EVERYONE, WITNESS, type Message } from './messages.ts'
import { hasHeir } from './silence.ts'
import { win } from './taking-over.ts'
import { ATTEMPT_MS, REPEAT_MS, RETRY_MS, URGENT_REPEAT_MS } from './timing.ts'
import { abandon, isForged, isVoterOrWitness, noteEvidence, promise } from './votes.ts'

/** Two of the longest round trips that are played over, and a log of some length. */
const FETCH_MS = 1_500
/** Three of the longest round trips that are played over: for the votes of all that the lobby let go on. */
const FORK_WAIT_MS = 1_000
const RETRY_SPREAD_MS = 600
/** The same for a host that is given up, where another may take over that it keeps from it by asking. */
const HEIR_MS = 3_000

export function stand(machine: HostMachine): void {
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

/** Once per step, while this member stands. */
export function tickCandidacy(machine: HostMachine, candidacy: Candidacy): void {
  const { nowMs } = machine
  if (nowMs - candidacy.startedMs >= attemptMs(machine, candidacy)) giveUp(machine)
  else if (nowMs - candidacy.sentMs >= URGENT_REPEAT_MS) ask(machine, candidacy)
}

/**
 * Who has not heard of a release agrees only when its lease has run out: that is worth waiting for. So is the
 * better log, once a quorum agrees: the next attempt would have to fetch it again.
 */
function attemptMs({ leaseMs }: HostMachine, { reason, fetched }: Candidacy): number {
  if (fetched !== undefined || reason === 'fork') return FETCH_MS
  return reason === 'left' || reason === 'handed-over' ? Math.max(ATTEMPT_MS, leaseMs + 2 * REPEAT_MS) : ATTEMPT_MS
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
  // A release that did not make it host is used up: others that were named before or after could go on asking in turn,
  // and keep the one that reaches a quorum from standing.
  machine.release = undefined
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
