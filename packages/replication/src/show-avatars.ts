/**
 * Shows where each peer is: `peer.translation` and `peer.rotation` are those of the first avatar that
 * the peer owns (PT1). Part of the frame spine, after all rows are in their columns.
 *
 * Invariant: reads columns only; games without avatars pay nothing.
 */
import type { Peer } from '@baton/core'
import { peerOfSlot } from './lookup.ts'
import type { ReplicationState } from './state.ts'

export function showAvatars(state: ReplicationState): void {
  const { table, avatars } = state
  const { isAvatar, shown } = avatars
  if (!avatars.hasAvatars) return
  shown.length = 0
  for (let i = 0; i < table.count; i += 1) {
    const index = table.order[i]!
    if (isAvatar[table.prefab[index]!] === 0) continue
    const owner = table.owner[index]!
    if (shown.includes(owner)) continue
    shown.push(owner)
    const peer = peerOfSlot(state, owner)
    if (peer) showAvatar(state, peer, index)
  }
}

function showAvatar(state: ReplicationState, peer: Peer, index: number): void {
  const eid = state.table.eid[index]!
  for (const { component, position, rotation } of state.avatars.places) {
    if (state.store.components[component]!.present[index] !== 1) continue
    if (position) {
      peer.translation[0] = position.x[eid]!
      peer.translation[1] = position.y[eid]!
      peer.translation[2] = position.z[eid]!
    }
    if (rotation) {
      peer.rotation[0] = rotation.x[eid]!
      peer.rotation[1] = rotation.y[eid]!
      peer.rotation[2] = rotation.z[eid]!
      peer.rotation[3] = rotation.w[eid]!
    }
    if (position) return
  }
}
