/**
 * The plaza over a network: what is replicated, what each kind of entity means, and both ends of the
 * frame. Runs in a page and in plain Node alike; how the network came about is not its business.
 */
import type { Network, Peer } from '@baton/core'
import { createReplication, definePrefab, type Prefab, type Replication } from '@baton/replication'
import { addComponent, query, type World } from 'bitecs'
import { Avatar, Crate, Nameplate, Transform } from '../sim/components.ts'
import { spawnPoint, type CratePlace } from '../sim/layout.ts'
import { createBaton, type Baton } from './baton.ts'
import { createReadings, type Readings } from './readings.ts'

export { drive } from '@baton/core'

export interface Session {
  readonly network: Network
  readonly replication: Replication
  readonly baton: Baton
  /** This player's avatar: another one after it was away for so long that it counted as gone. */
  readonly me: number
  /**
   * Start of a frame: others move, and time is told.
   * @returns how many steps of the game the room's clock has gone on since the last frame, and the part
   *   of the next one that is over. Every peer steps with the same clock, so motion stays even for all
   */
  receive(nowMs: number): { readonly stepCount: number; readonly part: number }
  /** Takes authority over what this player moves, where it can be had. */
  touch(eids: Iterable<number>): void
  /** End of a frame. */
  send(nowMs: number): void
  readings(): Readings
  readonly isHostsAvatar: (eid: number) => boolean
  /** The avatar of the player who simulates an entity now. */
  avatarOfAuthority(eid: number): number | undefined
}

/** Crates belong to the room: when a peer goes they pass to the host. Avatars go with their player. */
function plazaPrefabs(world: World): {
  crate: Prefab<[typeof Transform]>
  avatar: Prefab<[typeof Transform, typeof Nameplate]>
} {
  return {
    crate: definePrefab({ components: [Transform], setup: (eid) => addComponent(world, eid, Crate) }),
    avatar: definePrefab({
      components: [Transform, Nameplate],
      whenOwnerLeaves: 'despawn',
      claim: 'nobody',
      avatar: true,
      setup: (eid) => addComponent(world, eid, Avatar),
    }),
  }
}

/**
 * Begins to replicate over a network that is in its room. Everybody brings an avatar.
 * @param crates what stands in a new plaza: only whoever opens the room spawns them
 */
export function startSession(
  world: World,
  network: Network,
  displayName: string,
  crates: readonly CratePlace[],
): Session {
  const { crate, avatar } = plazaPrefabs(world)
  const components = [Transform, Nameplate]
  const replication = createReplication({ world, network, components, prefabs: { crate, avatar } })
  if (network.isHost) for (const place of crates) replication.spawn(crate, place)
  const { slot } = network.local
  const hue = hueOf(slot)
  let me = replication.spawn(avatar, { translation: spawnPoint(slot), name: displayName, hue })
  // What asks whether it is still there: the entity's own number is given to another one once it is gone.
  let myId = replication.networkId(me)
  const readings = createReadings(network, replication)
  let lastTick: number | undefined

  const avatarOf = (peer: Peer | undefined): number | undefined =>
    query(world, [Avatar]).find((eid) => replication.ownerOf(eid) === peer)

  /** A player whose machine slept, or whose page was busy for too long, finds its avatar gone: it went with its player. */
  function comeBack(): void {
    if (replication.entityOf(myId) !== 0 || !replication.synced || network.state !== 'stable') return
    me = replication.spawn(avatar, { translation: spawnPoint(slot), name: displayName, hue })
    myId = replication.networkId(me)
  }

  return {
    network,
    replication,
    baton: createBaton(network),
    get me() {
      return me
    },
    receive(nowMs) {
      replication.receive(nowMs)
      comeBack()
      const tick = network.tick(nowMs)
      // Ticks wrap as u32; so does the difference.
      const stepCount = lastTick === undefined ? 0 : Math.max(0, (tick - lastTick) | 0)
      lastTick = tick
      return { stepCount, part: network.exactTick(nowMs) % 1 }
    },
    touch(eids) {
      for (const eid of eids) {
        const by = replication.authorityOf(eid)
        // What another guest moves stays with it: whoever was first pushes on, and asking would be refused.
        if (by === undefined || by.isLocal || by.isHost) replication.touch(eid)
      }
    },
    send(nowMs) {
      replication.send(nowMs)
      readings.sample(nowMs)
    },
    readings: () => readings.read(),
    isHostsAvatar: (eid) => replication.ownerOf(eid)?.isHost ?? false,
    avatarOfAuthority: (eid) => avatarOf(replication.authorityOf(eid)),
  }
}

/** Blue first, then far around the wheel from one player to the next. */
function hueOf(slot: number): number {
  return Math.floor((0.58 + (slot - 1) * 0.381966) * 256) % 256
}
