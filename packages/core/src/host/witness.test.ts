import { decodeControl, encodeControl, type ControlBody, type ControlEnvelope } from '@baton/schemas'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createWitness,
  departWitness,
  forkWitness,
  KEPT_REQUEST_MS,
  MAX_LEASE_MS,
  MAX_TERM_LEAP,
  stepWitness,
  tickWitness,
  witnessDueMs,
  type WitnessEffect,
  type WitnessOptions,
  type WitnessState,
} from './witness.ts'

const LEASE = 600

interface Answer {
  readonly to: string
  readonly body: ControlBody
}

/** A witness with a clock beside it; members are letters, their slots the letters' places. */
class Bench {
  nowMs = 0
  readonly state: WitnessState
  generation = 0
  leaseMs = 0

  constructor(options: Partial<WitnessOptions> = {}) {
    this.state = createWitness(0, { isFresh: true, ...options })
  }

  say(from: string, body: ControlBody, term = 0, envelope: Partial<ControlEnvelope> = {}): Answer[] {
    const { generation, nowMs, state } = this
    const data = encodeControl({ term, index: 0, generation, body, ...envelope })
    return read(stepWitness(state, from, data, nowMs), generation)
  }

  request(from: string, term: number, candidate = slotOf(from)): Answer[] {
    const { leaseMs } = this
    return this.say(from, { type: 'VoteRequest', term, candidate, lastTerm: 1, length: 9, commit: 9, leaseMs })
  }

  beat(from: string, term: number, index = 1, entryTerm = term, sequence = 1): Answer[] {
    return this.say(from, { type: 'WitnessBeat', sequence, entryTerm, index, leaseMs: this.leaseMs }, term)
  }

  handOver(from: string, term: number, to: string | undefined): Answer[] {
    return this.say(from, { type: 'HandOver', to: to === undefined ? 0 : slotOf(to) }, term)
  }

  abandon(from: string, term: number): Answer[] {
    return this.say(from, { type: 'Abandon', term })
  }

  wait(ms: number): Answer[] {
    this.nowMs += ms
    return read(tickWitness(this.state, this.nowMs), this.generation)
  }
}

function slotOf(peer: string): number {
  return peer.charCodeAt(0) - 96
}

function read(effects: readonly WitnessEffect[], generation: number): Answer[] {
  return effects.map(({ to, data }) => {
    const decoded = decodeControl(data)
    if (!decoded.ok) throw new Error(decoded.reason)
    expect(decoded.value.generation).toBe(generation)
    expect(data.length).toBeLessThanOrEqual(512)
    return { to, body: decoded.value.body }
  })
}

const vote = (peer: string, term: number, lastTerm = 0, length = 0): Answer => ({
  to: 'all',
  body: { type: 'Vote', term, candidate: slotOf(peer), lastTerm, length, commit: 0, tick: 0 },
})
const ack = (to: string, entryTerm: number, index: number, sequence = 1): Answer => ({
  to,
  body: { type: 'WitnessAck', sequence, entryTerm, index },
})
const fence = (to: string, promised: number): Answer => ({ to, body: { type: 'Fence', promised, term: 0, host: 0 } })

describe('votes', () => {
  it('WI1: nobody has its word, so the first who asks gets a vote, told to all', () => {
    const bench = new Bench()
    expect(bench.request('a', 3)).toEqual([vote('a', 3)])
    expect(bench.state.promised).toBe(3)
  })

  it('WI1: after a beat, a vote comes when the host has been silent for a lease, not before', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.nowMs = LEASE - 1
    expect(bench.request('b', 2)).toEqual([])
    bench.nowMs = LEASE
    expect(bench.request('b', 2)).toEqual([vote('b', 2, 1, 1)])
  })

  it('WI1: a vote is a promise for a lease to its candidate', () => {
    const bench = new Bench()
    bench.request('b', 2)
    bench.nowMs = LEASE - 1
    expect([bench.request('c', 3), bench.beat('c', 3), bench.beat('a', 1)]).toEqual([[], [], [fence('a', 2)]])
    bench.nowMs = LEASE
    expect(bench.request('c', 3)).toEqual([vote('c', 3)])
  })

  it('WI2: the same candidate is granted the same term again, which renews the promise', () => {
    const bench = new Bench()
    bench.request('b', 2)
    bench.nowMs = 500
    expect(bench.request('b', 2)).toEqual([vote('b', 2)])
    bench.nowMs = 500 + LEASE - 1
    expect(bench.request('c', 3)).toEqual([])
    // Another peer, another slot, or a term that is over: nothing is granted twice.
    expect([bench.request('c', 2), bench.request('c', 2, slotOf('b')), bench.request('b', 2, 9)]).toEqual([[], [], []])
    expect(bench.request('c', 1)).toEqual([fence('c', 2)])
    bench.nowMs += 1
    expect(bench.request('c', 3)).toEqual([vote('c', 3)])
  })

  it('WI3: a request that is too early is kept, and answered when the lease has run out', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.nowMs = 200
    bench.request('b', 2)
    expect(witnessDueMs(bench.state)).toBe(LEASE)
    expect(bench.wait(LEASE - 201)).toEqual([])
    expect(bench.wait(1)).toEqual([vote('b', 2, 1, 1)])
    expect(witnessDueMs(bench.state)).toBeUndefined()
  })

  it('WI3: the newest request is the one kept, and one that is not repeated is forgotten', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.nowMs = 100
    bench.request('b', 2)
    bench.nowMs = 200
    bench.request('c', 2)
    expect(bench.wait(LEASE - 200)).toEqual([vote('c', 2, 1, 1)])

    bench.beat('c', 2)
    bench.nowMs += 10
    bench.request('b', 3)
    for (let index = 0; index < 4; index++) {
      bench.nowMs += KEPT_REQUEST_MS / 4
      bench.beat('c', 2)
    }
    expect(witnessDueMs(bench.state)).toBe(bench.nowMs + 1)
    expect(bench.wait(1)).toEqual([])
    expect(witnessDueMs(bench.state)).toBeUndefined()
    expect(bench.wait(10 * LEASE)).toEqual([])
  })

  it('WI3: the host it last acknowledged is granted a new term at once', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    expect(bench.request('a', 2)).toEqual([vote('a', 2, 1, 1)])
    bench.nowMs = LEASE - 1
    expect(bench.request('b', 3)).toEqual([])
  })

  it('WI4: a hand-over frees whom it names, or anyone, without silence', () => {
    const named = new Bench()
    named.beat('a', 1)
    expect(named.handOver('a', 1, 'c')).toEqual([])
    expect([named.request('b', 2), named.request('c', 2)]).toEqual([[], [vote('c', 2, 1, 1)]])

    const anyone = new Bench()
    anyone.beat('a', 1)
    expect(anyone.request('b', 2)).toEqual([])
    expect(anyone.handOver('a', 1, undefined)).toEqual([vote('b', 2, 1, 1)])
  })

  it('WI4: a hand-over of anybody else, or of another term, frees nobody', () => {
    const bench = new Bench()
    bench.beat('a', 2)
    bench.handOver('b', 2, undefined)
    bench.handOver('a', 1, undefined)
    bench.handOver('a', 3, undefined)
    expect(bench.request('b', 3)).toEqual([])
  })

  it('WI4: who has handed over is not acknowledged any more', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.handOver('a', 1, 'b')
    bench.nowMs = LEASE - 1
    expect(bench.beat('a', 1)).toEqual([])
    bench.nowMs = LEASE
    expect(bench.request('c', 2)).toEqual([vote('c', 2, 1, 1)])
  })

  it('WI4: a vote uses the hand-over up', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.handOver('a', 1, undefined)
    bench.request('b', 2)
    expect(bench.request('c', 3)).toEqual([])
    bench.abandon('b', 2)
    expect(bench.request('c', 4)).toEqual([])
    bench.nowMs = LEASE
    expect(bench.request('c', 4)).toEqual([vote('c', 4, 1, 1)])
  })

  it('WI4: a candidate that was granted may hand over too', () => {
    const bench = new Bench()
    bench.request('a', 1)
    bench.handOver('a', 1, 'b')
    expect([bench.request('a', 1), bench.request('b', 2)]).toEqual([[], [vote('b', 2)]])
  })

  it('WI5: nobody waits for the silence of a host that left for good', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.request('b', 2)
    departWitness(bench.state, 'c')
    expect(bench.wait(10)).toEqual([])
    departWitness(bench.state, 'a')
    expect(bench.wait(0)).toEqual([vote('b', 2, 1, 1)])
    // That it left was about 'a': the promise to 'b' stands.
    expect(bench.request('c', 3)).toEqual([])
  })

  it('WI5: a candidate that leaves frees the vote it had, and is not granted what it asked for', () => {
    const bench = new Bench()
    bench.request('b', 2)
    bench.request('c', 3)
    departWitness(bench.state, 'c')
    expect(bench.wait(LEASE)).toEqual([])
    bench.beat('b', 2)
    bench.nowMs += LEASE - 100
    bench.request('c', 3)
    departWitness(bench.state, 'c')
    expect(bench.wait(100)).toEqual([])
    bench.request('b', 2)
    departWitness(bench.state, 'b')
    expect(bench.request('d', 3)).toEqual([vote('d', 3, 2, 1)])
  })

  it('WI5: that a host left is remembered while a candidate tries to follow it', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.handOver('a', 1, 'b')
    bench.request('b', 2)
    departWitness(bench.state, 'a')
    expect(bench.request('c', 3)).toEqual([])
    expect(bench.abandon('b', 2)).toEqual([vote('c', 3, 1, 1)])
  })

  it('WI6: a candidate that gives up brings the old silence back; its term stays promised', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.nowMs = LEASE
    bench.request('b', 2)
    bench.request('c', 3)
    expect(bench.abandon('b', 2)).toEqual([vote('c', 3, 1, 1)])

    bench.abandon('c', 3)
    expect([bench.beat('a', 1), bench.beat('c', 3), bench.request('c', 3)]).toEqual([[fence('a', 3)], [], []])
    expect([bench.beat('a', 3), bench.request('a', 3), bench.request('a', 3, slotOf('c'))]).toEqual([[], [], []])
    expect(bench.state.promised).toBe(3)
    expect(bench.request('a', 4)).toEqual([vote('a', 4, 1, 1)])
  })

  it('WI6: what a candidate handed over before it gave up is given up too', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.handOver('a', 1, 'b')
    bench.request('b', 2)
    bench.handOver('b', 2, undefined)
    bench.abandon('b', 2)
    expect(bench.request('c', 3)).toEqual([])
  })

  it('WI6: who gives up what it was not granted, or hosts already, changes nothing but its own request', () => {
    const bench = new Bench()
    bench.request('b', 2)
    expect([bench.abandon('c', 2), bench.abandon('b', 1), bench.abandon('b', 3), bench.request('c', 3)]).toEqual([
      [],
      [],
      [],
      [],
    ])
    bench.abandon('c', 3)
    expect(witnessDueMs(bench.state)).toBeUndefined()
    bench.beat('b', 2)
    bench.abandon('b', 2)
    expect(bench.request('c', 3)).toEqual([])
  })
})

describe('beats', () => {
  it('WI7: a beat is acknowledged with what it said; the highest position goes into votes', () => {
    const bench = new Bench()
    expect(bench.beat('a', 5, 7, 4, 90)).toEqual([ack('a', 4, 7, 90)])
    expect(bench.beat('a', 5, 8, 5, 91)).toEqual([ack('a', 5, 8, 91)])
    expect(bench.beat('a', 5, 6, 5, 92)).toEqual([ack('a', 5, 6, 92)])
    expect(bench.beat('a', 5, 99, 4, 93)).toEqual([ack('a', 4, 99, 93)])
    bench.nowMs = LEASE
    expect(bench.request('b', 6)).toEqual([vote('b', 6, 5, 8)])
  })

  it('WI8: a term below what was promised is fenced, in beats and in requests', () => {
    const bench = new Bench()
    bench.request('b', 7)
    expect(bench.beat('a', 6)).toEqual([fence('a', 7)])
    expect(bench.request('a', 6)).toEqual([fence('a', 7)])
    expect(bench.beat('b', 7)).toEqual([ack('b', 7, 1)])
  })

  it('WI9: a higher term is adopted once nobody else can have its word', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    bench.nowMs = LEASE - 1
    expect(bench.beat('b', 2)).toEqual([])
    expect(bench.beat('a', 1)).toEqual([ack('a', 1, 1)])
    bench.nowMs += LEASE
    expect(bench.beat('b', 2)).toEqual([ack('b', 2, 1)])
    expect(bench.beat('a', 1)).toEqual([fence('a', 2)])
    // The host itself, in whatever term others made it host again.
    expect(bench.beat('b', 4)).toEqual([ack('b', 4, 1)])
    bench.nowMs += 1
    bench.request('b', 5)
    expect([bench.beat('b', 6), bench.request('b', 6)]).toEqual([[ack('b', 6, 1)], []])
  })

  it('WI9: whoever was handed the baton, or comes after a host that left, is acknowledged at once', () => {
    for (const free of [
      (bench: Bench) => bench.handOver('a', 1, 'c'),
      (bench: Bench) => departWitness(bench.state, 'a'),
    ]) {
      const bench = new Bench()
      bench.beat('a', 1)
      free(bench)
      expect(bench.beat('b', 2)).toEqual([ack('b', 2, 1)])
      expect(bench.request('c', 3)).toEqual([])
    }
  })

  it('WI9: a term has one host, and none is 0', () => {
    const bench = new Bench()
    bench.beat('a', 1)
    expect([bench.beat('b', 1), bench.beat('b', 0)]).toEqual([[], [fence('b', 1)]])
    expect(new Bench().beat('b', 0)).toEqual([])
  })

  it('WI10: a term more than 4,096 ahead was made up', () => {
    const bench = new Bench()
    bench.beat('a', 10)
    bench.nowMs = 10 * LEASE
    expect(bench.beat('b', 11 + MAX_TERM_LEAP)).toEqual([])
    expect(bench.request('b', 11 + MAX_TERM_LEAP)).toEqual([])
    expect(bench.wait(LEASE)).toEqual([])
    expect(bench.request('b', 10 + MAX_TERM_LEAP)).toEqual([vote('b', 10 + MAX_TERM_LEAP, 10, 1)])
  })
})

describe('the witness', () => {
  it('WI11: after a restart it abstains for a lease and a margin, and learns who hosts', () => {
    const bench = new Bench({ isFresh: false })
    const endMs = LEASE * 1.1 + 100
    bench.nowMs = endMs - 300
    expect([bench.beat('a', 7), bench.request('b', 8)]).toEqual([[], []])
    bench.nowMs = endMs - 1
    expect([bench.request('b', 8), bench.request('a', 7), bench.beat('a', 7)]).toEqual([[], [], []])
    expect([bench.beat('c', 6), witnessDueMs(bench.state)]).toEqual([[fence('c', 7)], endMs - 1 + KEPT_REQUEST_MS + 1])
    bench.nowMs = endMs
    expect(bench.beat('a', 7)).toEqual([ack('a', 7, 1)])
  })

  it('WI11: after a restart, a candidate gets its vote when the abstention ends, if nobody hosts', () => {
    const bench = new Bench({ isFresh: false })
    bench.nowMs = 700
    bench.request('b', 8)
    expect(witnessDueMs(bench.state)).toBe(760)
    expect([bench.wait(59), bench.wait(1)]).toEqual([[], [vote('b', 8)]])
  })

  it('WI11: the abstention is as long as the longest lease heard in it', () => {
    const bench = new Bench({ isFresh: false })
    bench.leaseMs = 2_000
    bench.nowMs = 2_299
    expect(bench.request('b', 8)).toEqual([])
    expect(bench.wait(1)).toEqual([vote('b', 8)])
    const careful = new Bench({ isFresh: false, leaseMs: 2_000 })
    careful.leaseMs = 300
    careful.nowMs = 2_299
    expect(careful.request('b', 8)).toEqual([])
    expect(careful.wait(1)).toEqual([vote('b', 8)])
  })

  it('WI12: what another generation says is not heard, and a fork begins anew', () => {
    const bench = new Bench()
    bench.beat('a', 5)
    bench.generation = 1
    expect([bench.beat('a', 6), bench.request('b', 6), bench.handOver('a', 5, undefined)]).toEqual([[], [], []])
    forkWitness(bench.state, 1)
    expect(bench.request('b', 2)).toEqual([vote('b', 2)])
    bench.generation = 0
    expect([bench.beat('a', 5), bench.request('b', 6)]).toEqual([[], []])
    bench.generation = 1
    expect(bench.beat('b', 2)).toEqual([ack('b', 2, 1)])
  })

  it('WI12: in a new generation nobody has an older word to wait for', () => {
    const bench = new Bench({ isFresh: false })
    forkWitness(bench.state, 3)
    bench.generation = 3
    expect(bench.request('b', 1)).toEqual([vote('b', 1)])
  })

  it('WI13: the longest lease that a member named holds for all, up to 10 s', () => {
    const bench = new Bench()
    bench.leaseMs = 300
    bench.beat('a', 1)
    bench.nowMs = 299
    expect(bench.request('b', 2)).toEqual([])
    expect(bench.wait(1)).toEqual([vote('b', 2, 1, 1)])
    bench.leaseMs = 65_535
    bench.beat('b', 2)
    bench.leaseMs = 300
    bench.nowMs += MAX_LEASE_MS - 1
    expect(bench.request('a', 3)).toEqual([])
    expect(bench.wait(1)).toEqual([vote('a', 3, 2, 1)])
  })

  it('WI13: messages that name no lease mean the default', () => {
    const bench = new Bench({ leaseMs: 1_000 })
    bench.beat('a', 1)
    bench.nowMs = 999
    expect(bench.request('b', 2)).toEqual([])
    expect(bench.wait(1)).toEqual([vote('b', 2, 1, 1)])
    expect(() => createWitness(0, { isFresh: true, leaseMs: 0 })).toThrow('leaseMs is 0')
    expect(() => createWitness(0, { isFresh: true, leaseMs: MAX_LEASE_MS + 1 })).toThrow('leaseMs is 10001')
  })

  it('WI14: garbage, and messages that are not for a witness, change nothing', () => {
    const bench = new Bench()
    bench.beat('a', 3)
    const before = JSON.stringify(bench.state)
    const others: ControlBody[] = [
      { type: 'Vote', term: 9, candidate: 2, lastTerm: 1, length: 1, commit: 0, tick: 0 },
      { type: 'WitnessAck', sequence: 1, entryTerm: 3, index: 9 },
      { type: 'Fence', promised: 9, term: 9, host: 2 },
      { type: 'Suspect', promised: 9, commit: 0 },
      { type: 'Goodbye' },
    ]
    for (const body of others) expect(bench.say('b', body, 9)).toEqual([])
    expect(bench.request('b', 4, 0)).toEqual([])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (data) => {
        expect(stepWitness(bench.state, 'b', data, 1)).toEqual([])
      }),
    )
    expect(JSON.stringify(bench.state)).toBe(before)
  })
})

type Deed =
  | { readonly kind: 'request' | 'beat' | 'abandon'; readonly peer: string; readonly term: number }
  | { readonly kind: 'handOver'; readonly peer: string; readonly term: number; readonly to: string | undefined }
  | { readonly kind: 'depart'; readonly peer: string }
  | { readonly kind: 'wait'; readonly ms: number }

const peer = fc.constantFrom('a', 'b', 'c')
/** Relative to what is promised, so that most of what is drawn matters. */
const term = fc.integer({ min: -1, max: 2 })
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('request' as const), peer, term }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('beat' as const), peer, term }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abandon' as const), peer, term }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('handOver' as const),
      peer,
      term,
      to: fc.option(peer, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('depart' as const), peer }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400 }) }) },
)

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}

/**
 * Watches from outside, by what was said and answered alone: who may still rely on the witness, and until when.
 * It knows nothing of how the witness keeps its state.
 */
class Watcher {
  readonly words = new Map<string, { term: number; untilMs: number }>()
  readonly granted = new Map<number, string>()
  readonly acked = new Map<number, string>()
  promised = 0
  highest: readonly [number, number] = [0, 0]

  gave(peer: string, term: number, nowMs: number): void {
    for (const [other, word] of this.words) {
      if (other === peer) continue
      demand(nowMs >= word.untilMs, `${peer} in term ${term}, while ${other} has its word`)
    }
    demand(term >= this.promised, `term ${term} after ${this.promised}`)
    this.promised = term
    this.words.set(peer, { term, untilMs: nowMs + LEASE })
  }

  /** It said itself that it will not act in this term any more, or cannot. */
  frees(peer: string, term: number): void {
    const word = this.words.get(peer)
    if (word !== undefined && word.term <= term) this.words.delete(peer)
  }

  hear(answers: readonly Answer[], nowMs: number, peerOf: (slot: number) => string): void {
    for (const { to, body } of answers) {
      if (body.type === 'Vote') {
        const candidate = peerOf(body.candidate)
        demand((this.granted.get(body.term) ?? candidate) === candidate, `two grants of term ${body.term}`)
        demand((this.acked.get(body.term) ?? candidate) === candidate, `a grant of a host's term ${body.term}`)
        this.granted.set(body.term, candidate)
        const [entryTerm, index] = this.highest
        demand(body.lastTerm === entryTerm && body.length === index, `a vote with ${body.lastTerm}, ${body.length}`)
        this.gave(candidate, body.term, nowMs)
      } else if (body.type === 'WitnessAck') {
        const term = body.sequence // the bench below puts the term there
        demand((this.granted.get(term) ?? to) === to, `${to} hosts a term granted to another`)
        demand((this.acked.get(term) ?? to) === to, `two hosts of term ${term}`)
        this.acked.set(term, to)
        if (body.entryTerm > this.highest[0] || (body.entryTerm === this.highest[0] && body.index > this.highest[1]))
          this.highest = [body.entryTerm, body.index]
        this.gave(to, term, nowMs)
      } else if (body.type === 'Fence') demand(body.promised >= this.promised, `a fence of ${body.promised}`)
      else demand(false, `the witness said ${body.type}`)
    }
  }
}

const peerOf = (slot: number): string => String.fromCharCode(96 + slot)

describe('on any schedule', () => {
  it('WI1: one holder at a time, one grant for a term, promises never fall', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 5, maxLength: 60 }), (deeds) => {
        const bench = new Bench()
        const watcher = new Watcher()
        const gone = new Set<string>()
        const abandoned = new Set<string>()
        let index = 0
        for (const one of deeds) {
          const { state } = bench
          if (one.kind === 'wait') {
            watcher.hear(bench.wait(one.ms), bench.nowMs, peerOf)
            continue
          }
          if (gone.has(one.peer)) continue // it cannot speak any more
          if (one.kind === 'depart') {
            gone.add(one.peer)
            watcher.words.delete(one.peer)
            departWitness(state, one.peer)
            watcher.hear(bench.wait(0), bench.nowMs, peerOf)
            continue
          }
          const term = Math.max(0, state.promised + one.term)
          if (one.kind === 'request') {
            if (abandoned.has(`${one.peer} ${term}`)) continue // who gave a term up does not stand for it again
            // A candidate that stands for a new term does not act in an older one.
            watcher.frees(one.peer, term - 1)
            watcher.hear(bench.request(one.peer, term), bench.nowMs, peerOf)
          } else if (one.kind === 'beat') {
            watcher.hear(bench.beat(one.peer, term, ++index, term, term), bench.nowMs, peerOf)
          } else if (one.kind === 'handOver') {
            watcher.frees(one.peer, term)
            watcher.hear(bench.handOver(one.peer, term, one.to), bench.nowMs, peerOf)
          } else {
            if (watcher.acked.has(term)) continue // a host that has been acknowledged does not abandon, it hands over
            abandoned.add(`${one.peer} ${term}`)
            watcher.frees(one.peer, term)
            watcher.hear(bench.abandon(one.peer, term), bench.nowMs, peerOf)
          }
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('WI3: a candidate that goes on asking gets its vote within a lease of the last word given', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 40 }), (deeds) => {
        const bench = new Bench()
        for (const one of deeds) {
          const term = 'term' in one ? Math.max(0, bench.state.promised + one.term) : 0
          if (one.kind === 'wait') bench.wait(one.ms)
          else if (one.kind === 'depart') departWitness(bench.state, one.peer)
          else if (one.kind === 'handOver') bench.handOver(one.peer, term, one.to)
          else bench[one.kind](one.peer, term)
        }
        const askedMs = bench.nowMs
        const term = bench.state.promised + 1
        let answers = bench.request('d', term)
        while (answers.length === 0 && bench.nowMs < askedMs + LEASE) {
          const dueMs = witnessDueMs(bench.state)!
          answers = bench.wait(Math.min(Math.max(dueMs - bench.nowMs, 1), 100))
          if (answers.length === 0) answers = bench.request('d', term)
        }
        expect(answers.map(({ body }) => body)).toMatchObject([{ type: 'Vote', term, candidate: 4 }])
      }),
      { numRuns: 2_000 },
    )
  })
})
