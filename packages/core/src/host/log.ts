/**
 * The session's log as one member holds it: what is committed, and what may yet be cut.
 *
 * Invariant: entries follow one another without a gap, terms never fall along it, and nothing at or
 * under `commit` ever changes.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import { invariant } from '../errors.ts'
import type { LogEntry } from './log-entry.ts'

/** Committed entries that are kept for members that fall behind: beyond, they are given the world anew. */
const KEPT_ENTRIES = 1_024
/** Entries that may wait for a quorum. More means that nobody answers: the host writes no further. */
export const MAX_UNCOMMITTED = 4_096

/** Position and term of a log's last entry: of two logs the one with the later term is better, then the longer. */
export interface Tail {
  readonly term: number
  readonly index: number
}

export interface ReplicatedLog {
  /** Position before the first entry that is kept, and its term. */
  base: number
  baseTerm: number
  readonly entries: LogEntry[]
  commit: number
  /** The roster in force at `commit`. */
  roster: RosterBody
  /** Rosters after `commit`, oldest first. */
  pendingRosters: LogEntry[]
  /** The rosters whose quorums must agree: the one in force, and every one after it. A new list for each change. */
  rosters: readonly RosterBody[]
}

export function createLog(index: number, term: number, roster: RosterBody): ReplicatedLog {
  return { base: index, baseTerm: term, entries: [], commit: index, roster, pendingRosters: [], rosters: [roster] }
}

export function lengthOf(log: ReplicatedLog): number {
  return log.base + log.entries.length
}

export function entryAt(log: ReplicatedLog, index: number): LogEntry | undefined {
  return log.entries[index - log.base - 1]
}

/** Of the entry at `index`; `undefined` for what is kept no more, or is not there. */
export function termAt(log: ReplicatedLog, index: number): number | undefined {
  return index === log.base ? log.baseTerm : entryAt(log, index)?.term
}

export function tailOf(log: ReplicatedLog): Tail {
  const last = log.entries[log.entries.length - 1]
  return { term: last?.term ?? log.baseTerm, index: lengthOf(log) }
}

export function isBetter(a: Tail, b: Tail): boolean {
  return a.term > b.term || (a.term === b.term && a.index > b.index)
}

export function append(log: ReplicatedLog, entry: LogEntry): void {
  invariant(
    entry.index === lengthOf(log) + 1,
    `log: entry ${entry.index} after ${lengthOf(log)}; entries come in order`,
  )
  log.entries.push(entry)
  if (entry.body.type !== 'Roster') return
  log.pendingRosters.push(entry)
  log.rosters = rostersFrom(log)
}

/** Takes the entries from `index` on out of the log. */
export function cutFrom(log: ReplicatedLog, index: number): void {
  invariant(index > log.commit, `log: cut at ${index}, committed up to ${log.commit}; what is committed stays`)
  log.entries.length = Math.max(0, index - log.base - 1)
  log.pendingRosters = log.pendingRosters.filter((entry) => entry.index < index)
  log.rosters = rostersFrom(log)
}

/** Commits up to `index`, which must be in the log. @returns the entries that are committed by it, in order */
export function commitTo(log: ReplicatedLog, index: number): LogEntry[] {
  const from = log.commit - log.base
  const committed = log.entries.slice(from, index - log.base)
  log.commit = Math.max(log.commit, index)
  while (log.pendingRosters.length > 0 && log.pendingRosters[0]!.index <= log.commit) {
    log.roster = log.pendingRosters.shift()!.body as RosterBody
    log.rosters = rostersFrom(log)
  }
  return committed
}

/** Kept in the log: every packet of a host asks for them. */
function rostersFrom(log: ReplicatedLog): readonly RosterBody[] {
  return [log.roster, ...log.pendingRosters.map((entry) => entry.body as RosterBody)]
}

/** Forgets committed entries that nobody needs, once there are many of them. */
export function compact(log: ReplicatedLog): void {
  const surplus = log.commit - log.base - KEPT_ENTRIES
  if (surplus < KEPT_ENTRIES) return
  const last = log.entries[surplus - 1]!
  log.entries.splice(0, surplus)
  log.base = last.index
  log.baseTerm = last.term
}
