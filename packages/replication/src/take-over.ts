/**
 * What a guest says to a host that is new to it: whether it holds the world, and where its log stands.
 * Nobody is given a world again because the host changed.
 *
 * Invariant: the host sends a guest rows only after this has told that they have a world to land in.
 */
import type { ControlBody } from '@baton/schemas'
import { startBaseline } from './joins.ts'
import type { Link, ReplicationState } from './state.ts'

type Holdings = Extract<ControlBody, { type: 'Holdings' }>

/** Guest, every frame: tells the host what it does not know yet. */
export function offerHoldings(state: ReplicationState): void {
  for (const link of state.links.values()) {
    if (!link.owesHoldings || !link.subscribed || !link.peer.isHost) continue
    link.owesHoldings = false
    link.synced = state.synced
    const index = state.synced ? state.logIndex : state.neededIndex
    const body: Holdings = { type: 'Holdings', index, synced: state.synced, last: true, ids: [], hashes: [] }
    state.network.lower.sendBulk(link.peer, body)
  }
}

/** Host: rows may follow, or a world first. */
export function takeHoldings(state: ReplicationState, link: Link, body: Holdings): void {
  if (body.synced) {
    link.synced ||= body.last
    return
  }
  link.synced = false
  // Asked twice while the same world is on its way.
  if (link.baseline !== undefined && link.baseline.logIndex >= body.index) return
  link.wantedIndex = body.index
  startBaseline(state, link)
}
