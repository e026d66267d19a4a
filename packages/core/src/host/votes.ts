/**
 * The voter: whom it lets host, and what it takes back.
 *
 * Invariant: a vote is a promise to have no other host for a lease. At most one vote per term, but that a
 * candidate who yields may give its own to whom it yields (it can never host that term).
 * Rules HM1 to HM5 in docs/behavior.md.
 */
import { countsAsVoter, hasPromised, isFree, others, rankOf, silenceMs } from './council.ts'
import { isBetter, tailOf } from './log.ts'
import { draw, send, type HostMachine } from './machine.ts'
import { EVERYONE, WITNESS, type Message } from './messages.ts'
import { ATTEMPT_MS, LONG_SILENCE_MS } from './timing.ts'
import { MAX_TERM_LEAP } from './witness-state.ts'

/** True for a term that no run of honest elections can have reached; its sender is counted. */
export function isForged(machine: HostMachine, slot: number, term: number): boolean {
  if (term <= Math.max(machine.promised, machine.highest) + MAX_TERM_LEAP) return false
  machine.breaches.push({ slot, reason: `term ${term} after ${machine.promised}` })
  return true
}

export function takeVoteRequest(machine: HostMachine, from: number, request: Message<'VoteRequest'>): void {
  const { term, candidate } = request
  if (candidate !== from) return void machine.breaches.push({ slot: from, reason: 'a request in another name' })
  if (isForged(machine, from, term)) return
  // By any roster that counts: the newest may never be committed.
  if (!others(machine).includes(from) && !mayKnowNewer(machine, request)) return sendFence(machine, from)
  if (term <= machine.promised) return takeOldRequest(machine, from, term)
  const { candidacy } = machine
  // HM5: the better-ranked candidate goes first.
  if (candidacy !== undefined && mayYield(machine) && rankOf(machine, from) < rankOf(machine, machine.self)) {
    yieldTerm(machine)
  }
  if (mayGrant(machine, from)) grant(machine, from, term)
  else machine.request = { from, term, atMs: machine.nowMs }
}

/** A candidate that no roster here names may know of a newer one: of that this member learns only from a host. */
function mayKnowNewer(machine: HostMachine, { lastTerm: term, length: index }: Message<'VoteRequest'>): boolean {
  return silenceMs(machine) >= LONG_SILENCE_MS && isBetter({ term, index }, tailOf(machine.log))
}

/** A request for the term that was promised last, or for an older one. */
function takeOldRequest(machine: HostMachine, from: number, term: number): void {
  if (term < machine.promised || term <= machine.term) return sendFence(machine, from)
  if (machine.candidate === from) {
    // HM3: asked again, promised again.
    machine.grantedMs = machine.nowMs
    return sendVote(machine)
  }
  const isOwn = machine.candidacy !== undefined && machine.candidate === machine.self && mayYield(machine)
  if (!isOwn || rankOf(machine, from) >= rankOf(machine, machine.self)) return sendFence(machine, from)
  const { before } = machine
  yieldTerm(machine)
  if (machine.role === 'host') giveWay(machine)
  machine.before = before
  // The release it stood by would let it stand again, against its own promise.
  machine.release = undefined
  machine.preVoteMs = undefined
  machine.candidate = from
  machine.grantedMs = machine.nowMs
  sendVote(machine)
}

/** Answers the request that was kept, once it may be. */
export function tickVotes(machine: HostMachine): void {
  const { request } = machine
  if (request === undefined) return
  if (machine.nowMs - request.atMs > ATTEMPT_MS || request.term <= machine.promised) machine.request = undefined
  else if (mayGrant(machine, request.from)) grant(machine, request.from, request.term)
}

/** HM3, for a term above all that was promised. */
function mayGrant(machine: HostMachine, to: number): boolean {
  const { release, candidacy } = machine
  if (release !== undefined && (release === 0 || release === to)) return true
  if (to === machine.host && machine.role === 'follower' && !hasPromised(machine)) return true
  // Who was promised an earlier term, and asks for a later one, has given that one up.
  if (candidacy === undefined && hasPromised(machine) && to === machine.candidate) return true
  return candidacy === undefined && isFree(machine)
}

function grant(machine: HostMachine, to: number, term: number): void {
  promise(machine, to, term)
  machine.candidacy = undefined
  // A host that hands over goes on sending until its successor speaks; any other host is one no more.
  if (machine.role === 'host' && machine.reign?.releasing === undefined) giveWay(machine)
  sendVote(machine)
}

/** A host votes for another: it waits for that one as all do. */
function giveWay(machine: HostMachine): void {
  stepDown(machine)
  machine.heardMs = machine.nowMs
  machine.shownMs = machine.nowMs
}

/** A host that must win again yields once it has not acted for a lease: whoever asks may have reached more. */
function mayYield(machine: HostMachine): boolean {
  return machine.role !== 'host' || silenceMs(machine) >= machine.leaseMs
}

/** A host learns that it is one no more. */
export function stepDown(machine: HostMachine): void {
  machine.role = 'follower'
  machine.reign = undefined
  machine.candidacy = undefined
}

/** Notes a promise in such a way that it can be undone. */
export function promise(machine: HostMachine, to: number, term: number): void {
  machine.before = { candidate: machine.candidate, grantedMs: machine.grantedMs, release: machine.release }
  machine.promised = term
  machine.candidate = to
  machine.grantedMs = machine.nowMs
  machine.release = undefined
  machine.request = undefined
  machine.preVoteMs = undefined
}

/** Everyone hears of it: a new host is believed by the votes for it, not by its own word. */
function sendVote(machine: HostMachine): void {
  const { term: lastTerm, index: length } = tailOf(machine.log)
  const { promised: term, candidate, tick } = machine
  noteEvidence(machine, machine.self, term, candidate)
  const vote = { type: 'Vote', term, candidate, lastTerm, length, commit: machine.log.commit, tick } as const
  send(machine, EVERYONE, vote)
  if (!others(machine).includes(candidate)) send(machine, candidate, vote)
}

export function sendFence(machine: HostMachine, to: number): void {
  send(machine, to, fenceOf(machine))
}

/** Names a host only while it is heard: others would rely on it. */
export function fenceOf(machine: HostMachine): Message<'Fence'> {
  const { promised, term, host, leaseMs } = machine
  return { type: 'Fence', promised, term, host: silenceMs(machine) < leaseMs ? host : 0 }
}

/** HM5: gives up the attempt, and lets everyone who granted it feel free again. */
export function abandon(machine: HostMachine): void {
  const { candidacy } = machine
  if (candidacy === undefined) return
  machine.candidacy = undefined
  undoPromise(machine)
  send(machine, EVERYONE, { type: 'Abandon', term: candidacy.term })
  send(machine, WITNESS, { type: 'Abandon', term: candidacy.term })
}

/** Two that know different rosters may each yield to the other: not twice at the same time. */
function yieldTerm(machine: HostMachine): void {
  abandon(machine)
  machine.retryMs = machine.nowMs + YIELD_SPREAD_MS * draw(machine)
}

const YIELD_SPREAD_MS = 600

export function takeAbandon(machine: HostMachine, from: number, { term }: Message<'Abandon'>): void {
  machine.evidence.get(term)?.delete(from)
  // One that waits to be granted: to grant it now would bind this member to nobody.
  if (machine.request?.from === from && machine.request.term === term) machine.request = undefined
  if (machine.promised === term && machine.candidate === from && term > machine.term) undoPromise(machine)
}

function undoPromise(machine: HostMachine): void {
  const { before } = machine
  // Nobody can host that term any more; it stays promised, so that it is not given twice.
  machine.candidate = 0
  if (before === undefined) return
  machine.grantedMs = before.grantedMs
  machine.release = before.release
  machine.before = undefined
}

/** The host lets somebody take over (rule HM3), or was seen to leave. */
export function takeRelease(machine: HostMachine, to: number): void {
  // HM6: a release that comes after a promise must not undo it.
  if (machine.role === 'host' || hasPromised(machine)) return
  machine.release = to
  machine.releaseMs = machine.nowMs
}

/** Terms of which votes are remembered. */
const EVIDENCE_TERMS = 8

export function noteEvidence(machine: HostMachine, voter: number, term: number, candidate: number): void {
  if (term <= machine.term) return
  const { evidence } = machine
  let votes = evidence.get(term)
  if (votes === undefined) {
    votes = new Map<number, Set<number>>()
    evidence.set(term, votes)
    for (const old of evidence.keys()) if (old <= machine.term) evidence.delete(old)
    if (evidence.size > EVIDENCE_TERMS) evidence.delete(Math.min(...evidence.keys()))
  }
  for (const [other, voters] of votes) if (voters.delete(voter) && voters.size === 0) votes.delete(other)
  const voters = votes.get(candidate)
  if (voters === undefined) votes.set(candidate, new Set([voter]))
  else voters.add(voter)
}

export function isVoterOrWitness(machine: HostMachine, slot: number): boolean {
  return slot === WITNESS || countsAsVoter(machine, slot)
}
