import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { Heartbeat } from './heartbeat.ts'
import { cleanName, MAX_CAPACITY, parseRoster, rosterBody, type Roster } from './roster.ts'

const entry = (peer: string, slot: number, displayName = '', voter = true) => ({
  peer,
  slot,
  displayName,
  voter,
  canHost: slot !== 4,
})
const roster: Roster = {
  nextSlot: 9,
  members: [entry('a', 1, 'A'), entry('b', 4, 'B'), entry('c', 8, '', false)],
  former: [entry('z', 2)],
  tick: 77,
}

describe('roster', () => {
  it('NW30: what a host writes, a guest reads', () => {
    expect(parseRoster(rosterBody(roster))).toEqual(roster)
  })

  it('NW30: a roster that cannot be is turned away whole, with the reason', () => {
    const body = rosterBody(roster)
    const member = (slot: number, peer: string, voter = true) => entry(peer, slot, '', voter)
    const many = (count: number) => Array.from({ length: count }, (_, at) => member(at + 1, `${at}`, at < 7))
    const bad = [
      { ...body, members: [] },
      { ...body, members: [member(1, 'a', false)] },
      { ...body, members: [member(0, 'a')] },
      { ...body, members: [member(9, 'a')] },
      { ...body, members: [member(1, 'a'), member(1, 'b')] },
      { ...body, members: [member(1, 'a'), member(2, 'a')] },
      { ...body, members: [member(1, 'a'), member(2, '')] },
      { ...body, members: [member(1, 'a'), member(2, 'x'.repeat(65))] },
      { ...body, nextSlot: 5_000, members: [member(1, 'a'), member(4_096, 'b')] },
      { ...body, nextSlot: 5_000, members: many(MAX_CAPACITY + 1) },
      { ...body, nextSlot: 5_000, members: many(8).map((one) => ({ ...one, voter: true })) },
      { ...body, former: [member(9, 'a')] },
    ]
    for (const one of bad) expect(typeof parseRoster(one)).toBe('string')
    expect(typeof parseRoster({ ...body, nextSlot: 5_000, members: many(MAX_CAPACITY) })).toBe('object')
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
