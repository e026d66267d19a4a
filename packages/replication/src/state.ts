/**
 * Everything one replication holds, as plain data that the spines pass along: there is no other state.
 *
 * Invariant: the world's structure changes only in `apply-log.ts`, rows only in `outgoing.ts` (what
 * this peer simulates) and `incoming.ts` (what others do).
 */
import type { Network, Peer, ReceivedControl } from '@baton/core'
import type { BitReader } from '@baton/core/bytes'
import type { ControlBody } from '@baton/schemas'
import type { EventEmitter } from 'eventemitter3'
import type { RowPolicy } from './interest/priority.ts'
import type { JitterBuffers } from './interpolation/jitter-buffer.ts'
import type { InterpolationDelay } from './interpolation/interpolation-delay.ts'
import type { BaselineReceiver, BaselineSender } from './lifecycle/baseline-transfer.ts'
import type { Ecs } from './lifecycle/ecs.ts'
import type { EntityTable } from './lifecycle/entity-table.ts'
import type { PrefabRegistry } from './lifecycle/prefab.ts'
import type { StateDecoder } from './pipeline/state-decoder.ts'
import type { StateEncoder } from './pipeline/state-encoder.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { PacketHeader } from './pipeline/packet.ts'
import type { PublishedRows } from './pipeline/published-rows.ts'
import type { RowStore } from './pipeline/row-store.ts'
import type { Presenting } from './presenting.ts'
import type { RowGroups } from './row-groups.ts'
import type { Registry } from './schema/registry.ts'
import type { AvatarView } from './avatar-view.ts'
import type { Tap } from './tap.ts'

/** What one peer exchanges with another: rows both ways, and a baseline while one of them joins. */
export interface Link {
  readonly peer: Peer
  readonly encoder: StateEncoder
  readonly decoder: StateDecoder
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
}

/** A change this peer asked the host for and has not seen answered. */
export interface PendingRequest {
  readonly request: number
  readonly id: NetworkId
  readonly body: ControlBody
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
  /** The host did not do what was asked; the local world has been put back. */
  refused: (event: { eid: number; id: NetworkId; request: ControlBody['type']; reason: string }) => void
  /** While this peer is being given the world. */
  progress: (event: { receivedBytes: number; totalBytes: number; entityCount: number }) => void
  /** This peer holds the whole world. Again after each change of host. */
  synced: () => void
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
  /** State bytes a second to one peer. */
  readonly sendBudgetBytesPerSecond: number
  readonly events: EventEmitter<ReplicationEvents>
  /** Events of this frame, emitted at the end of receive or send, never from in between. */
  readonly outbox: (() => void)[]
  readonly pending: Map<number, PendingRequest>
  readonly counters: ReplicationCounters
  readonly tap: Tap
  /** Host: ids that wait for an owner who left, and the tick at which they go to the host. */
  readonly held: Map<NetworkId, number>
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
  logIndex: number
  lastSentTick: number | undefined
  /** True while replication itself changes the world, so that its own changes are not noted. */
  quiet: boolean
  /** This peer holds the world: it hosts, or its baseline is complete. */
  synced: boolean
  incomingBaseline: BaselineReceiver | undefined
  /** Log entries that arrived while the baseline was under way. */
  /** Control messages that came before what they belong to. */
  readonly early: ReceivedControl[]
  /** Ids that some entity field has named: only their coming and going is looked for in columns. */
  readonly referenced: Set<NetworkId>
  readonly waitingLog: { readonly index: number; readonly body: ControlBody }[]
  nowMs: number
}
