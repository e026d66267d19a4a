/**
 * One member's part in deciding who hosts, as plain data, and what goes in and out of it.
 *
 * Place in the house: `votes`, `election`, `candidacy`, `reign` and `follow` are functions over this; they
 * know no sockets and no clock. Invariant: everything here can be cloned, so that every interleaving of a
 * small room can be tried on the real code.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import type { LogEvent } from './log-entry.ts'
import type { HostChangeReason } from '../network-types.ts'
import { createLog, type ReplicatedLog, type Tail } from './log.ts'
import type { HostMessage, Outgoing } from './messages.ts'
import type { Moment } from './timing.ts'

/** A change of host as this member sees it; the room makes events of it. */
export interface HostTurn {
  readonly slot: number
  readonly term: number
  readonly reason: HostChangeReason
  readonly gapMs: number
}

/** What this member said when it was last asked for a vote, to be undone if that comes to nothing. */
export interface Undo {
  readonly candidate: number
  readonly grantedMs: number
  readonly release: number | undefined
}

export interface Candidacy {
  readonly term: number
  readonly startedMs: number
  readonly started: Moment
  sentMs: number
  readonly grants: Map<number, Grant>
  /** Logs of those who say that they would vote for it, and have no vote. */
  readonly learners: Map<number, Tail>
  /** Why it stands: what the game will be told. */
  readonly reason: HostChangeReason
  /** Whose better log is being fetched, and since when. */
  fetched?: number
  /** Position up to which this log is the fetched one. */
  fetchedTo: number
  fetchMs: number
}

export interface Grant extends Tail {
  readonly commit: number
  readonly tick: number
}

/** Entries that a member was sent when it last said that its committed log ends at `commit`. */
export interface Answered {
  readonly commit: number
  readonly atMs: number
  /** For so long the same is not sent again. */
  readonly gapMs: number
}

export interface Reign {
  readonly beganMs: number
  beatMs: number
  beatSequence: number
  /** When the last 64 beats were sent, by sequence modulo 64. */
  readonly sent: Moment[]
  /** Per slot: when the newest beat that it acked was sent. */
  readonly acked: Map<number, Moment>
  /** Per slot: position up to which its log is this one. */
  readonly held: Map<number, number>
  /** Per slot: position of the next entry to send it; absent until it has said where it stands. */
  readonly next: Map<number, number>
  /** Per slot: where it last said that it stands. */
  readonly answered: Map<number, Answered>
  /** Voters that left with a word: they agree with whatever this term decides. */
  readonly resigned: Set<number>
  witnessBeatMs: number
  /** Position up to which the lobby remembers that this log goes. */
  witnessed: number
  /** Since when the oldest entry waits for a quorum. */
  pendingSinceMs: number
  releasing: { readonly to: number; readonly sinceMs: number } | undefined
  /** A successor has not come in time: only a new term may act again. */
  isBurned: boolean
}

export interface HostMachine {
  readonly self: number
  readonly leaseMs: number
  canHost: boolean
  /** The lobby was there to hear what it was last told. */
  hasWitness: boolean
  nowMs: number
  wallMs: number
  /** Whole ticks now; the room keeps it. */
  tick: number
  /** State of the generator that spreads retries. */
  seed: number
  generation: number
  /** The reign this member follows, or leads. */
  term: number
  /** Its host; 0 where this member has given that one up for a candidate. */
  host: number
  role: 'follower' | 'host'
  /** The highest term that was promised, and to whom; 0 is nobody. */
  promised: number
  candidate: number
  /** The highest term heard of in any refusal. */
  highest: number
  heardMs: number
  /** The same, but also while another is promised: until that one speaks, the old host is shown (HM1). */
  shownMs: number
  /** The longest that this member heard nothing between two beats of late; forgotten by and by. */
  worstGapMs: number
  /** The host said with its last beat that it has no quorum. */
  isHostCut: boolean
  cutSinceMs: number | undefined
  grantedMs: number
  before: Undo | undefined
  /** The current host lets `release` take over (0: anyone). `undefined`: it does not. */
  release: number | undefined
  releaseMs: number
  log: ReplicatedLog
  /** Stands in for the rosters of the log after a declared fork, until one of the new generation is committed. */
  forked: RosterBody | undefined
  /** Terms up to this are of before the fork. */
  forkedTerm: number
  /** Follower: position up to which this log is known to be the host's, and the host's commit. */
  verified: number
  hostCommit: number
  /** Follower: the host has compared what is committed here, or given it. After a fork it need not be the same. */
  isCompared: boolean
  askedMs: number
  isOwingAck: boolean
  ackSequence: number
  /** Who said lately that it hears no host. */
  readonly reports: Map<number, number>
  reportedMs: number
  preVoteMs: number | undefined
  retryMs: number
  request: { readonly from: number; readonly term: number; readonly atMs: number } | undefined
  candidacy: Candidacy | undefined
  reign: Reign | undefined
  /** Votes heard on the voters' own channels: term, candidate, voters. */
  readonly evidence: Map<number, Map<number, Set<number>>>
  /** A peer that says it hosts without this one having seen the votes. */
  claim: { slot: number; term: number; count: number } | undefined
  /** Who hosts, as the voters say that fenced this member. */
  readonly fences: Map<number, { readonly host: number; readonly term: number }>
  /** When somebody last said that the room has a host, while this member hears none. */
  fencedMs: number
  /** Who hosts a later term, by a fence: to be asked to let this member back in. */
  strangers: { readonly slot: number; readonly term: number } | undefined
  /** Per slot: what it was given last of what it lacked, while it heard no host. */
  readonly given: Map<number, Answered>
  readonly out: Outgoing[]
  readonly logEvents: LogEvent[]
  readonly turns: HostTurn[]
  /** Messages that no honest member sends, by slot: taken by the room. */
  readonly breaches: { readonly slot: number; readonly reason: string }[]
}

export interface MachineOptions {
  readonly self: number
  readonly leaseMs: number
  readonly canHost: boolean
  readonly seed: number
  readonly generation: number
  readonly now: Moment
  /** Where the log begins, and the roster in force there. */
  readonly base: Tail
  readonly roster: RosterBody
  readonly term: number
  readonly host: number
}

export function createMachine(options: MachineOptions): HostMachine {
  const { self, leaseMs, canHost, seed, generation, now, base, roster, term, host } = options
  return {
    self,
    leaseMs,
    canHost,
    hasWitness: true,
    nowMs: now.monoMs,
    wallMs: now.wallMs,
    tick: 0,
    seed,
    generation,
    term,
    host,
    role: 'follower',
    promised: term,
    candidate: host,
    highest: term,
    heardMs: now.monoMs,
    shownMs: now.monoMs,
    worstGapMs: 0,
    isHostCut: false,
    cutSinceMs: undefined,
    grantedMs: -Infinity,
    before: undefined,
    release: undefined,
    releaseMs: 0,
    log: createLog(base.index, base.term, roster),
    forked: undefined,
    forkedTerm: 0,
    verified: base.index,
    hostCommit: base.index,
    isCompared: true,
    askedMs: -Infinity,
    isOwingAck: false,
    ackSequence: 0,
    reports: new Map(),
    reportedMs: -Infinity,
    preVoteMs: undefined,
    retryMs: -Infinity,
    request: undefined,
    candidacy: undefined,
    reign: undefined,
    evidence: new Map(),
    claim: undefined,
    fences: new Map(),
    fencedMs: -Infinity,
    strangers: undefined,
    given: new Map(),
    out: [],
    logEvents: [],
    turns: [],
    breaches: [],
  }
}

export function send(machine: HostMachine, to: number, message: HostMessage): void {
  machine.out.push({ to, term: machine.term, message })
}

/** A number from 0 to 1 (mulberry32, Tommy Ettinger): spreads retries, never secrets. */
export function draw(machine: HostMachine): number {
  machine.seed = (machine.seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(machine.seed ^ (machine.seed >>> 15), 1 | machine.seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
}

/** How long ago, by whichever clock says longer: one stands still in sleep, the other may be set back. */
export function ageMs(machine: HostMachine, moment: Moment): number {
  return Math.max(machine.nowMs - moment.monoMs, machine.wallMs - moment.wallMs)
}

export function now(machine: HostMachine): Moment {
  return { monoMs: machine.nowMs, wallMs: machine.wallMs }
}
