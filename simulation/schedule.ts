/**
 * A run as plain data: who plays, on what network, and what goes wrong when. JSON in and out.
 *
 * Invariant: a run is a function of its schedule alone. Chance inside a run comes from `seed` by labels, so that
 * a fault that is taken out changes nothing about the others.
 */
import type { LinkConditions } from '@baton/core/testing'

/** A peer by its number, or by what it is when the fault comes. */
export type Who = number | 'host' | 'successor'

export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'crash' | 'close' | 'tabClose' | 'lobbyLoss'; readonly who: Who }
  /** No frames. `sleep`: the monotonic clock stands still as well, as when a laptop is shut. */
  | { readonly kind: 'pause'; readonly who: Who; readonly ms: number; readonly sleep: boolean }
  /** One direction of one link. */
  | { readonly kind: 'cut' | 'clog'; readonly from: Who; readonly to: Who; readonly ms: number }
  /** Those named on one side, the rest and the lobby on the other; or the lobby with those named. */
  | { readonly kind: 'partition'; readonly side: readonly Who[]; readonly lobbyInside: boolean; readonly ms: number }
  | { readonly kind: 'weather'; readonly ms: number; readonly conditions: Weather }
  | { readonly kind: 'handOver'; readonly to: Who }
  | { readonly kind: 'hide'; readonly who: Who; readonly ms: number }
  | { readonly kind: 'lobbyRestart'; readonly ms: number }
  | { readonly kind: 'lobbyCut'; readonly who: Who; readonly ms: number }
)

export type FaultKind = Fault['kind']
export type Weather = Partial<Omit<LinkConditions, 'cut'>>

export interface PeerPlan {
  /** Virtual time at which it comes; the room begins at 0. */
  readonly joinMs: number
  readonly frameMs: number
  /** Of both of its clocks: 0.99 to 1.01. */
  readonly clockRate: number
  readonly clockOffsetMs: number
  readonly canHost: boolean
}

export interface Schedule {
  readonly version: 1
  readonly seed: number
  readonly peers: readonly PeerPlan[]
  readonly conditions: Weather
  readonly lobby: { readonly latencyMs: number; readonly jitterMs: number }
  readonly startTick: number
  /** State is sent this often; a third of what games use makes a run three times as cheap. */
  readonly tickRateHz: number
  readonly leaseMs: number
  /** Nobody says that it hears no host before a lease is over: what detection would be if it did not adapt. */
  readonly isDetectionFixed?: boolean
  readonly quorumLoss: 'fork' | 'wait'
  /** What each game does how often; 0 turns a part off. */
  readonly game: { readonly actEveryMs: number; readonly maxEntities: number }
  /** When faults begin, for how long, and how long all may take to agree afterwards. */
  readonly warmMs: number
  readonly faultMs: number
  readonly settleMs: number
  /** In order of time, counted from the end of the warm-up. */
  readonly faults: readonly Fault[]
  /** Cut off from all others for good when everything else heals. */
  readonly outcast: number | undefined
}

/** @throws Error when the text is no schedule of this version */
export function readSchedule(text: string): Schedule {
  const value = JSON.parse(text) as Partial<Schedule>
  const isSound =
    value.version === 1 &&
    typeof value.seed === 'number' &&
    Array.isArray(value.peers) &&
    value.peers.length > 0 &&
    Array.isArray(value.faults)
  if (!isSound) throw new Error('simulation: no schedule of version 1; write one with --shrink or --save')
  return { outcast: undefined, ...value } as Schedule
}

export function writeSchedule(schedule: Schedule): string {
  return `${JSON.stringify(schedule, undefined, 2)}\n`
}
