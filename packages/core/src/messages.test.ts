import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import type { BufferedNetworkMessage } from './listener.ts'
import type { Network } from './network.ts'
import type { NetworkMessageEvent } from './network-types.ts'
import type { Peer } from './peers/peer.ts'
import type { NetworkError } from './errors.ts'
import { createNetworkRig, SeededRandom, type LinkConditions, type NetworkRig } from './testing/index.ts'

const BAD: Partial<LinkConditions> = { latencyMs: 40, jitterMs: 30, loss: 0.3, duplicate: 0.2, reorder: 0.3 }

function peerOf(network: Network, other: Network): Peer {
  return network.peers.find((peer) => peer.id === other.local.id)!
}

function shown(data: string | ArrayBuffer): string {
  return typeof data === 'string' ? data : `[${new Uint8Array(data).join()}]`
}

/** Everything a network's message event brings, in words. */
function heard(network: Network): string[] {
  const log: string[] = []
  network.on('message', ({ peer, channel, data, isBinary }) => {
    expect(isBinary).toBe(typeof data !== 'string')
    log.push(`${peer.id} on ${channel}: ${shown(data)}`)
  })
  return log
}

function pairRig(conditions: Partial<LinkConditions> = {}, seed: number | string = 1) {
  const rig = createNetworkRig({ seed })
  const [a, b, c] = rig.room(3)
  rig.memory.setConditions(conditions)
  return { rig, a: a!, b: b!, c: c!, toB: peerOf(a!, b!), toA: peerOf(b!, a!) }
}

describe('messages', { timeout: 60_000 }, () => {
  it('CH1: broadcast reaches every other member and not oneself; send reaches one', () => {
    const { rig, a, b, c, toB } = pairRig()
    const logs = [a, b, c].map(heard)
    a.broadcast('to all')
    toB.send('to b')
    a.local.send('to myself')
    rig.run(100)
    expect(logs).toEqual([[], ['peer-1 on 0: to all', 'peer-1 on 0: to b'], ['peer-1 on 0: to all']])
  })

  it('CH2: nothing leaves before flush', () => {
    const { rig, a, b } = pairRig()
    const log = heard(b)
    a.broadcast('late')
    rig.memory.advance(100)
    b.receive(rig.nowMs)
    expect(log).toEqual([])
    a.flush(rig.nowMs)
    rig.memory.advance(1)
    b.receive(rig.nowMs)
    expect(log).toEqual(['peer-1 on 0: late'])
  })

  it('CH3: text and binary stay told apart, an empty message arrives as one, of either kind and either way', () => {
    for (const reliable of [true, false]) {
      const { rig, a, b, toB } = pairRig()
      const log = heard(b)
      const view = new Uint8Array([9, 1, 2, 3, 9])
      for (const data of [
        '',
        new ArrayBuffer(0),
        '\uFEFFžluťoučký 🐴',
        new Uint8Array([1, 2]).buffer,
        view.subarray(1, 4),
      ]) {
        toB.send(data, reliable)
        a.broadcast(data, reliable)
      }
      view.fill(0)
      rig.run(100)
      const channel = reliable ? 0 : 1
      const each = ['', '[]', '\uFEFFžluťoučký 🐴', '[1,2]', '[1,2,3]']
      expect(log).toEqual(each.flatMap((text) => [`peer-1 on ${channel}: ${text}`, `peer-1 on ${channel}: ${text}`]))
    }
  })

  it('CH4: reliable messages of any size arrive once, complete and in order over a bad network', () => {
    const messages = fc.array(fc.oneof(fc.string({ maxLength: 50 }), fc.integer({ min: 0, max: 100_000 })), {
      minLength: 1,
      maxLength: 30,
    })
    fc.assert(
      fc.property(fc.integer(), messages, (seed, list) => {
        const { rig, a, b, toB } = pairRig(BAD, seed)
        const random = new SeededRandom(seed)
        const got: string[] = []
        b.on('message', ({ data }) => got.push(typeof data === 'string' ? data : `${data.byteLength}:${sum(data)}`))
        const sent = list.map((item) => {
          const data = typeof item === 'string' ? item : filled(item)
          if (random.chance(0.5)) toB.send(data)
          else a.broadcast(data)
          rig.run(random.pick([0, 16, 50]))
          return typeof item === 'string' ? item : `${item}:${sum(filled(item))}`
        })
        rig.runUntil(() => got.length >= sent.length)
        rig.run(1_000)
        expect(got).toEqual(sent)
      }),
      { numRuns: 40 },
    )
  })

  it('CH5: unreliable messages arrive at most once, unaltered, across the wrap of their sequence', () => {
    const { rig, a, b } = pairRig(BAD)
    const got: string[] = []
    b.on('message', ({ data, channel }) => {
      expect(channel).toBe(1)
      got.push(data as string)
    })
    let sentCount = 0
    for (let frame = 0; frame < 1_700; frame++) {
      for (let index = 0; index < 40; index++) a.broadcast(`m${sentCount++}`, false)
      rig.frame()
    }
    rig.run(1_000)
    expect(sentCount).toBeGreaterThan(65_536 + 256)
    expect(new Set(got).size).toBe(got.length)
    expect(got.length / sentCount).toBeGreaterThan(0.6)
    expect(got.length / sentCount).toBeLessThan(0.75)
    expect(b.counters.duplicates).toBeGreaterThan(1_000)
    expect(b.counters.breaches).toBe(0)
  })

  it('CH6: a message over its limit throws at the sender before anything leaves', () => {
    const { rig, a, b, toB } = pairRig()
    const log = heard(b)
    expect(() => a.broadcast(new Uint8Array(1_048_577))).toThrow(/network.broadcast: 1048577 bytes .* 1048576/)
    expect(() => toB.send(new Uint8Array(1_097), false)).toThrow(/peer.send: 1097 bytes .* 1096/)
    expect(() => a.broadcast('ž'.repeat(600), false)).toThrow(/1200 bytes/)
    expect(() => a.broadcast(5 as never)).toThrow(/number/)
    a.openChannel(toB, 16, { reliable: true, maxMessageBytes: 10 })
    expect(() => a.sendMessage(toB, 16, new Uint8Array(11))).toThrow(/11 bytes .* 10 of channel 16/)
    rig.run(200)
    expect(log).toEqual([])
    a.broadcast(new Uint8Array(1_096), false)
    a.broadcast(filled(1_048_576))
    rig.runUntil(() => log.length === 2)
    expect(log[1]!.length).toBeGreaterThan(1_048_576)
  })

  it('CH7: what a peer says is held until the roster names it, then delivered in order', () => {
    let held = 0
    for (let seed = 0; seed < 60; seed++) {
      const rig = createNetworkRig({ seed, conditions: { latencyMs: 20, jitterMs: 20 } })
      const [a, b] = rig.room(2)
      // The roster from the host is slow to reach b; the newcomer's own words are not.
      const got: string[] = []
      b!.on('message', ({ data }) => got.push(data as string))
      const c = rig.join()
      rig.memory.link(a!.local.id, b!.local.id).latencyMs = 400
      let isIn = false
      b!.on('peerentered', () => {
        isIn = true
      })
      b!.on('message', () => expect(isIn).toBe(true))
      rig.runUntil(() => c.isJoined)
      for (let index = 0; index < 5; index++) {
        c.broadcast(`early ${index}`)
        rig.frame()
      }
      if (!isIn) held++
      rig.runUntil(() => got.length >= 5)
      rig.run(500)
      expect(got).toEqual([0, 1, 2, 3, 4].map((index) => `early ${index}`))
    }
    expect(held).toBeGreaterThan(30)
  })

  it('CH7: held words come before later ones, also when the roster and both are taken in one frame', () => {
    const rig = createNetworkRig({ seed: 'gate', conditions: { latencyMs: 20 } })
    let isOpen = true
    const [a] = rig.room(1)
    const b = rig.join({}, (own) => ({
      local: own.local,
      poll: (nowMs, handle) => {
        if (isOpen) own.poll(nowMs, handle)
      },
      send: own.send.bind(own),
      openChannel: own.openChannel.bind(own),
      closeChannel: own.closeChannel.bind(own),
      bufferedBytes: own.bufferedBytes.bind(own),
      stats: own.stats.bind(own),
      disconnect: own.disconnect.bind(own),
      close: own.close.bind(own),
    }))
    rig.runUntil(() => b.isJoined)
    const got = heard(b)
    const c = rig.join()
    rig.run(60)
    rig.memory.link(a!.local.id, b.local.id).latencyMs = 300
    isOpen = false
    rig.runUntil(() => c.isJoined)
    const sent = Array.from({ length: 40 }, (_, index) => `word ${index}`)
    for (const word of sent) {
      c.broadcast(word)
      rig.frame()
    }
    rig.run(200)
    isOpen = true
    rig.run(200)
    expect(got).toEqual(sent.map((word) => `peer-3 on 0: ${word}`))
  })

  it('CH8: a reliable message to a member whose link is still coming up waits for it', () => {
    const rig = createNetworkRig({ seed: 8, conditions: { latencyMs: 20 } })
    const [, b] = rig.room(2)
    const c = rig.join()
    rig.memory.cut(b!.local.id, c.local.id)
    rig.runUntil(() => b!.peers.length === 2)
    const toC = peerOf(b!, c)
    const log = heard(c)
    expect(toC.linked).toBe(false)
    toC.send('you there?')
    toC.send('unreliable', false)
    rig.run(1_000)
    rig.memory.cut(b!.local.id, c.local.id, false)
    rig.runUntil(() => toC.linked)
    rig.run(200)
    expect(log).toEqual(['peer-2 on 0: you there?'])
    expect(b!.counters.sendDropped).toBe(1)
  })

  it('CH9: a handler that throws costs nobody else an event, and its error comes out of receive', () => {
    const { rig, a, b } = pairRig()
    const log: string[] = []
    b.on('message', () => {
      throw new Error('mistake in the game')
    })
    b.on('message', ({ data }) => log.push(data as string))
    const listener = b.listen()
    a.broadcast('one')
    a.broadcast('two')
    a.flush(rig.nowMs)
    rig.memory.advance(10)
    expect(() => b.receive(rig.nowMs)).toThrow('mistake in the game')
    expect([...listener.receive()].map((message) => message.data)).toEqual(['one', 'two'])
    expect(b.counters.handlerErrors).toBe(2)
    expect(() => b.receive(rig.nowMs)).not.toThrow()
  })

  it('CH10: events are emitted from receive only, and what handlers cause joins the same drain', () => {
    const rig = createNetworkRig({ seed: 10 })
    const [a, b] = rig.room(2)
    const log: string[] = []
    b!.on('message', ({ data }) => {
      log.push(data as string)
      if (data === 'leave') b!.close()
    })
    b!.on('closed', () => log.push('closed'))
    a!.broadcast('leave')
    a!.broadcast('after')
    rig.run(100)
    expect(log.slice(0, 2)).toEqual(['leave', 'after'])
    expect(log).toContain('closed')
    rig.run(100)
    expect(a!.peers).toEqual([])
  })

  it('CH11: close sends what was queued, then says goodbye; afterwards nothing does anything', () => {
    const { rig, a, b, toB } = pairRig()
    const log = heard(b)
    const exits: string[] = []
    b.onpeerexited = (peer) => exits.push(peer.id)
    a.broadcast('last words')
    a.close()
    a.close()
    expect([a.state, a.sendMessage(toB, 16, 'x'), a.peers.every((peer) => !peer.linked)]).toEqual([
      'closed',
      'closed',
      true,
    ])
    a.broadcast('ghost')
    a.receive(rig.nowMs)
    a.flush(rig.nowMs)
    rig.run(2_000)
    expect(log).toEqual(['peer-1 on 0: last words'])
    expect(exits).toEqual(['peer-1'])
  })
})

function filled(sizeBytes: number): ArrayBuffer {
  const bytes = new Uint8Array(sizeBytes)
  for (let index = 0; index < sizeBytes; index++) bytes[index] = (index * 7 + (index >> 8)) & 0xff
  return bytes.buffer
}

function sum(data: ArrayBuffer): number {
  let total = 0
  for (const byte of new Uint8Array(data)) total = (Math.imul(total, 31) + byte) | 0
  return total
}

describe('NetworkListener', () => {
  it('NW11: yields peer, data and isBinary of each message since the last call, in order', () => {
    const { rig, a, b } = pairRig()
    const listener = b.listen()
    const other = b.listen()
    a.broadcast('one')
    a.broadcast(new Uint8Array([1, 2]))
    rig.run(50)
    const first = [...listener.receive()]
    expect(first.map(({ peer, data, isBinary }) => [peer.id, shown(data), isBinary])).toEqual([
      ['peer-1', 'one', false],
      ['peer-1', '[1,2]', true],
    ])
    expect(first[0]!.peer).toBe(b.peers[0])
    expect(first[1]!.data).toBeInstanceOf(ArrayBuffer)
    expect([...listener.receive()]).toEqual([])
    // Each listener has its own messages, and its own copy of their bytes.
    new Uint8Array(first[1]!.data as ArrayBuffer).fill(7)
    expect([...other.receive()].map(({ data }) => shown(data))).toEqual(['one', '[1,2]'])
  })

  it('NW11: a loop that is left early leaves the rest for the next call', () => {
    const { rig, a, b } = pairRig()
    const listener = b.listen()
    for (const text of ['one', 'two', 'three']) a.broadcast(text)
    rig.run(50)
    for (const { data } of listener.receive()) {
      expect(data).toBe('one')
      break
    }
    expect([...listener.receive()].map(({ data }) => data)).toEqual(['two', 'three'])
  })

  it('NW12: receive(buffer) writes into the buffer, tells bytesWritten, and reuses one object', () => {
    const { rig, a, b } = pairRig()
    const listener = b.listen()
    const buffer = new ArrayBuffer(8)
    a.broadcast(new Uint8Array([1, 2, 3]))
    a.broadcast('žena')
    a.broadcast(new ArrayBuffer(0))
    rig.run(50)
    const seen: string[] = []
    const objects = new Set<unknown>()
    for (const message of listener.receive(buffer)) {
      const { data, isBinary, bytesWritten, byteLength, tooLong } = message
      expect(data === buffer).toBe(isBinary)
      const written = [...new Uint8Array(buffer, 0, bytesWritten)].join()
      seen.push(`${typeof data === 'string' ? data : 'binary'} ${bytesWritten}/${byteLength} ${tooLong} ${written}`)
      objects.add(message)
    }
    expect(seen).toEqual(['binary 3/3 false 1,2,3', 'žena 5/5 false 197,190,101,110,97', 'binary 0/0 false '])
    expect(objects.size).toBe(1)
  })

  it('NW13: a message longer than the buffer is reported, not cut: nothing written, the whole in data', () => {
    const { rig, a, b } = pairRig()
    const listener = b.listen()
    const buffer = new Uint8Array([9, 9, 9, 9]).buffer
    a.broadcast(new Uint8Array([1, 2, 3, 4, 5]))
    a.broadcast('12345')
    a.broadcast(new Uint8Array([6]))
    rig.run(50)
    const copies: BufferedNetworkMessage[] = []
    for (const message of listener.receive(buffer)) copies.push({ ...message })
    expect(
      copies.map(({ data, bytesWritten, byteLength, tooLong }) => [shown(data), bytesWritten, byteLength, tooLong]),
    ).toEqual([
      ['[1,2,3,4,5]', 0, 5, true],
      ['12345', 0, 5, true],
      [shown(new Uint8Array([6, 9, 9, 9]).buffer), 1, 1, false],
    ])
  })

  it('NW14: close ends a listener, twice is once, and others go on; using does it too', () => {
    const { rig, a, b } = pairRig()
    const listener = b.listen()
    const other = b.listen()
    a.broadcast('one')
    rig.run(50)
    listener.close()
    listener.close()
    a.broadcast('two')
    rig.run(50)
    expect([...listener.receive()]).toEqual([])
    expect([...other.receive()].map(({ data }) => data)).toEqual(['one', 'two'])
    other[Symbol.dispose]()
    a.broadcast('three')
    rig.run(50)
    expect([...other.receive()]).toEqual([])
  })

  it('NW15: a listener nobody empties holds a bounded number of messages; the rest is counted', () => {
    const { rig, a, b } = pairRig()
    const listener = b.listen()
    for (let index = 0; index < 5_000; index++) a.broadcast(`${index}`)
    rig.run(2_000)
    expect(b.counters.listenerDropped).toBe(5_000 - 4_096)
    expect([...listener.receive()].length).toBe(4_096)
    a.broadcast('again')
    rig.run(50)
    expect([...listener.receive()].map(({ data }) => data)).toEqual(['again'])
  })
})

describe('numbered channels', { timeout: 60_000 }, () => {
  function open(rig: NetworkRig, a: Network, b: Network, number: number, here: boolean, there: boolean): void {
    a.openChannel(peerOf(a, b), number, { reliable: here })
    b.openChannel(peerOf(b, a), number, { reliable: there })
    rig.run(50)
  }

  it('CH12: messages pass where both ends opened the same kind, on that channel alone', () => {
    const { rig, a, b, c, toB, toA } = pairRig()
    const logs = [a, b, c].map(heard)
    const listener = b.listen()
    open(rig, a, b, 16, true, true)
    open(rig, a, b, 255, false, false)
    expect(a.sendMessage(toB, 16, 'reliable')).toBe('sent')
    expect(a.sendMessage(toB, 255, new Uint8Array([1]))).toBe('sent')
    expect(b.sendMessage(toA, 16, '')).toBe('sent')
    rig.run(50)
    expect(logs.map((log) => log.sort())).toEqual([
      ['peer-2 on 16: '],
      ['peer-1 on 16: reliable', 'peer-1 on 255: [1]'],
      [],
    ])
    expect([...listener.receive()]).toEqual([])
  })

  it('CH13: another number, another kind, or not open at the far end: not delivered', () => {
    const { rig, a, b, toB } = pairRig()
    const log = heard(b)
    expect(a.sendMessage(toB, 20, 'not open here')).toBe('closed')
    open(rig, a, b, 21, true, false)
    a.openChannel(toB, 22, { reliable: true })
    expect([a.sendMessage(toB, 21, 'kind'), a.sendMessage(toB, 22, 'far')]).toEqual(['sent', 'sent'])
    rig.run(500)
    expect(log).toEqual([])
    expect(b.counters.breaches).toBe(0)
  })

  it('CH13: a frame of the other kind that a transport lets through is not delivered, and counted', () => {
    const rig = createNetworkRig({ seed: 13 })
    const [a, b] = rig.room(2)
    const log = heard(b!)
    // A transport that carries every channel over one pipe delivers what both opened, whatever the kind.
    b!.openChannel(peerOf(b!, a!), 30, { reliable: true })
    a!.openChannel(peerOf(a!, b!), 30, { reliable: true })
    rig.run(20)
    a!.sendMessage(peerOf(a!, b!), 30, 'right')
    rig.run(50)
    b!.closeChannel(peerOf(b!, a!), 30)
    b!.openChannel(peerOf(b!, a!), 30, { reliable: false })
    rig.run(20)
    a!.sendMessage(peerOf(a!, b!), 30, 'wrong')
    rig.run(50)
    expect(log).toEqual(['peer-1 on 30: right'])
  })

  it('CH14: large reliable messages are cut and put together; channels do not wait for one another', () => {
    const { rig, a, b, toB } = pairRig({ latencyMs: 20, rateBytesPerSecond: 200_000, queueBytes: 30_000 })
    const log: NetworkMessageEvent[] = []
    b.on('message', (message) => log.push(message))
    open(rig, a, b, 16, true, true)
    open(rig, a, b, 17, true, true)
    const large = filled(250_000)
    a.sendMessage(toB, 16, large)
    rig.frame()
    a.sendMessage(toB, 17, 'small')
    rig.runUntil(() => log.length === 2)
    expect(log.map(({ channel }) => channel)).toEqual([17, 16])
    expect(sum(log[1]!.data as ArrayBuffer)).toBe(sum(large))
  })

  it('CH15: reliable messages come once and in order, unreliable ones at most once, over a bad network', () => {
    const { rig, a, b, toB } = pairRig(BAD, 'lanes')
    const got: Record<number, string[]> = { 16: [], 17: [] }
    b.on('message', ({ channel, data }) => got[channel]!.push(data as string))
    open(rig, a, b, 16, true, true)
    open(rig, a, b, 17, false, false)
    for (let index = 0; index < 2_000; index++) {
      a.sendMessage(toB, 16, `${index}`)
      a.sendMessage(toB, 17, `${index}`)
      if (index % 4 === 0) rig.frame()
    }
    rig.runUntil(() => got[16]!.length >= 2_000)
    rig.run(500)
    expect(got[16]).toEqual(Array.from({ length: 2_000 }, (_, index) => `${index}`))
    expect(new Set(got[17]).size).toBe(got[17]!.length)
    expect(got[17]!.length).toBeGreaterThan(1_200)
  })

  it('CH16: over the high-water mark sends answer queued; drain says when it has gone', () => {
    const { rig, a, b, toB } = pairRig({ rateBytesPerSecond: 100_000, queueBytes: 20_000 })
    const drained: number[] = []
    a.on('drain', ({ channel, peer }) => {
      expect(peer).toBe(toB)
      drained.push(channel)
    })
    const limits = { reliable: true, highWaterBytes: 100_000, lowWaterBytes: 10_000, capBytes: 400_000 }
    a.openChannel(toB, 16, limits)
    b.openChannel(peerOf(b, a), 16, limits)
    rig.run(50)
    const answers = Array.from({ length: 20 }, () => a.sendMessage(toB, 16, new Uint8Array(10_000)))
    expect(answers.slice(0, 9)).toEqual(Array(9).fill('sent'))
    expect(answers.slice(11)).toEqual(Array(9).fill('queued'))
    rig.run(500)
    expect(drained).toEqual([])
    rig.run(3_000)
    expect(drained).toEqual([16])
    expect(a.sendMessage(toB, 16, 'x')).toBe('sent')
  })

  it('CH17: a reliable channel over its cap is closed with peer/slow; the peer stays', () => {
    const { rig, a, b, toB } = pairRig({ rateBytesPerSecond: 1_000, queueBytes: 5_000 })
    const errors: string[] = []
    a.on('error', (error: NetworkError) => errors.push(error.code))
    open(rig, a, b, 16, true, true)
    const answers = Array.from({ length: 120 }, () => a.sendMessage(toB, 16, new Uint8Array(10_000)))
    expect(answers).toContain('queued')
    expect(answers.at(-1)).toBe('closed')
    rig.run(200)
    expect(errors).toEqual(['peer/slow'])
    expect(a.peers.length).toBe(2)
  })

  it('CH18: unreliable messages never wait for a slow link: what it cannot take is dropped', () => {
    const { rig, a, b, toB } = pairRig({ latencyMs: 10, rateBytesPerSecond: 20_000, queueBytes: 4_000 })
    let lastAgeMs = 0
    let count = 0
    b.on('message', ({ data }) => {
      lastAgeMs = Math.max(lastAgeMs, rig.nowMs - Number(data))
      count++
    })
    open(rig, a, b, 16, false, false)
    for (let index = 0; index < 2_000; index++) {
      for (let copy = 0; copy < 4; copy++) a.sendMessage(toB, 16, `${rig.nowMs}`.padEnd(1_000, ' '))
      rig.frame()
    }
    expect(count).toBeGreaterThan(300)
    expect(lastAgeMs).toBeLessThan(400)
    expect(toB.stats!.staleDropped).toBeGreaterThan(1_000)
    expect(a.peers.length).toBe(2)
  })

  it('CH19: wrong numbers, the local peer and a change of kind throw; closing is idempotent', () => {
    const { a, toB } = pairRig()
    for (const number of [0, 1, 2, 15, 256, 1.5, NaN]) {
      expect(() => a.openChannel(toB, number, { reliable: true })).toThrow(/16 to 255/)
    }
    expect(() => a.openChannel(a.local, 16, { reliable: true })).toThrow(/no channel to itself/)
    a.openChannel(toB, 16, { reliable: true })
    a.openChannel(toB, 16, { reliable: true })
    expect(() => a.openChannel(toB, 16, { reliable: false })).toThrow(/close it first/)
    expect(() => a.openChannel(toB, 17, { reliable: true, lowWaterBytes: 2, highWaterBytes: 1 })).toThrow(
      /must not fall/,
    )
    expect(() => a.openChannel(toB, 17, { reliable: true, maxMessageBytes: 2_000_000 })).toThrow(/1048576/)
    a.closeChannel(toB, 16)
    a.closeChannel(toB, 16)
    a.closeChannel(toB, 99)
    expect(a.sendMessage(toB, 16, 'x')).toBe('closed')
  })

  it('CH20: disconnectPeer on the host takes the peer out of the room for everyone', () => {
    const { rig, a, b, c, toB } = pairRig()
    a.disconnectPeer(toB)
    a.disconnectPeer(a.local)
    const errors: string[] = []
    b.on('error', ({ code }) => errors.push(code))
    rig.run(500)
    expect([a.peers.map(({ id }) => id), c.peers.map(({ id }) => id)]).toEqual([['peer-3'], ['peer-1']])
    expect([b.state, ...errors]).toEqual(['closed', 'network/closed'])
    expect([a.isHost, c.host!.id, c.term]).toEqual([true, 'peer-1', 1])
  })
})
