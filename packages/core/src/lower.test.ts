import { describe, expect, it } from 'vitest'
import type { ControlBody } from '@baton/schemas'
import type { Network } from './network.ts'
import type { PeerChange, Protocol } from './room.ts'
import { createNetworkRig, SeededRandom } from './testing/index.ts'

const PROTOCOL: Protocol = { hash: 0xabcd, components: [{ name: 'Health', hash: 1, summary: 'points u8' }] }
const OTHER: Protocol = { hash: 0x1234, components: [{ name: 'Health', hash: 2, summary: 'points u16' }] }

function shown(changes: readonly PeerChange[]): string[] {
  return changes.map(({ kind, peer }) => `${kind} ${peer.id}`)
}

function request(id: number): ControlBody {
  return { type: 'Despawn', request: id, ids: [id] }
}

describe('the seam for replication', { timeout: 60_000 }, () => {
  it('NW23: with the same protocol set before joining, host and guest become ready for one another, once', () => {
    const rig = createNetworkRig({ seed: 23, conditions: { latencyMs: 20 } })
    const a = rig.join()
    a.lower.setProtocol(PROTOCOL)
    rig.frame()
    expect(shown(a.lower.takeChanges())).toEqual(['hostchanged peer-1'])
    const [b, c] = [rig.join(), rig.join()]
    for (const network of [b, c]) network.lower.setProtocol(PROTOCOL)
    rig.runUntil(() => c.isJoined && b.peers.length === 2)
    rig.run(1_000)
    const host = shown(a.lower.takeChanges())
    expect(host.filter((change) => change.includes('peer-2'))).toEqual([
      'entered peer-2',
      'linked peer-2',
      'ready peer-2',
    ])
    expect(host.filter((change) => change.includes('peer-3'))).toEqual([
      'entered peer-3',
      'linked peer-3',
      'ready peer-3',
    ])
    const guest = shown(b.lower.takeChanges())
    const ofHost = ['entered peer-1', 'linked peer-1', 'hostchanged peer-1', 'ready peer-1']
    expect(guest.filter((change) => change.includes('peer-1'))).toEqual(ofHost)
    expect(guest.filter((change) => change.startsWith('ready'))).toEqual(['ready peer-1'])
    expect(shown(b.lower.takeChanges())).toEqual([])
  })

  it('NW23: set later, on either side first, it begins with how things stand and then ready', () => {
    for (const order of ['host first', 'guest first'] as const) {
      const rig = createNetworkRig({ seed: order, conditions: { latencyMs: 20 } })
      const [a, b] = rig.room(2)
      expect(shown(a!.lower.takeChanges())).toEqual([])
      const [first, second] = order === 'host first' ? [a!, b!] : [b!, a!]
      first.lower.setProtocol(PROTOCOL)
      rig.run(500)
      second.lower.setProtocol(PROTOCOL)
      rig.run(500)
      expect(shown(a!.lower.takeChanges())).toEqual([
        'entered peer-2',
        'linked peer-2',
        'hostchanged peer-1',
        'ready peer-2',
      ])
      expect(shown(b!.lower.takeChanges())).toEqual([
        'entered peer-1',
        'linked peer-1',
        'hostchanged peer-1',
        'ready peer-1',
      ])
    }
  })

  it('NW24: builds that differ refuse each other with one sentence that names the component', () => {
    for (const late of [false, true]) {
      const rig = createNetworkRig({ seed: 24, conditions: { latencyMs: 20 } })
      const a = rig.join()
      a.lower.setProtocol(PROTOCOL)
      rig.frame()
      const b = rig.join()
      const c = rig.join()
      c.lower.setProtocol(PROTOCOL)
      if (!late) b.lower.setProtocol(OTHER)
      const errors: string[] = []
      b.on('error', ({ code, message }) => errors.push(`${code} ${message}`))
      rig.run(500)
      if (late) b.lower.setProtocol(OTHER)
      rig.run(3_000)
      expect(errors).toEqual([
        'protocol/hash-mismatch protocol: component "Health" differs: points u8 at the host, points u16 in the joining build; run the same build on both sides',
      ])
      expect([b.state, a.peers.map(({ id }) => id), c.peers.map(({ id }) => id)]).toEqual([
        'closed',
        ['peer-3'],
        ['peer-1'],
      ])
      expect(a.counters.breaches).toBe(0)
    }
  })

  it('NW25: control messages reach the taker from members, in order, with their envelope and channel', () => {
    const rig = createNetworkRig({ seed: 25, conditions: { latencyMs: 40, jitterMs: 30, loss: 0.3 } })
    const [a, b] = rig.room(2)
    for (const network of [a!, b!]) network.lower.setProtocol(PROTOCOL)
    rig.run(2_000)
    const host = b!.peers[0]!
    expect(b!.lower.takeControl()).toEqual([])
    for (let id = 1; id <= 50; id++) expect(b!.lower.sendControl(host, request(id), id * 10)).toBe('sent')
    b!.lower.sendBulk(host, { type: 'BaselineAck', baseline: 1, index: 2 })
    const got: string[] = []
    for (let frame = 0; frame < 200; frame++) {
      rig.frame()
      for (const { from, message, channel } of a!.lower.takeControl()) {
        expect([from, message.term]).toEqual([a!.peers[0], 1])
        if (message.body.type === 'Despawn') got.push(`${message.body.request} ${message.index} on ${channel}`)
        else expect([message.body.type, channel]).toEqual(['BaselineAck', 2])
      }
    }
    expect(got).toEqual(Array.from({ length: 50 }, (_, index) => `${index + 1} ${(index + 1) * 10} on 0`))
  })

  it('NW26: state packets of kind 1 reach the taker as they were; others never do', () => {
    const rig = createNetworkRig({ seed: 26 })
    const [a, b] = rig.room(2)
    a!.lower.setProtocol(PROTOCOL)
    const host = b!.peers[0]!
    for (const first of [0x10, 0x1f, 0x20, 0x02]) b!.lower.sendState(host, new Uint8Array([first, 7]))
    expect(() => b!.lower.sendState(host, new Uint8Array(1_101))).toThrow(/limit/)
    rig.run(50)
    const taken = a!.lower.takeState()
    expect(taken.map(({ from, data }) => [from.id, ...data])).toEqual([
      ['peer-2', 0x10, 7],
      ['peer-2', 0x1f, 7],
    ])
    expect(a!.counters.breaches).toBe(2)
    // Nobody takes what no protocol was set for.
    a!.lower.sendState(a!.peers[0]!, new Uint8Array([0x10]))
    rig.run(50)
    expect([b!.lower.takeState(), b!.counters.notTaken]).toEqual([[], 1])
  })

  it('NW27: after a change of host the new pairs become ready again, after hostchanged', () => {
    for (let seed = 0; seed < 30; seed++) {
      const rig = createNetworkRig({ seed, conditions: { latencyMs: 30, jitterMs: 30, loss: 0.1 } })
      const random = new SeededRandom(seed)
      const networks = rig.room(3, { peerTimeoutMs: 2_000 })
      for (const network of networks) network.lower.setProtocol(PROTOCOL)
      rig.run(2_000)
      for (const network of networks) network.lower.takeChanges()
      const [a, b, c] = networks as [Network, Network, Network]
      if (random.chance(0.5)) a.close()
      else rig.crash(a)
      // Under loss the second in line may be the first to hear of it.
      rig.runUntil(() => b.host?.id === c.host?.id && b.host?.id !== a.local.id)
      const host = b.host!.id
      rig.run(2_000)
      const expected = (other: string) => ['exited peer-1', `hostchanged ${host}`, `ready ${other}`, 'unlinked peer-1']
      for (const [network, other] of [
        [b, 'peer-3'],
        [c, 'peer-2'],
      ] as const) {
        const changes = shown(network.lower.takeChanges())
        expect([...changes].sort(), `seed ${seed}`).toEqual(expected(other))
        expect(changes.indexOf(`hostchanged ${host}`)).toBeLessThan(changes.indexOf(`ready ${other}`))
        expect(changes.indexOf(`hostchanged ${host}`)).toBeLessThan(changes.indexOf('exited peer-1'))
      }
    }
  })

  it('NW28: breach counts for the seam as for core, and bufferedBytes sees all that waits', () => {
    const rig = createNetworkRig({ seed: 28 })
    const [a] = rig.room(2)
    const peer = a!.peers[0]!
    a!.lower.setProtocol(PROTOCOL)
    rig.run(200)
    expect(a!.lower.bufferedBytes(peer, 2)).toBe(0)
    rig.memory.setConditions({ rateBytesPerSecond: 1_000 })
    const data = new Uint8Array(10_000)
    for (let index = 0; index < 20; index++) {
      a!.lower.sendBulk(peer, {
        type: 'BaselineChunk',
        baseline: 1,
        index,
        tick: 0,
        totalBytes: 200_000,
        entityCount: 1,
        data,
        logIndex: 0,
      })
    }
    expect(a!.lower.bufferedBytes(peer, 2)).toBeGreaterThan(200_000)
    rig.frame()
    expect(a!.lower.bufferedBytes(peer, 2)).toBeGreaterThan(200_000)
    const errors: string[] = []
    a!.on('error', ({ code }) => errors.push(code))
    for (let index = 0; index < 40; index++) a!.lower.breach(peer, 'a row that cannot be')
    rig.run(1_000)
    expect(errors).toEqual(['peer/protocol-breach'])
    expect(a!.peers).toEqual([])
  })

  it('NW29: a protocol too large for one hello throws at setProtocol', () => {
    const rig = createNetworkRig({ seed: 29 })
    const a = rig.join()
    const components = Array.from({ length: 500 }, (_, hash) => ({
      name: `Component${hash}`,
      hash,
      summary: 'x'.repeat(60),
    }))
    expect(() => a.lower.setProtocol({ hash: 1, components })).toThrow(RangeError)
    a.close()
    expect(() => a.lower.setProtocol(PROTOCOL)).toThrow(/closed/)
  })
})
