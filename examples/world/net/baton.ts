/**
 * The baton in words and figures: who holds it, how the room is, why it changed hands, and handing it on.
 *
 * Invariant: it asks the network anew each time; the network is right about who hosts, not what was shown last.
 */
import type { HostChange, HostChangeReason, Network, NetworkState, Peer } from '@baton/core'

export interface BatonReadings {
  /** Display name; undefined while nobody is known to hold it. */
  readonly holder: string | undefined
  readonly isMine: boolean
  readonly state: NetworkState
  /** Which reign this is: 1 is the founder's. */
  readonly term: number
  /** Who could take it from this player: id and display name. */
  readonly takers: readonly { readonly id: string; readonly name: string }[]
  /** Why this player cannot hand it on now. Undefined: it can. */
  readonly obstacle: string | undefined
}

export interface Baton {
  read(): BatonReadings
  /** @returns why it could not be, or undefined when it is on its way */
  handOn(id: string): string | undefined
}

export function createBaton(network: Network): Baton {
  const takersOf = (): Peer[] => network.peers.filter((peer) => peer.linked)
  return {
    read() {
      const { host, isHost, state, term } = network
      const takers = takersOf().map((peer) => ({ id: peer.id, name: peer.displayName }))
      return {
        holder: host?.displayName,
        isMine: isHost,
        state,
        term,
        takers,
        obstacle: obstacleFor(network, takers.length),
      }
    },
    handOn(id) {
      const taker = takersOf().find((peer) => peer.id === id)
      if (!taker) return 'That player has just left'
      try {
        network.handOver(taker)
        return undefined
      } catch (mistake) {
        // A taker that declines to host, or has been in for a moment only: the network knows, and says so.
        return mistake instanceof Error ? mistake.message : String(mistake)
      }
    },
  }
}

function obstacleFor({ host, isHost, peers, state }: Network, takerCount: number): string | undefined {
  if (state === 'frozen') return 'Too few players are in reach'
  if (!isHost) return host ? `Only ${host.displayName} can hand it on` : 'Nobody holds it just now'
  if (peers.length === 0) return 'Nobody else is here to take it'
  if (takerCount === 0) return 'No other player is linked yet'
  return undefined
}

/** A change of host as a player is told it. @param before who held the baton until now, by display name */
export function tellOfChange(host: Peer, change: HostChange, before: string): string {
  const now = host.isLocal ? 'You have the baton now' : `${host.displayName} has the baton now`
  const causes: Readonly<Record<HostChangeReason, string>> = {
    'handed-over': before === 'You' ? 'You handed it on' : `${before} handed it on`,
    left: `${before} left`,
    lost: `${before} fell silent`,
    returned: 'You were away',
    fork: 'Too few were left, and the room began anew',
  }
  return `${causes[change.reason]}. ${now} (${gapText(change.gapMs)})`
}

export function gapText(gapMs: number): string {
  return gapMs < 10_000 ? `${Math.round(gapMs)} ms` : `${(gapMs / 1_000).toFixed(1)} s`
}
