/**
 * A copy of a machine that can be changed without the original, and a text that is equal for machines that
 * will behave alike.
 *
 * Invariant: what the copy shares with the original is never changed in place by the machine's code.
 */
import type { Answered, Candidacy, HostMachine, Reign } from '../../src/host/machine.ts'
import type { LogEntry } from '../../src/host/log-entry.ts'
import { patienceMs } from '../../src/host/silence.ts'
import { ATTEMPT_MS, BEAT_MS, GIVEN_UP_LEASES } from '../../src/host/timing.ts'
import { LEASE, nameOf } from '../../src/testing/host-bench.ts'
import type { Flight, World } from './moment.ts'

export function cloneMachine(machine: HostMachine): HostMachine {
  const { log, candidacy, reign, evidence } = machine
  return {
    ...machine,
    log: { ...log, entries: [...log.entries], pendingRosters: [...log.pendingRosters] },
    reports: new Map(machine.reports),
    fences: new Map(machine.fences),
    given: new Map(machine.given),
    candidacy: candidacy && {
      ...candidacy,
      grants: new Map(candidacy.grants),
      learners: new Map(candidacy.learners),
    },
    reign: reign && {
      ...reign,
      sent: [...reign.sent],
      acked: new Map(reign.acked),
      held: new Map(reign.held),
      next: new Map(reign.next),
      answered: new Map(reign.answered),
      resigned: new Set(reign.resigned),
    },
    evidence: new Map(
      [...evidence].map(([term, votes]) => [
        term,
        new Map([...votes].map(([slot, voters]) => [slot, new Set(voters)])),
      ]),
    ),
    out: [],
    logEvents: [],
    turns: [],
    breaches: [],
  }
}

/** A roster's name is not enough: it matters who votes. */
function textOfEntry(entry: LogEntry): string {
  if (entry.body.type !== 'Roster') return nameOf(entry)
  return `${nameOf(entry)}${entry.body.members.map(({ slot, voter }) => (voter ? slot : -slot)).join('_')}`
}

/** Ages above this are one: nothing in the machine waits longer. A hand-over may take as long. */
const OLD_MS = 1_800
/** The last in line has stood by then. */
const STAGGERED_MS = 1_000
const GRAIN_MS = 10

/** Equal texts for worlds that differ only in when they are. The state of the random generator is left out. */
export function textOf(world: World): string {
  const parts: string[] = []
  for (const machine of world.machines) parts.push(textOfMachine(world, machine))
  parts.push(JSON.stringify(world.witness && { ...world.witness, ...agesOfWitness(world) }))
  for (const flight of world.flights) parts.push(textOfFlight(world, flight))
  parts.push(world.committed.join(), `${world.appended} ${world.rosters} ${world.released}`)
  return parts.join('\n')
}

function age(nowMs: number, thenMs: number, limitMs = OLD_MS): number {
  const ms = nowMs - thenMs
  return Math.round(Math.max(-OLD_MS, Math.min(ms, limitMs)) / GRAIN_MS)
}

function textOfMachine(world: World, machine: HostMachine): string {
  const { nowMs } = world
  const { log, before, request, candidacy, reign, claim, strangers } = machine
  const at = (thenMs: number, limitMs?: number): number => age(nowMs, thenMs, limitMs)
  return [
    machine.self,
    machine.nowMs === nowMs,
    machine.term,
    machine.host,
    machine.role,
    machine.promised,
    machine.candidate,
    machine.highest,
    at(machine.heardMs, LEASE),
    at(machine.grantedMs, LEASE),
    before && `${before.candidate}/${at(before.grantedMs, LEASE)}/${before.release}`,
    machine.release,
    machine.release === undefined ? '' : at(machine.releaseMs, STAGGERED_MS),
    log.base,
    log.commit,
    log.entries.map(textOfEntry).join(),
    machine.verified,
    machine.isCompared,
    machine.forked !== undefined,
    machine.hasWitness,
    machine.hostCommit,
    at(machine.askedMs, 200),
    machine.isOwingAck,
    machine.isHostCut,
    machine.cutSinceMs === undefined ? '' : at(machine.cutSinceMs, GIVEN_UP_LEASES * LEASE),
    list(machine.fences, ({ host, term }) => `${host}/${term}`),
    list(machine.given, (answered) => textOfAnswered(nowMs, answered)),
    ageOfBeat(world, machine.host, machine.term, machine.ackSequence),
    Math.round(patienceMs(machine) / BEAT_MS),
    list(machine.reports, (ms) => at(ms, 180)),
    at(machine.reportedMs, 50),
    machine.preVoteMs === undefined ? '' : at(machine.preVoteMs, STAGGERED_MS),
    at(machine.retryMs, 0),
    request && `${request.from}/${request.term}/${at(request.atMs, ATTEMPT_MS + GRAIN_MS)}`,
    candidacy && textOfCandidacy(nowMs, candidacy),
    reign && textOfReign(nowMs, reign),
    list(machine.evidence, (votes) => list(votes, (voters) => [...voters].sort((a, b) => a - b).join('+'))),
    claim && `${claim.slot}/${claim.term}/${claim.count}`,
    strangers && `${strangers.slot}/${strangers.term}`,
  ].join(';')
}

function textOfCandidacy(nowMs: number, candidacy: Candidacy): string {
  const { term, startedMs, sentMs, grants, learners, fetched, fetchedTo, fetchMs } = candidacy
  const tails = list(grants, (grant) => `${grant.term}/${grant.index}/${grant.commit}`)
  return [
    term,
    age(nowMs, startedMs),
    age(nowMs, sentMs, 50),
    tails,
    list(learners, (tail) => `${tail.term}/${tail.index}`),
    fetched,
    fetchedTo,
    age(nowMs, fetchMs, 100),
  ].join('/')
}

function textOfAnswered(nowMs: number, { commit, atMs, gapMs }: Answered): string {
  return `${commit}/${gapMs}/${age(nowMs, atMs, gapMs)}`
}

function textOfReign(nowMs: number, reign: Reign): string {
  const { acked, held, next, resigned, witnessed, releasing, isBurned } = reign
  return [
    age(nowMs, reign.beatMs, 50),
    list(acked, ({ monoMs }) => age(nowMs, monoMs, LEASE)),
    list(held, String),
    list(next, String),
    list(reign.answered, (answered) => textOfAnswered(nowMs, answered)),
    [...resigned].join('+'),
    age(nowMs, reign.witnessBeatMs, 100),
    witnessed,
    age(nowMs, reign.pendingSinceMs, 200),
    releasing && `${releasing.to}/${age(nowMs, releasing.sinceMs)}`,
    isBurned,
  ].join('/')
}

function textOfFlight(world: World, { from, to, term, message }: Flight): string {
  if (message.type === 'Entry') return `${from}>${to} ${term} ${message.entry.index}=${textOfEntry(message.entry)}`
  if (message.type === 'Beat')
    return `${from}>${to} ${term} beat ${ageOfBeat(world, from, term, message.sequence)}/${message.commit}`
  if (message.type === 'BeatAck')
    return `${from}>${to} ${term} ack ${ageOfBeat(world, to, term, message.sequence)}/${message.held}`
  if (message.type !== 'WitnessBeat' && message.type !== 'WitnessAck')
    return `${from}>${to} ${term} ${JSON.stringify(message)}`
  const host = message.type === 'WitnessBeat' ? from : to
  const { sequence, entryTerm, index, type } = message
  return `${from}>${to} ${term} ${type} ${ageOfBeat(world, host, term, sequence)}/${entryTerm}/${index}`
}

/** Numbers of beats only grow; what counts is when one was sent. */
function ageOfBeat(world: World, host: number, term: number, sequence: number): number | string {
  const machine = world.machines.find(({ self }) => self === host)
  if (machine?.reign === undefined || machine.term !== term) return '-'
  const sent = machine.reign.sent[sequence % 64]
  return sent === undefined ? '-' : age(world.nowMs, sent.monoMs, LEASE)
}

function agesOfWitness({ witness, nowMs }: World): object {
  const { holder, before, kept, abstainSinceMs } = witness!
  return {
    abstainSinceMs: abstainSinceMs === undefined ? '' : age(nowMs, abstainSinceMs),
    holder: holder && { ...holder, heardMs: age(nowMs, holder.heardMs, LEASE) },
    before: before?.holder && { ...before.holder, heardMs: age(nowMs, before.holder.heardMs, LEASE) },
    kept: kept && { ...kept, atMs: age(nowMs, kept.atMs, ATTEMPT_MS + GRAIN_MS) },
  }
}

function list<Value>(map: ReadonlyMap<number, Value>, text: (value: Value) => unknown): string {
  const keys = [...map.keys()].sort((a, b) => a - b)
  return keys.map((key) => `${key}:${String(text(map.get(key)!))}`).join(' ')
}
