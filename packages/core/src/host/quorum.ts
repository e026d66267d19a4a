/**
 * Who has to agree: quorums over rosters, the lobby's vote included.
 *
 * Invariant: as long as a change of voters is not committed, both what was and what will be must agree
 * (joint consensus), so that any two quorums share a member, whoever has heard of the change.
 *
 * @see Ongaro, "Consensus: Bridging Theory and Practice" (2014), 4.3
 */
import type { Roster as RosterBody } from '@baton/schemas'
import type { ReplicatedLog } from './log.ts'

/** More voters cost links and acks and buy little: seven survive the loss of three at once. */
export const MAX_VOTERS = 7
/** Who left of late, and may come back to its slot. */
export const MAX_FORMER = 16

export function voterCount({ members }: { readonly members: readonly { readonly voter: boolean }[] }): number {
  let count = 0
  for (const { voter } of members) if (voter) count++
  return count
}

/** The lobby votes where the number of voters is even, so that no even split is without a majority. */
export function hasWitness(roster: RosterBody): boolean {
  return voterCount(roster) % 2 === 0
}

/** The rosters whose quorums must agree now: the committed one, and every one after it. */
export function rostersOf(log: ReplicatedLog): readonly RosterBody[] {
  return log.rosters
}

/** @param has whether a slot agrees @param witness whether the lobby does */
export function isQuorum(roster: RosterBody, has: (slot: number) => boolean, witness: boolean): boolean {
  const voters = voterCount(roster)
  const isEven = voters % 2 === 0
  const total = voters + (isEven ? 1 : 0)
  let count = isEven && witness ? 1 : 0
  for (const { slot, voter } of roster.members) if (voter && has(slot)) count++
  return count > total / 2
}

export function areQuorums(rosters: readonly RosterBody[], has: (slot: number) => boolean, witness: boolean): boolean {
  return rosters.every((roster) => isQuorum(roster, has, witness))
}

/** A voter in any roster that counts. */
export function isVoter(rosters: readonly RosterBody[], slot: number): boolean {
  return rosters.some((roster) => roster.members.some((member) => member.slot === slot && member.voter))
}

/** Slots of those who may succeed, in order. The host that is to be replaced comes last: it may be all that is left. */
export function successionOf(roster: RosterBody, host: number): readonly number[] {
  const slots = roster.members.filter((member) => member.voter && member.canHost).map((member) => member.slot)
  return slots.includes(host) ? [...slots.filter((slot) => slot !== host), host] : slots
}
