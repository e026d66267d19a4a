/**
 * The state of one network, as plain data that the modules under `host/`, `peers/` and beside this
 * file work on. Games hold `Network`, which is a face over it.
 *
 * Invariant: events and changes are only queued here; they go out where `Network.receive` drains them.
 */
import type { ComponentFingerprint, ControlMessage } from '@baton/schemas'
import { TickClock } from './clock/tick-clock.ts'
import type { NetworkError } from './errors.ts'
import { createLink, type Link } from './peers/link.ts'
import type { HostChange } from './network-types.ts'
import { Peer, type PeerDoor, type PeerState } from './peers/peer.ts'
import type { LogEvent } from './host/log-entry.ts'
import type { HostMachine, HostTurn } from './host/machine.ts'
import type { Moment } from './host/timing.ts'
import { memberOf, type Roster } from './peers/roster.ts'
import { CHANNEL, type PeerId, type Transport } from './transport/transport.ts'

/** Raised whenever builds that differ cannot play together. */
export const PROTOCOL_VERSION = 2

export interface RoomOptions {
  readonly displayName: string
  readonly startTick: number
  readonly joinTimeoutMs: number
  readonly peerTimeoutMs: number
  readonly capacity: number
  readonly random: () => number
  readonly wallClock: (() => number) | undefined
  readonly canHost: boolean
  readonly leaseMs: number
  readonly quorumLoss: 'fork' | 'wait'
}

/** What a package that replicates tells about itself. */
export interface Protocol {
  readonly hash: number
  readonly components: readonly ComponentFingerprint[]
}

/** A message of the application, still as bytes; whoever hands it on makes text or a buffer of it. */
export interface ReceivedMessage {
  readonly peer: Peer
  readonly channel: number
  readonly text: boolean
  readonly bytes: Uint8Array
}

export type RoomEvent =
  | { readonly kind: 'joined' }
  | { readonly kind: 'peerentered'; readonly peer: Peer }
  | { readonly kind: 'peerexited'; readonly peer: Peer }
  | { readonly kind: 'hostchanged'; readonly host: Peer; readonly change: HostChange }
  | { readonly kind: 'message'; readonly message: ReceivedMessage }
  | { readonly kind: 'drain'; readonly peer: Peer; readonly channel: number }
  | { readonly kind: 'error'; readonly error: NetworkError }
  | { readonly kind: 'closed' }

/** A change in who is there and who can be replicated with, in order. */
export interface PeerChange {
  /**
   * `entered`, `exited`: the roster. `linked`, `unlinked`: the link to a member. `ready`: host and
   * guest run the same protocol in this term. `hostchanged`: `peer` hosts from now on, also at first.
   */
  readonly kind: 'entered' | 'exited' | 'ready' | 'hostchanged' | 'linked' | 'unlinked'
  readonly peer: Peer
}

export interface ReceivedControl {
  readonly from: Peer
  readonly message: ControlMessage
  /** 0 control, 2 bulk. */
  readonly channel: number
}

export interface ReceivedState {
  from: Peer
  data: Uint8Array
}

/** What went wrong or was dropped, since the network was made. Never reset. */
export interface NetworkCounters {
  /** Messages of any kind taken from the transport. */
  received: number
  /** Messages that no sender of this protocol would send; each also counts toward its sender's limit. */
  breaches: number
  /** Peers disconnected for too many of them. */
  disconnectedForBreach: number
  /** Unreliable messages that had come before, or too late to know. */
  duplicates: number
  /** Frames on a numbered channel that the far end opened as the other kind. */
  otherKind: number
  /** Messages that came before their sender was known, over what is held for that. */
  earlyDropped: number
  /** Control messages and state packets nobody took, because no replication is attached or it fell behind. */
  notTaken: number
  /** Messages a listener had no room for. */
  listenerDropped: number
  /** Unreliable messages that the transport, or a full queue, did not take. */
  sendDropped: number
  /** Event handlers that threw. */
  handlerErrors: number
}

export interface Room {
  readonly transport: Transport
  readonly options: RoomOptions
  readonly clock: TickClock
  readonly links: Map<PeerId, Link>
  /** State of every member in the roster, and of the local peer always. */
  readonly states: Map<PeerId, PeerState>
  readonly peerObjects: Map<PeerId, Peer>
  readonly local: Peer
  readonly localState: PeerState
  readonly door: PeerDoor
  readonly counters: NetworkCounters
  state: 'joining' | 'joined' | 'closed'
  nowMs: number
  startMs: number | undefined
  /** What the second clock said when the last frame began. */
  wallMs: number | undefined
  lobbyMembers: readonly PeerId[]
  lobbySinceMs: number
  /** Who is in, as the log says up to where it is committed. */
  roster: Roster | undefined
  /** Members other than the local one, in order of the roster. Replaced, never changed. */
  peers: readonly Peer[]
  /** The host of `term`; `undefined` while joining, and where this peer was it and is no more. */
  host: Peer | undefined
  term: number
  /** Since when no host can be reached. */
  unsettledSinceMs: number | undefined
  sessionTag: number
  /** Guest: the clock was started from a welcome that may have been long under way. */
  isClockRough: boolean
  protocol: Protocol | undefined
  readonly events: RoomEvent[]
  readonly changes: PeerChange[]
  readonly control: ReceivedControl[]
  readonly packets: ReceivedState[]
  /** For the package above, as long as one is attached. */
  readonly logEvents: LogEvent[]
  hidden: boolean
  /** The package above holds what it replicates: without that this peer could host nothing. */
  holdsWorld: boolean
  /** There once this peer is in the room. */
  machine: HostMachine | undefined
  /** Counts declared forks. */
  generation: number
  /** The lobby was there to hear the last thing it was told as a witness. */
  hasWitness: boolean
  /** Since when no quorum is in reach. */
  frozenSinceMs: number | undefined
  /** The change of host that waits until its host is known as a member here. */
  lateTurn: HostTurn | undefined
  forkAskedMs: number
  /** Members that left for good. */
  readonly left: Set<PeerId>
  hiddenSinceMs: number
}

export function createCounters(): NetworkCounters {
  return {
    received: 0,
    breaches: 0,
    disconnectedForBreach: 0,
    duplicates: 0,
    otherKind: 0,
    earlyDropped: 0,
    notTaken: 0,
    listenerDropped: 0,
    sendDropped: 0,
    handlerErrors: 0,
  }
}

export function createRoom(transport: Transport, options: RoomOptions, tickRateHz: number, door: PeerDoor): Room {
  const id = transport.local
  const { displayName } = options
  const localState: PeerState = { id, isLocal: true, slot: 0, displayName, isHost: false, canHost: false, linked: true }
  const local = new Peer(localState, door)
  return {
    transport,
    options,
    clock: new TickClock({ rateHz: tickRateHz }),
    links: new Map(),
    states: new Map([[id, localState]]),
    peerObjects: new Map([[id, local]]),
    local,
    localState,
    door,
    counters: createCounters(),
    state: 'joining',
    nowMs: 0,
    startMs: undefined,
    wallMs: undefined,
    lobbyMembers: [],
    lobbySinceMs: 0,
    roster: undefined,
    peers: [],
    host: undefined,
    term: 0,
    unsettledSinceMs: undefined,
    sessionTag: 0,
    isClockRough: false,
    protocol: undefined,
    events: [],
    changes: [],
    control: [],
    packets: [],
    logEvents: [],
    hidden: false,
    holdsWorld: true,
    machine: undefined,
    generation: 0,
    hasWitness: false,
    frozenSinceMs: undefined,
    lateTurn: undefined,
    forkAskedMs: -Infinity,
    left: new Set(),
    hiddenSinceMs: 0,
  }
}

export function isHost(room: Room): boolean {
  return room.machine?.role === 'host'
}

/** Both clocks, for what must not be fooled by a machine that slept. */
export function moment(room: Room): Moment {
  return { monoMs: room.nowMs, wallMs: room.options.wallClock?.() ?? room.nowMs }
}

/** The link to a peer, made when it is first named. */
export function linkTo(room: Room, id: PeerId): Link {
  let link = room.links.get(id)
  if (link === undefined) {
    link = createLink(id, room.nowMs, () => room.clock.rateHz)
    room.links.set(id, link)
  }
  return link
}

/** The peer object of a member, or `undefined` for whoever is not in the roster. */
export function memberPeer(room: Room, id: PeerId): Peer | undefined {
  return room.state === 'joined' && memberOf(room.roster, id) !== undefined ? room.peerObjects.get(id) : undefined
}

/** Notes a change for the package above; without one nobody would ever take it. */
export function pushChange(room: Room, kind: PeerChange['kind'], peer: Peer): void {
  if (room.protocol !== undefined) room.changes.push({ kind, peer })
}

export function pushError(room: Room, error: NetworkError): void {
  room.events.push({ kind: 'error', error })
}

/** Ends this peer's stay in the room, with the reason if it is not its own wish. */
export function endRoom(room: Room, error?: NetworkError): void {
  if (room.state === 'closed') return
  room.state = 'closed'
  if (error !== undefined) pushError(room, error)
  room.events.push({ kind: 'closed' })
  room.transport.close()
  for (const link of room.links.values()) link.state = 'down'
  for (const state of room.states.values()) if (!state.isLocal) state.linked = false
}

/** True for the channel numbers that are always open. */
export function isFixedChannel(channel: number): boolean {
  return channel === CHANNEL.control || channel === CHANNEL.state || channel === CHANNEL.bulk
}
