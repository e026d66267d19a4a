/**
 * The loss run for Baton as a game uses it: real networks and replications, a host that moves, spawns and
 * despawns, and guests whose state channel loses packets in both directions.
 *
 * Invariant: as for the other contenders, what a guest has wrong is counted after everything has come to rest.
 */
import { SeededRandom } from '@baton/core/testing'
import { createSteadyRoom, type SteadyPeer } from '../../packages/replication/test/steady-room.ts'
import { createCrates, stepCrates, type Crates } from '../workloads/crate-motion.ts'
import { LOSS, LOSS_WORLD, type LossFigures } from './loss-figures.ts'

const GUESTS = 2
const ACK_FRAMES = 6
const BUSY_FRAMES = 240
const QUIET_FRAMES = 120
/** Ten steps of the component. */
const STALE_M = 0.02

export function measureWholeLoss(seed: number): LossFigures {
  const { entities, moving, churn } = LOSS_WORLD
  const capacity = entities + GUESTS + churn * BUSY_FRAMES
  const room = createSteadyRoom({ entities: entities + GUESTS, guests: GUESTS, ackFrames: ACK_FRAMES, capacity })
  const { host } = room
  const random = new SeededRandom(`whole loss ${seed}`)
  const crates = createCrates(entities, moving, seed)
  /** Eid of each crate on the host. */
  const eids = [...host.simulated]
  let lostPackets = 0
  room.loseWhen(() => {
    if (!random.chance(LOSS)) return false
    lostPackets += 1
    return true
  })
  for (let frame = 0; frame < BUSY_FRAMES + QUIET_FRAMES; frame += 1) {
    room.next()
    host.replication.receive(room.nowMs)
    if (frame < BUSY_FRAMES) play(frame)
    host.replication.send(room.nowMs)
    for (const { replication } of room.guests) {
      replication.receive(room.nowMs)
      replication.send(room.nowMs)
    }
  }

  function play(frame: number): void {
    stepCrates(crates)
    for (let at = 0; at < churn && frame > 0; at += 1) {
      const crate = random.integer(0, entities - 1)
      host.replication.despawn(eids[crate]!)
      eids[crate] = host.replication.spawn(host.game.crate)
      show(host, eids[crate]!, crates, crate)
    }
    for (const crate of crates.moving) show(host, eids[crate]!, crates, crate)
  }

  const wrong = room.guests.map((guest) => compare(host, eids, guest))
  return {
    name: 'Baton, whole (host and guests)',
    stale: Math.max(...wrong.map(({ stale }) => stale)),
    missing: Math.max(...wrong.map(({ missing }) => missing)),
    ghosts: Math.max(...wrong.map(({ ghosts }) => ghosts)),
    thrown: 0,
    lostPackets,
  }
}

function show({ game }: SteadyPeer, eid: number, { position, rotation }: Crates, crate: number): void {
  const { translation, rotation: turn } = game.Transform
  translation.x[eid] = position[crate * 3]!
  translation.y[eid] = position[crate * 3 + 1]!
  translation.z[eid] = position[crate * 3 + 2]!
  turn.x[eid] = rotation[crate * 4]!
  turn.y[eid] = rotation[crate * 4 + 1]!
  turn.z[eid] = rotation[crate * 4 + 2]!
  turn.w[eid] = rotation[crate * 4 + 3]!
}

function compare(host: SteadyPeer, eids: readonly number[], guest: SteadyPeer) {
  const [ours, theirs] = [host.game.Transform.translation, guest.game.Transform.translation]
  let [stale, missing] = [0, 0]
  for (const eid of eids) {
    const there = guest.replication.entityOf(host.replication.networkId(eid))
    if (there === 0) missing += 1
    else if (
      (['x', 'y', 'z'] as const).some((axis) => !(Math.abs(ours[axis][eid]! - theirs[axis][there]!) < STALE_M))
    ) {
      stale += 1
    }
  }
  return { stale, missing, ghosts: guest.replication.entityCount - (host.replication.entityCount - missing) }
}
