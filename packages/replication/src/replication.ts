/**
 * What a game holds: one replication per world and network, driven twice a frame.
 *
 * Invariant: between `receive` and `send` the world is the game's alone; nothing changes behind it.
 */
import { invariant, type Network, type Peer } from '@baton/core'
import { EventEmitter } from 'eventemitter3'
import type { World } from 'bitecs'
import { createHostStateKeeper, type HostStateOptions } from './host-state.ts'
import { emitOutbox } from './outbox.ts'
import { receiveFrame } from './incoming.ts'
import { actingAuthority } from './lifecycle/entity-table.ts'
import type { Prefab } from './lifecycle/prefab.ts'
import { peerOfSlot, resolveEid, resolveId } from './lookup.ts'
import { sendFrame } from './outgoing.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import { noteMarked } from './pipeline/refresh-row.ts'
import {
  requestClaim,
  requestDespawn,
  requestParent,
  requestRelease,
  requestSpawn,
  requestTransfer,
} from './requests.ts'
import type { SpawnValuesOf } from './spawn-values.ts'
import { createState, type ReplicationOptions } from './create-state.ts'
import type { ReplicationCounters, ReplicationEvents, ReplicationState } from './state.ts'
import type { Tap } from './tap.ts'
import { describeCommitted, describeWorld, worldFingerprint } from './fingerprint.ts'

/**
 * Replicates the entities of one bitECS world over one network.
 *
 * @example
 * const replication = createReplication({ world, network, components: [Transform], prefabs: { crate, avatar } })
 * const me = replication.spawn(avatar, { translation: [0, 1, 0] })
 * function frame(nowMs: number) {
 *   replication.receive(nowMs)
 *   simulate(world) // writes only what query(world, [Transform, Authority]) finds
 *   replication.send(nowMs)
 * }
 * @throws InvariantError when a component is not replicated or a prefab names one that is not listed
 */
export function createReplication(options: ReplicationOptions): Replication {
  return new Replication(options)
}

export class Replication {
  readonly world: World
  readonly network: Network
  readonly #state: ReplicationState
  #disposed = false

  constructor(options: ReplicationOptions) {
    this.world = options.world
    this.network = options.network
    this.#state = createState(options, new EventEmitter<ReplicationEvents>())
  }

  /** Start of frame: drains the network, applies the log, moves what others simulate. */
  receive(nowMs: number): void {
    if (this.#disposed) return
    receiveFrame(this.#state, nowMs)
    emitOutbox(this.#state)
  }

  /** End of frame: publishes what this peer simulates, once per tick however often it is called. */
  send(nowMs: number): void {
    if (this.#disposed) return
    sendFrame(this.#state, nowMs)
    emitOutbox(this.#state)
  }

  /**
   * Spawns an entity that this peer owns and simulates. It can be used when this returns.
   * @param values by field name: vectors and quaternions as arrays, enumerations by name
   * @param options.parent eid of a networked entity that it goes with
   * @returns the local eid
   * @throws InvariantError before the room is joined, and for values that cannot travel
   */
  spawn<P extends Prefab>(prefab: P, values?: SpawnValuesOf<P>, options: { parent?: number } = {}): number {
    const registered = this.#state.prefabs.byPrefab.get(prefab)
    invariant(registered, 'spawn: the prefab is not registered; list it in createReplication({ prefabs })')
    return requestSpawn(this.#state, registered, values ?? {}, options.parent ?? 0)
  }

  /** Ends an entity and its children, once the log says so. @throws InvariantError when this peer neither owns it nor hosts */
  despawn(eid: number): void {
    const index = this.#indexOf(eid, 'despawn')
    const { table, network } = this.#state
    const allowed = network.isHost || table.owner[index] === network.local.slot
    invariant(allowed, `despawn: entity ${eid} belongs to another peer; claim it first`)
    requestDespawn(this.#state, table.id[index]!)
  }

  /**
   * With `changes: 'marked'`: the game has written to snapshot columns of this entity since the last `send`.
   * Fit for physics engines, which know what is awake. An entity that is not networked is passed over.
   */
  markChanged(eid: number): void {
    const index = this.#state.table.indexByEid.get(eid)
    if (index === undefined) return
    for (const rows of this.#state.store.components) noteMarked(rows, index)
  }

  /** Asks to own the entity and simulates it at once. The host's answer is `ownershipchanged` or `refused`. */
  claim(eid: number): void {
    requestClaim(this.#state, this.#indexOf(eid, 'claim'), 'own')
  }

  /** Asks to simulate what this peer pushes, and does at once; ownership stays. It goes back when it has come to rest. */
  touch(eid: number): void {
    const index = this.#indexOf(eid, 'touch')
    const { table, network, restTicks } = this.#state
    restTicks[index] = 0
    if (actingAuthority(table, index, network.local.slot) !== network.local.slot) {
      requestClaim(this.#state, index, 'touch')
    }
  }

  /** Gives an entity of this peer to another. */
  transfer(eid: number, to: Peer): void {
    requestTransfer(this.#state, this.#indexOf(eid, 'transfer'), to)
  }

  /** Gives up ownership to the host, or, where only touched, authority to the owner. */
  release(eid: number): void {
    const index = this.#indexOf(eid, 'release')
    const owned = this.#state.table.owner[index] === this.network.local.slot
    requestRelease(this.#state, index, owned ? 'own' : 'touch')
  }

  /** Puts an entity under another one; 0 takes it out. Needs authority over the child. */
  setParent(eid: number, parentEid: number): void {
    const index = this.#indexOf(eid, 'setParent')
    const { table, network } = this.#state
    invariant(
      actingAuthority(table, index, network.local.slot) === network.local.slot,
      `setParent: entity ${eid} is simulated by another peer; claim it first`,
    )
    requestParent(this.#state, index, parentEid)
  }

  /**
   * Keeps the game's own state (random seeds, what an AI means to do) at the two peers that would host
   * next, a few times a second, and gives it back on whichever becomes host. Once, right after
   * `createReplication`, on every peer.
   * @throws InvariantError when it was called before, or for a rate out of range
   */
  hostState(options: HostStateOptions): this {
    invariant(this.#state.hostState === undefined, 'hostState: called before; give save and restore once')
    this.#state.hostState = createHostStateKeeper(options)
    return this
  }

  ownerOf(eid: number): Peer | undefined {
    const index = this.#state.table.indexByEid.get(eid)
    return index === undefined ? undefined : peerOfSlot(this.#state, this.#state.table.owner[index]!)
  }

  /** Who simulates it, an unanswered claim of this peer included. */
  authorityOf(eid: number): Peer | undefined {
    const { table, network } = this.#state
    const index = table.indexByEid.get(eid)
    return index === undefined ? undefined : peerOfSlot(this.#state, actingAuthority(table, index, network.local.slot))
  }

  /** The id that all peers share; 0 for an entity that is not networked. */
  networkId(eid: number): NetworkId {
    return resolveId(this.#state, eid)
  }

  /** The local entity of a shared id; 0 for one that is not here. */
  entityOf(id: NetworkId): number {
    return resolveEid(this.#state, id)
  }

  /** This peer holds the whole world. False while it is joining, and after it was away for too long to follow the log. */
  get synced(): boolean {
    return this.#state.synced
  }

  /** Networked entities here. */
  get entityCount(): number {
    return this.#state.table.count
  }

  /** How far behind the newest state others' entities are shown, in milliseconds. */
  get interpolationDelayMs(): number {
    return this.network.isHost && this.network.peers.length === 0
      ? 0
      : (this.#state.delay.delayTicks * 1000) / this.network.tickRateHz
  }

  /** Requests of this peer that neither the log nor a refusal has answered yet. */
  get pendingCount(): number {
    return this.#state.pending.size
  }

  get counters(): Readonly<ReplicationCounters> {
    return this.#state.counters
  }

  /** A window onto the rows that pass, for tools and tests. */
  get tap(): Tap {
    return this.#state.tap
  }

  /** A number that is equal on two peers exactly when their quantized worlds are. */
  fingerprint(): number {
    return worldFingerprint(this.#state)
  }

  /** The quantized world in words, a line per entity: what to compare when two fingerprints differ. */
  describe(): string[] {
    return describeWorld(this.#state)
  }

  /** Place in the log at which the world here stands: all entries up to it are applied. */
  get committedIndex(): number {
    return this.#state.logIndex
  }

  /** What the log up to there makes of entities, owners and parents: a line each, equal on all peers at that place. */
  describeCommitted(): string[] {
    return describeCommitted(this.#state)
  }

  on<Name extends keyof ReplicationEvents>(name: Name, listener: ReplicationEvents[Name]): this {
    this.#state.events.on(name, listener as never)
    return this
  }

  once<Name extends keyof ReplicationEvents>(name: Name, listener: ReplicationEvents[Name]): this {
    this.#state.events.once(name, listener as never)
    return this
  }

  off<Name extends keyof ReplicationEvents>(name: Name, listener: ReplicationEvents[Name]): this {
    this.#state.events.off(name, listener as never)
    return this
  }

  /** Stops watching the world. Entities stay; the network is the caller's to close. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#state.ecs.stop()
    this.#state.events.removeAllListeners()
  }

  #indexOf(eid: number, place: string): number {
    const index = this.#state.table.indexByEid.get(eid)
    invariant(index !== undefined, `${place}: entity ${eid} is not networked; spawn it with replication.spawn`)
    return index
  }
}
