/**
 * How a peer comes in: hello to everyone it meets, welcome or refusal from the host.
 *
 * Invariant: only the host answers a hello; everyone else keeps it, for the day it hosts.
 */
import type { Hello } from '@baton/schemas'
import type { ErrorCode } from '../errors.ts'
import type { Link } from '../peers/link.ts'
import { cleanName, MAX_SLOT, memberOf, type Roster, type RosterEntry } from '../peers/roster.ts'
import { sendControl } from '../send-control.ts'
import { breach } from '../peers/dismissal.ts'
import { isHost, linkTo, PROTOCOL_VERSION, pushChange, type Room } from '../room.ts'
import { currentRoster, isAway } from './council.ts'
import { sendBase } from './reign.ts'
import { describeMismatch } from './protocol-mismatch.ts'

/** Hellos one peer may send at once; each is read and answered, one is forgiven per second. */
const MAX_HELLOS = 16
/** A refusal is a sentence or two. */
export const MAX_REASON_LENGTH = 600

/** Says who this peer is. To everyone, not only the host: any of them may be the next one. */
export function sendHello(room: Room, link: Link): void {
  sendControl(room, link, {
    type: 'Hello',
    protocolVersion: PROTOCOL_VERSION,
    protocolHash: room.protocol?.hash ?? 0,
    components: room.protocol?.components ?? [],
    displayName: room.options.displayName,
    sessionTag: room.sessionTag,
    slot: room.localState.slot,
  })
}

/** Takes a hello. The host answers it, or lets its sender in with the next roster; a guest keeps it for the day it hosts. */
export function takeHello(room: Room, link: Link, hello: Hello): void {
  const elapsedSeconds = Math.max(0, room.nowMs - link.helloTakenMs) / 1_000
  link.helloCount = Math.max(0, link.helloCount - elapsedSeconds) + 1
  link.helloTakenMs = room.nowMs
  if (link.helloCount > MAX_HELLOS) return breach(room, link, 'too many hellos')
  link.hello = hello
  if (memberOf(room.roster, link.id) === undefined) link.hasAsked = true
  if (isHost(room)) answerHello(room, link, true)
  else considerReady(room, link)
}

/** Host: welcomes a member again, or keeps a newcomer for the next roster. */
export function answerHello(room: Room, link: Link, isAsking = false): void {
  const { hello } = link
  if (hello === undefined || room.roster === undefined || link.state !== 'up' || link.refusedMs !== undefined) return
  const member = memberOf(room.roster, link.id)
  if (member === undefined || !isSameBuild(room, link, hello)) return
  // One that was let in, or elected another meanwhile, and has not heard of it: whoever told it may be gone.
  if (isAsking && (hello.slot === 0 || isAway(room.machine!, member.slot))) sendBase(room.machine!, member.slot)
  welcome(room, link)
}

/** Host, on beginning its reign: all members hear of it, and whether they can replicate with it. */
export function answerAll(room: Room): void {
  const { members } = currentRoster(room.machine!)
  for (const { peer } of members) {
    const link = room.links.get(peer)
    if (link !== undefined) answerHello(room, link)
  }
}

/**
 * Host: the place in the roster for whoever said hello over this link: its own again, if it had one; else
 * a new one. `undefined` when it said nothing yet, or is refused.
 */
export function judgeHello(room: Room, link: Link, roster: Roster): RosterEntry | undefined {
  const { hello } = link
  if (hello === undefined || !link.hasAsked || link.refusedMs !== undefined || !isSameBuild(room, link, hello))
    return undefined
  const isBack = hello.slot !== 0 && hello.sessionTag === room.sessionTag
  const place = isBack ? roster.former.find((one) => one.peer === link.id && one.slot === hello.slot) : undefined
  if (isBack && place === undefined) {
    const message = 'network: this peer was out of reach and its place is gone; join again'
    return refuse(room, link, 'peer/timeout', message)
  }
  if (roster.members.length >= room.options.capacity || (place?.slot ?? roster.nextSlot) > MAX_SLOT) {
    const message = `network: the room is full with ${roster.members.length} members; join another`
    return refuse(room, link, 'lobby/room-full', message)
  }
  link.isWaiting = true
  const displayName = cleanName(hello.displayName)
  return { peer: link.id, slot: place?.slot ?? roster.nextSlot, displayName, voter: false, canHost: true }
}

/** Host: refuses a build that differs, and says in what. */
function isSameBuild(room: Room, link: Link, hello: Hello): boolean {
  const { protocol } = room
  if (hello.protocolVersion !== PROTOCOL_VERSION) {
    const versions = `version ${PROTOCOL_VERSION} at the host, ${hello.protocolVersion} in the joining build`
    refuse(room, link, 'protocol/version-mismatch', `protocol: ${versions}; update the older one`)
    return false
  }
  const isKnown = protocol !== undefined && protocol.hash !== 0 && hello.protocolHash !== 0
  if (isKnown && protocol.hash !== hello.protocolHash) {
    refuse(room, link, 'protocol/hash-mismatch', describeMismatch(protocol.components, hello.components))
    return false
  }
  return true
}

/** Host: tells a member what it needs to follow this host. */
export function welcome(room: Room, link: Link): void {
  const { protocol, machine } = room
  sendControl(room, link, {
    type: 'Welcome',
    protocolVersion: PROTOCOL_VERSION,
    protocolHash: protocol?.hash ?? 0,
    sessionTag: room.sessionTag,
    slot: memberOf(room.roster, link.id)!.slot,
    tick: room.clock.tick(room.nowMs),
    tickRateHz: room.clock.rateHz,
    leaseMs: machine!.leaseMs,
    generation: room.generation,
  })
  considerReady(room, link)
}

/** Host: says no, and lets the next roster be without the peer. It has a moment to read why. */
export function refuse(room: Room, link: Link, code: ErrorCode, message: string): undefined {
  link.refusedMs = room.nowMs
  link.isExpelled = true
  sendControl(room, link, { type: 'Refuse', code, message: message.slice(0, MAX_REASON_LENGTH) })
}

/**
 * Tells the package above, once per reign and hash, that a host and a guest can replicate: by the hellos
 * that all have said to all, so that nothing has to be asked when the host changes.
 */
export function considerReady(room: Room, link: Link): void {
  const peer = room.peerObjects.get(link.id)
  const { protocol, host } = room
  if (peer === undefined || link.state !== 'up' || (host?.id !== link.id && !isHost(room))) return
  if (protocol === undefined || protocol.hash === 0 || link.hello?.protocolHash !== protocol.hash) return
  const { hash } = protocol
  if (link.readyTerm === room.term && link.readyHash === hash) return
  link.readyTerm = room.term
  link.readyHash = hash
  pushChange(room, 'ready', peer)
}

/** Guest: tells its host whether it could and should be the next. */
export function sendStanding(room: Room): void {
  if (room.host === undefined || isHost(room)) return
  const canHost = room.options.canHost && room.holdsWorld
  sendControl(room, linkTo(room, room.host.id), { type: 'Standing', canHost, hidden: room.hidden })
}

/** Whether there is anything here that this peer could host. */
export function setHoldsWorld(room: Room, holdsWorld: boolean): void {
  if (room.holdsWorld === holdsWorld) return
  room.holdsWorld = holdsWorld
  if (room.machine !== undefined) room.machine.canHost = room.options.canHost && holdsWorld
  sendStanding(room)
}

/** A protocol was attached, or another one: everyone hears of it, and a host compares what it knows. */
export function announceProtocol(room: Room): void {
  for (const link of room.links.values()) {
    if (link.state !== 'up') continue
    sendHello(room, link)
    if (isHost(room)) answerHello(room, linkTo(room, link.id))
    else considerReady(room, link)
  }
}
