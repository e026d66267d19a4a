/**
 * Everything one replication holds, as plain data that the spines pass along: there is no other state.
 *
 * Invariant: the world's structure changes only in `apply-log.ts`, on the word of the committed log;
 * rows only in `outgoing.ts` (what this peer simulates) and `incoming.ts` (what others do).
 */
import type { LogEntry, LogEvent, Network, NetworkError, Peer, ReceivedControl } from '@baton/core'
import type { BitReader } from '@baton/core/bytes'
import type { ControlBody } from '@baton/schemas'
import type { EventEmitter } from 'eventemitter3'
import type { HoldingsIntake } from './holdings.ts'
import type { RowPolicy } from './interest/priority.ts'
import type { JitterBuffers } from './interpolation/jitter-buffer.ts'
import type { InterpolationDelay } from './interpolation/interpolation-delay.ts'
import type { Baseline } from './lifecycle/baseline-bytes.ts'
import type { BaselineReceiver, BaselineSender } from './lifecycle/baseline-transfer.ts'
import type { Ecs } from './lifecycle/ecs.ts'
import type { EntityTable } from './lifecycle/entity-table.ts'
import type { HostStateKeeper } from './host-state.ts'
import type { PrefabRegistry } from './lifecycle/prefab.ts'
import type { StateDecoder } from './pipeline/state-decoder.ts'
import type { StateEncoder } from './pipeline/state-encoder.ts'
import type { Ahead, CommittedRoster, Judged, LogBody, Tail } from './log-state.ts'
import type { createEncodeRequest } from './pipeline/encode-request.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { PacketHeader } from './pipeline/packet.ts'
import type { PublishedRows } from './pipeline/published-rows.ts'
import type { RowStore } from './pipeline/row-store.ts'
import type { Presenting } from './presenting.ts'
import type { RowGroups } from './row-groups.ts'
import type { Registry } from './schema/registry.ts'
import type { AvatarView } from './avatar-view.ts'
import type { Tap } from './tap.ts'

/** What is known of the checks of one link. */
export interface Mending {
  /** When this peer last said what it holds, and the id that it came to. */
  saidMs: number
  lastId: number
  /** Entities that were wrong at the far end when it last spoke of them, by index: our hash and its. */
  readonly suspects: Map<number, { readonly ours: number; readonly theirs: number; readonly sinceMs: number }>
}

/** What one peer exchanges with another: rows both ways, and a baseline while one of them joins. */
export interface Link {
  readonly peer: Peer
  /** The reign it was made ready in: in the next one, rows start anew. */
  readonly term: number
  readonly encoder: StateEncoder
  decoder: StateDecoder
  /** The far end runs the same protocol, so the log and the state may flow. */
  subscribed: boolean
  /** The far end holds a world to apply rows to. */
  synced: boolean
  /** Something arrived since the last packet to the peer: it must be acked. */
  owesAck: boolean
  /** Of the packets received; -1 before the first. */
  newestSequence: number
  /** Tick of its newest packet, and the exact shared tick at which the last one came. */
  newestTick: number | undefined
  heardAtTick: number
  /** Hands a state packet to the network. */
  readonly emit: (packet: Uint8Array) => boolean
  /** On the host, while the peer is being given the world. */
  baseline: BaselineSender | undefined
  /** On the host: the peer needs a world cut at this place of the log or after it. */
  wantedIndex: number | undefined
  /** What is held here of the far end's rows has not been said yet. */
  owesHoldings: boolean
  /** What the far end has said it holds of ours; `undefined` before it began. */
  intake: HoldingsIntake | undefined
  /** How the rows of both ends compare, a few at a time. */
  readonly mending: Mending
  /** On the host: requests that came while it may not decide, in order. */
  readonly waiting: LogBody[]
}

/** A change this peer asked the host for and has not seen answered. */
export interface PendingRequest {
  readonly request: number
  readonly id: NetworkId
  readonly body: LogBody
  /** When it was sent last; -Infinity before. */
  sentMs: number
}

export interface ReplicationEvents {
  /** An entity exists, with its values, whoever spawned it. Once per entity. */
  spawned: (event: { eid: number; id: NetworkId; prefab: string; owner: Peer | undefined; local: boolean }) => void
  /** It is about to be removed; its columns can still be read. Once per entity. */
  despawned: (event: { eid: number; id: NetworkId; prefab: string }) => void
  ownershipchanged: (event: {
    eid: number
    id: NetworkId
    owner: Peer | undefined
    authority: Peer | undefined
  }) => void
  /**
   * The host did not do what was asked; the local world has been put back. `overtaken`: why is not
   * known, because the answer was lost with a host.
   */
  refused: (event: { eid: number; id: NetworkId; request: ControlBody['type']; reason: string }) => void
  /** What a host had granted did not come to stand before it was lost. It is asked again by itself. */
  reverted: (event: { requests: readonly { id: NetworkId; request: ControlBody['type'] }[] }) => void
  /** While this peer is being given the world. */
  progress: (event: { receivedBytes: number; totalBytes: number; entityCount: number }) => void
  /** This peer was given the whole world: it has joined, or was away for too long to follow the log. */
  synced: () => void
  /** Something of the game's does not fit; the code says what. */
  error: (error: NetworkError) => void
  /** A column held what cannot travel (NaN, a string too long); the last good value stands for it. */
  badvalue: (event: { eid: number; id: NetworkId; component: string; code: 'replication/bad-value' }) => void
}

export interface ReplicationCounters {
  packetsSent: number
  packetsReceived: number
  packetsDropped: number
  /** Packets of others that never came, by the gaps in their sequences. */
  packetsLost: number
  rowsSent: number
  rowsReceived: number
  rowsWithoutAuthority: number
  rowsOld: number
  /** Entities that a peer held wrongly though it had acked them, and was sent again: each has a cause to be found. */
  entitiesMended: number
  requestsRefused: number
  requestsInvalid: number
  logInvalid: number
  badValues: number
  /** Structural changes the game made to entities it has no authority over; they were undone. */
  changesUndone: number
  /** Callbacks of the game that threw; the network goes on. */
  callbackErrors: number
}

export interface ReplicationLimits {
  /** Live entities a guest may have spawned. */
  readonly entitiesPerPeer: number
  /** Spawns a second that the host takes from a guest, averaged over ten seconds. */
  readonly spawnsPerSecond: number
}

export interface ReplicationState {
  readonly network: Network
  readonly ecs: Ecs
  readonly registry: Registry
  readonly prefabs: PrefabRegistry
  readonly table: EntityTable
  readonly store: RowStore
  /** What this peer has sent or would send, tick by tick; shared by all links. */
  readonly published: PublishedRows
  /** This tick's rows, by component and by who simulates them. */
  readonly groups: RowGroups
  /** Filled in anew for every link. */
  readonly request: ReturnType<typeof createEncodeRequest>
  /** How rows compete when not all fit. */
  readonly policy: RowPolicy
  /** One per component, for entities that others simulate. */
  readonly jitter: readonly JitterBuffers[]
  readonly delay: InterpolationDelay
  readonly presenting: Presenting
  readonly avatars: AvatarView
  /** `resolveEid` and `resolveId` of this state, to be passed on: made once, not once a row. */
  readonly resolveEid: (id: NetworkId) => number
  readonly resolveId: (eid: number) => NetworkId
  readonly links: Map<Peer, Link>
  readonly limits: ReplicationLimits
  /** The game says which entities it wrote to; the columns of others are not looked at. */
  readonly isMarked: boolean
  /** State bytes a second to one peer. */
  readonly sendBudgetBytesPerSecond: number
  readonly events: EventEmitter<ReplicationEvents>
  /** Events of this frame, emitted at the end of receive or send, never from in between. */
  readonly outbox: (() => void)[]
  readonly pending: Map<number, PendingRequest>
  readonly counters: ReplicationCounters
  readonly tap: Tap
  /** Ids that wait for an owner who left, and the tick at which they go to the host: by the committed log. */
  readonly held: Map<NetworkId, number>
  /** Who is in, by the committed log; `undefined` before it has said so. */
  roster: CommittedRoster | undefined
  /** The newest term in the log, and the tick that names what was held when it began, where that is known. */
  reign: { readonly term: number; readonly tick: number | undefined } | undefined
  /** The term in which rows are heard; in a new one, ticks of the last mean nothing. */
  heardTerm: number
  /** Host: slots of those that were in when its reign began, and so hold the world unless they say otherwise. */
  followers: Set<number>
  readonly tail: Tail
  /** By entity and component or parent. */
  readonly ahead: Map<number, Ahead>
  /** Entities this peer has spawned that the log has not confirmed. */
  readonly unconfirmed: Set<NetworkId>
  /** Highest request of each slot that the committed log answers. */
  readonly logged: Map<number, number>
  /** Host: by slot, for as long as it reigns. */
  readonly judged: Map<number, Judged>
  /** Events of the log that have not been looked at, while `isTakingLog`. */
  readonly logQueue: LogEvent[]
  isTakingLog: boolean
  isAnsweringOwn: boolean
  /** Host: spawns taken from each slot, as a token bucket. */
  readonly spawnTokens: Map<number, { tokens: number; tick: number }>
  /** Entities the game removed or took `Networked` from since the last send. */
  readonly removedByGame: { readonly index: number; readonly id: NetworkId }[]
  /** Ticks for which an entity simulated by touch has not changed, per entity index. */
  restTicks: Uint16Array
  /** Room for the header of the packet that is looked at. */
  readonly peeked: PacketHeader
  readonly peeker: BitReader
  /** Room for the longest row. */
  readonly scratch: Int32Array
  /** Values that could not travel and were told of. */
  readonly reportedBad: Set<string>
  nextRequest: number
  nextCounter: number
  nextBaseline: number
  /** The game's own state on the host, where it has any. */
  hostState: HostStateKeeper | undefined
  /** By entity index: the newest place of the log that changed which components it has. */
  readonly componentsIndex: Map<number, number>
  /** Place in the log that the world stands at. */
  logIndex: number
  /** Guest: a world cut before this place of the log is of no use. */
  neededIndex: number
  /** Highest counter of this peer's own entities that the committed log has spawned. */
  spawnedTo: number
  lastSentTick: number | undefined
  /** True while replication itself changes the world, so that its own changes are not noted. */
  quiet: boolean
  /** This peer holds the world: it founded the room, or was given it and has followed the log since. */
  synced: boolean
  incomingBaseline: BaselineReceiver | undefined
  /** A whole world that waits for this peer's log to come to where it was cut. */
  givenWorld: { readonly baseline: Baseline; readonly logIndex: number } | undefined
  /** Control messages that came before what they belong to. */
  readonly early: ReceivedControl[]
  /** Ids that some entity field has named: only their coming and going is looked for in columns. */
  readonly referenced: Set<NetworkId>
  /** Committed entries that came while the world was under way. */
  readonly waitingLog: LogEntry[]
  nowMs: number
}
