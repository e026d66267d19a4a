/** What the panel shows of the network: round trips, loss, traffic over the last second. */
import type { Network, Peer } from '@baton/core'
import type { Replication } from '@baton/replication'

export interface Readings {
  /** Players in the room, this one included. */
  readonly peers: number
  readonly rttMs: number
  readonly lossPercent: number
  readonly upKbps: number
  readonly downKbps: number
  readonly entities: number
  /** How far in the past others are shown. */
  readonly delayMs: number
}

/** How long traffic is summed up for one reading. */
const SPAN_MS = 1_000

export function createReadings(
  network: Network,
  replication: Replication,
): { sample(nowMs: number): void; read(): Readings } {
  let sinceMs: number | undefined
  let before = new Map<Peer, readonly [sentBytes: number, receivedBytes: number]>()
  let rates = { upKbps: 0, downKbps: 0 }

  /** Each link by itself: a peer that left takes its counts along, one that came begins at none. */
  function count(elapsedMs: number): void {
    const now = new Map<Peer, readonly [number, number]>()
    let sent = 0
    let received = 0
    for (const peer of network.peers) {
      const { stats } = peer
      if (!stats) continue
      const [sentBefore, receivedBefore] = before.get(peer) ?? [0, 0]
      now.set(peer, [stats.bytesSent, stats.bytesReceived])
      sent += stats.bytesSent - sentBefore
      received += stats.bytesReceived - receivedBefore
    }
    before = now
    // Bits per millisecond are kilobits per second.
    rates = { upKbps: (sent * 8) / elapsedMs, downKbps: (received * 8) / elapsedMs }
  }

  return {
    sample(nowMs) {
      sinceMs ??= nowMs
      if (nowMs - sinceMs < SPAN_MS) return
      count(nowMs - sinceMs)
      sinceMs = nowMs
    },
    read() {
      const linked = network.peers.filter((peer) => peer.linked)
      const mean = (pick: (peer: Peer) => number): number =>
        linked.length === 0 ? 0 : linked.reduce((sum, peer) => sum + pick(peer), 0) / linked.length
      return {
        peers: network.peers.length + 1,
        rttMs: mean((peer) => peer.rttMs),
        lossPercent: 100 * mean((peer) => peer.loss),
        ...rates,
        entities: replication.entityCount,
        delayMs: replication.interpolationDelayMs,
      }
    },
  }
}
