/**
 * How a peer comes in: hello to everyone it meets, welcome or refusal from the host.
 *
 * Invariant: only the host answers a hello; everyone else keeps it, for the day it hosts.
 */
import type { Hello, Refuse, Welcome } from '@baton/schemas'
import { NetworkError, type ErrorCode } from '../errors.ts'
import type { Link } from '../peers/link.ts'
import { cleanName, MAX_SLOT, memberOf, readRoster, withMember, withoutMember } from '../peers/roster.ts'
import { sendControl } from '../send-control.ts'
import { breach } from '../peers/dismissal.ts'
import { endRoom, isHost, linkTo, PROTOCOL_VERSION, pushChange, type Room } from '../room.ts'
import { join, setRoster } from './membership.ts'
import { describeMismatch } from './protocol-mismatch.ts'
import { isFirst } from './succession.ts'

/** Hellos one peer may send; each is read and answered. */
const MAX_HELLOS = 16
/** How long the lobby's first member has to answer before another's word is taken, or the room is founded. */
export const GRACE_MS = 1_500
const MAX_REASON_LENGTH = 600

/** What a host may refuse with; anything else it says counts as a room that closed. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  'lobby/room-full',
  'peer/protocol-breach',
  'peer/slow',
  'peer/timeout',
  'protocol/version-mismatch',
  'protocol/hash-mismatch',
])

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

/** Takes a hello. The host answers it now; a guest when it becomes host. */
export function takeHello(room: Room, link: Link, hello: Hello): void {
  if (++link.helloCount > MAX_HELLOS) return breach(room, link, 'too many hellos')
  link.hello = hello
  if (isHost(room)) answerHello(room, link)
}

/** Host: admits, welcomes or refuses the peer that said hello over this link. */
export function answerHello(room: Room, link: Link): void {
  const { hello } = link
  const { roster, protocol } = room
  if (hello === undefined || roster === undefined || link.state !== 'up' || link.refusedMs !== undefined) return
  if (hello.protocolVersion !== PROTOCOL_VERSION) {
    const versions = `version ${PROTOCOL_VERSION} at the host, ${hello.protocolVersion} in the joining build`
    return refuse(room, link, 'protocol/version-mismatch', `protocol: ${versions}; update the older one`)
  }
  const isKnown = protocol !== undefined && protocol.hash !== 0 && hello.protocolHash !== 0
  if (isKnown && protocol.hash !== hello.protocolHash) {
    return refuse(room, link, 'protocol/hash-mismatch', describeMismatch(protocol.components, hello.components))
  }
  const member = memberOf(roster, link.id)
  const keepsSlot = hello.slot !== 0 && hello.sessionTag === room.sessionTag
  const isIn = member !== undefined && (!keepsSlot || member.slot === hello.slot)
  if (!isIn && !admit(room, link, hello, keepsSlot)) return
  sendWelcome(room, link)
  if (isKnown) markReady(room, link, protocol.hash)
}

/**
 * Host: gives the peer a slot. One that shows a slot which the last host gave it keeps that, also when
 * this host has meanwhile given it another.
 */
function admit(room: Room, link: Link, hello: Hello, keepsSlot: boolean): boolean {
  const roster = withoutMember(room.roster!, link.id)
  const slot = keepsSlot ? hello.slot : roster.nextSlot
  const { from, to } = room.readmit
  if (keepsSlot && (slot < from || slot >= to || roster.members.some((member) => member.slot === slot))) {
    refuse(room, link, 'peer/timeout', 'network: this peer was out of reach and its place is gone; join again')
    return false
  }
  if (roster.members.length >= room.options.capacity || slot > MAX_SLOT) {
    refuse(
      room,
      link,
      'lobby/room-full',
      `network: the room is full with ${roster.members.length} members; join another`,
    )
    return false
  }
  setRoster(room, withMember(roster, { peer: link.id, slot, displayName: cleanName(hello.displayName) }))
  room.isRosterDirty = true
  return true
}

function sendWelcome(room: Room, link: Link): void {
  sendControl(room, link, {
    type: 'Welcome',
    protocolVersion: PROTOCOL_VERSION,
    protocolHash: room.protocol?.hash ?? 0,
    sessionTag: room.sessionTag,
    slot: memberOf(room.roster, link.id)!.slot,
    tick: room.clock.tick(room.nowMs),
    tickRateHz: room.clock.rateHz,
  })
}

/** Host: says no, and drops the peer from the roster if it was in. It has a moment to read why. */
export function refuse(room: Room, link: Link, code: ErrorCode, message: string): void {
  link.refusedMs = room.nowMs
  sendControl(room, link, { type: 'Refuse', code, message: message.slice(0, MAX_REASON_LENGTH) })
  if (memberOf(room.roster, link.id) === undefined) return
  setRoster(room, withoutMember(room.roster!, link.id))
  room.isRosterDirty = true
}

/** Tells the package above, once per term and hash, that this pair can replicate. */
function markReady(room: Room, link: Link, hash: number): void {
  const peer = room.peerObjects.get(link.id)
  if (peer === undefined || (link.readyTerm === room.term && link.readyHash === hash)) return
  link.readyTerm = room.term
  link.readyHash = hash
  pushChange(room, 'ready', peer)
}

/** Takes an answer to this peer's hello. */
export function takeAnswer(room: Room, link: Link, term: number, body: NonNullable<Link['answer']>['body']): void {
  if (room.state === 'joining') {
    link.answer = { term, body }
    return settleJoin(room)
  }
  if (term < room.term) return
  const isFromHost = link.id === room.host?.id
  if (!isFromHost && (isHost(room) || memberOf(room.roster, link.id) === undefined || term === room.term)) {
    return breach(room, link, `${body.type} from a peer that is not the host`)
  }
  link.answer = { term, body }
  applyAnswer(room, link)
}

/** Joined: acts on what a host said, as soon as it is the one this peer follows. */
export function applyAnswer(room: Room, link: Link): void {
  const { answer } = link
  const isNext = room.host === undefined && room.roster?.members[0]?.peer === link.id
  if (answer === undefined || answer.term < room.term) return
  if (answer.body.type === 'Refuse') {
    if (isNext || link.id === room.host?.id) endRoom(room, refusal(answer.body))
  } else if (link.id === room.host?.id) {
    link.answer = undefined
    welcomed(room, link, answer.body)
  }
}

function welcomed(room: Room, link: Link, welcome: Welcome): void {
  const { protocol } = room
  const isSame = protocol !== undefined && protocol.hash !== 0 && welcome.protocolHash === protocol.hash
  if (isSame) markReady(room, link, protocol.hash)
}

function refusal(body: Refuse): NetworkError {
  const isKnown = REFUSALS.has(body.code)
  // eslint-disable-next-line no-control-regex
  const message = body.message.slice(0, MAX_REASON_LENGTH).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return new NetworkError(isKnown ? (body.code as ErrorCode) : 'network/closed', message)
}

/** Joining: joins by the answer of a peer that may speak as host, once its roster names this peer. */
export function settleJoin(room: Room): void {
  for (const link of room.links.values()) {
    if (room.state !== 'joining') return
    const { answer, nextRoster } = link
    if (answer === undefined || link.state !== 'up' || !mayHost(room, link)) continue
    if (answer.body.type === 'Refuse') return endRoom(room, refusal(answer.body))
    const roster = nextRoster === undefined ? undefined : readRoster(nextRoster.body, nextRoster.term, link.id)
    const isNonsense = typeof roster === 'string' || answer.body.tickRateHz === 0
    if (isNonsense) return breach(room, link, 'a welcome or roster that cannot be')
    if (roster === undefined || memberOf(roster, room.transport.local)?.slot !== answer.body.slot) continue
    adopt(room, link, answer.body)
    link.answer = undefined
    link.nextRoster = undefined
    join(room, roster)
    welcomed(room, link, answer.body)
  }
}

/** The lobby's first member hosts a new room. In an older one it may be another, who is heard after a while. */
function mayHost(room: Room, link: Link): boolean {
  if (isFirst(room.lobbyMembers, link.id)) return true
  if (isFirst(room.lobbyMembers, room.transport.local)) return true
  return room.nowMs - room.lobbySinceMs >= GRACE_MS
}

function adopt(room: Room, link: Link, welcome: Welcome): void {
  const { sync } = link.heartbeat
  const { clock, nowMs } = room
  if (welcome.tickRateHz !== clock.rateHz) for (const other of room.links.values()) other.heartbeat.sync.forgetTicks()
  room.sessionTag = welcome.sessionTag
  const tripTicks = (((sync.rttMs ?? 0) / 2) * welcome.tickRateHz) / 1_000
  const estimate = sync.estimate(nowMs)
  room.isClockRough = estimate === undefined
  clock.start(nowMs, estimate ?? welcome.tick + tripTicks, welcome.tickRateHz)
}

/** A protocol was attached, or another one: everyone hears of it, and a host compares what it knows. */
export function announceProtocol(room: Room): void {
  for (const link of room.links.values()) {
    if (link.state !== 'up') continue
    sendHello(room, link)
    if (isHost(room)) answerHello(room, linkTo(room, link.id))
  }
}
