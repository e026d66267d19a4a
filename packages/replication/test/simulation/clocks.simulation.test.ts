/** What a host makes of clocks that are ahead of its own, and of what was said in an earlier reign. */
import { encodeControl, type ControlBody } from '@baton/schemas'
import { describe, expect, it } from 'vitest'
import { createRoom, networked, type RigPeer } from '../rig.ts'

const AHEAD_TICKS = 100

function changing(peer: RigPeer, change: (body: ControlBody) => ControlBody): void {
  const { lower } = peer.network
  const send = lower.sendControl.bind(lower)
  lower.sendControl = (to, body, index) => send(to, change(body), index)
}

/** While `isOn`, what the peer hears seems to it to come from clocks that are far ahead. */
function listenBehind(peer: RigPeer, when: { isOn: boolean }): void {
  const { network } = peer
  const replication = peer.replication!
  const [tick, receive] = [network.tick.bind(network), replication.receive.bind(replication)]
  let isListening = false
  network.tick = (nowMs) => (isListening && when.isOn ? tick(nowMs) - AHEAD_TICKS : tick(nowMs)) >>> 0
  replication.receive = (nowMs) => {
    isListening = true
    receive(nowMs)
    isListening = false
  }
}

describe('clocks that are ahead', () => {
  it('LG10: a value from far ahead is of now, and what nobody may ask is refused besides being counted', () => {
    const rig = createRoom(2, { seed: 'values', conditions: { latencyMs: 20 } })
    const [host, guest] = rig.peers as [RigPeer, RigPeer]
    const later = <T extends { readonly tick: number }>(value: T): T => ({ ...value, tick: value.tick + AHEAD_TICKS })
    changing(guest, (body) => (body.type === 'Spawn' ? { ...body, components: body.components.map(later) } : body))
    guest.replication!.spawn(guest.game.crate)
    rig.run(30)
    const held = host.network.lower.inspect()!
    const now = host.network.tick(rig.memory.now)
    const { body } = held.entryAt(held.commitIndex)!
    expect(body.type === 'Spawn' && body.components.every(({ tick }) => tick <= now && tick > now - 60)).toBe(true)
    expect([host.network.counters.breaches, guest.replication!.pendingCount]).toEqual([0, 0])
    changing(guest, (one) => (one.type === 'Spawn' ? { ...one, prefab: 'nothing' } : one))
    guest.replication!.spawn(guest.game.crate)
    rig.run(60)
    expect([host.network.counters.breaches > 0, guest.replication!.pendingCount]).toEqual([true, 0])
    expect(guest.events.filter((event) => event.startsWith('refused'))).toHaveLength(1)
  })

  it('OW13: a state from far ahead is neither shown nor acked, and comes again', () => {
    const rig = createRoom(2, { seed: 'states', conditions: { latencyMs: 20 } })
    const [host, guest] = rig.peers as [RigPeer, RigPeer]
    const eid = guest.replication!.spawn(guest.game.crate, { translation: [3, 0, 0] })
    rig.run(60)
    const when = { isOn: true }
    listenBehind(host, when)
    const { x } = host.game.Transform.translation
    const there = networked(host)[0]!
    guest.game.Transform.translation.x[eid] = 4
    rig.run(20)
    expect(x[there]).toBe(3)
    when.isOn = false
    rig.run(60)
    expect(x[there]).toBe(4)
  })
})

describe('earlier reigns', () => {
  it('HD8: what is said of holdings in an earlier term is passed over, be it as wrong as it may', () => {
    const counted: boolean[] = []
    for (const isEarlier of [true, false]) {
      const rig = createRoom(3, { seed: 'holdings', conditions: { latencyMs: 20 } })
      const [first, host, guest] = rig.peers as [RigPeer, RigPeer, RigPeer]
      rig.leave(first)
      rig.run(120)
      expect([host.network.isHost, host.network.term]).toEqual([true, 2])
      const { lower } = host.network
      const take = lower.takeControl.bind(lower)
      const from = host.network.peers.find((peer) => peer.id === guest.network.local.id)!
      const body = { type: 'Holdings', index: 0, synced: true, last: true, ids: [2, 1], hashes: [0] } as const
      const message = { term: isEarlier ? 1 : 2, index: 0, entryTerm: 0, requester: 0, generation: 0, body }
      expect(encodeControl(message).length).toBeGreaterThan(0)
      let isDone = false
      lower.takeControl = () => {
        const all = take()
        if (isDone) return all
        isDone = true
        return [...all, { from, message, channel: 2 }]
      }
      rig.run(10)
      counted.push(host.network.counters.breaches > 0)
    }
    expect(counted).toEqual([false, true])
  })

  it('LJ6: a piece of a world that is not needed any more is acked, and changes nothing', () => {
    const rig = createRoom(2, { seed: 'pieces', conditions: { latencyMs: 20 } })
    const [host, guest] = rig.peers as [RigPeer, RigPeer]
    host.replication!.spawn(host.game.crate)
    rig.run(60)
    const before = guest.replication!.fingerprint()
    const acked: ControlBody[] = []
    const { lower } = guest.network
    const bulk = lower.sendBulk.bind(lower)
    lower.sendBulk = (to, body) => {
      if (body.type === 'BaselineAck') acked.push(body)
      return bulk(to, body)
    }
    const to = host.network.peers[0]!
    const chunk = {
      baseline: 77,
      index: 0,
      tick: 0,
      totalBytes: 4,
      entityCount: 0,
      logIndex: 1,
      data: new Uint8Array(4),
    }
    host.network.lower.sendBulk(to, { type: 'BaselineChunk', ...chunk })
    rig.run(10)
    expect(acked).toEqual([{ type: 'BaselineAck', baseline: 77, index: 0 }])
    expect([guest.replication!.fingerprint(), guest.network.counters.breaches]).toEqual([before, 0])
  })
})
