/**
 * How a link goes on under a new host: each end says what it holds of the rows the other sends, so that
 * nothing known is sent again; and a guest without a world says so and is given one. Nobody else is.
 *
 * Invariant: rows go to a guest that holds a world, or did when the reign began and has not said otherwise.
 */
import type { LogEntry } from '@baton/core'
import type { Holdings } from '@baton/schemas'
import {
  createHoldingsIntake,
  describeHoldings,
  describeNothing,
  holdingsTick,
  publishHoldings,
  takeHoldings,
} from './holdings.ts'
import { startBaseline } from './joins.ts'
import { takeCheck } from './mending.ts'
import type { Link, ReplicationState } from './state.ts'

/** The first roster of a term is in the log: its tick names what everybody holds as the reign begins (HD3). */
export function noteReign(state: ReplicationState, { term, body }: LogEntry): void {
  if (body.type !== 'Roster' || term <= (state.reign?.term ?? 0)) return
  const tick = holdingsTick(body.tick)
  state.reign = { term, tick }
  const { network } = state
  if (network.isHost && network.term === term) publishHoldings(state, tick)
}

/** Every frame: tells far ends what they do not know yet. */
export function offerHoldings(state: ReplicationState): void {
  const { network } = state
  for (const link of state.links.values()) {
    if (!link.owesHoldings || !link.subscribed || !(network.isHost || link.peer.isHost)) continue
    // A guest that follows the log waits for the entry that names what it holds.
    if (!network.isHost && state.synced && state.reign?.term !== network.term) continue
    link.owesHoldings = false
    for (const body of describe(state, link)) state.network.lower.sendBulk(link.peer, { type: 'Holdings', ...body })
  }
}

function describe(state: ReplicationState, link: Link): Holdings[] {
  const { network, table, unconfirmed, logIndex } = state
  if (!state.synced) return [describeNothing(state.neededIndex)]
  link.synced ||= !network.isHost
  const tick = reignTick(state)
  // The world was given in this term: what it held when the reign began is not known.
  if (tick === undefined) return [{ index: logIndex, synced: true, last: true, ids: [], hashes: [] }]
  const { slot } = network.local
  const isSentToUs = network.isHost
    ? (index: number): boolean => table.authority[index] === link.peer.slot
    : (index: number): boolean => table.authority[index] !== slot && !unconfirmed.has(table.id[index]!)
  return describeHoldings(state, link.decoder, tick, logIndex, isSentToUs)
}

/** True while a guest cannot yet tell what the host's description is of. */
export function isBeforeReign({ network, synced, reign }: ReplicationState): boolean {
  return !network.isHost && synced && reign?.term !== network.term
}

/** @returns false for what no honest peer sends */
export function acceptHoldings(state: ReplicationState, link: Link, body: Holdings): boolean {
  const { network } = state
  if (!body.synced) {
    if (!network.isHost || body.ids.length > 0) return false
    giveWorld(state, link, body.index)
    return true
  }
  // What comes after the description of the reign is a check of what has been sent since.
  if (link.intake?.isComplete) return takeCheck(state, link, body)
  link.intake ??= createHoldingsIntake(reignTick(state))
  const result = takeHoldings(state, link.encoder, link.intake, body)
  if (result === 'complete' && network.isHost) link.synced = true
  return result !== 'invalid'
}

function giveWorld(state: ReplicationState, link: Link, index: number): void {
  link.synced = false
  link.intake = createHoldingsIntake(0)
  link.intake.isComplete = true
  // Asked twice while the same world is on its way.
  if (link.baseline !== undefined && link.baseline.logIndex >= index) return
  link.wantedIndex = index
  startBaseline(state, link)
}

/** Rows that have not changed since this tick wait for the far end's word; `undefined` where none do (HD6). */
export function restingSince(state: ReplicationState, link: Link): number | undefined {
  return link.intake?.isComplete ? undefined : reignTick(state)
}

function reignTick({ network, reign }: ReplicationState): number | undefined {
  return reign?.term === network.term ? reign.tick : undefined
}
