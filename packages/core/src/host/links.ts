/**
 * What the coming and going of links means for the room.
 *
 * Invariant: a link that ends is no vote of anybody: only silence, or a word of parting, makes a host go.
 */
import type { Link } from '../peers/link.ts'
import { memberOf } from '../peers/roster.ts'
import { isHost, pushChange, type Room } from '../room.ts'
import type { PeerId } from '../transport/transport.ts'
import { sendHello } from './hello.ts'
import { settleMachine } from './room-host.ts'
import { sayWhere } from './follow.ts'
import { forgetAnswers } from './reign.ts'
import { hostLeft, resign } from './step.ts'

/** A link came up: the peers say who they are, and a member that was out of reach is so no more. */
export function linkUp(room: Room, link: Link): void {
  sendHello(room, link)
  const peer = room.peerObjects.get(link.id)
  const state = room.states.get(link.id)
  if (room.state !== 'joined' || peer === undefined || state === undefined || state.linked) return
  state.linked = true
  resumeLog(room, link.id, peer.slot)
  pushChange(room, 'linked', peer)
}

/** What was sent on the old link may be lost. */
function resumeLog(room: Room, id: PeerId, slot: number): void {
  const { machine } = room
  if (machine === undefined) return
  if (isHost(room)) forgetAnswers(machine, slot)
  else if (room.host?.id === id) sayWhere(machine)
  settleMachine(room)
}

/** A link has ended. A host leaves the peer out of its next roster. */
export function memberGone(room: Room, id: PeerId): void {
  const peer = room.peerObjects.get(id)
  const state = room.states.get(id)
  if (room.state !== 'joined' || peer === undefined || state === undefined || !state.linked) return
  state.linked = false
  pushChange(room, 'unlinked', peer)
}

/** A peer said that it leaves, or the lobby saw its page go: nobody has to wait for its silence. */
export function peerLeft(room: Room, id: PeerId): void {
  const { machine } = room
  const member = memberOf(room.roster, id)
  if (machine === undefined || member === undefined) return
  const link = room.links.get(id)
  if (link !== undefined) link.isExpelled = true
  room.left.add(id)
  if (isHost(room)) resign(machine, member.slot)
  else hostLeft(machine, member.slot)
  settleMachine(room)
}
