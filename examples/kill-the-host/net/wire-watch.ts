/**
 * A transport with a pair of scissors, which also says when snapshots pass.
 *
 * Invariant: cut, it keeps silent both ways and tells nobody, its own side included: from outside that is what a
 * process looks like that was killed.
 */
import { CHANNEL, type PeerId, type Transport } from '@baton/core'

export interface WireWatch {
  readonly transport: Transport
  isCut: boolean
}

/** The kind of a state packet is in the high half of its first byte. */
const SNAPSHOT_KIND = 1

/** @param onSnapshot told of each snapshot: whose it was, this side's own included */
export function watchWire(inner: Transport, onSnapshot: (from: PeerId) => void): WireWatch {
  const look = (from: PeerId, channel: number, data: Uint8Array): void => {
    if (channel === CHANNEL.state && data[0]! >> 4 === SNAPSHOT_KIND) onSnapshot(from)
  }
  const watch = { isCut: false }
  const transport: Transport = {
    local: inner.local,
    poll: (nowMs, handle) =>
      inner.poll(nowMs, (event) => {
        if (watch.isCut) return
        if (event.kind === 'message') look(event.peer, event.channel, event.data)
        handle(event)
      }),
    send(peer, channel, data) {
      if (watch.isCut) return 'sent'
      look(inner.local, channel, data)
      return inner.send(peer, channel, data)
    },
    openChannel: (peer, channel, kind) => inner.openChannel(peer, channel, kind),
    closeChannel: (peer, channel) => inner.closeChannel(peer, channel),
    bufferedBytes: (peer, channel) => inner.bufferedBytes(peer, channel),
    stats: (peer) => inner.stats(peer),
    witness: (data) => !watch.isCut && (inner.witness?.(data) ?? false),
    requestGeneration: (...request) => !watch.isCut && (inner.requestGeneration?.(...request) ?? false),
    disconnect: (peer) => inner.disconnect(peer),
    close: () => inner.close(),
  }
  return Object.assign(watch, { transport })
}
