import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import type { Transport, TransportEvent } from '../transport/transport.ts'
import {
  conditionTransport,
  createConditions,
  createMemoryNetwork,
  SeededRandom,
  type LinkConditions,
} from './index.ts'
import { transportContract } from './transport-contract.ts'

function contractRoom(conditions: Partial<LinkConditions>, wrap: (transport: Transport) => Transport = (it) => it) {
  return async () => {
    const memory = createMemoryNetwork({ seed: 'contract', conditions })
    return {
      join: async () => wrap(memory.join()),
      nowMs: () => memory.now,
      settle: async () => memory.advance(10),
      end: async () => {},
    }
  }
}

const BAD: Partial<LinkConditions> = { latencyMs: 40, jitterMs: 30, loss: 0.3, reorder: 0.3 }

transportContract('memory, perfect links', contractRoom({}))
transportContract('memory, 30 % loss, jitter and reordering', contractRoom(BAD))
transportContract('memory, 50 kB/s', contractRoom({ latencyMs: 20, rateBytesPerSecond: 50_000, queueBytes: 20_000 }))
transportContract(
  'conditionTransport over memory',
  contractRoom({ latencyMs: 5 }, (transport) =>
    conditionTransport(transport, createConditions(BAD), new SeededRandom(1)),
  ),
)

function collect(transport: Transport, nowMs: number): TransportEvent[] {
  const events: TransportEvent[] = []
  transport.poll(nowMs, (event) => events.push(event))
  return events
}

function linkedPair(conditions: Partial<LinkConditions>, seed: number | string = 1) {
  const memory = createMemoryNetwork({ seed })
  const [a, b] = [memory.join(), memory.join()]
  memory.advance(1)
  collect(a, 0)
  collect(b, 0)
  memory.setConditions(conditions)
  return { memory, a, b }
}

/** Sends numbered datagrams one per millisecond; returns the numbers in order of arrival. */
function runDatagrams(conditions: Partial<LinkConditions>, count: number, seed: number | string = 1): number[] {
  const { memory, a, b } = linkedPair(conditions, seed)
  for (let index = 0; index < count; index++) {
    a.send(b.local, 1, new Uint8Array(new Uint32Array([index]).buffer))
    memory.advance(1)
  }
  memory.advance(5_000)
  return collect(b, memory.now).flatMap((event) =>
    event.kind === 'message' ? [new Uint32Array(event.data.slice().buffer)[0]!] : [],
  )
}

describe('memory network', () => {
  it('TN1: equal seeds give equal histories, other seeds others', () => {
    const run = (seed: number) => runDatagrams({ ...BAD, duplicate: 0.2 }, 500, seed)
    expect(run(1)).toEqual(run(1))
    expect(run(1)).not.toEqual(run(2))
  })

  it('TN2: loss, duplicates and reordering come about as often as asked', () => {
    const got = runDatagrams({ latencyMs: 30, loss: 0.3, duplicate: 0.2, reorder: 0.1 }, 10_000)
    const distinct = new Set(got).size
    expect(distinct / 10_000).toBeCloseTo(0.7, 1)
    expect((got.length - distinct) / distinct).toBeCloseTo(0.2, 1)
    const overtaken = got.filter((value, index) => index > 0 && value < got[index - 1]!).length
    expect(overtaken).toBeGreaterThan(200)
  })

  it('TN3: burst loss comes in runs as long as asked', () => {
    const got = new Set(runDatagrams({ burst: { enter: 0.01, leave: 0.1, loss: 1 } }, 20_000))
    const runs: number[] = []
    let run = 0
    for (let index = 0; index < 20_000; index++) {
      if (!got.has(index)) run++
      else if (run > 0) {
        runs.push(run)
        run = 0
      }
    }
    const mean = runs.reduce((sum, length) => sum + length, 0) / runs.length
    expect(mean).toBeGreaterThan(7)
    expect(mean).toBeLessThan(14)
  })

  it('TN4: over a rate limit reliable data waits and datagrams are dropped at the sender', () => {
    const { memory, a, b } = linkedPair({ rateBytesPerSecond: 10_000, queueBytes: 5_000 })
    const results = Array.from({ length: 20 }, () => a.send(b.local, 1, new Uint8Array(1_000)))
    expect(results.filter((result) => result === 'sent').length).toBe(5)
    expect(results.slice(5).every((result) => result === 'dropped')).toBe(true)
    expect(a.bufferedBytes(b.local, 1)).toBe(5_000)
    for (let index = 0; index < 5; index++) a.send(b.local, 0, new Uint8Array(1_000))
    expect(a.bufferedBytes(b.local, 0)).toBe(5_000)
    memory.advance(1_000)
    expect(a.bufferedBytes(b.local, 0)).toBe(0)
    expect(collect(b, memory.now).length).toBe(10)
    expect(a.stats(b.local)!.staleDropped).toBe(15)
  })

  it('TN5: a cut in one direction stops that one; healed in time, nothing reliable is lost', () => {
    const { memory, a, b } = linkedPair({})
    memory.link(a.local, b.local).cut = true
    a.send(b.local, 0, new Uint8Array([1]))
    a.send(b.local, 1, new Uint8Array([1]))
    b.send(a.local, 0, new Uint8Array([2]))
    memory.advance(5_000)
    expect(collect(a, memory.now).map((event) => event.kind)).toEqual(['message'])
    expect(collect(b, memory.now)).toEqual([])
    memory.link(a.local, b.local).cut = false
    memory.advance(5_000)
    expect(collect(b, memory.now).map((event) => event.kind === 'message' && event.channel)).toEqual([0])
  })

  it('TN6: cut for longer than the link time-out, or crashed, the link is lost at the ends that live', () => {
    const { memory, a, b } = linkedPair({})
    memory.cut(a.local, b.local)
    memory.advance(20_000)
    for (const end of [a, b]) expect(collect(end, memory.now)).toMatchObject([{ kind: 'disconnected', reason: 'lost' }])

    const other = linkedPair({})
    other.memory.crash(other.a.local)
    expect(collect(other.b, 0)).toEqual([{ kind: 'roster', members: [other.b.local] }])
    other.memory.advance(20_000)
    expect(collect(other.b, 0)).toMatchObject([{ kind: 'disconnected', reason: 'lost' }])
    expect(collect(other.a, 0)).toEqual([])
  })

  it('TN7: without a lobby no roster comes, links live on, new ones wait for it', () => {
    const { memory, a, b } = linkedPair({})
    memory.lobbyDown()
    const c = memory.join()
    memory.advance(5_000)
    expect([a, b, c].flatMap((transport) => collect(transport, memory.now))).toEqual([])
    a.send(b.local, 0, new Uint8Array([1]))
    memory.advance(1)
    expect(collect(b, memory.now).length).toBe(1)
    memory.lobbyUp()
    memory.advance(5_000)
    expect(collect(c, memory.now).map((event) => event.kind)).toEqual(['roster', 'connected', 'connected'])
  })

  it('TN12: a clogged direction delivers nothing, and then everything at once and in order', () => {
    const { memory, a, b } = linkedPair({ latencyMs: 5 })
    memory.clog(a.local, b.local)
    for (const value of [1, 2, 3]) {
      for (const channel of [0, 1]) a.send(b.local, channel, new Uint8Array([value]))
      memory.advance(20)
    }
    b.send(a.local, 0, new Uint8Array([9]))
    memory.advance(20)
    expect(collect(b, memory.now)).toEqual([])
    expect(collect(a, memory.now)).toHaveLength(1)
    memory.unclog(a.local, b.local)
    const got = collect(b, memory.now).flatMap((event) => (event.kind === 'message' ? [event] : []))
    for (const channel of [0, 1]) {
      expect(got.filter((event) => event.channel === channel).map((event) => event.data[0])).toEqual([1, 2, 3])
    }
    a.send(b.local, 1, new Uint8Array([4]))
    memory.advance(20)
    expect(collect(b, memory.now)).toHaveLength(1)
  })

  it('TN13: who says goodbye has departed, who crashes has not', () => {
    for (const how of ['close', 'crash'] as const) {
      const { memory, a, b } = linkedPair({})
      if (how === 'close') a.close()
      else memory.crash(a.local)
      const kinds = collect(b, memory.now).map((event) => event.kind)
      expect(kinds.includes('departed')).toBe(how === 'close')
      expect(kinds).toContain('roster')
    }
  })

  it('TN14: members that ask for a generation of their own get the next one, in the order of the lobby', () => {
    const { memory, a, b } = linkedPair({})
    // Five voted, and three are gone.
    const gone = ['gone', 'gone too', 'and gone']
    expect(a.requestGeneration!(0, [a.local, b.local, ...gone], 5)).toBe(true)
    for (const end of [a, b]) {
      expect(collect(end, memory.now)).toEqual([{ kind: 'generation', generation: 1, members: [a.local, b.local] }])
    }
    // Here both are still there, and can decide.
    expect(a.requestGeneration!(1, [a.local, b.local, 'gone'], 3)).toBe(true)
    expect(collect(b, memory.now)).toEqual([])
    memory.lobbyDown()
    expect(a.requestGeneration!(1, [a.local, b.local, ...gone], 5)).toBe(false)
  })

  it('TN11: conditionTransport adds nothing while its conditions are perfect, and what they say once they change', () => {
    const conditions = createConditions()
    const other = createMemoryNetwork({ seed: 2 })
    const plain = other.join()
    const wrapped = conditionTransport(other.join(), conditions, new SeededRandom(1))
    other.advance(1)
    expect(collect(wrapped, other.now).map((event) => event.kind)).toEqual(['roster', 'connected'])
    collect(plain, other.now)
    expect(wrapped.send(plain.local, 0, new Uint8Array([1]))).toBe('sent')
    other.advance(1)
    expect(collect(plain, other.now).length).toBe(1)
    plain.send(wrapped.local, 1, new Uint8Array([2]))
    other.advance(1)
    expect(collect(wrapped, other.now).length).toBe(1)

    conditions.latencyMs = 100
    wrapped.send(plain.local, 0, new Uint8Array([3]))
    plain.send(wrapped.local, 1, new Uint8Array([4]))
    const arrivals: string[] = []
    for (let ms = 0; ms < 300; ms += 10) {
      other.advance(10)
      if (collect(wrapped, other.now).length > 0) arrivals.push(`in by ${ms < 90 ? 'early' : 'late'}`)
      if (collect(plain, other.now).length > 0) arrivals.push(`out by ${ms < 90 ? 'early' : 'late'}`)
    }
    expect(arrivals.sort()).toEqual(['in by late', 'out by late'])

    conditions.latencyMs = 0
    conditions.loss = 1
    for (let index = 0; index < 20; index++) wrapped.send(plain.local, 1, new Uint8Array([5]))
    other.advance(100)
    expect(collect(plain, other.now)).toEqual([])
  })

  it('TN8: reliable data of any sizes on several channels stays complete and in order', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 16_384 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 0.6, noNaN: true }), sizes, (seed, loss, messages) => {
        const { memory, a, b } = linkedPair({ latencyMs: 30, jitterMs: 40, loss }, seed)
        const sent: number[][] = [[], [], []]
        for (const [index, size] of messages.entries()) {
          const channel = index % 2 === 0 ? 0 : 2
          a.send(b.local, channel, new Uint8Array(size).fill(index))
          sent[channel]!.push(size * 1_000 + (size > 0 ? index : 0))
        }
        memory.advance(120_000)
        const got: number[][] = [[], [], []]
        for (const event of collect(b, memory.now)) {
          if (event.kind === 'message') got[event.channel]!.push(event.data.length * 1_000 + (event.data[0] ?? 0))
        }
        expect(got).toEqual(sent)
      }),
      { numRuns: 100 },
    )
  })
})

describe('SeededRandom', () => {
  it('TN9: forks depend on seed and label, not on what was drawn before', () => {
    const a = new SeededRandom('seed')
    const b = new SeededRandom('seed')
    for (let index = 0; index < 10; index++) a.uint32()
    expect(a.fork('x').uint32()).toBe(b.fork('x').uint32())
    expect(a.fork('x').uint32()).not.toBe(a.fork('y').uint32())
  })

  it('TN10: draws stay in their ranges and spread evenly', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -1_000, max: 1_000 }), fc.nat(1_000), (seed, min, span) => {
        const random = new SeededRandom(seed)
        const value = random.integer(min, min + span)
        const number = random.range(min, min + span + 1)
        const word = random.uint32()
        return (
          Number.isInteger(value) &&
          value >= min &&
          value <= min + span &&
          number >= min &&
          number < min + span + 1 &&
          Number.isInteger(word) &&
          word >= 0 &&
          word < 2 ** 32
        )
      }),
    )
    const random = new SeededRandom(7)
    const counts = new Array<number>(16).fill(0)
    for (let index = 0; index < 160_000; index++) counts[random.integer(0, 15)]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    expect(() => random.pick([])).toThrow(/empty/)
  })
})
