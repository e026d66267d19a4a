/**
 * The guest: whom to believe, what to take from the host, when to say so.
 *
 * Invariant: terms never fall here; a host is believed by the votes that others cast on their own
 * channels, and its log replaces only what was never committed. Rules HM1 and HM9 in docs/behavior.md.
 */
import { tryWin } from './candidacy.ts'
import type { LogEntry } from './log-entry.ts'
import { agrees, currentRoster, hasPromised, others, silenceMs } from './council.ts'
import { append, createLog, cutFrom, entryAt, lengthOf, termAt } from './log.ts'
import { send, type Candidacy, type HostMachine } from './machine.ts'
import type { Message } from './messages.ts'
import { commit } from './reign.ts'
import { GIVEN_UP_LEASES, LONG_SILENCE_MS } from './timing.ts'
import { isForged, sendFence } from './votes.ts'

/** Beats that a host must send before it is believed on its own word, by a member that hears no other. */
const CLAIM_BEATS = 3
/** Between two requests for what is missing. */
const ASK_MS = 200

export function takeBeat(machine: HostMachine, from: number, term: number, beat: Message<'Beat'>): void {
  if (isForged(machine, from, term)) return
  if (term > machine.term && !considerAdopting(machine, from, term)) {
    // HM18: it hosts by a roster that is not known here. It can let this member in again.
    const isStranger = !others(machine).includes(from)
    if (isStranger && silenceMs(machine) >= LONG_SILENCE_MS) machine.strangers = { slot: from, term }
    // A host that most follow cannot know what this member has promised meanwhile: it must outbid that.
    if (machine.promised > term) sendFence(machine, from)
    return
  }
  if (from === machine.host && term === machine.term) machine.shownMs = machine.nowMs
  // HM1: what a deposed host says is answered with what it has to know.
  if (term < machine.term || machine.promised > term) {
    // HM4: and where it says that it has no quorum, it counts among those who hear no host.
    if (beat.isCut === true && from === machine.host) machine.reports.set(from, machine.nowMs)
    return sendFence(machine, from)
  }
  if (from !== machine.host || machine.role === 'host') {
    return void machine.breaches.push({ slot: from, reason: `a beat of term ${term}, which ${machine.host} hosts` })
  }
  machine.isHostCut = beat.isCut === true
  if (!machine.isHostCut) machine.cutSinceMs = undefined
  else machine.cutSinceMs ??= machine.nowMs
  // HM2: another may reach the quorum that this host has been without for so long: no ack binds this voter to it,
  // and its own word stands for a report that there is no host.
  const isGivenUp = machine.nowMs - (machine.cutSinceMs ?? machine.nowMs) >= GIVEN_UP_LEASES * machine.leaseMs
  if (isGivenUp) machine.reports.set(from, machine.nowMs)
  else {
    noteGap(machine)
    machine.heardMs = machine.nowMs
    // A beat that was overtaken makes no older what was heard.
    machine.ackSequence = Math.max(machine.ackSequence, beat.sequence)
    machine.isOwingAck = true
  }
  if (beat.commit > machine.hostCommit) {
    machine.hostCommit = beat.commit
    followCommit(machine)
  }
  if (beat.commit > machine.verified) askForMissing(machine)
}

/** What was worst is forgotten with this share per beat: half of it in four seconds. */
const FORGOTTEN = 1 / 128

function noteGap(machine: HostMachine): void {
  const gapMs = machine.nowMs - machine.heardMs
  machine.worstGapMs = Math.max(gapMs, machine.worstGapMs + (gapMs - machine.worstGapMs) * FORGOTTEN)
}

/** HM9. @returns whether `from` is believed to host `term` now */
function considerAdopting(machine: HostMachine, from: number, term: number): boolean {
  const voters = machine.evidence.get(term)?.get(from)
  const isElected = voters !== undefined && agrees(machine, (slot) => slot === from || voters.has(slot), voters.has(0))
  if (!isElected && !isClaimBelieved(machine, from, term)) {
    return false
  }
  adopt(machine, from, term)
  return true
}

/**
 * Votes may have been lost on the way, or be of voters that this member has not heard of yet. Who hears
 * nobody else believes a voter that insists, or the candidate it has voted for itself.
 */
function isClaimBelieved(machine: HostMachine, from: number, term: number): boolean {
  const mayHost = currentRoster(machine).members.some(({ slot, voter, canHost }) => slot === from && voter && canHost)
  const isChosen = machine.promised === term && machine.candidate === from
  if ((!mayHost && !isChosen) || term < machine.promised) return false
  const { claim } = machine
  const count = claim?.slot === from && claim.term === term ? claim.count + 1 : 1
  machine.claim = { slot: from, term, count }
  return count >= (isChosen ? 1 : CLAIM_BEATS) && silenceMs(machine) >= machine.leaseMs
}

/** When this member last heard a host; its own beats, where it was one. */
function lastHostMs({ role, reign, shownMs }: HostMachine): number {
  return role === 'host' && reign !== undefined ? reign.beatMs : shownMs
}

/** Follows the host of a later term from here on. */
export function adopt(machine: HostMachine, host: number, term: number): void {
  const { log, nowMs } = machine
  const releasedTo = machine.release ?? machine.before?.release ?? machine.reign?.releasing?.to
  const reason =
    machine.forked !== undefined
      ? 'fork'
      : // It hosted itself until it was cut off, or stood still, if it did not let go.
        machine.host === host || (machine.host === machine.self && releasedTo === undefined)
        ? 'returned'
        : releasedTo === undefined
          ? 'lost'
          : releasedTo === 0
            ? 'left'
            : 'handed-over'
  if (machine.host !== host) machine.turns.push({ slot: host, term, reason, gapMs: nowMs - lastHostMs(machine) })
  machine.role = 'follower'
  machine.reign = undefined
  machine.candidacy = undefined
  machine.term = term
  machine.host = host
  if (term >= machine.promised) {
    machine.promised = term
    machine.candidate = host
  }
  machine.highest = Math.max(machine.highest, term)
  machine.heardMs = nowMs
  machine.shownMs = nowMs
  machine.isHostCut = false
  machine.cutSinceMs = undefined
  machine.before = undefined
  machine.release = undefined
  machine.request = undefined
  machine.claim = undefined
  machine.preVoteMs = undefined
  machine.reports.clear()
  machine.fences.clear()
  machine.verified = log.commit
  machine.isCompared = machine.generation === 0
  machine.hostCommit = log.commit
  machine.ackSequence = 0
  machine.isOwingAck = false
  sayWhere(machine)
}

/** Tells the host how far this log goes: on coming to its term, and where something was lost. */
export function sayWhere(machine: HostMachine): void {
  const { log, nowMs } = machine
  machine.askedMs = nowMs
  send(machine, machine.host, { type: 'Follow', commit: log.commit, commitTerm: termAt(log, log.commit) ?? 0 })
}

function askForMissing(machine: HostMachine): void {
  if (machine.nowMs - machine.askedMs >= ASK_MS) sayWhere(machine)
}

/** Takes an entry of the host's log, or of the better log that this candidate asked for. */
export function takeEntry(machine: HostMachine, from: number, term: number, entry: LogEntry): void {
  const { candidacy } = machine
  if (candidacy?.fetched === from) return takeFetched(machine, candidacy, from, entry)
  // HM1: nothing of a host's log counts once another was promised; the next host sends it again.
  if (machine.role === 'host' || from !== machine.host || term !== machine.term || machine.promised > term) return
  if (entry.term > term) return void machine.breaches.push({ slot: from, reason: `an entry of term ${entry.term}` })
  // Only what follows the known part of the host's log: on top of another's remains its past would be wrong.
  if (entry.index > machine.verified + 1) return askForMissing(machine)
  if (entry.index <= machine.verified) return
  put(machine, entry)
  machine.verified = entry.index
  machine.isCompared = true
  machine.isOwingAck = true
  followCommit(machine)
}

/** The log that a vote promised, in order, and no more than that. */
function takeFetched(machine: HostMachine, candidacy: Candidacy, from: number, entry: LogEntry): void {
  const { index } = entry
  if (
    index > candidacy.fetchedTo + 1 ||
    index > ((candidacy.grants.get(from) ?? candidacy.learners.get(from))?.index ?? 0)
  )
    return
  put(machine, entry)
  candidacy.fetchedTo = Math.max(candidacy.fetchedTo, index)
  tryWin(machine)
}

/** Everything before it is known to be as in the log that it is from. */
export function put(machine: HostMachine, entry: LogEntry): void {
  const { log, logEvents } = machine
  const { index } = entry
  if (index <= log.commit) return
  const known = entryAt(log, index)
  if (known !== undefined && known.term === entry.term) return
  if (known !== undefined) {
    cutFrom(log, index)
    logEvents.push({ kind: 'cut', fromIndex: index })
  }
  append(log, entry)
  logEvents.push({ kind: 'appended', entry })
}

function followCommit(machine: HostMachine): void {
  const index = Math.min(machine.hostCommit, machine.verified)
  if (index > machine.log.commit) commit(machine, index)
}

/** Gives a candidate that was promised the term what its log lacks. */
export function takeFetchLog(machine: HostMachine, from: number, request: Message<'FetchLog'>): void {
  const { log } = machine
  if (machine.candidate !== from || request.from <= log.base) return
  for (let index = request.from; index <= lengthOf(log); index++) {
    send(machine, from, { type: 'Entry', entry: entryAt(log, index)! })
  }
}

/** The host gives this member a log to begin with. The room has checked that it asked for it. */
export function takeBase(machine: HostMachine, from: number, term: number, base: Message<'LogBase'>): void {
  if (term < machine.term || (machine.role === 'host' && silenceMs(machine) < machine.leaseMs)) return
  if (!base.roster.members.some((member) => member.slot === machine.self)) return
  const { log } = machine
  if (base.index < log.commit && term === machine.term && machine.forked === undefined) return
  if (termAt(log, base.index) === base.entryTerm && machine.forked === undefined) {
    // This log has come there by itself. What is in it beyond may be counted on.
    if (base.index > log.commit) commit(machine, base.index)
  } else {
    machine.log = createLog(base.index, base.entryTerm, base.roster)
    machine.forked = undefined
    machine.logEvents.push({ kind: 'reset', index: base.index })
  }
  const isNew = machine.host !== from || machine.role === 'host'
  if (isNew) machine.turns.push({ slot: from, term, reason: 'returned', gapMs: machine.nowMs - lastHostMs(machine) })
  machine.host = from
  machine.strangers = undefined
  adopt(machine, from, term)
  machine.isCompared = true
}

/** At the end of a step: says how far this log is the host's, and that its beats are heard. */
export function sendAcks(machine: HostMachine): void {
  if (!machine.isOwingAck) return
  machine.isOwingAck = false
  const { ackSequence: sequence, isCompared, verified, promised } = machine
  if (machine.role === 'host' || hasPromised(machine) || machine.promised > machine.term) return
  send(machine, machine.host, { type: 'BeatAck', sequence, held: isCompared ? verified : 0, promised })
}
