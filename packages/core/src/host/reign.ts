/**
 * The host at work: beats, the lease they carry, the log on its way to a quorum.
 *
 * Invariant: what is committed is held by a quorum, and an entry of this reign stands above it.
 * Rules HM2, HM6 and HM8 in docs/behavior.md.
 */
import type { ControlBody, Roster as RosterBody } from '@baton/schemas'
import {
  agrees,
  countsAsVoter,
  holdsLease,
  isActing,
  isAcking,
  leaseAgeMs,
  needsWitness,
  others,
  silenceMs,
} from './council.ts'
import { append, commitTo, compact, entryAt, lengthOf, MAX_UNCOMMITTED, tailOf, termAt } from './log.ts'
import { now, send, type HostMachine, type Reign } from './machine.ts'
import { EVERYONE, WITNESS, type Message } from './messages.ts'
import { mayAnswer } from './pacing.ts'
import { BEAT_MS, LONG_SILENCE_MS, REPEAT_MS } from './timing.ts'
import { isForged } from './votes.ts'

const SENT_COUNT = 64
/** Without an ack for this share of the lease a host beats in every frame. */
const HURRY_LEASES = 0.5
/** Of the lease: with less than that from the peers alone, the lobby is asked as well. */
const WITNESS_SHARE = 0.25

export function createReign(nowMs: number): Reign {
  return {
    beganMs: nowMs,
    beatMs: -Infinity,
    beatSequence: 0,
    sent: [],
    acked: new Map(),
    held: new Map(),
    next: new Map(),
    answered: new Map(),
    resigned: new Set(),
    witnessBeatMs: -Infinity,
    witnessed: 0,
    pendingSinceMs: nowMs,
    releasing: undefined,
    isBurned: false,
  }
}

/** Writes the first entry of a reign: who is in from here on. */
export function beginReign(machine: HostMachine, roster: RosterBody): void {
  write(machine, { type: 'Roster', ...roster }, 0)
  sendBeat(machine)
}

/** @returns its index; `undefined` where this member may not write */
export function appendEntry(machine: HostMachine, body: ControlBody, requester: number): number | undefined {
  if (!isActing(machine) || lengthOf(machine.log) - machine.log.commit >= MAX_UNCOMMITTED) return undefined
  return write(machine, body, requester)
}

function write(machine: HostMachine, body: ControlBody, requester: number): number {
  const { log, term } = machine
  const reign = machine.reign!
  const entry = { index: lengthOf(log) + 1, term, requester, body }
  if (lengthOf(log) === log.commit) reign.pendingSinceMs = machine.nowMs
  append(log, entry)
  machine.logEvents.push({ kind: 'appended', entry })
  for (const slot of others(machine)) sendMissing(machine, slot)
  advanceCommit(machine)
  return entry.index
}

/** Sends a member all that it lacks, once it has said where it stands. */
function sendMissing(machine: HostMachine, slot: number): void {
  const { log } = machine
  const { next } = machine.reign!
  let index = next.get(slot)
  if (index === undefined) return
  for (; index <= lengthOf(log); index++) send(machine, slot, { type: 'Entry', entry: entryAt(log, index)! })
  next.set(slot, index)
}

/** A member says where its committed log ends. */
export function takeFollow(machine: HostMachine, from: number, { commit, commitTerm }: Message<'Follow'>): void {
  const { log, reign } = machine
  if (reign === undefined || machine.role !== 'host') return
  // What was committed before a fork, the host of the fork may never have had.
  if (commit > lengthOf(log) && machine.generation === 0) {
    return void machine.breaches.push({ slot: from, reason: `a log of ${commit} entries` })
  }
  if (!mayAnswer(machine, reign.answered, from, commit)) return
  if (termAt(log, commit) !== commitTerm) return sendBase(machine, from)
  reign.next.set(from, commit + 1)
  sendMissing(machine, from)
}

/** A new link to a member: what was sent over the old one may be lost. */
export function forgetAnswers({ reign }: HostMachine, slot: number): void {
  reign?.next.delete(slot)
  reign?.answered.delete(slot)
}

/** Gives a member a log that begins where this one is committed: it is new, or was away for too long. */
export function sendBase(machine: HostMachine, to: number): void {
  const { log, reign } = machine
  if (reign === undefined) return
  const entryTerm = termAt(log, log.commit)!
  send(machine, to, { type: 'LogBase', index: log.commit, entryTerm, roster: log.roster })
  reign.held.delete(to)
  reign.resigned.delete(to)
  reign.next.set(to, log.commit + 1)
  sendMissing(machine, to)
}

export function tickReign(machine: HostMachine): void {
  const { reign, nowMs } = machine
  if (machine.role !== 'host' || reign === undefined) return
  if (nowMs - reign.beatMs >= beatIntervalMs(machine)) sendBeat(machine)
  if (!needsWitness(machine) || nowMs - reign.witnessBeatMs < REPEAT_MS) return
  if (isShort(machine) && wouldSuffice(machine)) askWitness(machine)
}

/**
 * A host that was not acked for half a lease stood still, or its beats are lost: it says as often as it can that it
 * lives. For longer than two leases that is of no use. The beats that are remembered last longer than a lease.
 */
function beatIntervalMs(machine: HostMachine): number {
  const leases = leaseAgeMs(machine) / machine.leaseMs
  return leases > HURRY_LEASES && leases < 2 ? Math.min(BEAT_MS, (1.5 * machine.leaseMs) / SENT_COUNT) : BEAT_MS
}

/**
 * The lobby's vote is a promise to have no other host: who could not act with it either must not bind it, for
 * others may need it.
 */
function wouldSuffice(machine: HostMachine): boolean {
  return agrees(machine, (slot) => isAcking(machine, slot), true)
}

/** The peers alone do not make a quorum, or not soon enough. */
function isShort(machine: HostMachine): boolean {
  const { log, leaseMs, nowMs } = machine
  const reign = machine.reign!
  const limitMs = WITNESS_SHARE * leaseMs
  const isWaiting = lengthOf(log) > log.commit && nowMs - reign.pendingSinceMs > limitMs
  return isWaiting || leaseAgeMs(machine) > limitMs
}

function askWitness(machine: HostMachine): void {
  const reign = machine.reign!
  const { term: entryTerm, index } = tailOf(machine.log)
  reign.witnessBeatMs = machine.nowMs
  const sequence = noteSent(machine)
  send(machine, WITNESS, { type: 'WitnessBeat', sequence, entryTerm, index, leaseMs: machine.leaseMs })
}

function noteSent(machine: HostMachine): number {
  const reign = machine.reign!
  const sequence = reign.beatSequence++
  reign.sent[sequence % SENT_COUNT] = now(machine)
  return sequence
}

export function sendBeat(machine: HostMachine): void {
  const reign = machine.reign!
  reign.beatMs = machine.nowMs
  const isCut = !holdsLease(machine)
  send(machine, EVERYONE, { type: 'Beat', sequence: noteSent(machine), commit: machine.log.commit, isCut })
}

export function takeBeatAck(machine: HostMachine, from: number, term: number, ack: Message<'BeatAck'>): void {
  const { reign } = machine
  if (reign === undefined || machine.role !== 'host' || term !== machine.term) return
  noteAck(machine, from, ack.sequence)
  if (ack.held > lengthOf(machine.log)) return void machine.breaches.push({ slot: from, reason: `${ack.held} entries` })
  if (ack.held > (reign.held.get(from) ?? -1)) {
    reign.held.set(from, ack.held)
    advanceCommit(machine)
  }
}

export function takeWitnessAck(machine: HostMachine, term: number, ack: Message<'WitnessAck'>): void {
  const { reign } = machine
  if (reign === undefined || machine.role !== 'host' || term !== machine.term) return
  noteAck(machine, WITNESS, ack.sequence)
  if (ack.entryTerm !== term || ack.index <= reign.witnessed || ack.index > lengthOf(machine.log)) return
  reign.witnessed = ack.index
  advanceCommit(machine)
}

/** HM2: the lease counts from when the acked beat was sent. */
function noteAck(machine: HostMachine, from: number, sequence: number): void {
  const reign = machine.reign!
  if (sequence >= reign.beatSequence || sequence < reign.beatSequence - SENT_COUNT) return
  const sent = reign.sent[sequence % SENT_COUNT]
  const known = reign.acked.get(from)
  if (sent !== undefined && (known === undefined || sent.monoMs > known.monoMs)) reign.acked.set(from, sent)
}

/** Somebody has promised a later term, or follows one. */
export function takeFence(machine: HostMachine, from: number, fence: Message<'Fence'>): void {
  if (isForged(machine, from, Math.max(fence.promised, fence.term))) return
  machine.highest = Math.max(machine.highest, fence.promised)
  const { term, host } = fence
  if (host !== 0 && host !== machine.self) machine.fencedMs = machine.nowMs
  const isAway = term > machine.term || (term === machine.term && silenceMs(machine) >= machine.leaseMs)
  if (!isAway || host === machine.self || host === 0) return
  // After a while a learner's word counts as well: the voters that this member knows may be gone.
  if (!countsAsVoter(machine, from) && silenceMs(machine) < LONG_SILENCE_MS) return
  machine.fences.set(from, { host, term })
  if (isOwnWord(machine, from, fence) || isAgreed(machine, host, term)) machine.strangers = { slot: host, term }
}

/** The host that this member follows, or the candidate that it has voted for, says that it hosts: without this member. */
function isOwnWord(machine: HostMachine, from: number, { host, term }: Message<'Fence'>): boolean {
  const isFollowed = host === machine.host && term === machine.term
  const isChosen = host === machine.candidate && term === machine.promised
  return from === host && (isFollowed || isChosen)
}

/** One liar must not lead a member astray: most of the other voters have to name the same host. */
function isAgreed(machine: HostMachine, host: number, term: number): boolean {
  if (silenceMs(machine) >= LONG_SILENCE_MS) return true
  const voters = others(machine).filter((slot) => slot !== machine.self && countsAsVoter(machine, slot))
  const same = voters.filter((slot) => {
    const fence = machine.fences.get(slot)
    return fence !== undefined && fence.host === host && fence.term === term
  })
  return same.length > voters.length / 2
}

/** HM8: the highest position that a quorum holds, if it was written in this reign. */
export function advanceCommit(machine: HostMachine): void {
  const { log } = machine
  const reign = machine.reign!
  const before = log.commit
  // A roster may have been in force only until now: what is behind it may have a quorum as well.
  for (let index = agreedPosition(machine); index !== undefined; index = agreedPosition(machine)) commit(machine, index)
  if (log.commit === before) return
  reign.pendingSinceMs = machine.nowMs
  // Guests learn of it at once: what they see waits for this.
  if (holdsLease(machine)) sendBeat(machine)
}

/** Only positions up to which somebody's log goes can be the one: between two of them the same hold all. */
function agreedPosition(machine: HostMachine): number | undefined {
  const { log, term, self } = machine
  const { held, witnessed, resigned } = machine.reign!
  const positions = [...new Set([lengthOf(log), witnessed, ...held.values()])].sort((a, b) => b - a)
  for (const index of positions) {
    if (index <= log.commit || entryAt(log, index)!.term !== term) return undefined
    const holds = (slot: number): boolean => slot === self || resigned.has(slot) || (held.get(slot) ?? 0) >= index
    if (agrees(machine, holds, witnessed >= index)) return index
  }
  return undefined
}

export function commit(machine: HostMachine, index: number): void {
  const { log, logEvents } = machine
  for (const entry of commitTo(log, index)) {
    logEvents.push({ kind: 'committed', entry })
    if (entry.body.type === 'Roster' && entry.term > machine.forkedTerm) machine.forked = undefined
  }
  compact(log)
}
