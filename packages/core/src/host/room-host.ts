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
import { parseRoster } from '../peers/roster.ts'
import { sendControl, sendEntry } from '../send-control.ts'
import { isHost, linkTo, type Room } from '../room.ts'
import type { LogEntry, LogEvent } from './log-entry.ts'
import { CHANNEL } from '../transport/transport.ts'
import { GIFT_TERM } from './catch-up.ts'
import { others, silenceMs } from './council.ts'
import type { HostMachine, HostTurn } from './machine.ts'
import { setRoster, settleHost } from './membership.ts'
import { admitted } from './rosters.ts'
import { peerOfSlot, slotOf, strangerSlot } from './slots.ts'
import { take, tick } from './step.ts'
import { LONG_SILENCE_MS } from './timing.ts'
import { fenceOf } from './votes.ts'
import { isUnreliable, STATE_KIND_CONTROL, writeBeat, writeBeatAck, writeForWitness } from './wire.ts'
import { answerAll, sendHello, setHoldsWorld } from './hello.ts'
import { EVERYONE, WITNESS, type HostMessage, type Outgoing } from './messages.ts'
import { appendEntry } from './reign.ts'

/** Control and state of one link, for the host's business. */
export function takeHostMessage(room: Room, link: Link, term: number, message: HostMessage): void {
  const { machine } = room
  if (machine === undefined) return
  const slot = slotOf(room, link.id) ?? slotOfStranger(room, link, term, message)
  if (slot === undefined) return
  if (message.type === 'LogBase' && !mayGiveBase(room, machine, slot)) {
    return breach(room, link, 'a log that was not asked for')
  }
  if (message.type === 'Entry' && !isSound(message.entry)) return breach(room, link, 'a roster that cannot be')
  take(machine, slot, term, message)
  settleMachine(room)
}

/**
 * Whoever is not in takes part in nothing. It may have been, and not know yet that it is no more; or it is, and this
 * peer does not know: it may tell what is committed (HM20), ask for a vote (HM3), and let this peer in again (HM10).
 */
function slotOfStranger(room: Room, link: Link, term: number, message: HostMessage): number | undefined {
  const { type } = message
  if (type === 'Beat' || type === 'Suspect' || type === 'VoteRequest') sendOnState(room, link, fenceOf(room.machine!))
  const slot = strangerSlot(room, link)
  const isFollowed = slot === room.machine!.host
  const isHeard = isFollowed || HEARD_OF_STRANGERS.has(type) || (type === 'Entry' && term === GIFT_TERM)
  return isHeard ? slot : undefined
}

const HEARD_OF_STRANGERS: ReadonlySet<HostMessage['type']> = new Set([
  'Suspect',
  'VoteRequest',
  'Beat',
  'Fence',
  'LogBase',
])

function mayGiveBase(room: Room, machine: HostMachine, slot: number): boolean {
  return slot === machine.host || slot === machine.strangers?.slot || room.state === 'joining'
}

function isSound({ body }: LogEntry): boolean {
  return body.type !== 'Roster' || typeof parseRoster(body) !== 'string'
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
    if (turn !== undefined) takeTurn(room, machine, turn)
    for (const event of machine.logEvents.splice(0)) takeLogEvent(room, event)
    if (room.lateTurn !== undefined) takeTurn(room, machine, room.lateTurn)
    for (const outgoing of machine.out.splice(0)) deliver(room, machine, outgoing)
    for (const { slot, reason } of machine.breaches.splice(0)) {
      const id = peerOfSlot(room, slot)
      const link = id === undefined ? undefined : room.links.get(id)
      if (link !== undefined) breach(room, link, reason)
    }
  }
  room.term = machine.term
  if (machine.role === 'follower' && room.host?.isLocal === true) room.host = undefined
  followHost(room, machine)
  askBack(room, machine)
}

/** The host may be known here only with a roster that is not committed yet: its turn waits for that. */
function takeTurn(room: Room, machine: HostMachine, turn: HostTurn): void {
  room.lateTurn = undefined
  if (!settleHost(room, turn)) {
    if (turn.slot === machine.host && turn.term === machine.term) room.lateTurn = turn
    return
  }
  if (!isHost(room)) return
  room.clock.release(room.nowMs)
  room.clock.leap(room.nowMs, (machine.tick + 1) >>> 0)
  room.clock.release(room.nowMs)
  answerAll(room)
}

/** By the rosters that this peer had missed its host may have left and come back: it is another member now. */
function followHost(room: Room, machine: HostMachine): void {
  const { host } = room
  const member = host === undefined ? undefined : room.peerObjects.get(host.id)
  if (member === undefined || member === host || member.slot !== machine.host) return
  const gapMs = machine.nowMs - machine.heardMs
  takeTurn(room, machine, { slot: machine.host, term: machine.term, reason: 'returned', gapMs })
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
    // It may be asked to take over before the package above has heard of it.
    if (room.protocol !== undefined) setHoldsWorld(room, false)
  }
  if (room.protocol !== undefined) room.logEvents.push(event)
}

function deliver(room: Room, machine: HostMachine, { to, term, message }: Outgoing): void {
  if (to === WITNESS) {
    if (message.type === 'Beat' || message.type === 'BeatAck' || message.type === 'Entry') return
    const isHeard = room.transport.witness?.(writeForWitness(term, machine.generation, message))
    if (isHeard !== undefined) room.hasWitness = isHeard
    machine.hasWitness = isHeard === true
    return
  }
  if (to !== EVERYONE) return deliverTo(room, to, term, message)
  const slots = others(machine)
  for (const slot of slots) deliverTo(room, slot, term, message)
  if (message.type !== 'Suspect' || silenceMs(machine) < LONG_SILENCE_MS) return
  // The room may have gone on without anybody that this member knows.
  for (const link of room.links.values()) {
    const slot = strangerSlot(room, link)
    if (slot !== undefined && !slots.includes(slot)) deliverTo(room, slot, term, message)
  }
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
