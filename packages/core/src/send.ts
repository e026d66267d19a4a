/**
 * Messages of the application on their way out: to one peer, to all, on numbered channels.
 *
 * Invariant: a message over a limit throws before any part of it is queued for anyone.
 */
import { encodeApplicationMessage } from './channels/application.ts'
import { frameUnreliable, STATE_KIND_MESSAGE } from './channels/lane-frame.ts'
import { encodeMessage, type MessageData } from './channels/message-data.ts'
import { NumberedChannel, type ChannelOptions } from './channels/numbered-channel.ts'
import { invariant } from './errors.ts'
import { closeSlowChannel } from './flush.ts'
import type { Link } from './peers/link.ts'
import type { Peer } from './peers/peer.ts'
import { giveUpOn } from './peers/dismissal.ts'
import { linkTo, type Room } from './room.ts'
import type { PeerId, SendResult } from './transport/transport.ts'

/** Unreliable messages of one frame to one peer; what is over is dropped, as a slow link would. */
const MAX_DATAGRAMS_PER_FLUSH = 1_024

/** Sends to one member. */
export function sendTo(room: Room, id: PeerId, data: MessageData, reliable: boolean): SendResult {
  const frames = encodeFrames(room, data, reliable, 'peer.send')
  return id === room.transport.local ? 'closed' : queue(room, id, frames, reliable)
}

/** Sends to every other member. The message is encoded once. */
export function broadcast(room: Room, data: MessageData, reliable: boolean): void {
  const frames = encodeFrames(room, data, reliable, 'network.broadcast')
  for (const peer of room.peers) queue(room, peer.id, frames, reliable)
}

function encodeFrames(room: Room, data: MessageData, reliable: boolean, place: string): Uint8Array[] {
  const message = encodeMessage(data, place)
  if (reliable) return encodeApplicationMessage(message, room.term, place)
  const frame = frameUnreliable(message, 1, place)
  frame[0] = STATE_KIND_MESSAGE
  return [frame]
}

function queue(room: Room, id: PeerId, frames: Uint8Array[], reliable: boolean): SendResult {
  const link = room.links.get(id)
  if (link === undefined || link.state === 'down' || room.state !== 'joined') return 'closed'
  if (reliable) {
    const result = link.messages.push(frames)
    if (result === 'closed') giveUpOn(room, link, 'its messages do not get through')
    return result
  }
  if (link.state === 'pending' || link.datagrams.length >= MAX_DATAGRAMS_PER_FLUSH) {
    room.counters.sendDropped++
    return 'dropped'
  }
  link.datagrams.push(...frames)
  return 'sent'
}

/** Opens this side of a numbered channel. The same again does nothing; another kind throws. */
export function openChannel(room: Room, peer: Peer, number: number, options: ChannelOptions): void {
  const channel = new NumberedChannel(number, options)
  const link = channelLink(room, peer)
  if (link === undefined) return
  const open = link.channels.get(number)
  if (open !== undefined) {
    const kinds = `${open.reliable ? 'reliable' : 'unreliable'}, now ${channel.reliable ? 'reliable' : 'unreliable'}`
    invariant(open.reliable === channel.reliable, `openChannel ${number}: it is open as ${kinds}; close it first`)
    return
  }
  link.channels.set(number, channel)
  if (link.state === 'up') room.transport.openChannel(peer.id, number, { reliable: channel.reliable })
}

/** Closes this side of a numbered channel; what waits on it is dropped. Twice is once. */
export function closeChannel(room: Room, peer: Peer, number: number): void {
  const link = room.links.get(peer.id)
  if (link?.channels.delete(number)) room.transport.closeChannel(peer.id, number)
}

/** Queues a message on a numbered channel. */
export function sendMessage(room: Room, peer: Peer, number: number, data: MessageData): SendResult {
  const message = encodeMessage(data, 'sendMessage')
  const link = room.links.get(peer.id)
  const channel = link?.channels.get(number)
  if (link === undefined || channel === undefined || link.state === 'down' || room.state !== 'joined') return 'closed'
  if (!channel.reliable && link.state === 'pending') return 'dropped'
  const result = channel.send(message)
  if (result === 'dropped') room.counters.sendDropped++
  if (result === 'closed') closeSlowChannel(room, link, number)
  return result
}

/** Ends the link to a peer. A host takes it out of the room, and says so. */
export function disconnectPeer(room: Room, peer: Peer): void {
  const link = room.links.get(peer.id)
  if (link === undefined || room.state !== 'joined') return
  link.dismissal ??= { code: 'network/closed', message: 'network: the host took this peer out of the room' }
}

function channelLink(room: Room, peer: Peer): Link | undefined {
  invariant(!peer.isLocal, 'openChannel: a peer has no channel to itself; give one of network.peers')
  return room.peerObjects.get(peer.id) === peer && room.state === 'joined' ? linkTo(room, peer.id) : undefined
}
