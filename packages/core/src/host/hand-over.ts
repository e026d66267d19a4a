/**
 * The planned way of the baton from one host to the next.
 *
 * Invariant: only the host starts it, and it goes on sending until its successor speaks.
 */
import { invariant } from '../errors.ts'
import type { Peer } from '../peers/peer.ts'
import { isHost, type Room } from '../room.ts'

export function handOver(room: Room, peer: Peer): void {
  invariant(isHost(room), 'handOver: this peer is not the host; only the host can hand the baton on')
  invariant(
    !peer.isLocal && peer.linked && room.peers.includes(peer),
    `handOver: ${peer.id} cannot take the baton; choose a linked member`,
  )
}

export function setHidden(room: Room, isHidden: boolean): void {
  room.hidden = isHidden
}
