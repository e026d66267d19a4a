/** Rows that a peer has acked and holds wrongly: an error that got past every check, planted as a flipped bit. */
import { CHANNEL, type Transport } from '@baton/core'
import { expect, test } from 'vitest'
import { acting, createRoom, networked, type Rig, type RigPeer } from '../rig.ts'

interface Planted {
  readonly rig: Rig
  readonly host: RigPeer
  readonly guest: RigPeer
}

/** Flips a bit, counted from the end, of each state packet with rows that one peer receives while `isOn`. */
function flipping(inner: Transport, flip: { isOn: boolean; bit: number }): Transport {
  return {
    local: inner.local,
    poll(nowMs, handle) {
      inner.poll(nowMs, (event) => {
        if (!flip.isOn || event.kind !== 'message' || event.channel !== CHANNEL.state) return handle(event)
        const data = event.data.slice()
        const at = data.length * 8 - 1 - flip.bit
        data[at >> 3]! ^= 1 << (at & 7)
        handle({ ...event, data })
      })
    },
    send: (to, channel, data) => inner.send(to, channel, data),
    openChannel: (to, channel, kind) => inner.openChannel(to, channel, kind),
    closeChannel: (to, channel) => inner.closeChannel(to, channel),
    bufferedBytes: (to, channel) => inner.bufferedBytes(to, channel),
    stats: (to) => inner.stats(to),
    disconnect: (to) => inner.disconnect(to),
    close: () => inner.close(),
  }
}

/** A crate of `owner` is moved once, and the other peer takes something else for what it was sent. */
function plant(owner: 0 | 1): Planted {
  for (let bit = 0; bit < 120; bit += 1) {
    const flip = { isOn: false, bit }
    const rig = createRoom(2, {
      seed: 'mending',
      conditions: { latencyMs: 0 },
      wrapTransport: (transport, index) => (index === owner ? transport : flipping(transport, flip)),
    })
    const [host, guest] = rig.peers as [RigPeer, RigPeer]
    const peer = rig.peers[owner]!
    const eid = peer.replication!.spawn(peer.game.crate, { translation: [3, 0, 0] })
    rig.run(60)
    flip.isOn = true
    peer.game.Transform.translation.x[eid] = 4
    rig.run(6)
    flip.isOn = false
    rig.run(12)
    if (rig.living.length === 2 && guest.replication!.fingerprint() !== host.replication!.fingerprint()) {
      return { rig, host, guest }
    }
  }
  throw new Error('no flipped bit was taken for a value')
}

test.each([
  ['the host', 0],
  ['a guest', 1],
] as const)('ME1: a wrong row that was acked, of an entity of %s that rests, is mended and counted', (_, owner) => {
  const { rig, host, guest } = plant(owner)
  const told: number[] = []
  const sender = rig.peers[owner]!
  sender.replication!.tap.onMended = (_peer, id) => told.push(id)
  rig.run(300)
  expect(guest.replication!.fingerprint()).toBe(host.replication!.fingerprint())
  expect(told).toEqual([sender.replication!.networkId(networked(sender)[0]!)])
  expect(sender.replication!.counters.entitiesMended).toBe(1)
})

test('ME2: checks mend nothing where packets are lost, late and doubled and entities move and rest', () => {
  const rig = createRoom(4, {
    seed: 'sound',
    conditions: { latencyMs: 60, jitterMs: 40, loss: 0.2, duplicate: 0.05 },
  })
  for (const peer of rig.living) for (let i = 0; i < 12; i += 1) peer.replication!.spawn(peer.game.crate)
  rig.run(400, (peer) => {
    for (const eid of acting(peer)) {
      if (rig.random.chance(0.02)) peer.game.Transform.translation.x[eid] = rig.random.range(-9, 9)
    }
  })
  rig.run(300)
  const [first] = rig.living
  for (const { replication } of rig.living) {
    expect(replication!.counters.entitiesMended).toBe(0)
    expect(replication!.fingerprint()).toBe(first!.replication!.fingerprint())
  }
})
