/**
 * What members say to one another about a host that they do not hear, and what a quorum's word on it allows.
 *
 * Invariant: a report binds nobody and frees nobody: it only lets somebody ask for votes. Rules HM4 and HM20 in
 * docs/behavior.md.
 */
import { agrees, countsAsVoter, currentRoster, needsWitness, others, silenceMs } from './council.ts'
import { send, type HostMachine } from './machine.ts'
import { EVERYONE, WITNESS, type Message } from './messages.ts'
import { successionOf } from './quorum.ts'
import { URGENT_REPEAT_MS } from './timing.ts'
import { isForged, sendFence } from './votes.ts'

/** A report is repeated three times before it counts as old. */
const REPORT_MS = 3.5 * URGENT_REPEAT_MS
/** Silence is reported after this share of the lease at the earliest, and after so many times what is usual of late. */
const SOONEST_REPORT = 0.5
const UNUSUAL = 3

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

/** Says to all that this member hears no host, for as long as that is so. */
export function considerReporting(machine: HostMachine): void {
  if (!isWorried(machine) || machine.nowMs - machine.reportedMs < URGENT_REPEAT_MS) return
  machine.reportedMs = machine.nowMs
  report(machine, EVERYONE)
  // The lobby has nothing to say to that. But that it could be told shows that it is back.
  if (needsWitness(machine) && !machine.hasWitness) report(machine, WITNESS)
}

function report(machine: HostMachine, to: number): void {
  const promised = Math.max(machine.promised, machine.highest)
  send(machine, to, { type: 'Suspect', promised, commit: machine.log.commit })
}

export function hasReported({ reports, nowMs }: HostMachine, slot: number): boolean {
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

/** Host: another that may host says that it hears none. */
export function hasHeir(machine: HostMachine): boolean {
  const slots = successionOf(currentRoster(machine), machine.self)
  return machine.role === 'host' && slots.some((slot) => slot !== machine.self && hasReported(machine, slot))
}
