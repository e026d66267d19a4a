/**
 * Several peers with real core and real replication over a network in memory and virtual time.
 *
 * Invariant: one seed gives one history. Each peer has components and a world of its own, as it would
 * in a process of its own.
 */
import { createNetwork, type Network, type Transport } from '@baton/core'
import { createMemoryNetwork, SeededRandom, type LinkConditions, type MemoryNetwork } from '@baton/core/testing'
import { createWorld, query, type World } from 'bitecs'
import {
  Authority,
  createReplication,
  defineReplicated,
  definePrefab,
  entity,
  enumeration,
  Networked,
  quat,
  text,
  uint,
  vec3,
  type Replication,
  type ReplicationOptions,
} from '../src/index.ts'

export const FRAME_MS = 1000 / 60

/** Every kind of delivery, and fields that are awkward: references, strings, enumerations. */
export function createGame() {
  const Transform = defineReplicated('Transform', {
    translation: vec3({ range: 128, step: 1 / 512 }),
    rotation: quat({ bits: 10 }),
  })
  const Health = defineReplicated('Health', { points: uint(8), target: entity() }, { delivery: 'reliable' })
  const Label = defineReplicated('Label', { text: text({ maxBytes: 32 }) }, { delivery: 'once' })
  const Mood = defineReplicated('Mood', { state: enumeration(['calm', 'cross']) })
  const Frozen = defineReplicated('Frozen', {})
  const crate = definePrefab({ components: [Transform, Health] })
  const avatar = definePrefab({
    components: [Transform, Label],
    whenOwnerLeaves: 'despawn',
    claim: 'nobody',
    avatar: true,
  })
  const relic = definePrefab({ components: [Transform], whenOwnerLeaves: 'hold' })
  return { Transform, Health, Label, Mood, Frozen, crate, avatar, relic }
}

export type Game = ReturnType<typeof createGame>

export interface RigPeer {
  readonly name: string
  readonly network: Network
  readonly world: World
  readonly game: Game
  /** There once the network has joined. */
  replication: Replication | undefined
  readonly events: string[]
  gone: boolean
}

export interface Rig {
  readonly memory: MemoryNetwork
  readonly random: SeededRandom
  readonly peers: RigPeer[]
  join(): RigPeer
  leave(peer: RigPeer): void
  crash(peer: RigPeer): void
  /** Runs frames; `act` is each peer's game between receive and send. */
  run(frames: number, act?: (peer: RigPeer, replication: Replication) => void): void
  /** Peers that are in the room. */
  readonly living: RigPeer[]
}

export interface RigOptions {
  readonly seed: number | string
  readonly conditions?: Partial<LinkConditions>
  readonly startTick?: number
  readonly replication?: Partial<ReplicationOptions>
  /** Stands between a peer and its transport; `index` counts peers from 0. */
  readonly wrapTransport?: (transport: Transport, index: number) => Transport
}

export function createRig({ seed, conditions, startTick, replication: options, wrapTransport }: RigOptions): Rig {
  const random = new SeededRandom(seed)
  const memory = createMemoryNetwork({ seed, conditions: conditions ?? {}, startMs: 1_000 })
  const peers: RigPeer[] = []

  function join(): RigPeer {
    const name = `peer-${peers.length + 1}`
    const draw = random.fork(name)
    const network = createNetwork({
      transport: wrapTransport ? wrapTransport(memory.join(), peers.length) : memory.join(),
      displayName: name,
      random: () => draw.uint32(),
      ...(startTick === undefined ? {} : { startTick }),
    })
    const peer: RigPeer = {
      name,
      network,
      world: createWorld(),
      game: createGame(),
      replication: undefined,
      events: [],
      gone: false,
    }
    network.on('error', (error) => peer.events.push(`error ${error.code}`))
    network.on('closed', () => (peer.gone = true))
    peers.push(peer)
    return peer
  }

  function attach(peer: RigPeer): Replication {
    const { game, world, network } = peer
    const { Transform, Health, Label, Mood, Frozen, crate, avatar, relic } = game
    const replication = createReplication({
      world,
      network,
      components: [Transform, Health, Label, Mood, Frozen],
      prefabs: { crate, avatar, relic },
      limits: { entitiesPerPeer: 10_000, spawnsPerSecond: 1_000 },
      ...options,
    })
    replication.on('spawned', ({ id }) => peer.events.push(`spawned ${id}`))
    replication.on('despawned', ({ id }) => peer.events.push(`despawned ${id}`))
    replication.on('refused', ({ request, reason }) => peer.events.push(`refused ${request} ${reason}`))
    replication.on('badvalue', ({ component }) => peer.events.push(`badvalue ${component}`))
    replication.on('synced', () => peer.events.push('synced'))
    replication.on('reverted', ({ requests }) =>
      peer.events.push(`reverted ${requests.map((one) => one.request).join(' ')}`),
    )
    return replication
  }

  function frame(peer: RigPeer, act: ((peer: RigPeer, replication: Replication) => void) | undefined): void {
    const { network } = peer
    if (!peer.replication) {
      network.receive(memory.now)
      network.flush(memory.now)
      if (network.isJoined) peer.replication = attach(peer)
      return
    }
    peer.replication.receive(memory.now)
    if (!peer.gone) act?.(peer, peer.replication)
    peer.replication.send(memory.now)
  }

  return {
    memory,
    random,
    peers,
    join,
    leave(peer) {
      peer.network.close()
      peer.gone = true
    },
    crash(peer) {
      memory.crash(peer.network.local.id)
      peer.gone = true
    },
    run(frames, act) {
      for (let i = 0; i < frames; i += 1) {
        memory.advance(FRAME_MS)
        for (const peer of peers) if (!peer.gone) frame(peer, act)
      }
    },
    get living() {
      return peers.filter((peer) => !peer.gone)
    },
  }
}

/** Members that vote at most; see docs/behavior.md. */
const MAX_VOTERS = 7

/** A room of `count` peers that all hold the same empty world, and where each could follow the host. */
export function createRoom(count: number, options: RigOptions): Rig {
  const rig = createRig(options)
  for (let i = 0; i < count; i += 1) rig.join()
  rig.run(60)
  const voters = Math.min(count, MAX_VOTERS)
  const isSettled = ({ network, replication }: RigPeer): boolean => {
    const held = network.lower.inspect()
    const isCommitted = held?.voters.length === voters && held.uncommittedRosters === 0
    return replication?.synced === true && isCommitted
  }
  for (let i = 0; i < 1_200 && !rig.living.every(isSettled); i += 1) rig.run(1)
  return rig
}

/** Local eids of a peer's networked entities. */
export function networked(peer: RigPeer): number[] {
  return [...query(peer.world, [Networked])]
}

/** Those it simulates. */
export function acting(peer: RigPeer): number[] {
  return [...query(peer.world, [Networked, Authority])]
}
