/**
 * Sends pings and answers, and lets go of peers that have fallen silent.
 *
 * Invariant: silence is counted only while this peer listened; after its own pause it waits anew.
 */
import { encodeControl, type Ping, type Pong } from '@baton/schemas'
import { refuse } from '../host/hello.ts'
import { STATE_KIND_CONTROL } from '../host/wire.ts'
import { isHost, type Room } from '../room.ts'
import { CHANNEL } from '../transport/transport.ts'
import { PING_INTERVAL_MS } from './heartbeat.ts'
import type { Link } from './link.ts'

/** Time between two calls of `receive` that still counts as having listened. */
const LISTENING_MS = 1_000
/** What a refused peer gets to read why, before its link is ended. */
const REFUSED_MS = 2_000

function sendOnState(room: Room, link: Link, body: ({ type: 'Ping' } & Ping) | ({ type: 'Pong' } & Pong)): void {
  const message = encodeControl({ term: room.term, index: 0, body })
  const packet = new Uint8Array(1 + message.length)
  packet[0] = STATE_KIND_CONTROL
  packet.set(message, 1)
  room.transport.send(link.id, CHANNEL.state, packet)
}

/** Answers at once: waiting for the end of the frame would count as distance. */
export function sendPong(room: Room, link: Link, ping: Ping): void {
  const tick = room.state === 'joined' ? room.clock.exact(room.nowMs) : -1
  const pong = link.heartbeat.takePing(ping, room.nowMs, tick)
  if (pong !== undefined) sendOnState(room, link, pong)
}

/** Pings every linked peer whose turn it is. */
export function sendPings(room: Room): void {
  for (const link of room.links.values()) {
    if (link.state !== 'up' || room.nowMs - link.pingMs < PING_INTERVAL_MS) continue
    link.pingMs = room.nowMs
    sendOnState(room, link, link.heartbeat.ping(room.nowMs))
  }
}

/** Called before the transport is read: time in which nobody listened is nobody's silence, or slowness. */
export function forgivePause(room: Room, elapsedMs: number): void {
  const missedMs = elapsedMs - LISTENING_MS
  if (missedMs <= 0) return
  if (room.machine !== undefined) room.machine.heardMs += missedMs
  for (const link of room.links.values()) {
    link.lastHeardMs += missedMs
    for (const outbox of [link.control, link.messages, link.bulk]) outbox.forgive(missedMs)
    for (const channel of link.channels.values()) channel.outbox.forgive(missedMs)
  }
}

/** Lets go of peers that have been silent for too long, or have to go for another reason. */
export function checkLinks(room: Room): void {
  const { nowMs, options } = room
  for (const link of room.links.values()) {
    if (link.state === 'up' && nowMs - link.lastHeardMs > options.peerTimeoutMs) {
      const message = `network: ${link.id} was not heard for ${options.peerTimeoutMs} ms`
      link.dismissal ??= { code: 'peer/timeout', message }
    }
    if (link.dismissal === undefined && link.refusedMs === undefined) continue
    // Only a host says why: a member that it ended without a word would take it for gone, and succeed it.
    if (isHost(room) && link.refusedMs === undefined) refuse(room, link, link.dismissal!.code, link.dismissal!.message)
    const hasRead = link.refusedMs === undefined || nowMs - link.refusedMs > REFUSED_MS
    if (link.state === 'up' && hasRead) room.transport.disconnect(link.id)
  }
}
