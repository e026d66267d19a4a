/**
 * What leaves at the end of a frame, and what becomes of a peer that does not take it.
 *
 * Invariant: each channel of each link has its own queue, so none waits for another.
 */
import { NetworkError } from './errors.ts'
import { stampSequence } from './channels/lane-frame.ts'
import { TRANSPORT_WINDOW_BYTES, type Outbox } from './channels/outbox.ts'
import { considerRoster } from './host/rosters.ts'
import { tickMachine } from './host/room-host.ts'
import type { Link } from './peers/link.ts'
import { sendPings } from './peers/pings.ts'
import { giveUpOn } from './peers/dismissal.ts'
import { pushError, type Room } from './room.ts'
import { CHANNEL } from './transport/transport.ts'

/** The application's messages leave room for control messages to come between their pieces. */
const MESSAGE_WINDOW_BYTES = TRANSPORT_WINDOW_BYTES / 2
/** Without a byte taken for this long, a reliable channel counts as stuck. */
const STALL_MS = 5_000

/** Writes out what was queued, for every link. */
export function flushRoom(room: Room): void {
  considerRoster(room)
  tickMachine(room)
  sendPings(room)
  for (const link of room.links.values()) if (link.state === 'up') flushLink(room, link)
}

function flushLink(room: Room, link: Link): void {
  const { transport, nowMs } = room
  flushDatagrams(room, link)
  link.control.flush(transport, link.id, CHANNEL.control, nowMs, TRANSPORT_WINDOW_BYTES)
  if (link.control.isEmpty && link.messages.flush(transport, link.id, CHANNEL.control, nowMs, MESSAGE_WINDOW_BYTES)) {
    pushDrain(room, link, CHANNEL.control)
  }
  link.bulk.flush(transport, link.id, CHANNEL.bulk, nowMs, TRANSPORT_WINDOW_BYTES)
  for (const channel of link.channels.values()) {
    if (channel.flush(transport, link.id, nowMs)) pushDrain(room, link, channel.number)
    if (isStuck(channel.outbox, nowMs)) closeSlowChannel(room, link, channel.number)
  }
  if (
    isStuck(link.control, nowMs) ||
    isStuck(link.bulk, nowMs) ||
    (link.control.isEmpty && isStuck(link.messages, nowMs))
  ) {
    giveUpOn(room, link, `it took nothing for ${STALL_MS} ms`)
  }
}

function isStuck(outbox: Outbox, nowMs: number): boolean {
  return outbox.stalledMs(nowMs) > STALL_MS
}

function flushDatagrams(room: Room, link: Link): void {
  for (const frame of link.datagrams) {
    // The frame may be shared with other links; each stamps its own number before its copy leaves.
    stampSequence(frame, 1, link.datagramSequence)
    link.datagramSequence = (link.datagramSequence + 1) & 0xffff
    if (room.transport.send(link.id, CHANNEL.state, frame) !== 'sent') room.counters.sendDropped++
  }
  link.datagrams.length = 0
}

function pushDrain(room: Room, link: Link, channel: number): void {
  const peer = room.peerObjects.get(link.id)
  if (peer !== undefined) room.events.push({ kind: 'drain', peer, channel })
}

/** A reliable channel that cannot keep its promise is closed, and the game is told. */
export function closeSlowChannel(room: Room, link: Link, number: number): void {
  link.channels.delete(number)
  room.transport.closeChannel(link.id, number)
  pushError(
    room,
    new NetworkError('peer/slow', `network: ${link.id} does not take what is sent on channel ${number}; it was closed`),
  )
}
