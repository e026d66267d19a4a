/**
 * Everything that comes from the transport, sorted to whom it concerns.
 *
 * Invariant: bytes from the wire never throw past this file; a message that is bad is dropped whole
 * and counted against its sender.
 */
import { decodeControl, type ControlMessage } from '@baton/schemas'
import {
  LANE_FLAG,
  laneFlags,
  lanePayload,
  laneSequence,
  MAX_UNRELIABLE_MESSAGE_BYTES,
  STATE_KIND_MESSAGE,
} from './channels/lane-frame.ts'
import { takeAnswer } from './host/answer.ts'
import { takeHello } from './host/hello.ts'
import { takeGeneration } from './host/forks.ts'
import { linkUp, memberGone, peerLeft } from './host/links.ts'
import { takeFromWitness, takeHostMessage } from './host/room-host.ts'
import { strangerSlot } from './host/slots.ts'
import { isHostBody, readBeat, STATE_KIND_BEAT, STATE_KIND_BEAT_ACK, STATE_KIND_CONTROL } from './host/wire.ts'
import { createLink, MAX_EARLY_BYTES, MAX_EARLY_MESSAGES, type Link } from './peers/link.ts'
import { sendPong } from './peers/pings.ts'
import type { Peer } from './peers/peer.ts'
import { memberOf } from './peers/roster.ts'
import { breach } from './peers/dismissal.ts'
import { isFixedChannel, linkTo, memberPeer, pushError, type Room } from './room.ts'
import { CHANNEL, type PeerId, type TransportEvent } from './transport/transport.ts'

/** Control messages that may wait to be taken; more means that nobody takes them. */
const MAX_UNTAKEN_CONTROL = 16_384
/** State packets that may wait to be taken; newer ones supersede them soon. */
const MAX_UNTAKEN_PACKETS = 4_096

/** Handles one event of the transport. */
export function takeEvent(room: Room, event: TransportEvent): void {
  if (room.state === 'closed') return
  if (event.kind === 'message') takeMessage(room, event.peer, event.channel, event.data)
  else if (event.kind === 'connected') connected(room, event.peer)
  else if (event.kind === 'disconnected') disconnected(room, event.peer, event.reason === 'left')
  else if (event.kind === 'departed') peerLeft(room, event.peer)
  else if (event.kind === 'generation') takeGeneration(room, event.generation, event.members)
  else if (event.kind === 'witness') takeWitness(room, event.data)
  else if (event.kind === 'failed') pushError(room, event.error)
  else if (event.kind === 'roster') {
    if (event.members[0] !== room.lobbyMembers[0]) room.lobbySinceMs = room.nowMs
    room.lobbyMembers = event.members
  }
}

function connected(room: Room, id: PeerId): void {
  const link = linkTo(room, id)
  link.state = 'up'
  link.sinceMs = room.nowMs
  link.lastHeardMs = room.nowMs
  for (const { number, reliable } of link.channels.values()) room.transport.openChannel(id, number, { reliable })
  linkUp(room, link)
}

function disconnected(room: Room, id: PeerId, hasLeft: boolean): void {
  const ended = room.links.get(id)
  if (ended === undefined || ended.state === 'down') return
  // Nothing of the old link may reach a new one: no sequence, no half of a message, no queue.
  const link = createLink(id, room.nowMs, () => room.clock.rateHz)
  link.state = 'down'
  for (const channel of ended.channels.values()) link.channels.set(channel.number, channel.renewed())
  ended.state = 'down'
  room.links.set(id, link)
  if (hasLeft) peerLeft(room, id)
  memberGone(room, id)
  if (memberOf(room.roster, id) === undefined) room.links.delete(id)
}

function takeMessage(room: Room, id: PeerId, channel: number, data: Uint8Array): void {
  const link = room.links.get(id)
  if (link === undefined || link.state !== 'up' || link.dismissal !== undefined) return
  room.counters.received++
  link.lastHeardMs = room.nowMs
  if (channel === CHANNEL.state) takeState(room, link, data)
  else if (isFixedChannel(channel)) {
    const decoded = decodeControl(data)
    if (decoded.ok) takeControl(room, link, decoded.value, channel, data.length)
    else breach(room, link, decoded.reason)
  } else takeLane(room, link, channel, data)
}

function takeControl(room: Room, link: Link, message: ControlMessage, channel: number, sizeBytes: number): void {
  const { body, term } = message
  link.term = Math.max(link.term, term)
  if (channel === CHANNEL.control) {
    if (body.type === 'Hello') return takeHello(room, link, body)
    if (body.type === 'Welcome' || body.type === 'Refuse') return takeAnswer(room, link, term, body)
    if (body.type === 'Goodbye') return room.transport.disconnect(link.id)
    if (room.state === 'joining' && body.type === 'LogBase') {
      link.base = { term, body }
      return
    }
    if (message.generation !== room.generation && room.state === 'joined') return
    if (message.entryTerm !== 0) return takeEntry(room, link, message)
    if (isHostBody(body)) return takeHostMessage(room, link, term, body)
  }
  const peer = memberPeer(room, link.id)
  if (peer === undefined) holdEarly(room, link, message, channel, sizeBytes)
  else {
    if (link.early.length > 0) releaseEarly(room, link, peer)
    deliverControl(room, link, peer, message, channel)
  }
}

function takeEntry(room: Room, link: Link, message: ControlMessage): void {
  const { term, index, entryTerm, requester, body } = message
  takeHostMessage(room, link, term, { type: 'Entry', entry: { index, term: entryTerm, requester, body } })
}

function takeWitness(room: Room, data: Uint8Array): void {
  const decoded = decodeControl(data)
  if (!decoded.ok || decoded.value.generation !== room.generation) return
  const { term, body } = decoded.value
  if (isHostBody(body)) takeFromWitness(room, term, body)
}

/** The sender's entry in the roster travels another way, and may be later than what it says. */
function holdEarly(room: Room, link: Link, message: ControlMessage, channel: number, sizeBytes: number): void {
  if (link.early.length >= MAX_EARLY_MESSAGES || link.earlyBytes + sizeBytes > MAX_EARLY_BYTES) {
    room.counters.earlyDropped++
    // Its entry may be in the log that this peer lacks: then it says no more than any member does.
    if (strangerSlot(room, link) !== undefined) return
    return breach(room, link, 'much to say for a peer that is not in the room')
  }
  link.early.push({ message, channel })
  link.earlyBytes += sizeBytes
}

function releaseEarly(room: Room, link: Link, peer: Peer): void {
  const early = link.early.splice(0)
  link.earlyBytes = 0
  for (const { message, channel } of early) deliverControl(room, link, peer, message, channel)
}

/** Hands over what was held for members that have entered since. */
export function releaseAllEarly(room: Room): void {
  for (const link of room.links.values()) {
    if (link.early.length === 0) continue
    const peer = memberPeer(room, link.id)
    if (peer !== undefined) releaseEarly(room, link, peer)
  }
}

function deliverControl(room: Room, link: Link, peer: Peer, message: ControlMessage, channel: number): void {
  const { body } = message
  if (body.type === 'Standing') {
    link.standing = body
    return
  }
  if (body.type === 'ApplicationMessage') {
    if (channel !== CHANNEL.control) return breach(room, link, 'an application message on the bulk channel')
    const bytes = link.assembly.add(body.text, body.last, body.data)
    if (bytes === 'bad') return breach(room, link, 'pieces that make no message')
    if (bytes !== undefined) pushMessage(room, peer, CHANNEL.control, body.text, bytes)
    return
  }
  if (isCoreOnly(body.type)) return breach(room, link, `${body.type} on channel ${channel}`)
  if (room.protocol === undefined || room.control.length >= MAX_UNTAKEN_CONTROL) {
    room.counters.notTaken++
    return
  }
  room.control.push({ from: peer, message, channel })
}

function isCoreOnly(type: ControlMessage['body']['type']): boolean {
  return (
    type === 'Hello' ||
    type === 'Welcome' ||
    type === 'Refuse' ||
    type === 'Roster' ||
    type === 'LogBase' ||
    type === 'Goodbye' ||
    type === 'Ping' ||
    type === 'Pong'
  )
}

function pushMessage(room: Room, peer: Peer, channel: number, text: boolean, bytes: Uint8Array): void {
  room.events.push({ kind: 'message', message: { peer, channel, text, bytes } })
}

function takeState(room: Room, link: Link, data: Uint8Array): void {
  const kind = data[0]
  if (kind !== undefined && kind >> 4 === 1) return takePacket(room, link, data)
  if (kind === STATE_KIND_MESSAGE) return takeDatagram(room, link, data)
  if (kind === STATE_KIND_BEAT || kind === STATE_KIND_BEAT_ACK) return takeBeat(room, link, data)
  if (kind !== STATE_KIND_CONTROL) return breach(room, link, `a state packet of kind ${kind}`)
  const decoded = decodeControl(data.subarray(1))
  if (!decoded.ok) return breach(room, link, decoded.reason)
  const { body, term, generation } = decoded.value
  link.term = Math.max(link.term, term)
  if (isHostBody(body)) {
    if (generation === room.generation) takeHostMessage(room, link, term, body)
    return
  }
  if (body.type === 'Ping') return sendPong(room, link, body)
  if (body.type !== 'Pong') return breach(room, link, `${body.type} on the state channel`)
  const { heartbeat } = link
  if (!heartbeat.takePong(body, room.nowMs)) return breach(room, link, `tick ${body.tick}`)
  if (link.id !== room.host?.id) return
  const tick = heartbeat.sync.estimate(room.nowMs)
  if (tick === undefined) return
  if (room.isClockRough) room.clock.leap(room.nowMs, tick)
  else room.clock.steer(room.nowMs, tick)
  room.isClockRough = false
}

function takeBeat(room: Room, link: Link, data: Uint8Array): void {
  const beat = readBeat(data, room.sessionTag)
  if (beat === undefined) return breach(room, link, `a beat of ${data.length} bytes`)
  if (beat !== 'foreign') takeHostMessage(room, link, beat.term, beat.message)
}

function takePacket(room: Room, link: Link, data: Uint8Array): void {
  const peer = memberPeer(room, link.id)
  if (peer === undefined || room.protocol === undefined || room.packets.length >= MAX_UNTAKEN_PACKETS) {
    room.counters.notTaken++
    return
  }
  room.packets.push({ from: peer, data })
}

function takeDatagram(room: Room, link: Link, data: Uint8Array): void {
  const flags = laneFlags(data, 1)
  if (flags < 0 || (flags & LANE_FLAG.reliable) !== 0)
    return breach(room, link, 'an unreliable message without its header')
  const payload = lanePayload(data, 1, flags)
  if (payload.length > MAX_UNRELIABLE_MESSAGE_BYTES)
    return breach(room, link, `an unreliable message of ${payload.length} bytes`)
  const peer = memberPeer(room, link.id)
  if (peer === undefined) {
    room.counters.earlyDropped++
    return
  }
  if (link.window.accept(laneSequence(data, 1))) {
    pushMessage(room, peer, CHANNEL.state, (flags & LANE_FLAG.text) !== 0, payload)
  } else room.counters.duplicates++
}

function takeLane(room: Room, link: Link, number: number, data: Uint8Array): void {
  const peer = memberPeer(room, link.id)
  const channel = link.channels.get(number)
  if (peer === undefined || channel === undefined) return
  const result = channel.receive(data)
  if (result === 'message') pushMessage(room, peer, number, channel.text, channel.bytes)
  else if (result === 'duplicate') room.counters.duplicates++
  else if (result === 'other-kind') room.counters.otherKind++
  else if (result === 'malformed') breach(room, link, `a malformed frame on channel ${number}`)
}
