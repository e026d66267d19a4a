/**
 * The planned way of the baton from one host to the next.
 *
 * Invariant: only the host starts it, and it goes on sending until its successor speaks (HM7).
 */
import { invariant } from '../errors.ts'
import type { Peer } from '../peers/peer.ts'
import { memberOf } from '../peers/roster.ts'
import { isHost, type Room } from '../room.ts'
import { isAcking, isActing } from './council.ts'
import { sendStanding } from './hello.ts'
import { settleMachine } from './room-host.ts'
import { releaseTo } from './step.ts'

/** A page that is out of sight for longer is not just being looked away from. */
const HIDDEN_MS = 1_000

/** @throws InvariantError see `Network.handOver` */
export function handOver(room: Room, peer: Peer): void {
  invariant(isHost(room), 'handOver: this peer is not the host; only the host can hand the baton on')
  const member = memberOf(room.roster, peer.id)
  const mayHost = member !== undefined && member.voter && member.canHost
  invariant(
    !peer.isLocal && peer.linked && mayHost,
    `handOver: ${peer.id} cannot take the baton; choose a linked member that may host and has been in for a moment`,
  )
  releaseTo(room.machine!, member.slot)
  settleMachine(room)
}

/** Host that leaves: anyone may take over at once. */
export function letGo(room: Room): void {
  if (!isHost(room) || room.peers.length === 0) return
  releaseTo(room.machine!, 0)
  settleMachine(room)
}

export function setHidden(room: Room, isHidden: boolean): void {
  if (room.hidden === isHidden) return
  room.hidden = isHidden
  room.hiddenSinceMs = room.nowMs
  sendStanding(room)
}

/** A hidden host hands the baton to the first in line that is in sight. */
export function considerHiding(room: Room): void {
  const { machine, roster } = room
  if (machine === undefined || roster === undefined || !room.hidden || !isHost(room) || !isActing(machine)) return
  if (room.nowMs - room.hiddenSinceMs < HIDDEN_MS || machine.log.pendingRosters.length > 0) return
  const next = roster.members.find(({ peer, slot, voter, canHost }) => {
    const link = room.links.get(peer)
    // One that is gone would be waited for, and the next one after that is asked no sooner.
    const isThere = link?.state === 'up' && isAcking(machine, slot)
    return voter && canHost && isThere && link.standing?.hidden === false
  })
  if (next === undefined) return
  releaseTo(machine, next.slot)
  settleMachine(room)
}
