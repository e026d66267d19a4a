/**
 * Puts a replication together from what the game gave.
 *
 * Invariant: the protocol hash covers components and prefabs alike; builds that differ in either never
 * exchange a row.
 */
import { invariant, type Network } from '@baton/core'
import { BitReader } from '@baton/core/bytes'
import type { World } from 'bitecs'
import type { EventEmitter } from 'eventemitter3'
import { createRowPolicy } from './interest/priority.ts'
import { createInterpolationDelay, type InterpolationDelayOptions } from './interpolation/interpolation-delay.ts'
import { createJitterBuffers } from './interpolation/jitter-buffer.ts'
import { watchWorld } from './lifecycle/ecs.ts'
import { createEntityTable } from './lifecycle/entity-table.ts'
import { createPrefabRegistry, summarizePrefab, type Prefab, type PrefabRegistry } from './lifecycle/prefab.ts'
import { createTail } from './log-state.ts'
import { resolveEid, resolveId } from './lookup.ts'
import { createEncodeRequest } from './pipeline/encode-request.ts'
import { createPacketHeader } from './pipeline/packet.ts'
import { PublishedRows } from './pipeline/published-rows.ts'
import { createRowStore } from './pipeline/row-store.ts'
import { createPresenting } from './presenting.ts'
import { createRowGroups } from './row-groups.ts'
import { hashComponent, hashProtocol } from './schema/protocol-hash.ts'
import { createRegistry, type ComponentFingerprint, type Registry } from './schema/registry.ts'
import { createAvatarView } from './avatar-view.ts'
import type { ReplicationEvents, ReplicationLimits, ReplicationState } from './state.ts'

export interface ReplicationOptions {
  readonly world: World
  readonly network: Network
  /** Replicated components, in any order; the same on every peer. */
  readonly components: readonly object[]
  /** Prefabs by the name they have on every peer. */
  readonly prefabs?: Readonly<Record<string, Prefab>>
  /** How far in the past others' entities are shown. */
  readonly interpolation?: InterpolationDelayOptions
  readonly limits?: Partial<ReplicationLimits>
  /** State bytes a second that each peer is sent at most; rows compete when it is short. Default 250,000 (2 Mbit/s). */
  readonly sendBudgetBytesPerSecond?: number
  /**
   * How changes of snapshot values are noticed. `found`, the default: columns are compared every tick.
   * `marked`: only those of entities that the game names with `markChanged`; the rest cost next to nothing.
   */
  readonly changes?: 'found' | 'marked'
}

const DEFAULT_LIMITS: ReplicationLimits = { entitiesPerPeer: 256, spawnsPerSecond: 32 }
const DEFAULT_BUDGET_BYTES = 250_000
const INITIAL_CAPACITY = 256

export function createState(options: ReplicationOptions, events: EventEmitter<ReplicationEvents>): ReplicationState {
  const { world, network } = options
  invariant(network.state !== 'closed', 'createReplication: the network is closed; join a room first')
  const registry = createRegistry(options.components)
  const prefabs = createPrefabRegistry(options.prefabs ?? {}, (component) => registry.byComponent(component))
  const table = createEntityTable(INITIAL_CAPACITY)
  const removedByGame: { index: number; id: number }[] = []
  const ecs = watchWorld(world, registry.schemas, (eid) => {
    const index = state.quiet ? undefined : table.indexByEid.get(eid)
    if (index !== undefined) removedByGame.push({ index, id: table.id[index]! })
  })
  const state: ReplicationState = {
    network,
    ecs,
    registry,
    prefabs,
    table,
    store: createRowStore(registry.schemas, INITIAL_CAPACITY),
    published: new PublishedRows(registry.schemas, INITIAL_CAPACITY),
    groups: createRowGroups(),
    request: createEncodeRequest(table.id),
    policy: createRowPolicy(),
    jitter: registry.schemas.map((schema) => {
      const intervalTicks = schema.rateHz ? Math.max(1, Math.ceil(network.tickRateHz / schema.rateHz)) : 1
      return createJitterBuffers(schema, INITIAL_CAPACITY, { intervalTicks })
    }),
    delay: createInterpolationDelay(options.interpolation),
    presenting: createPresenting(),
    avatars: createAvatarView(registry.schemas, prefabs),
    resolveEid: (id) => resolveEid(state, id),
    resolveId: (eid) => resolveId(state, eid),
    links: new Map(),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    sendBudgetBytesPerSecond: options.sendBudgetBytesPerSecond ?? DEFAULT_BUDGET_BYTES,
    isMarked: options.changes === 'marked',
    events,
    outbox: [],
    pending: new Map(),
    counters: {
      packetsSent: 0,
      packetsReceived: 0,
      packetsDropped: 0,
      packetsLost: 0,
      rowsSent: 0,
      rowsReceived: 0,
      rowsWithoutAuthority: 0,
      rowsOld: 0,
      entitiesMended: 0,
      requestsRefused: 0,
      requestsInvalid: 0,
      logInvalid: 0,
      badValues: 0,
      changesUndone: 0,
      callbackErrors: 0,
    },
    tap: { onCollected: undefined, onAccepted: undefined, onPassedOn: undefined, onMended: undefined },
    held: new Map(),
    roster: undefined,
    reign: undefined,
    heardTerm: network.term,
    followers: new Set(),
    tail: createTail(),
    ahead: new Map(),
    unconfirmed: new Set(),
    logged: new Map(),
    judged: new Map(),
    logQueue: [],
    isTakingLog: false,
    isAnsweringOwn: false,
    spawnTokens: new Map(),
    removedByGame,
    restTicks: new Uint16Array(INITIAL_CAPACITY),
    scratch: new Int32Array(Math.max(1, ...registry.schemas.map((schema) => schema.laneCount))),
    reportedBad: new Set(),
    peeked: createPacketHeader(),
    peeker: new BitReader(),
    nextRequest: 1,
    nextCounter: 1,
    nextBaseline: 1,
    hostState: undefined,
    componentsIndex: new Map(),
    logIndex: network.isHost ? network.lower.commitIndex : 0,
    neededIndex: network.lower.commitIndex,
    spawnedTo: 0,
    lastSentTick: undefined,
    quiet: false,
    synced: network.isHost,
    incomingBaseline: undefined,
    givenWorld: undefined,
    early: [],
    referenced: new Set(),
    waitingLog: [],
    nowMs: 0,
  }
  network.lower.setProtocol(protocolOf(registry, prefabs))
  network.lower.setHoldsWorld(state.synced)
  return state
}

/** Components and prefabs as the far end compares them; a difference is named by its entry. */
function protocolOf(
  registry: Registry,
  prefabs: PrefabRegistry,
): { hash: number; components: readonly ComponentFingerprint[] } {
  const made = prefabs.all.map((one) => {
    const summary = summarizePrefab(one)
    return { name: `prefab ${one.name}`, hash: hashComponent(`prefab ${one.name}`, summary), summary }
  })
  const components = [...registry.fingerprints, ...made]
  const hash = hashProtocol(components)
  return { hash, components }
}
