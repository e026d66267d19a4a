/**
 * The machine in its room: messages of links go in, what it says goes out to links, and its turns become
 * members, hosts and events.
 *
 * Invariant: after `settleMachine` the room shows what the machine has decided, and nothing of the machine
 * waits.
 */
import { encodeControl, type ControlBody } from '@baton/schemas'
import { breach } from '../peers/dismissal.ts'
import type { Link } from '../peers/link.ts'
import { memberOf, memberOfSlot, parseRoster } from '../peers/roster.ts'
import { sendControl, sendEntry } from '../send-control.ts'
import { isHost, linkTo, type Room } from '../room.ts'
import type { LogEntry, LogEvent } from './log-entry.ts'
import { CHANNEL, type PeerId } from '../transport/transport.ts'
import { others, silenceMs } from './council.ts'
import { EVERYONE, WITNESS, type HostMachine, type HostMessage, type Outgoing } from './machine.ts'
import { setRoster, settleHost } from './membership.ts'
import { admitted } from './rosters.ts'
import { take, tick } from './step.ts'
import { fenceOf } from './votes.ts'
import { isUnreliable, STATE_KIND_CONTROL, writeBeat, writeBeatAck, writeForWitness } from './wire.ts'
import { answerAll, sendHello } from './hello.ts'
import { appendEntry } from './reign.ts'

/** Control and state of one link, for the host's business. */
export function takeHostMessage(room: Room, link: Link, term: number, message: HostMessage): void {
  const { machine } = room
  if (machine === undefined) return
  const slot = slotOf(room, link.id)
  if (slot === undefined) return answerStranger(room, link, message)
  if (message.type === 'LogBase' && !mayGiveBase(room, machine, slot)) {
    return breach(room, link, 'a log that was not asked for')
  }
  if (message.type === 'Entry' && !isSound(message.entry)) return breach(room, link, 'a roster that cannot be')
  take(machine, slot, term, message)
  settleMachine(room)
}

/** Whoever is not in takes part in nothing. It may have been, and not know yet that it is no more. */
function answerStranger(room: Room, link: Link, message: HostMessage): void {
  const { type } = message
  if (type !== 'Beat' && type !== 'Suspect' && type !== 'VoteRequest') return
  sendOnState(room, link, fenceOf(room.machine!))
}

function mayGiveBase(room: Room, machine: HostMachine, slot: number): boolean {
  return slot === machine.host || slot === machine.strangers?.slot || room.state === 'joining'
}

function isSound({ body }: LogEntry): boolean {
  return body.type !== 'Roster' || typeof parseRoster(body) !== 'string'
}

/** The slot of a peer, by any roster that counts: a newcomer's may not be committed here yet. */
function slotOf(room: Room, id: PeerId): number | undefined {
  const known = memberOf(room.roster, id)
  if (known !== undefined) return known.slot
  for (const entry of room.machine?.log.pendingRosters ?? []) {
    const body = entry.body as Extract<ControlBody, { type: 'Roster' }>
    const member = body.members.find((one) => one.peer === id)
    if (member !== undefined) return member.slot
  }
  return undefined
}

function peerOfSlot(room: Room, slot: number): PeerId | undefined {
  const known = memberOfSlot(room.roster, slot)
  if (known !== undefined) return known.peer
  for (const entry of room.machine!.log.pendingRosters) {
    const body = entry.body as Extract<ControlBody, { type: 'Roster' }>
    const member = body.members.find((one) => one.slot === slot)
    if (member !== undefined) return member.peer
  }
  return undefined
}

/** A message of the lobby as a witness. */
export function takeFromWitness(room: Room, term: number, body: HostMessage): void {
  if (room.machine === undefined) return
  take(room.machine, WITNESS, term, body)
  settleMachine(room)
}

/** Time has passed: once per `receive`, after everything that came was taken, and once per `flush`. */
export function tickMachine(room: Room): void {
  const { machine } = room
  if (machine === undefined) return
  machine.tick = room.clock.tick(room.nowMs)
  tick(machine)
  settleMachine(room)
}

/** Host: writes an entry. @returns its index, or `undefined` where this peer may not write */
export function appendToLog(room: Room, body: ControlBody, requester: number): number | undefined {
  const { machine } = room
  if (machine === undefined) return undefined
  const index = appendEntry(machine, body, requester)
  settleMachine(room)
  return index
}

/** Brings the room in line with the machine. */
export function settleMachine(room: Room): void {
  const { machine } = room
  if (machine === undefined) return
  while (machine.turns.length + machine.logEvents.length + machine.out.length + machine.breaches.length > 0) {
    const turn = machine.turns.shift()
    if (turn !== undefined) {
      settleHost(room, turn)
      if (isHost(room)) {
        room.clock.release(room.nowMs)
        room.clock.leap(room.nowMs, (machine.tick + 1) >>> 0)
        room.clock.release(room.nowMs)
        answerAll(room)
      }
    }
    for (const event of machine.logEvents.splice(0)) takeLogEvent(room, event)
    for (const outgoing of machine.out.splice(0)) deliver(room, machine, outgoing)
    for (const { slot, reason } of machine.breaches.splice(0)) {
      const id = peerOfSlot(room, slot)
      const link = id === undefined ? undefined : room.links.get(id)
      if (link !== undefined) breach(room, link, reason)
    }
  }
  room.term = machine.term
  if (machine.role === 'follower' && room.host?.isLocal === true) room.host = undefined
  askBack(room, machine)
}

/** HM10: a member that was away finds that the room went on without it: it asks to be let in again. */
function askBack(room: Room, machine: HostMachine): void {
  const { strangers } = machine
  if (strangers === undefined || strangers.term < machine.term) return
  if (strangers.term === machine.term && silenceMs(machine) < machine.leaseMs) return
  const id = peerOfSlot(room, strangers.slot)
  const link = id === undefined ? undefined : room.links.get(id)
  if (link?.state !== 'up' || room.nowMs - link.helloMs < ASK_BACK_MS) return
  link.helloMs = room.nowMs
  sendHello(room, link)
}

const ASK_BACK_MS = 500

function takeLogEvent(room: Room, event: LogEvent): void {
  if (event.kind === 'committed' && event.entry.body.type === 'Roster') {
    const roster = parseRoster(event.entry.body)
    if (typeof roster !== 'string') {
      setRoster(room, roster)
      admitted(room)
    }
  } else if (event.kind === 'reset') {
    const roster = parseRoster(room.machine!.log.roster)
    if (typeof roster !== 'string') setRoster(room, roster)
  }
  if (room.protocol !== undefined) room.logEvents.push(event)
}

function deliver(room: Room, machine: HostMachine, { to, term, message }: Outgoing): void {
  if (to === WITNESS) {
    if (message.type === 'Beat' || message.type === 'BeatAck' || message.type === 'Entry') return
    const isHeard = room.transport.witness?.(writeForWitness(term, machine.generation, message))
    if (isHeard !== undefined) room.hasWitness = isHeard
    return
  }
  if (to !== EVERYONE) return deliverTo(room, to, term, message)
  for (const slot of others(machine)) deliverTo(room, slot, term, message)
}

function deliverTo(room: Room, slot: number, term: number, message: HostMessage): void {
  const id = peerOfSlot(room, slot)
  if (id === undefined || id === room.transport.local) return
  const link = linkTo(room, id)
  if (link.state === 'down') return
  if (message.type === 'Beat' || message.type === 'BeatAck') {
    const bytes =
      message.type === 'Beat' ? writeBeat(term, room.sessionTag, message) : writeBeatAck(term, room.sessionTag, message)
    room.transport.send(id, CHANNEL.state, bytes)
  } else if (message.type === 'Entry') sendEntry(room, link, term, message.entry)
  else if (isUnreliable(message)) sendOnState(room, link, message, term)
  else sendControl(room, link, message, 0, term)
}

function sendOnState(room: Room, link: Link, body: ControlBody, term = room.machine!.term): void {
  if (link.state !== 'up') return
  const message = encodeControl({ term, index: 0, generation: room.machine!.generation, body })
  const packet = new Uint8Array(1 + message.length)
  packet[0] = STATE_KIND_CONTROL
  packet.set(message, 1)
  room.transport.send(link.id, CHANNEL.state, packet)
}
