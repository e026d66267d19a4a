import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { judgeRoster, SLOT_GAP, succeed, takeOver } from '../host/succession.ts'
import { Heartbeat } from './heartbeat.ts'
import { cleanName, MAX_CAPACITY, readRoster, rosterBody, withMember, withoutMember, type Roster } from './roster.ts'

const roster: Roster = {
  term: 3,
  nextSlot: 9,
  members: [
    { peer: 'a', slot: 1, displayName: 'A' },
    { peer: 'b', slot: 4, displayName: 'B' },
    { peer: 'c', slot: 8, displayName: '' },
  ],
}

describe('roster', () => {
  it('NW30: what a host writes, a guest reads', () => {
    const read = readRoster(rosterBody(roster), 3, 'a')
    expect(read).toEqual(roster)
    expect(withoutMember(withMember(roster, { peer: 'd', slot: 9, displayName: '' }), 'b')).toMatchObject({
      nextSlot: 10,
    })
  })

  it('NW30: a roster that cannot be is turned away whole, with the reason', () => {
    const body = rosterBody(roster)
    const member = (slot: number, peer: string) => ({ slot, peer, displayName: '', voter: false, canHost: true })
    const bad = [
      { ...body, members: [] },
      { ...body, members: [member(1, 'b')] },
      { ...body, members: [member(0, 'a')] },
      { ...body, members: [member(9, 'a')] },
      { ...body, members: [member(1, 'a'), member(1, 'b')] },
      { ...body, members: [member(1, 'a'), member(2, 'a')] },
      { ...body, members: [member(1, 'a'), member(2, '')] },
      { ...body, members: [member(1, 'a'), member(2, 'x'.repeat(65))] },
      { ...body, nextSlot: 5_000, members: [member(1, 'a'), member(4_096, 'b')] },
      {
        ...body,
        nextSlot: 5_000,
        members: Array.from({ length: MAX_CAPACITY + 1 }, (_, index) =>
          member(index + 1, index === 0 ? 'a' : `${index}`),
        ),
      },
    ]
    for (const one of bad) expect(typeof readRoster(one, 3, 'a')).toBe('string')
    expect(typeof readRoster(body, 0, 'a')).toBe('string')
  })

  it('NW30: names are shortened by whole characters and lose control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (name) => {
        const clean = cleanName(name)
        expect(new TextEncoder().encode(clean).length).toBeLessThanOrEqual(48)
        expect(cleanName(clean)).toBe(clean)
        expect(Math.min(...Array.from(clean, (character) => character.charCodeAt(0)), 0x20)).toBe(0x20)
      }),
    )
    expect(cleanName('🐴'.repeat(20))).toBe('🐴'.repeat(12))
    expect(cleanName('a\nb\u0085c')).toBe('abc')
    expect(cleanName(undefined)).toBe('')
  })
})

describe('succession', () => {
  it('HO8: the term grows by one for each host passed over, and slots leave a gap', () => {
    const gone = (peers: string[]) => (peer: string) => peers.includes(peer)
    expect(succeed(roster, gone(['a']))).toMatchObject({ term: 4, members: [{ peer: 'b' }, { peer: 'c' }] })
    expect(succeed(roster, gone(['a', 'b']))).toMatchObject({ term: 5, members: [{ peer: 'c' }] })
    const rest = succeed(roster, gone(['a']))
    expect(takeOver(rest, gone(['c']))).toEqual({ term: 4, nextSlot: 9 + SLOT_GAP, members: [roster.members[1]] })
  })

  it('HO9: rosters are accepted from the host alone, remembered from members, turned away from strangers', () => {
    const from = (sender: string, term: number) => judgeRoster(roster, { ...roster, term }, sender)
    expect([from('a', 3), from('a', 4), from('a', 2)]).toEqual(['accept', 'accept', 'stale'])
    expect([from('b', 4), from('b', 3), from('b', 2)]).toEqual(['remember', 'foreign', 'stale'])
    expect([from('z', 4), from('z', 3), from('z', 2)]).toEqual(['foreign', 'foreign', 'stale'])
  })
})

describe('Heartbeat', () => {
  it('CK6: takes an answer once, only to what it asked, and times it by its own notes', () => {
    const heartbeat = new Heartbeat(() => 60)
    const first = heartbeat.ping(1_000)
    const second = heartbeat.ping(1_250)
    const pong = (sequence: number, tick = 5) => ({ sequence, sentMs: -9_999, tick })
    expect(heartbeat.takePong(pong(first.sequence), 1_040)).toBe(true)
    expect(heartbeat.sync.rttMs).toBe(40)
    heartbeat.takePong(pong(first.sequence), 5_000)
    heartbeat.takePong(pong(77), 5_000)
    expect(heartbeat.sync.rttMs).toBe(40)
    heartbeat.takePong(pong(second.sequence), 1_330)
    expect(heartbeat.sync.rttMs).toBe(45)
    expect(heartbeat.sync.jitterMs).toBe(10)
    for (const tick of [-2, 2 ** 32, Infinity]) expect(heartbeat.takePong(pong(0, tick), 2_000)).toBe(false)
    expect(heartbeat.takePong(pong(0, -1), 2_000)).toBe(true)
  })

  it('CK6: loss is the share of the last 33 pings that did not come', () => {
    const heartbeat = new Heartbeat(() => 60)
    expect(heartbeat.loss).toBe(0)
    for (let sequence = 0; sequence < 200; sequence++) {
      if (sequence % 4 !== 1) heartbeat.takePing({ sequence, sentMs: 0 }, sequence * 250, 0)
    }
    expect(heartbeat.loss).toBeCloseTo(0.25, 1)
  })

  it('CK7: a peer that pings without end gets at most 16 answers a second', () => {
    const heartbeat = new Heartbeat(() => 60)
    let answers = 0
    for (let sequence = 0; sequence < 10_000; sequence++) {
      if (heartbeat.takePing({ sequence, sentMs: 0 }, sequence, 0) !== undefined) answers++
    }
    expect(answers).toBeGreaterThan(150)
    expect(answers).toBeLessThanOrEqual(16 * 11)
  })
})
