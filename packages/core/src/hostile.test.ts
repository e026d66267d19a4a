import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { decodeControl, encodeControl, type ControlBody } from '@baton/schemas'
import type { Network } from './network.ts'
import { BREACH_LIMIT } from './peers/dismissal.ts'
import { PROTOCOL_VERSION } from './room.ts'
import { createNetworkRig, SeededRandom, type NetworkRig } from './testing/index.ts'
import type { Transport } from './transport/transport.ts'

/** A room of a host, a guest, and a peer whose transport the test speaks through. */
function roomWithIntruder(seed: number | string = 1): {
  rig: NetworkRig
  host: Network
  guest: Network
  intruder: Network
  say: (to: Network, channel: number, data: Uint8Array) => void
  tell: (to: Network, body: ControlBody, term?: number, channel?: number) => void
} {
  const rig = createNetworkRig({ seed })
  const [host, guest] = rig.room(2)
  let transport: Transport | undefined
  const intruder = rig.join({}, (own) => {
    transport = own
    return own
  })
  rig.runUntil(() => [host!, guest!, intruder].every((network) => network.peers.length === 2))
  rig.run(300)
  const say = (to: Network, channel: number, data: Uint8Array): void => {
    transport!.send(to.local.id, channel, data)
  }
  const tell = (to: Network, body: ControlBody, term = 1, channel = 0): void => {
    const bytes = encodeControl({ term, index: 0, body })
    say(to, channel, channel === 1 ? new Uint8Array([0, ...bytes]) : bytes)
  }
  return { rig, host: host!, guest: guest!, intruder, say, tell }
}

function view(network: Network): unknown {
  const { state, term, host, isHost, sessionTag, local, peers } = network
  return {
    state,
    term,
    host: host?.id,
    isHost,
    sessionTag,
    slot: local.slot,
    peers: peers.map(({ id, slot }) => [id, slot]),
  }
}

/** Control messages as a liar would write them: valid in form, any content. */
const body: fc.Arbitrary<ControlBody> = fc.oneof(
  fc.record({
    type: fc.constant('Welcome' as const),
    protocolVersion: fc.nat(3),
    protocolHash: fc.nat(3),
    sessionTag: fc.nat(),
    slot: fc.nat(4_095),
    tick: fc.nat(),
    tickRateHz: fc.nat(100),
    leaseMs: fc.nat(60_000),
    generation: fc.nat(3),
  }),
  fc.record({
    type: fc.constant('Refuse' as const),
    code: fc.constantFrom('lobby/room-full', 'x'),
    message: fc.string(),
  }),
  fc.record({
    type: fc.constant('Roster' as const),
    nextSlot: fc.nat(5_000),
    members: fc.array(
      fc.record({
        slot: fc.nat(5_000),
        peer: fc.constantFrom('peer-1', 'peer-2', 'peer-3', 'peer-9', ''),
        voter: fc.boolean(),
        canHost: fc.boolean(),
      }),
      { maxLength: 5 },
    ),
    former: fc.constant([]),
    tick: fc.nat(),
  }),
  fc.record({
    type: fc.constant('Ping' as const),
    sequence: fc.nat(),
    sentMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({
    type: fc.constant('Pong' as const),
    sequence: fc.nat(),
    sentMs: fc.constant(0),
    tick: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({
    type: fc.constant('Grant' as const),
    request: fc.nat(),
    requester: fc.nat(9),
    tick: fc.nat(),
    entries: fc.constant([]),
  }),
  fc.record({
    type: fc.constant('ApplicationMessage' as const),
    text: fc.boolean(),
    last: fc.boolean(),
    data: fc.uint8Array({ maxLength: 40 }),
  }),
)

describe('garbage and lies', { timeout: 60_000 }, () => {
  it('NW16: garbage on any channel throws nowhere, changes nothing, and is counted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ channel: fc.constantFrom(0, 1, 2, 16, 200), data: fc.uint8Array({ maxLength: 200 }) }), {
          maxLength: BREACH_LIMIT - 2,
        }),
        (messages) => {
          const { rig, host, guest, intruder, say } = roomWithIntruder()
          for (const network of [host, guest]) {
            const peer = network.peers.find(({ id }) => id === intruder.local.id)!
            network.openChannel(peer, 16, { reliable: true })
            network.openChannel(peer, 200, { reliable: false })
            intruder.openChannel(
              intruder.peers.find(({ id }) => id === network.local.id)!,
              16,
              { reliable: true },
            )
            intruder.openChannel(
              intruder.peers.find(({ id }) => id === network.local.id)!,
              200,
              { reliable: false },
            )
          }
          const before = [view(host), view(guest)]
          const received = [host.counters.received, guest.counters.received]
          for (const { channel, data } of messages) for (const network of [host, guest]) say(network, channel, data)
          rig.run(100)
          expect([view(host), view(guest)]).toEqual(before)
          expect(host.counters.received - received[0]!).toBeGreaterThanOrEqual(messages.length)
          const fixed = messages.filter(({ channel, data }) => channel === 0 || channel === 2 || data.length === 0)
          expect(host.counters.breaches).toBeGreaterThanOrEqual(fixed.length)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('LF9: the first byte on the state channel says what follows; every other one is a breach', () => {
    const { rig, host, say, tell } = roomWithIntruder()
    host.lower.setProtocol({ hash: 1, components: [] })
    const log: string[] = []
    host.on('message', ({ data, channel }) => log.push(`${channel} ${String(data as string)}`))
    tell(host, { type: 'Ping', sequence: 1, sentMs: 0 }, 1, 1)
    say(host, 1, new Uint8Array([0x01, 0b011, 0, 0x40, 0x68, 0x69]))
    say(host, 1, new Uint8Array([0x10, 1, 2]))
    rig.run(50)
    expect(log).toEqual(['1 hi'])
    expect(host.lower.takeState().map(({ data }) => [...data])).toEqual([[0x10, 1, 2]])
    expect(host.counters.breaches).toBe(0)
    const bad = [
      [],
      [0x02],
      [0x0f],
      [0x20],
      [0xff],
      [0x01],
      [0x01, 0b111, 0, 0],
      [0x01, 0b001, 0, 0],
      [0x01, 0b010, 0],
      [0x00],
    ]
    for (const bytes of bad) say(host, 1, new Uint8Array(bytes))
    tell(host, { type: 'Grant', request: 0, requester: 0, tick: 0, entries: [] }, 1, 1)
    rig.run(50)
    expect(host.counters.breaches).toBe(bad.length + 1)
    expect([log.length, host.lower.takeState().length]).toEqual([1, 0])
  })

  it('NW17: whatever a peer that is not the host says, it does not become host, nor moves the others', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ body, term: fc.constantFrom(0, 1, 2, 7, 0xffff_ffff), channel: fc.constantFrom(0, 0, 1, 2) }),
          {
            maxLength: BREACH_LIMIT - 2,
          },
        ),
        (lies) => {
          const { rig, host, guest, tell } = roomWithIntruder()
          const before = [view(host), view(guest)]
          for (const lie of lies) for (const network of [host, guest]) tell(network, lie.body, lie.term, lie.channel)
          rig.run(100)
          expect([view(host), view(guest)]).toEqual(before)
          const ticks = [host, guest].map((network) => network.exactTick(rig.nowMs))
          expect(Math.abs(ticks[0]! - ticks[1]!)).toBeLessThan(2)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('NW18: too many bad messages end the link, with an error at the one who ended it; the rest play on', () => {
    for (const target of ['host', 'guest'] as const) {
      const { rig, host, guest, intruder, say } = roomWithIntruder()
      const errors: string[] = []
      const victim = target === 'host' ? host : guest
      victim.on('error', ({ code }) => errors.push(code))
      const reasons: string[] = []
      intruder.on('error', ({ code }) => reasons.push(code))
      for (let index = 0; index < BREACH_LIMIT + 50; index++) say(victim, 0, new Uint8Array([1, 2, 3]))
      rig.run(200)
      expect(errors).toEqual(['peer/protocol-breach'])
      if (target === 'host') expect(reasons).toEqual(['peer/protocol-breach'])
      expect(victim.counters.disconnectedForBreach).toBe(1)
      expect(victim.counters.breaches).toBe(BREACH_LIMIT)
      rig.run(3_000)
      expect([host.isHost, guest.host!.id]).toEqual([true, host.local.id])
      const others = target === 'host' ? 1 : 2
      expect([host.peers.length, guest.peers.length]).toEqual([others, others])
      if (target === 'host') expect(intruder.state).toBe('closed')
      else expect(guest.peers.find(({ id }) => id === intruder.local.id)!.linked).toBe(false)
    }
  })

  it('NW18: a bad message now and then is forgiven', () => {
    const { rig, host, say } = roomWithIntruder()
    for (let index = 0; index < BREACH_LIMIT * 3; index++) {
      say(host, 0, new Uint8Array([1]))
      rig.run(1_200)
    }
    expect(host.counters.breaches).toBe(BREACH_LIMIT * 3)
    expect(host.peers.length).toBe(2)
  })

  it('NW19: a joiner is not misled by a member that poses as the host', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rig = createNetworkRig({ seed, conditions: { latencyMs: 30, jitterMs: 20 } })
      const [host] = rig.room(1)
      let transport: Transport | undefined
      rig.join({}, (own) => {
        transport = own
        return own
      })
      rig.runUntil(() => host!.peers.length === 1)
      const random = new SeededRandom(seed)
      const joiner = rig.join()
      const errors: string[] = []
      joiner.on('error', ({ code }) => errors.push(code))
      const lies: ControlBody[] = [
        {
          type: 'Welcome',
          protocolVersion: PROTOCOL_VERSION,
          protocolHash: 0,
          sessionTag: 9,
          slot: 9,
          tick: 5,
          tickRateHz: 60,
          leaseMs: 600,
          generation: 0,
        },
        {
          type: 'Roster',
          nextSlot: 10,
          members: [
            { slot: 2, peer: transport!.local, voter: false, canHost: true },
            { slot: 9, peer: joiner.local.id, voter: false, canHost: true },
          ],
          former: [],
          tick: 0,
        },
        { type: 'Refuse', code: 'lobby/room-full', message: 'go away' },
      ]
      rig.runUntil(() => {
        const lie = encodeControl({ term: random.integer(0, 9), index: 0, body: random.pick(lies) })
        transport!.send(joiner.local.id, 0, lie)
        return joiner.isJoined
      })
      expect([joiner.host!.id, joiner.sessionTag, joiner.local.slot]).toEqual([host!.local.id, host!.sessionTag, 3])
      expect(errors).toEqual([])
    }
  })

  it('NW20: a build with another protocol version is refused with one sentence, and nobody else notices', () => {
    const rig = createNetworkRig({ seed: 20 })
    const [host] = rig.room(1)
    const newcomer = rig.join({}, (own) =>
      rewriting(own, 0, (body) => (body.type === 'Hello' ? { ...body, protocolVersion: 99 } : body)),
    )
    const errors: string[] = []
    newcomer.on('error', ({ code, message }) => errors.push(`${code} ${message}`))
    rig.run(1_000)
    expect(errors).toEqual([
      'protocol/version-mismatch protocol: version 2 at the host, 99 in the joining build; update the older one',
    ])
    expect([newcomer.state, host!.peers.length, host!.counters.breaches]).toEqual(['closed', 0, 0])
  })

  it('NW21: a peer that claims a slot of the session which nobody gave it is refused', () => {
    // A member's, one of a peer that has left, one not given yet, and one just beyond what a new host sets aside.
    const claims = [2, 3, 4, 9, 4_095].map((slot) => ({ isSecondHost: false, slot }))
    for (const slot of [1, 2, 3, 4 + 16, 4_095]) claims.push({ isSecondHost: true, slot })
    for (const { isSecondHost, slot } of claims) {
      const rig = createNetworkRig({ seed: 21, conditions: { latencyMs: 10 } })
      const [first, second, third] = rig.room(3)
      if (isSecondHost) first!.close()
      else third!.close()
      rig.run(3_000)
      const host = isSecondHost ? second! : first!
      const given = new Set([host.local, ...host.peers].map((peer) => peer.slot))
      const claim = (body: ControlBody): ControlBody =>
        body.type === 'Hello' ? { ...body, sessionTag: host.sessionTag, slot } : body
      const errors: string[] = []
      rig.join({}, (own) => rewriting(own, 0, claim)).on('error', ({ code }) => errors.push(code))
      rig.run(3_000)
      expect(errors, `slot ${slot}`).toEqual(['peer/timeout'])
      expect(new Set([host.local, ...host.peers].map((peer) => peer.slot))).toEqual(given)
    }
  })

  it('NW17: ticks are taken from the host alone', () => {
    const rig = createNetworkRig({ seed: 'ticks', conditions: { latencyMs: 10 } })
    const [host, guest] = rig.room(2)
    rig.join({}, (own) => rewriting(own, 1, (body) => (body.type === 'Pong' ? { ...body, tick: 1_000_000 } : body)))
    rig.runUntil(() => guest!.peers.length === 2)
    rig.run(5_000)
    expect(Math.abs(guest!.exactTick(rig.nowMs) - host!.exactTick(rig.nowMs))).toBeLessThan(3)
    expect(host!.tick(rig.nowMs)).toBeLessThan(1_000)
    expect(guest!.counters.breaches).toBe(0)
  })

  it('NW22: an early flood from a peer that is not in the room is held to a limit', () => {
    const rig = createNetworkRig({ seed: 22 })
    const [host, guest] = rig.room(2)
    // It is in the lobby and linked to both, and never says hello.
    const stranger = rig.memory.join()
    rig.run(200)
    stranger.poll(rig.nowMs, () => {})
    const message = encodeControl({
      term: 1,
      index: 0,
      body: { type: 'ApplicationMessage', text: false, last: false, data: new Uint8Array(16_000) },
    })
    for (let index = 0; index < 1_000; index++) stranger.send(guest!.local.id, 0, message)
    rig.run(500)
    expect(guest!.counters.earlyDropped).toBe(BREACH_LIMIT)
    expect(guest!.counters.disconnectedForBreach).toBe(1)
    expect([host!.peers.length, guest!.peers.length]).toEqual([1, 1])
  })
})

/** A transport that changes what its network says on one channel, as another build or a liar would. */
function rewriting(own: Transport, channel: number, change: (body: ControlBody) => ControlBody): Transport {
  const prefixBytes = channel === 1 ? 1 : 0
  const rewrite = (data: Uint8Array): Uint8Array => {
    const decoded = decodeControl(data.subarray(prefixBytes))
    if (!decoded.ok) return data
    const bytes = encodeControl({ ...decoded.value, body: change(decoded.value.body) })
    return prefixBytes === 0 ? bytes : new Uint8Array([0, ...bytes])
  }
  return {
    local: own.local,
    poll: own.poll.bind(own),
    send: (peer, to, data) => own.send(peer, to, to === channel ? rewrite(data) : data),
    openChannel: own.openChannel.bind(own),
    closeChannel: own.closeChannel.bind(own),
    bufferedBytes: own.bufferedBytes.bind(own),
    stats: own.stats.bind(own),
    disconnect: own.disconnect.bind(own),
    close: own.close.bind(own),
  }
}
