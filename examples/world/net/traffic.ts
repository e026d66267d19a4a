/** Kilobits per second over the last second, summed over all links. Kept beside `session.ts`, which uses it. */
import type { Network } from '@baton/core'

export interface Traffic {
  sample(nowMs: number): void
  read(): { upKbps: number; downKbps: number }
}

export function createTraffic(network: Network): Traffic {
  let sinceMs: number | undefined
  let last = { sent: 0, received: 0 }
  let rates = { upKbps: 0, downKbps: 0 }
  const count = (): typeof last => {
    const total = { sent: 0, received: 0 }
    for (const peer of network.peers) {
      total.sent += peer.stats?.bytesSent ?? 0
      total.received += peer.stats?.bytesReceived ?? 0
    }
    return total
  }
  return {
    sample(nowMs) {
      sinceMs ??= nowMs
      const elapsedMs = nowMs - sinceMs
      if (elapsedMs < 1000) return
      const now = count()
      // A peer that left takes its count along: a rate is never negative.
      rates = {
        upKbps: Math.max(0, ((now.sent - last.sent) * 8) / elapsedMs),
        downKbps: Math.max(0, ((now.received - last.received) * 8) / elapsedMs),
      }
      last = now
      sinceMs = nowMs
    },
    read: () => rates,
  }
}
