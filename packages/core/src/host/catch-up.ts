/**
 * What members without a host give one another: entries that are committed are true, whoever tells of them.
 *
 * Place in the house: who was away may not know who votes now, nor the voters it. With what was committed
 * meanwhile they know the same rosters, and can elect a host again. Invariant: only what is committed is given
 * and taken here, and taken only by who hears no host. Rule HM20 in docs/behavior.md.
 */
import { tryWin } from './candidacy.ts'
import { countsAsVoter, silenceMs } from './council.ts'
import { put } from './follow.ts'
import type { LogEntry } from './log-entry.ts'
import { entryAt, termAt } from './log.ts'
import type { HostMachine } from './machine.ts'
import { mayAnswer } from './pacing.ts'
import { commit } from './reign.ts'
import { LONG_SILENCE_MS } from './timing.ts'
import { isForged, stepDown } from './votes.ts'

/** In the envelope of an entry that is committed, and sent in no host's name: what hosts wrote may yet be cut. */
export const GIFT_TERM = 0
/** Entries that are given at a time. */
const GIVEN_ENTRIES = 256
/** A voter's word on the past is taken after so many leases without a host; anybody else's after `LONG_SILENCE_MS`. */
const TAKE_LEASES = 2

/** Somebody that hears no host has committed less than this member: it gets what it lacks. */
export function giveCommitted(machine: HostMachine, to: number, from: number): void {
  const { log } = machine
  if (from >= log.commit || from < log.base || !mayAnswer(machine, machine.given, to, from)) return
  const end = Math.min(log.commit, from + GIVEN_ENTRIES)
  for (let index = from + 1; index <= end; index++) {
    machine.out.push({ to, term: GIFT_TERM, message: { type: 'Entry', entry: entryAt(log, index)! } })
  }
}

/** Whether this member has been without a host for long enough to take another's word for what is committed. */
function isWaiting(machine: HostMachine, from: number): boolean {
  const limitMs = countsAsVoter(machine, from) ? TAKE_LEASES * machine.leaseMs : LONG_SILENCE_MS
  return silenceMs(machine) >= limitMs
}

/** Takes a committed entry of who does not host. */
export function takeGiven(machine: HostMachine, from: number, entry: LogEntry): void {
  const { log } = machine
  const { index, term } = entry
  if (index !== log.commit + 1 || isForged(machine, from, term) || !isWaiting(machine, from)) return
  // What was committed before a fork and after it need not follow one another: only the host of the fork knows.
  if (machine.forked !== undefined || term < termAt(log, log.commit)!) return
  if (machine.role === 'host') {
    // What another host has committed since shows that this one is deposed.
    if (term <= machine.term) return
    stepDown(machine)
  }
  put(machine, entry)
  machine.verified = Math.max(machine.verified, index)
  machine.hostCommit = Math.max(machine.hostCommit, index)
  commit(machine, index)
  // The candidate may lack nothing more of what the lobby has seen.
  tryWin(machine)
}
