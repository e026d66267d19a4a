/**
 * What the checks look at inside a peer, through the seam that core offers for it.
 *
 * Invariant: looking changes nothing.
 */
import type { LogEntry, Network } from '@baton/core'

/** As `network.lower.inspect()` gives it. */
export interface Inspection {
  readonly generation: number
  readonly term: number
  readonly promised: number
  readonly role: 'follower' | 'host'
  readonly isActing: boolean
  readonly isReleasing: boolean
  readonly commitIndex: number
  readonly length: number
  readonly lastTerm: number
  readonly firstIndex: number
  readonly voters: readonly number[]
  /** Of each roster whose quorum must agree. */
  readonly councils: readonly (readonly number[])[]
  readonly learners: readonly number[]
  readonly uncommittedRosters: number
  readonly resigned: readonly number[]
  entryAt(index: number): LogEntry | undefined
}

interface Inspectable {
  inspect?: () => Inspection
}

/** `undefined` where core has nothing to show. */
export function inspect(network: Network): Inspection | undefined {
  return (network.lower as Inspectable).inspect?.()
}

/** Of voters, the witness counted where they are even. */
export function quorumOf(voterCount: number): number {
  const total = voterCount % 2 === 0 ? voterCount + 1 : voterCount
  return Math.floor(total / 2) + 1
}

/**
 * Names one session and one generation of it: what is agreed holds within. A room that was joined when the
 * lobby had forgotten its members is another session.
 */
export function sessionOf(network: Network, generation = inspect(network)?.generation ?? 0): string {
  return `${network.sessionTag.toString(16)}/${generation}`
}
