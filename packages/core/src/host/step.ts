/**
 * The door of the machine: what a member hears, and what time does to it.
 *
 * Invariant: every message passes here, and nothing else changes a machine but what the room asks of it
 * (`appendEntry`, `releaseTo`, `fork`).
 */
import type { Roster as RosterBody } from '@baton/schemas'
import { takeVote } from './candidacy.ts'
import { needsWitness } from './council.ts'
import { GIFT_TERM, giveCommitted, takeGiven } from './catch-up.ts'
import { sendAcks, takeBase, takeBeat, takeEntry, takeFetchLog } from './follow.ts'
import { tickElection } from './election.ts'
import { ageMs, send, type HostMachine } from './machine.ts'
import { EVERYONE, WITNESS, type HostMessage } from './messages.ts'
import { advanceCommit, takeBeatAck, takeFence, takeFollow, takeWitnessAck, tickReign } from './reign.ts'
import { takeSuspect } from './silence.ts'
import { LEASE_SHARE, type Moment } from './timing.ts'
import { takeAbandon, takeRelease, takeVoteRequest, tickVotes } from './votes.ts'

/**
 * Takes one message. @param from slot of the sender, by the channel it came on; `WITNESS` for the lobby
 * @param term the sender's, as the envelope says
 */
export function take(machine: HostMachine, from: number, term: number, message: HostMessage): void {
  if (from === WITNESS) return takeFromWitness(machine, term, message)
  switch (message.type) {
    case 'Beat':
      return takeBeat(machine, from, term, message)
    case 'BeatAck':
      return takeBeatAck(machine, from, term, message)
    case 'Entry':
      return term === GIFT_TERM
        ? takeGiven(machine, from, message.entry)
        : takeEntry(machine, from, term, message.entry)
    case 'Suspect':
      giveCommitted(machine, from, message.commit)
      return takeSuspect(machine, from, term, message)
    case 'VoteRequest':
      return takeVoteRequest(machine, from, message)
    case 'Vote':
      return takeVote(machine, from, message)
    case 'Abandon':
      return takeAbandon(machine, from, message)
    case 'Fence':
      return takeFence(machine, from, message)
    case 'Follow':
      return term === machine.term ? takeFollow(machine, from, message) : undefined
    case 'FetchLog':
      return takeFetchLog(machine, from, message)
    case 'LogBase':
      return takeBase(machine, from, term, message)
    case 'HandOver':
      // A replayed one is of a term that is over, or comes from who does not host.
      if (from === machine.host && term === machine.term) takeRelease(machine, message.to)
      return
    case 'WitnessBeat':
    case 'WitnessAck':
      // Between a host and the lobby; a member has nothing to say of it.
      return
  }
}

function takeFromWitness(machine: HostMachine, term: number, message: HostMessage): void {
  // Where voters are odd it has no vote here: what it promised somebody who was dropped concerns nobody.
  if (!needsWitness(machine)) return
  if (message.type === 'Vote') takeVote(machine, WITNESS, message)
  else if (message.type === 'WitnessAck') takeWitnessAck(machine, term, message)
  else if (message.type === 'Fence') takeFence(machine, WITNESS, message)
}

/** Time has come to `moment`. Call before messages are taken. */
export function setTime(machine: HostMachine, moment: Moment): void {
  machine.nowMs = moment.monoMs
  machine.wallMs = moment.wallMs
}

/** What the time that has come makes due. Call after messages were taken, so that nothing that waited is overlooked. */
export function tick(machine: HostMachine): void {
  tickVotes(machine)
  tickElection(machine)
  tickReign(machine)
  sendAcks(machine)
}

/** Host: lets `to` take over, or anyone where it is 0. From here on this term's log is closed. */
export function releaseTo(machine: HostMachine, to: number): void {
  const { reign } = machine
  if (machine.role !== 'host' || reign === undefined || reign.releasing !== undefined) return
  reign.releasing = { to, sinceMs: machine.nowMs }
  machine.release = to
  send(machine, EVERYONE, { type: 'HandOver', to })
  send(machine, WITNESS, { type: 'HandOver', to })
}

/** The lobby has seen the host leave for good, or it said goodbye itself. */
export function hostLeft(machine: HostMachine, slot: number): void {
  if (slot === machine.host) takeRelease(machine, 0)
}

/**
 * A voter said goodbye to this host, or was seen to leave: it agrees with whatever this term decides. Not so
 * when its lease had run out: it may have voted for another before it left.
 */
export function resign(machine: HostMachine, slot: number): void {
  const acked = machine.reign?.acked.get(slot)
  if (acked === undefined || ageMs(machine, acked) >= LEASE_SHARE * machine.leaseMs) return
  machine.reign?.resigned.add(slot)
  if (machine.role === 'host') advanceCommit(machine)
}

/** By more than this no two members of a room differ in the term that they know; far less than what counts as forged. */
const FORK_TERM_LEAP = 1_024

/** A declared fork: from here on `roster` alone decides, whatever others may think. */
export function fork(machine: HostMachine, generation: number, roster: RosterBody): void {
  if (generation <= machine.generation) return
  machine.generation = generation
  machine.forked = roster
  machine.forkedTerm = Math.max(machine.promised, machine.term)
  // Somebody that goes on may have followed a later term: none of before is used again.
  machine.highest = Math.max(machine.promised, machine.highest, machine.term) + FORK_TERM_LEAP
  machine.role = 'follower'
  machine.reign = undefined
  machine.candidacy = undefined
  machine.host = 0
  machine.candidate = 0
  machine.grantedMs = -Infinity
  machine.heardMs = machine.nowMs - machine.leaseMs
  machine.release = undefined
  machine.evidence.clear()
  machine.reports.clear()
  machine.retryMs = -Infinity
}
