import { CHANNEL, MAX_TRANSPORT_MESSAGE_BYTES, MAX_WITNESS_BYTES } from '@baton/core'
import { decodeControl, encodeControl, type ControlBody } from '@baton/schemas'
import { createLobby } from '@baton/server'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeLinkFrame, LINK_VERSION } from './link-frames.ts'
import { MAX_BREACHES } from './link.ts'
import type { WrtcName } from './node/index.ts'
import { WebSocket } from 'ws'
import type { WebSocketLike } from './lobby-client.ts'
import { createNodeRoom, type NodeRoom } from './testing/node-room.ts'
import { idle, observe, poll, until, untilLinked, type Observed } from './testing/observer.ts'
import { joinRaw, type RawPeer } from './testing/raw-peer.ts'
import type { WebRtcTransport } from './webrtc-transport.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const PAIRS: [WrtcName, WrtcName][] = [
  ['node-datachannel', 'node-datachannel'],
  ['roamhq', 'roamhq'],
  ['node-datachannel', 'roamhq'],
]

const rooms: NodeRoom[] = []
const raws: RawPeer[] = []
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.end()
  for (const room of rooms.splice(0)) await room.end()
})

type Peer = Observed<WebRtcTransport>

async function open(...wrtc: WrtcName[]): Promise<NodeRoom> {
  const room = await createNodeRoom(...wrtc)
  rooms.push(room)
  return room
}

async function mesh(room: NodeRoom, count: number): Promise<Peer[]> {
  const peers: Peer[] = []
  for (let index = 0; index < count; index++) peers.push(observe(await room.join()))
  await untilLinked(peers)
  return peers
}

async function joinRawTo(room: NodeRoom, target: Peer, hello?: Uint8Array<ArrayBuffer>[]): Promise<RawPeer> {
  let polling = true
  const raw = await Promise.race([
    joinRaw(room.lobby.url, target.transport.local, hello),
    (async () => {
      while (polling) await idle([target], 1)
      throw new Error('not reached')
    })(),
  ]).finally(() => (polling = false))
  raws.push(raw)
  return raw
}

describe.each(PAIRS)('WebRtcTransport, %s with %s', (...pair) => {
  it('WT2: a thousand numbered messages arrive in order beside a stream of state', async () => {
    const [a, b] = await mesh(await open(...pair), 2)
    const sent = Array.from({ length: 1_000 }, (_, index) => `${index} ${'.'.repeat(index % 300)}`)
    for (const [index, text] of sent.entries()) {
      expect(a!.transport.send(b!.transport.local, CHANNEL.control, encode(text))).toBe('sent')
      a!.transport.send(b!.transport.local, CHANNEL.state, new Uint8Array(1_000))
      if (index % 50 === 0) await idle([a!, b!], 1)
    }
    await until([a!, b!], 'all came', () => b!.texts(CHANNEL.control).length >= sent.length)
    expect(b!.texts(CHANNEL.control)).toEqual(sent)
  })

  it('WT8: everything said on control before a goodbye arrives, however much it was', async () => {
    const [a, b] = await mesh(await open(...pair), 2)
    const data = new Uint8Array(MAX_TRANSPORT_MESSAGE_BYTES)
    for (let index = 0; index < 40; index++) {
      data[0] = index
      expect(a!.transport.send(b!.transport.local, CHANNEL.control, data)).toBe('sent')
    }
    a!.transport.close()
    await until([b!], 'b saw the end', () => b!.all('disconnected').length > 0)
    expect(b!.all('message').map((event) => event.data[0])).toEqual(Array.from({ length: 40 }, (_, index) => index))
    expect(b!.all('disconnected').map((event) => event.reason)).toEqual(['left'])
    expect(b!.events.at(-1)!.kind).not.toBe('message')
  })

  it('WT4: what is sent while the far end opens its side is delivered, and the other kind is reported', async () => {
    const [a, b] = await mesh(await open(...pair), 2)
    const [toA, toB] = [a!.transport.local, b!.transport.local]
    a!.transport.openChannel(toB, 30, { reliable: true })
    b!.transport.openChannel(toA, 30, { reliable: true })
    for (let index = 0; index < 20; index++) expect(a!.transport.send(toB, 30, encode(`early ${index}`))).toBe('sent')
    await until([a!, b!], 'all came', () => b!.texts(30).length === 20)
    expect(b!.texts(30)).toEqual(Array.from({ length: 20 }, (_, index) => `early ${index}`))

    a!.transport.openChannel(toB, 31, { reliable: true })
    await idle([a!, b!], 20)
    b!.transport.openChannel(toA, 31, { reliable: false })
    await until([a!, b!], 'b heard of it', () => b!.all('failed').length > 0)
    expect(b!.all('failed').map(({ error }) => error.code)).toEqual(['peer/channel-mismatch'])
    expect(b!.transport.send(toA, 31, encode('x'))).toBe('closed')

    // Opened as different kinds at the same moment: what was sent meanwhile is dropped, and holds nothing up.
    a!.transport.openChannel(toB, 32, { reliable: true })
    b!.transport.openChannel(toA, 32, { reliable: false })
    a!.transport.send(toB, 32, encode('lost'))
    await until([a!, b!], 'both heard of it', () => a!.all('failed').length === 1 && b!.all('failed').length === 2)
    const startMs = performance.now()
    for (let step = 1; step <= 300; step++)
      a!.transport.poll(startMs + step * 100, (event) => void a!.events.push(event))
    expect(a!.all('disconnected')).toEqual([])
  })

  it('WT15: a closed channel is opened again at once, and what came between is counted, not delivered', async () => {
    const [a, b] = await mesh(await open(...pair), 2)
    const [toA, toB] = [a!.transport.local, b!.transport.local]
    for (const [one, other] of [
      [a!, toB],
      [b!, toA],
    ] as const)
      one.transport.openChannel(other, 16, { reliable: true })
    a!.transport.send(toB, 16, encode('one'))
    await until([a!, b!], 'it came', () => b!.texts(16).length === 1)
    b!.transport.closeChannel(toA, 16)
    a!.transport.send(toB, 16, encode('lost'))
    await until([a!, b!], 'it was counted', () => b!.transport.counters.undelivered === 1)
    b!.transport.openChannel(toA, 16, { reliable: true })
    a!.transport.send(toB, 16, encode('two'))
    await until([a!, b!], 'the next came', () => b!.texts(16).length === 2)
    expect(b!.texts(16)).toEqual(['one', 'two'])
  })
})

describe('WebRtcTransport', () => {
  it('WT5: four that join at the same instant are all linked, once each', async () => {
    const room = await open('node-datachannel')
    const peers = (await Promise.all([room.join(), room.join(), room.join(), room.join()])).map(observe)
    await untilLinked(peers)
    await idle(peers, 20)
    for (const peer of peers) {
      expect(new Set(peer.all('connected').map((event) => event.peer)).size).toBe(3)
      expect(peer.all('connected')).toHaveLength(3)
      expect(peer.all('disconnected')).toEqual([])
    }
  })

  it('WT12: the lobby dies, is reported once, and the game goes on', async () => {
    const room = await open('node-datachannel', 'roamhq')
    const peers = await mesh(room, 3)
    await room.lobby.close()
    await until(peers, 'all heard', () => peers.every((peer) => peer.all('failed').length > 0))
    for (const from of peers)
      for (const to of peers)
        if (from !== to)
          expect(from.transport.send(to.transport.local, CHANNEL.control, encode('on we go'))).toBe('sent')
    await until(peers, 'all have two messages', () => peers.every((peer) => peer.texts(CHANNEL.control).length === 2))
    for (const peer of peers) {
      expect(peer.all('failed').map(({ error }) => error.code)).toEqual(['lobby/closed'])
      expect(peer.all('disconnected')).toEqual([])
    }
  })

  it('WT13: a second join with the same identity replaces the first and hurts nobody else', async () => {
    const room = await open('node-datachannel')
    const identity = 'the-same-player-0123456789'
    const first = observe(await room.join({ identity }))
    const other = observe(await room.join())
    await untilLinked([first, other])
    const second = observe(await room.join({ identity }))
    await until([first, other, second], 'the second is linked to the other', () => second.all('connected').length > 0)
    await until([first, other, second], 'the first has ended', () => first.all('disconnected').length > 0)
    expect(first.all('failed').map(({ error }) => error.code)).toEqual(['lobby/replaced'])
    expect(first.all('disconnected')).toEqual([{ kind: 'disconnected', peer: other.transport.local, reason: 'closed' }])
    await until([other, second], 'the other knows', () => other.all('disconnected').length > 0)
    expect(other.all('disconnected')).toEqual([{ kind: 'disconnected', peer: first.transport.local, reason: 'left' }])
    expect(other.all('failed')).toEqual([])
    second.transport.send(other.transport.local, CHANNEL.control, encode('hello'))
    await until([other, second], 'they talk', () => other.texts(CHANNEL.control).length === 1)
  })

  it('WT11: a peer that does not take what it is sent is dropped, and only that one', async () => {
    const peers = await mesh(await open('node-datachannel'), 3)
    const [a, slow, other] = peers as [Peer, Peer, Peer]
    const data = new Uint8Array(MAX_TRANSPORT_MESSAGE_BYTES)
    const results = new Set<string>()
    // The native side takes a few megabytes before it tells of any that wait.
    for (let index = 0; index < 1_000; index++) results.add(a.transport.send(slow.transport.local, CHANNEL.bulk, data))
    expect([...results]).toEqual(['sent', 'closed'])
    expect(a.transport.bufferedBytes(slow.transport.local, CHANNEL.bulk)).toBe(0)
    await until(
      peers,
      'a and the slow one know',
      () => a.all('disconnected').length + slow.all('disconnected').length === 2,
    )
    expect(a.all('failed').map(({ error }) => error.code)).toEqual(['peer/slow'])
    expect(a.all('disconnected').map((event) => event.reason)).toEqual(['closed'])
    a.transport.send(other.transport.local, CHANNEL.control, encode('still here'))
    await until(peers, 'the other hears', () => other.texts(CHANNEL.control).length === 1)
  })

  it('WT10: state that would wait too long is dropped here, and counted', async () => {
    const [a, b] = (await mesh(await open('node-datachannel'), 2)) as [Peer, Peer]
    const results = new Set<string>()
    const count = 10_000
    for (let index = 0; index < count; index++)
      results.add(a.transport.send(b.transport.local, CHANNEL.state, new Uint8Array(1_000)))
    expect([...results]).toEqual(['sent', 'dropped'])
    const stats = a.transport.stats(b.transport.local)!
    expect(stats.staleDropped).toBe(count - stats.packetsSent)
    expect(a.transport.bufferedBytes(b.transport.local, CHANNEL.state)).toBeLessThan(100_000)
    await until([a, b], 'the queue is empty', () => a.transport.bufferedBytes(b.transport.local, CHANNEL.state) === 0)
    expect(a.transport.send(b.transport.local, CHANNEL.state, new Uint8Array(1_000))).toBe('sent')
  })

  it('WT16: a peer that sends more than is polled is dropped by the one that does not poll', async () => {
    const [a, b] = (await mesh(await open('node-datachannel'), 2)) as [Peer, Peer]
    const data = new Uint8Array(MAX_TRANSPORT_MESSAGE_BYTES)
    // Only a is polled, so b's inbox fills.
    await until([a], 'b has dropped a', () => {
      const to = b.transport.local
      while (
        a.transport.bufferedBytes(to, CHANNEL.control) < 200_000 &&
        a.transport.send(to, CHANNEL.control, data) === 'sent'
      );
      return a.all('disconnected').length > 0
    })
    poll([b])
    expect(b.all('failed').map(({ error }) => error.code)).toEqual(['peer/slow'])
    expect(b.all('disconnected').map((event) => event.reason)).toEqual(['closed'])
  })

  it('names the route of a link', async () => {
    const peers = await mesh(await open('node-datachannel', 'roamhq'), 2)
    const [a, b] = peers as [Peer, Peer]
    await until(peers, 'both know', () => {
      const routes = [a.transport.stats(b.transport.local), b.transport.stats(a.transport.local)]
      return routes.every((stats) => stats?.route === 'direct')
    })
  })
})

// The peer that breaks the rules has no mesh that tries again when node-datachannel loses a connect.
describe('WebRtcTransport against a peer that breaks the rules', { retry: 2 }, () => {
  const garbage: [string, (raw: RawPeer) => void][] = [
    ['frames that are none', (raw) => raw.sendFrame(Uint8Array.of(9, 9, 9))],
    ['empty frames', (raw) => raw.sendFrame(new Uint8Array(0))],
    ['text on control', (raw) => raw.channels.get(CHANNEL.control)!.send('text')],
    ['messages over the limit on control', (raw) => raw.channels.get(CHANNEL.control)!.send(new Uint8Array(16_385))],
    ['messages over the limit on bulk', (raw) => raw.channels.get(CHANNEL.bulk)!.send(new Uint8Array(65_536))],
  ]

  it.each(garbage)('WT14: %s are counted, then end that link and no other', async (_name, send) => {
    const room = await open('node-datachannel')
    const [a, b] = (await mesh(room, 2)) as [Peer, Peer]
    const raw = await joinRawTo(room, a)
    await until([a, b], 'a is linked', () => a.all('connected').length === 2)
    for (let index = 0; index < MAX_BREACHES - 1; index++) send(raw)
    await until([a, b], 'they are counted', () => a.transport.counters.breaches === MAX_BREACHES - 1)
    expect(a.all('disconnected')).toEqual([])
    send(raw)
    await raw.ended
    await until([a, b], 'the link has ended', () => a.all('disconnected').length > 0)
    expect(a.all('disconnected')).toEqual([{ kind: 'disconnected', peer: raw.lobby.id, reason: 'closed' }])
    expect(a.all('failed').map(({ error }) => error.code)).toContain('peer/protocol-breach')
    expect(a.all('message')).toEqual([])
    b.transport.send(a.transport.local, CHANNEL.control, encode('unhurt'))
    await until([a, b], 'b is heard', () => a.texts(CHANNEL.control).includes('unhurt'))
  })

  it.each([
    ['text', 'text'],
    ['datagrams over the limit', new Uint8Array(1_101)],
  ])('WT14: %s on state end that link and no other, though some are lost on the way', async (_name, data) => {
    const room = await open('node-datachannel')
    const [a, b] = (await mesh(room, 2)) as [Peer, Peer]
    const raw = await joinRawTo(room, a)
    const state = raw.channels.get(CHANNEL.state)!
    await until([a, b], 'the link has ended', () => {
      if (state.readyState === 'open') state.send(data as string)
      return a.all('disconnected').length > 0
    })
    expect(a.all('disconnected')).toEqual([{ kind: 'disconnected', peer: raw.lobby.id, reason: 'closed' }])
    expect(a.all('message')).toEqual([])
    b.transport.send(a.transport.local, CHANNEL.control, encode('unhurt'))
    await until([a, b], 'b is heard', () => a.texts(CHANNEL.control).includes('unhurt'))
  })

  it('WT1: a channel opened in-band is closed and counted, and nothing is sent on it', async () => {
    const room = await open('node-datachannel')
    const a = observe(await room.join())
    const raw = await joinRawTo(room, a)
    await until([a], 'a is linked', () => a.all('connected').length === 1)
    const heard: unknown[] = []
    const inBand = raw.openInBand('mine')
    inBand.onmessage = ({ data }) => heard.push(data)
    await until([a], 'it is counted', () => a.transport.counters.breaches === 1)
    await until([a], 'it is closed', () => inBand.readyState === 'closed')
    expect(a.transport.send(raw.lobby.id, CHANNEL.control, encode('to control'))).toBe('sent')
    await until([a], 'control has it', () => raw.heard(CHANNEL.control).length === 1)
    expect(heard).toEqual([])
    expect(a.all('disconnected')).toEqual([])
  })

  it('WT3: another version of the link is refused with a clear error', async () => {
    const room = await open('node-datachannel')
    const a = observe(await room.join())
    const raw = await joinRawTo(room, a, [encodeLinkFrame({ kind: 'hello', version: LINK_VERSION + 1 })])
    await until([a], 'a knows', () => a.all('failed').length > 0)
    expect(a.all('failed').map(({ error }) => error.code)).toEqual(['protocol/version-mismatch'])
    expect(a.all('connected')).toEqual([])
    await raw.ended
  })

  it('WT2: messages that overtake the hello wait for it', async () => {
    const room = await open('node-datachannel')
    const a = observe(await room.join())
    const raw = await joinRawTo(room, a, [])
    for (let index = 0; index < 5; index++) raw.channels.get(CHANNEL.control)!.send(encode(`early ${index}`) as never)
    await idle([a], 20)
    expect(a.all('message')).toEqual([])
    raw.sendFrame(encodeLinkFrame({ kind: 'hello', version: LINK_VERSION }))
    await until([a], 'all came', () => a.texts(CHANNEL.control).length === 5)
    expect(a.events.map((event) => event.kind).filter((kind) => kind !== 'roster')[0]).toBe('connected')
  })

  it('WT9: a connection that closes without a goodbye is lost', async () => {
    const room = await open('node-datachannel')
    const a = observe(await room.join())
    const raw = await joinRawTo(room, a)
    await until([a], 'a is linked', () => a.all('connected').length === 1)
    raw.connection.destroy()
    await until([a], 'a knows', () => a.all('disconnected').length > 0)
    expect(a.all('disconnected').map((event) => event.reason)).toEqual(['lost'])
  })
})

describe('the lobby as a party', () => {
  const readWitness = (peer: Peer): ControlBody[] =>
    peer.all('witness').flatMap(({ data }) => {
      const decoded = decodeControl(data)
      return decoded.ok ? [decoded.value.body] : []
    })

  it('WT23: messages for the witness get there, and its answers to whom they are for', async () => {
    const [a, b] = (await mesh(await open('node-datachannel'), 2)) as [Peer, Peer]
    const beat: ControlBody = { type: 'WitnessBeat', sequence: 9, entryTerm: 1, index: 3, leaseMs: 600 }
    const data = encodeControl({ term: 1, index: 0, body: beat })
    // The lobby is new, so its witness abstains at first.
    await until([a, b], 'the witness answers', () => {
      expect(a.transport.witness!(data)).toBe(true)
      return a.all('witness').length > 0
    })
    expect(readWitness(a)[0]).toEqual({ type: 'WitnessAck', sequence: 9, entryTerm: 1, index: 3 })
    expect(b.all('witness')).toEqual([])
    const handOver = encodeControl({ term: 1, index: 0, body: { type: 'HandOver', to: 2 } })
    a.transport.witness!(handOver)
    const tail = { lastTerm: 1, length: 3, commit: 3 }
    const request = encodeControl({
      term: 1,
      index: 0,
      body: { type: 'VoteRequest', term: 2, candidate: 2, ...tail, leaseMs: 600 },
    })
    await until([a, b], 'both hear the vote', () => {
      b.transport.witness!(request)
      return [a, b].every((peer) => readWitness(peer).some(({ type }) => type === 'Vote'))
    })
  })

  it('WT23: a message too long for the witness throws, and without a lobby nothing is sent', async () => {
    const room = await open('node-datachannel')
    const peer = observe(await room.join())
    expect(() => peer.transport.witness!(new Uint8Array(MAX_WITNESS_BYTES + 1))).toThrow('513 bytes is over its limit')
    expect(peer.transport.witness!(new Uint8Array(MAX_WITNESS_BYTES))).toBe(true)
    await room.lobby.close()
    await until([peer], 'the lobby is gone', () => peer.all('failed').length > 0)
    expect(peer.transport.witness!(new Uint8Array(8))).toBe(false)
    expect(peer.transport.requestGeneration!(0, [peer.transport.local], 1)).toBe(false)
  })

  it('WT20: a member that leaves has departed, before the roster without it; one whose socket is lost has not', async () => {
    const room = await open('node-datachannel')
    const [a, b] = (await mesh(room, 2)) as [Peer, Peer]
    const lost: WebSocket[] = []
    const c = observe(
      await room.join({
        webSocket: (url, protocol) => {
          const socket = new WebSocket(url, protocol)
          lost.push(socket)
          return socket as unknown as WebSocketLike
        },
      }),
    )
    await untilLinked([a, b, c])
    b.transport.close()
    await until([a, c], 'b has left', () => a.all('roster').at(-1)!.members.length === 2)
    const kinds = a.events.flatMap((event) => (['departed', 'roster'].includes(event.kind) ? [event.kind] : []))
    expect(kinds.slice(-2)).toEqual(['departed', 'roster'])
    expect(a.all('departed')).toEqual([{ kind: 'departed', peer: b.transport.local }])
    lost[0]!.terminate()
    await until([a, c], 'the lobby has lost c', () => a.all('roster').at(-1)!.members.length === 1)
    expect(a.all('departed')).toHaveLength(1)
    expect(a.all('disconnected').map(({ peer }) => peer)).toEqual([b.transport.local])
  })

  it('WT23: those who are left get a generation of their own, in the order asked for', async () => {
    const lobby = await createLobby({ limits: { goneForForkMs: 50 } })
    const room = await open('node-datachannel')
    try {
      const peers: Peer[] = []
      for (let index = 0; index < 5; index++) peers.push(observe(await room.join({ lobby: lobby.url })))
      const members = peers.map(({ transport }) => transport.local)
      for (const peer of peers.slice(2)) peer.transport.close()
      const left = peers.slice(0, 2)
      await until(left, 'they go on', () => {
        left[0]!.transport.requestGeneration!(0, [...members].reverse(), 5)
        return left.every((peer) => peer.all('generation').length > 0)
      })
      const generation = { kind: 'generation', generation: 1, members: [members[1], members[0]] }
      for (const peer of left) expect(peer.all('generation')).toEqual([generation])
    } finally {
      await lobby.close()
    }
  })
})
