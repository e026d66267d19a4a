/**
 * Links to other peers: what is known of the rows each end holds.
 *
 * Invariant: one per peer and reign. The end that lost what it knew begins again with a decoder of its
 * own; the far end learns of it by what is not acked.
 */
import type { Peer } from '@baton/core'
import { isDead } from './lifecycle/entity-table.ts'
import { ID_GONE, ID_UNKNOWN, StateDecoder } from './pipeline/state-decoder.ts'
import { StateEncoder } from './pipeline/state-encoder.ts'
import type { Link, ReplicationState } from './state.ts'

/** The link to a peer, made on first need. */
export function linkTo(state: ReplicationState, peer: Peer): Link {
  const known = state.links.get(peer)
  if (known) return known
  const link: Link = {
    peer,
    term: state.network.term,
    encoder: new StateEncoder(state.published, state.policy),
    decoder: createDecoder(state),
    emit: (packet) => state.network.lower.sendState(peer, packet) === 'sent',
    owesAck: false,
    newestSequence: -1,
    newestTick: undefined,
    heardAtTick: 0,
    subscribed: false,
    synced: false,
    baseline: undefined,
    wantedIndex: undefined,
    owesHoldings: false,
    intake: undefined,
    mending: { saidMs: state.nowMs, lastId: 0, suspects: new Map() },
    waiting: [],
  }
  state.links.set(peer, link)
  return link
}

/** Guest: the host counts this peer as new, or will. It is told anew what is held here. */
export function beginAnew(state: ReplicationState): void {
  for (const link of state.links.values()) {
    if (!link.peer.isHost) continue
    link.decoder = createDecoder(state)
    link.newestSequence = -1
    link.intake = undefined
    link.owesHoldings = true
  }
}

function createDecoder({ registry, table }: ReplicationState): StateDecoder {
  return new StateDecoder({
    schemas: registry.schemas,
    capacity: table.capacity,
    resolve: (id) => table.indexById.get(id) ?? (isDead(table, id) ? ID_GONE : ID_UNKNOWN),
  })
}
