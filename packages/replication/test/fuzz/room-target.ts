/**
 * A whole host under a hostile member: real messages of a real guest, damaged on their way, on every
 * channel. What the host takes, it takes through its transport, as it does in a game.
 *
 * Invariant: nothing here reaches around the public entries; the far end is a full peer that lies.
 */
import type { Transport } from '@baton/core'
import { createRig, type Rig, type RigPeer } from '../rig.ts'

export interface HostileRoom {
  /**
   * A damaged message of the guest's, and the channel it went on.
   * @returns whether the host took it for nothing wrong
   */
  feed(channel: number, bytes: Uint8Array): boolean
  /** Messages that the honest guest has sent, to damage. */
  readonly corpus: readonly { readonly channel: number; readonly bytes: Uint8Array }[]
  /** Entities that the honest third peer owns, as the host holds them: they must survive everything. */
  readonly honestEntities: number
}

const MAX_CORPUS = 400

/** @param seed of the room; equal seeds and equal feeds give equal histories */
export function createHostileRoom(seed: number): HostileRoom {
  const corpus: { channel: number; bytes: Uint8Array }[] = []
  let rig: Rig
  let liar: RigPeer
  let lies: Transport

  function begin(): void {
    rig = createRig({ seed, wrapTransport: (transport, index) => (index === 2 ? listenIn(transport) : transport) })
    rig.join()
    rig.join()
    liar = rig.join()
    for (let i = 0; i < 1_200 && !rig.living.every((peer) => peer.replication?.synced); i += 1) rig.run(1)
    rig.run(90, play)
  }

  function listenIn(transport: Transport): Transport {
    lies = transport
    return new Proxy(transport, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (name !== 'send') return typeof value === 'function' ? (value.bind(target) as unknown) : value
        return (peer: string, channel: number, bytes: Uint8Array) => {
          if (corpus.length < MAX_CORPUS) corpus.push({ channel, bytes: bytes.slice() })
          return target.send(peer, channel, bytes)
        }
      },
    })
  }

  function play(peer: RigPeer): void {
    const { replication, game } = peer
    if (!replication || replication.entityCount > 12) return
    const eid = replication.spawn(rig.random.pick([game.crate, game.relic]), { translation: [1, 2, 3] })
    game.Transform.translation.x[eid] = 4
    if (rig.random.chance(0.3)) replication.release(eid)
  }

  begin()
  return {
    corpus,
    get honestEntities() {
      const [host, honest] = rig.peers as [RigPeer, RigPeer]
      const slot = honest.network.local.slot
      return host.replication!.describe().filter((line) => line.includes(` owner ${slot} `)).length
    },
    feed(channel, bytes) {
      if (liar.gone || !liar.network.isJoined) begin()
      const { network, replication } = rig.peers[0]!
      const faults = (): number => {
        const { packetsDropped, requestsInvalid, requestsRefused, rowsWithoutAuthority } = replication!.counters
        return network.counters.breaches + packetsDropped + requestsInvalid + requestsRefused + rowsWithoutAuthority
      }
      const before = faults()
      lies.send(network.local.id, channel, bytes.subarray(0, channel === 1 ? 1_100 : 16_384))
      rig.run(1)
      return faults() === before
    },
  }
}
