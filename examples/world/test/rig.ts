/**
 * Whole plazas, each with its own physics and its own session, over a network in memory and virtual time.
 *
 * Invariant: one seed gives one history, however slow the machine. The worlds share one entity index,
 * because they share the columns of their components.
 */
import { createNetwork, type Network } from '@baton/core'
import { createMemoryNetwork, SeededRandom, type LinkConditions, type MemoryNetwork } from '@baton/core/testing'
import { createEntityIndex, createWorld, query } from 'bitecs'
import { startSession, type Session } from '../net/session.ts'
import type { Wishes } from '../sim/avatar.ts'
import { Crate, Transform } from '../sim/components.ts'
import type { CratePlace } from '../sim/layout.ts'
import { createPlaza, type Plaza } from '../sim/plaza.ts'
import { createPose, type Pose } from '../sim/pose.ts'

export const FRAME_MS = 1000 / 60

export interface Player {
  readonly network: Network
  readonly plaza: Plaza
  /** There once the room has been joined. */
  session: Session
  wishes: Wishes
  /** What its page would draw this frame, by network id. */
  readonly shown: Map<number, Pose>
}

export interface Rig {
  readonly memory: MemoryNetwork
  readonly players: Player[]
  join(): Promise<Player>
  leave(player: Player): void
  /** @param look called after each frame of everybody */
  run(frames: number, look?: () => void): void
}

export interface RigOptions {
  readonly crates: readonly CratePlace[]
  readonly conditions?: Partial<LinkConditions>
  readonly seed?: number
}

export function createRig({ crates, conditions = {}, seed = 1 }: RigOptions): Rig {
  const memory = createMemoryNetwork({ seed, conditions, startMs: 1_000 })
  const random = new SeededRandom(seed)
  const entityIndex = createEntityIndex()
  const players: Player[] = []

  function frame(player: Player): void {
    const { network, plaza, session, shown, wishes } = player
    const nowMs = memory.now
    const { stepCount, part } = session.receive(nowMs)
    plaza.advance(stepCount, session.me, wishes)
    session.touch(plaza.touched)
    session.send(nowMs)
    if (network.state === 'closed') return
    for (const eid of query(plaza.world, [Transform])) {
      const id = session.replication.networkId(eid)
      let pose = shown.get(id)
      if (!pose) shown.set(id, (pose = createPose()))
      plaza.poseOf(eid, part, pose)
    }
  }

  function run(frames: number, look?: () => void): void {
    for (let i = 0; i < frames; i += 1) {
      memory.advance(FRAME_MS)
      for (const player of players) frame(player)
      look?.()
    }
  }

  async function join(): Promise<Player> {
    const name = `player ${players.length + 1}`
    const draw = random.fork(name)
    const network = createNetwork({ transport: memory.join(), displayName: name, random: () => draw.uint32() })
    const world = createWorld(entityIndex)
    const plaza = await createPlaza(world)
    while (!network.isJoined) {
      run(1)
      network.receive(memory.now)
      network.flush(memory.now)
    }
    const session = startSession(world, network, name, crates)
    const player = { network, plaza, session, wishes: { moveX: 0, moveZ: 0, jump: false }, shown: new Map() }
    players.push(player)
    return player
  }

  return {
    memory,
    players,
    join,
    run,
    leave(player) {
      players.splice(players.indexOf(player), 1)
      player.network.close()
    },
  }
}

/** The crate at a place, by network id: the nearest one as this player has it. */
export function crateNear(player: Player, x: number, z: number): number {
  const { translation } = Transform
  let best = 0
  let bestM = Infinity
  for (const eid of query(player.plaza.world, [Transform, Crate])) {
    const awayM = Math.hypot(translation.x[eid]! - x, translation.z[eid]! - z) + translation.y[eid]!
    if (awayM < bestM) {
      best = eid
      bestM = awayM
    }
  }
  return player.session.replication.networkId(best)
}

/** Where a player's page draws an entity: x, y, z. */
export function placeOf(player: Player, id: number): readonly number[] {
  return [...(player.shown.get(id) ?? [])]
}
