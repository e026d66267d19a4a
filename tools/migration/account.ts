/**
 * What one player went through, as it is asked for by whoever judges the room.
 *
 * Invariant: plain data, so that it passes from a page and from a process alike.
 */
import type { HostChange, NetworkState } from '@baton/core'
import type { NetworkId } from '@baton/replication'

/** All times are `Date.now()`: the same clock for every process of the machine. */
export interface Told extends HostChange {
  readonly host: number
  readonly atMs: number
}

/** While this player's lease let it act as host, as looked at in each frame. */
export interface Reign {
  readonly term: number
  readonly firstMs: number
  lastMs: number
}

/** While this player was the host by `network.isHost`, in ticks. */
export interface Watch {
  readonly term: number
  readonly firstTick: number
  lastTick: number
}

export interface Account {
  readonly name: string
  readonly slot: number
  readonly state: NetworkState
  readonly isHost: boolean
  /** Slot; 0 for nobody. */
  readonly host: number
  readonly term: number
  readonly members: readonly number[]
  /** Names of the others, whoever hosts next first. */
  readonly succession: readonly string[]
  readonly voters: readonly number[]
  readonly synced: boolean
  readonly pending: number
  readonly fingerprint: number
  /** Every entity of this world: shared id, prefab, mark, slots of owner and authority, whether it moves it itself. */
  readonly entities: readonly Entity[]
  readonly spawned: readonly NetworkId[]
  readonly despawned: readonly NetworkId[]
  readonly told: readonly Told[]
  readonly reigns: readonly Reign[]
  readonly watches: readonly Watch[]
  /** Marks that this player has spawned itself. */
  readonly marks: readonly number[]
  readonly refused: number
  readonly reverted: number
  /** Longest time between two frames since `play` was last called. */
  readonly longestFrameMs: number
  readonly frames: number
  /** Between one frame in which packets came and the next, over the last ones. */
  readonly intervalsMs: readonly number[]
  readonly isHidden: boolean
  readonly errors: readonly string[]
}

export interface Entity {
  readonly id: NetworkId
  readonly prefab: string
  readonly mark: number
  readonly owner: number
  readonly authority: number
  readonly isMoved: boolean
}
