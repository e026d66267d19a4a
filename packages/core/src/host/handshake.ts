/**
 * How a peer comes in: hello to everyone it meets, welcome or refusal from the host.
 *
 * Invariant: only the host answers a hello; everyone else keeps it, for the day it hosts.
 */
import type { Hello, Refuse, Welcome } from '@baton/schemas'
import { NetworkError, type ErrorCode } from '../errors.ts'
import type { Link } from '../peers/link.ts'
import { cleanName, MAX_SLOT, memberOf, parseRoster, type Roster, type RosterEntry } from '../peers/roster.ts'
import { sendControl } from '../send-control.ts'
import { breach } from '../peers/dismissal.ts'
import type { PeerId } from '../transport/transport.ts'
import { endRoom, isHost, linkTo, PROTOCOL_VERSION, pushChange, type Room } from '../room.ts'
import { currentRoster } from './council.ts'
import { beginLog } from './founding.ts'
import { sendBase } from './reign.ts'
import { describeMismatch } from './protocol-mismatch.ts'

/** Hellos one peer may send at once; each is read and answered, one is forgiven per second. */
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

/** Takes a hello. The host answers it, or lets its sender in with the next roster; a guest keeps it for the day it hosts. */
export function takeHello(room: Room, link: Link, hello: Hello): void {
  const elapsedSeconds = Math.max(0, room.nowMs - link.helloTakenMs) / 1_000
  link.helloCount = Math.max(0, link.helloCount - elapsedSeconds) + 1
  link.helloTakenMs = room.nowMs
  if (link.helloCount > MAX_HELLOS) return breach(room, link, 'too many hellos')
  link.hello = hello
  if (memberOf(room.roster, link.id) === undefined) link.hasAsked = true
  if (isHost(room)) answerHello(room, link, true)
}

/** Joining: asks again, in case the host that was to answer is gone. */
export function repeatHello(room: Room): void {
  if (room.state !== 'joining') return
  for (const link of room.links.values()) {
    if (link.state !== 'up' || room.nowMs - Math.max(link.helloMs, link.sinceMs) < REPEAT_HELLO_MS) continue
    link.helloMs = room.nowMs
    sendHello(room, link)
  }
}

const REPEAT_HELLO_MS = 1_000

/** Host: welcomes a member again, or keeps a newcomer for the next roster. */
export function answerHello(room: Room, link: Link, isAsking = false): void {
  const { hello } = link
  if (hello === undefined || room.roster === undefined || link.state !== 'up' || link.refusedMs !== undefined) return
  const member = memberOf(room.roster, link.id)
  if (member === undefined || !isSameBuild(room, link, hello)) return
  // One that was let in, and has not heard of it: whoever told it may be gone.
  if (isAsking && hello.slot === 0) sendBase(room.machine!, member.slot)
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
  const isSame = protocol !== undefined && protocol.hash !== 0 && link.hello?.protocolHash === protocol.hash
  if (isSame) markReady(room, link, protocol.hash)
}

/** Host: says no, and lets the next roster be without the peer. It has a moment to read why. */
export function refuse(room: Room, link: Link, code: ErrorCode, message: string): undefined {
  link.refusedMs = room.nowMs
  link.isExpelled = true
  sendControl(room, link, { type: 'Refuse', code, message: message.slice(0, MAX_REASON_LENGTH) })
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
  if (!isFromHost && (term === room.term || memberOf(room.roster, link.id) === undefined)) {
    return breach(room, link, `${body.type} from a peer that is not the host`)
  }
  link.answer = { term, body }
  applyAnswer(room, link)
}

/** Joined: acts on what a host said, as soon as it is the one this peer follows. */
export function applyAnswer(room: Room, link: Link): void {
  const { answer } = link
  if (answer === undefined || answer.term < room.term || isHost(room)) return
  const isAsked = room.machine?.strangers?.slot === memberOf(room.roster, link.id)?.slot
  if (answer.body.type === 'Refuse') {
    if (link.id === room.host?.id || isAsked) endRoom(room, refusal(answer.body))
  } else if (link.id === room.host?.id && answer.term === room.term) {
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

/** Joining: joins by the answer of a peer that may speak as host, once it has given this peer a log. */
export function settleJoin(room: Room): void {
  for (const link of room.links.values()) {
    if (room.state !== 'joining') return
    const { answer, base } = link
    if (answer === undefined || link.state !== 'up' || !mayHost(room, link)) continue
    if (answer.body.type === 'Refuse') return endRoom(room, refusal(answer.body))
    const { body } = answer
    const parsed = base === undefined ? undefined : parseRoster(base.body.roster)
    const isNonsense = typeof parsed === 'string' || body.tickRateHz === 0
    if (isNonsense || base?.term === 0) return breach(room, link, 'a welcome or log that cannot be')
    if (base === undefined || parsed === undefined || parsed.members[0]?.peer !== link.id) continue
    if (memberOf(parsed, room.transport.local)?.slot !== body.slot) continue
    adopt(room, link, body)
    link.answer = undefined
    link.base = undefined
    beginLog(room, base.body, base.term, body.leaseMs || DEFAULT_LEASE_MS, body.slot)
    sendStanding(room)
    welcomed(room, link, body)
  }
}

const DEFAULT_LEASE_MS = 600

/** Guest: tells its host whether it could and should be the next. */
export function sendStanding(room: Room): void {
  if (room.host === undefined || isHost(room)) return
  const { canHost } = room.options
  sendControl(room, linkTo(room, room.host.id), { type: 'Standing', canHost, hidden: room.hidden })
}

/** True when this peer is the lobby's first and so founds the room, if nobody hosts it already. */
export function isFirst(lobbyMembers: readonly PeerId[], local: PeerId): boolean {
  return lobbyMembers[0] === local
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
  room.generation = welcome.generation
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
