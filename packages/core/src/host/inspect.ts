/**
 * A look into the machine for tests, simulations and tools.
 *
 * Invariant: reads only.
 */
import type { Room } from '../room.ts'
import type { LogEntry } from './log-entry.ts'
import { isActing, rosters } from './council.ts'
import { entryAt, lengthOf, tailOf } from './log.ts'

export interface HostInspection {
  readonly generation: number
  readonly term: number
  readonly promised: number
  readonly role: 'follower' | 'host'
  /** Host with a live lease that does not hand over. */
  readonly isActing: boolean
  /** Host that hands over: it still sends state, and writes no log. */
  readonly isReleasing: boolean
  readonly commitIndex: number
  readonly length: number
  /** Of the last entry, also where that is not kept. */
  readonly lastTerm: number
  /** Position of the first entry that is kept. */
  readonly firstIndex: number
  /** `undefined` where it is not kept. */
  entryAt(index: number): LogEntry | undefined
  /** Slots by the newest roster in the log; the first voter is the host that wrote it. */
  readonly voters: readonly number[]
  readonly learners: readonly number[]
  readonly uncommittedRosters: number
  /** Host: slots of voters that said goodbye to it: they count as agreeing with this term. */
  readonly resigned: readonly number[]
  /** Slots that vote, for each roster whose quorum must agree: more than one while a change of voters is under way. */
  readonly councils: readonly (readonly number[])[]
}

export function inspect(room: Room): HostInspection | undefined {
  const { machine } = room
  if (machine === undefined) return undefined
  const all = rosters(machine)
  const { members } = all[all.length - 1]!
  return {
    generation: machine.generation,
    term: machine.term,
    promised: machine.promised,
    role: machine.role,
    isActing: isActing(machine),
    isReleasing: machine.reign?.releasing !== undefined,
    commitIndex: machine.log.commit,
    length: lengthOf(machine.log),
    lastTerm: tailOf(machine.log).term,
    firstIndex: machine.log.base + 1,
    entryAt: (index) => entryAt(machine.log, index),
    voters: members.filter((member) => member.voter).map((member) => member.slot),
    learners: members.filter((member) => !member.voter).map((member) => member.slot),
    uncommittedRosters: machine.log.pendingRosters.length,
    resigned: [...(machine.reign?.resigned ?? [])],
    councils: all.map((roster) => roster.members.filter((member) => member.voter).map((member) => member.slot)),
  }
}
