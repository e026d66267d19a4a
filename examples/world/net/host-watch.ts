/**
 * What one player goes through when the host changes: for the headless demo, which compares what they say.
 *
 * Invariant: it only looks, and keeps what it saw; whether that is good is judged by whoever asks.
 */
import type { HostChangeReason, Network, NetworkState } from '@baton/core'
import type { NetworkId, Replication } from '@baton/replication'
import { query } from 'bitecs'
import { Avatar, Crate, Transform } from '../sim/components.ts'

export interface ToldChange {
  readonly host: string
  readonly term: number
  readonly reason: HostChangeReason
  readonly gapMs: number
}

/** How things stand with one player, and what it has been told of hosts since it joined. */
export interface Standing {
  readonly name: string
  readonly state: NetworkState
  readonly isHost: boolean
  readonly host: string | undefined
  readonly term: number
  readonly changes: readonly ToldChange[]
  /** The ticks in which this player hosted, by its own account: one for each of its terms. */
  readonly reigns: readonly { readonly term: number; readonly firstTick: number; readonly lastTick: number }[]
  /** Median time between two frames in which snapshots came, over the last ones. */
  readonly usualMs: number
  /** Everything in its world by shared id, ascending; a number that is there twice is an entity that is there twice. */
  readonly ids: readonly NetworkId[]
  readonly avatarId: NetworkId
  /** Entities it was told of as new more than once. */
  readonly respawned: number
  readonly crates: number
}

export interface HostWatch {
  /** Called every frame, after `receive`. */
  advance(nowMs: number): void
  read(name: string, me: number): Standing
}

/** Frames with snapshots that the usual time is taken from: some seconds. */
const KEPT_INTERVALS = 200

export function watchHost(network: Network, replication: Replication): HostWatch {
  const changes: ToldChange[] = []
  const reigns: { term: number; firstTick: number; lastTick: number }[] = []
  const intervalsMs: number[] = []
  const spawnCounts = new Map<NetworkId, number>()
  let packets = 0
  let heardMs: number | undefined

  network.on('hostchanged', (host, change) => changes.push({ host: host.displayName, ...change }))
  replication.on('spawned', ({ id }) => spawnCounts.set(id, (spawnCounts.get(id) ?? 0) + 1))
  return {
    advance(nowMs) {
      if (network.isHost) {
        const tick = network.tick(nowMs)
        const reign = reigns.at(-1)
        if (reign?.term === network.term) reign.lastTick = tick
        else reigns.push({ term: network.term, firstTick: tick, lastTick: tick })
      }
      const { packetsReceived } = replication.counters
      if (packetsReceived === packets) return
      packets = packetsReceived
      if (heardMs !== undefined && intervalsMs.push(nowMs - heardMs) > KEPT_INTERVALS) intervalsMs.shift()
      heardMs = nowMs
    },
    read(name, me) {
      const { world } = replication
      const sorted = [...intervalsMs].sort((a, b) => a - b)
      const idOf = (eid: number): NetworkId => replication.networkId(eid)
      return {
        name,
        state: network.state,
        isHost: network.isHost,
        host: network.host?.displayName,
        term: network.term,
        changes,
        reigns,
        usualMs: sorted[sorted.length >> 1] ?? 0,
        ids: [...query(world, [Transform, Crate]), ...query(world, [Transform, Avatar])]
          .map(idOf)
          .sort((a, b) => a - b),
        avatarId: idOf(me),
        respawned: [...spawnCounts.values()].filter((count) => count > 1).length,
        crates: query(world, [Transform, Crate]).length,
      }
    },
  }
}
