/**
 * A room in full swing, for measuring a frame of it: a host that simulates crates, guests that walk, and
 * links that bring acks back a fixed number of frames later.
 *
 * Invariant: nothing but what the caller moves happens once `createSteadyRoom` has returned.
 */
import { createNetwork, type Network } from '@baton/core'
import { SeededRandom } from '@baton/core/testing'
import { createWorld } from 'bitecs'
import { createReplication, definePrefab, defineReplicated, quat, uint, vec3, type Replication } from '../src/index.ts'
import { LoopNetwork, type LoopTransport } from './loop-network.ts'

export const FRAME_MS = 1000 / 60

export interface SteadyRoomOptions {
  /** Entities in the room; each guest simulates one of them, the host the others. */
  readonly entities: number
  readonly guests: number
  /** Frames from a packet to its ack, an even number. */
  readonly ackFrames: number
  readonly startTick?: number
  /** Entities that the columns have room for, those that come later included; as many as there are at first. */
  readonly capacity?: number
}

function createGame(capacity: number) {
  const Transform = defineReplicated(
    'Transform',
    { translation: vec3({ range: 512, step: 1 / 512 }), rotation: quat({ bits: 10 }) },
    { capacity },
  )
  const Health = defineReplicated('Health', { points: uint(8) }, { delivery: 'reliable', capacity })
  const crate = definePrefab({ components: [Transform, Health] })
  const avatar = definePrefab({ components: [Transform, Health], avatar: true })
  return { Transform, Health, crate, avatar }
}

export interface SteadyPeer {
  readonly network: Network
  readonly transport: LoopTransport
  readonly game: ReturnType<typeof createGame>
  readonly replication: Replication
  /** Local eids of what it simulates. */
  readonly simulated: readonly number[]
}

export interface SteadyRoom {
  readonly host: SteadyPeer
  readonly guests: readonly SteadyPeer[]
  /** Of the frame that runs. */
  nowMs: number
  /** Asked for each state packet, of any peer; those for which it says true never arrive. */
  loseWhen(isLost: () => boolean): void
  /** Starts the next frame: time and links go on. Call it before any peer's `receive`. */
  next(): void
}

/** @throws Error when the room does not come together within ten seconds of its own time */
export function createSteadyRoom(options: SteadyRoomOptions): SteadyRoom {
  const { entities, guests, ackFrames, startTick, capacity = entities } = options
  const loop = new LoopNetwork(ackFrames / 2)
  const random = new SeededRandom('steady room')
  const room = { nowMs: 1_000, next, loseWhen }

  function next(): void {
    loop.frame += 1
    room.nowMs += FRAME_MS
  }

  function loseWhen(isLost: () => boolean): void {
    loop.isLost = isLost
  }

  function joinLobby(): { network: Network; transport: LoopTransport } {
    const transport = loop.join()
    const network = createNetwork({
      transport,
      random: () => random.uint32(),
      ...(startTick === undefined ? {} : { startTick }),
    })
    return { network, transport }
  }

  function wait(until: () => boolean, run: () => void): void {
    for (let frame = 0; frame < 600 && !until(); frame += 1) {
      next()
      run()
    }
    if (!until()) throw new Error('steady room: it did not come together')
  }

  function enter({ network, transport }: ReturnType<typeof joinLobby>, own: number, kind: 'crate' | 'avatar') {
    // Each world's entity ids start at 1.
    const game = createGame(capacity + 1)
    const replication = createReplication({
      world: createWorld(),
      network,
      components: [game.Transform, game.Health],
      prefabs: { crate: game.crate, avatar: game.avatar },
      limits: { entitiesPerPeer: capacity, spawnsPerSecond: 1_000 },
      // Wide enough for everything, so that what is compared is complete.
      sendBudgetBytesPerSecond: 1_000_000,
    })
    const simulated = Array.from({ length: own }, () => replication.spawn(game[kind]))
    for (const eid of simulated) game.Transform.rotation.w[eid] = 1
    return { network, transport, game, replication, simulated }
  }

  function run({ replication }: SteadyPeer): void {
    replication.receive(room.nowMs)
    replication.send(room.nowMs)
  }

  const first = joinLobby()
  const others = Array.from({ length: guests }, joinLobby)
  const all = [first, ...others]
  wait(
    () => all.every(({ network }) => network.isJoined),
    () => {
      for (const { network } of all) network.receive(room.nowMs)
      for (const { network } of all) network.flush(room.nowMs)
    },
  )
  const host = enter(first, entities - guests, 'crate')
  const peers = [host, ...others.map((one) => enter(one, 1, 'avatar'))]
  wait(
    () => peers.every(({ replication }) => replication.synced && replication.entityCount === entities),
    () => peers.forEach(run),
  )
  return Object.assign(room, { host, guests: peers.slice(1) })
}
