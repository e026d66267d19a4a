/**
 * What a member may conclude from its log and its clocks: whose word counts, who is silent, who is next.
 *
 * Invariant: reads only; every rule that needs a quorum asks here, so that all count the same rosters.
 */
import type { Roster as RosterBody } from '@baton/schemas'
import { ageMs, type HostMachine, type Reign } from './machine.ts'
import { WITNESS } from './messages.ts'
import { areQuorums, hasWitness, isVoter, rostersOf, successionOf } from './quorum.ts'
import { LEASE_SHARE } from './timing.ts'

/** The rosters whose quorums must agree. */
export function rosters(machine: HostMachine): readonly RosterBody[] {
  const { log, forked } = machine
  if (forked === undefined) return rostersOf(log)
  const since = log.pendingRosters.filter((entry) => entry.term > machine.forkedTerm)
  return [forked, ...since.map((entry) => entry.body as RosterBody)]
}

export function currentRoster(machine: HostMachine): RosterBody {
  const all = rosters(machine)
  return all[all.length - 1]!
}

export function agrees(machine: HostMachine, has: (slot: number) => boolean, witness: boolean): boolean {
  return areQuorums(rosters(machine), has, witness)
}

export function countsAsVoter(machine: HostMachine, slot: number): boolean {
  return isVoter(rosters(machine), slot)
}

export function needsWitness(machine: HostMachine): boolean {
  return rosters(machine).some(hasWitness)
}

/** All slots that any roster names, but this member's own. */
export function others(machine: HostMachine): readonly number[] {
  const slots = new Set<number>()
  for (const roster of rosters(machine)) for (const { slot } of roster.members) slots.add(slot)
  slots.delete(machine.self)
  return [...slots]
}

/** 0 for the first in line. The host that is to be replaced, and whoever may not host, come last. */
export function rankOf(machine: HostMachine, slot: number): number {
  const rank = successionOf(currentRoster(machine), machine.host).indexOf(slot)
  return rank < 0 ? Infinity : rank
}

/** HM5: whom the newest roster leaves out, or gives no vote, has no place from which to host. */
export function isPlaced(machine: HostMachine): boolean {
  return currentRoster(machine).members.some(({ slot, voter }) => slot === machine.self && voter)
}

/** Age of the youngest beat that a quorum, this host included, has acked: 0 with nobody else to ask. */
export function leaseAgeMs(machine: HostMachine): number {
  const { reign } = machine
  if (reign === undefined) return Infinity
  let oldest = 0
  for (const { members } of rosters(machine)) {
    let count = 0
    for (const { slot, voter } of members) if (voter) insertAge(count++, ackAgeMs(machine, reign, slot))
    if (count === 0) return Infinity
    if (count % 2 === 0) insertAge(count++, ackAgeMs(machine, reign, WITNESS))
    oldest = Math.max(oldest, ages[count >> 1]!)
  }
  return oldest
}

function ackAgeMs(machine: HostMachine, reign: Reign, slot: number): number {
  if (slot === machine.self || reign.resigned.has(slot)) return 0
  const acked = reign.acked.get(slot)
  return acked === undefined ? Infinity : ageMs(machine, acked)
}

/** Of one roster at a time, youngest first: a host asks before every packet, so nothing is made anew for it. */
const ages: number[] = []

function insertAge(count: number, age: number): void {
  let at = count
  for (; at > 0 && ages[at - 1]! > age; at--) ages[at] = ages[at - 1]!
  ages[at] = age
}

/** Whether a member has had a lease to follow this host, and does not. */
export function isAway(machine: HostMachine, slot: number): boolean {
  const { reign, nowMs, leaseMs } = machine
  return reign !== undefined && nowMs - reign.beganMs >= leaseMs && !isAcking(machine, slot)
}

/** Whether a member goes along with this host: it acked a beat that was sent within a lease. */
export function isAcking(machine: HostMachine, slot: number): boolean {
  const { reign } = machine
  return reign !== undefined && ackAgeMs(machine, reign, slot) < machine.leaseMs
}

/** HM2: the host may act only as long as a quorum has promised to have no other. */
export function holdsLease(machine: HostMachine): boolean {
  return leaseAgeMs(machine) < LEASE_SHARE * machine.leaseMs
}

/** Host that may answer requests and write the log. */
export function isActing(machine: HostMachine): boolean {
  const { reign } = machine
  if (machine.role !== 'host' || reign === undefined) return false
  return reign.releasing === undefined && !reign.isBurned && holdsLease(machine)
}

/** Since when no host was heard; for a host, since when it has no quorum. */
export function silenceMs(machine: HostMachine): number {
  return machine.role === 'host' ? leaseAgeMs(machine) : machine.nowMs - machine.heardMs
}

/** A promise of a later term that still stands. */
export function hasPromised(machine: HostMachine): boolean {
  return machine.promised > machine.term && machine.candidate !== 0
}

/** HM3: nobody was heard, and nobody was promised anything, for a lease. */
export function isFree(machine: HostMachine): boolean {
  return silenceMs(machine) >= machine.leaseMs && machine.nowMs - machine.grantedMs >= machine.leaseMs
}
