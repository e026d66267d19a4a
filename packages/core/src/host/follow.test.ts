import { describe, expect, it } from 'vitest'
import { Bench, LEASE, machineOf, note, rosterOf, voteRequest } from '../testing/host-bench.ts'
import { isFree } from './council.ts'
import type { LogEntry } from './log-entry.ts'
import { lengthOf } from './log.ts'
import type { HostMachine } from './machine.ts'
import type { HostMessage } from './messages.ts'
import { fork, setTime, take, tick } from './step.ts'
import { LONG_SILENCE_MS } from './timing.ts'

const ROSTER = rosterOf([1, 2, 3])

/** A guest alone, to which the test speaks for everybody else. */
function guest(): HostMachine {
  return machineOf(2, ROSTER, 1, 1)
}

function entry(index: number, term: number, request = index): LogEntry {
  return { index, term, requester: 1, body: note(request) }
}

function told(machine: HostMachine): HostMessage[] {
  return machine.out.splice(0).map(({ message }) => message)
}

function at(machine: HostMachine, ms: number): HostMachine {
  setTime(machine, { monoMs: ms, wallMs: ms })
  return machine
}

const beat = (commit: number, sequence = 1): HostMessage => ({ type: 'Beat', sequence, commit })
const vote = (term: number, candidate: number): HostMessage => ({
  type: 'Vote',
  term,
  candidate,
  lastTerm: 1,
  length: 1,
  commit: 1,
  tick: 0,
})
const log = (machine: HostMachine): string[] => machine.log.entries.map(({ term, index }) => `${term}:${index}`)

describe('a host without a quorum', () => {
  it('HM2: is acked and heard for two leases more; then no ack binds its voters, and they let another try', () => {
    const machine = guest()
    const isBound: boolean[] = []
    for (let ms = 0; ms < 3 * LEASE; ms += 50) {
      at(machine, ms)
      take(machine, 1, 1, { type: 'Beat', sequence: ms / 50 + 1, commit: 1, isCut: true })
      tick(machine)
      isBound.push(told(machine).some(({ type }) => type === 'BeatAck'))
    }
    expect(isBound.lastIndexOf(true)).toBe((2 * LEASE) / 50 - 1)
    expect([isFree(machine), machine.reports.get(1)]).toEqual([false, 3 * LEASE - 50])
    // The host's own word and this voter's are two of three.
    tick(at(machine, 3 * LEASE))
    expect(machine.candidacy?.term).toBe(2)
  })
})

describe('fencing', () => {
  it('HM1: what a host of an earlier term says is answered with the term and host that one follows', () => {
    const bench = new Bench()
    bench.isolate(1)
    expect(bench.runUntil(() => bench.acting[0] === 2)).toBe(true)
    bench.run(100)
    const { term } = bench.of(2)
    bench.sent.length = 0
    bench.say(1, 3, 1, beat(2))
    expect(bench.said('Fence', 3)).toEqual([{ type: 'Fence', promised: term, term, host: 2 }])
    expect(bench.of(3).host).toBe(2)
  })

  it('HM1: once another was promised, nothing of the host counts: no entry, no commit, no ack', () => {
    const machine = guest()
    take(machine, 1, 1, { type: 'Entry', entry: entry(2, 1) })
    tick(machine)
    expect(told(machine).map(({ type }) => type)).toContain('BeatAck')
    at(machine, LEASE)
    take(machine, 3, 1, voteRequest(2, 3))
    expect(machine.promised).toBe(2)
    told(machine)
    take(machine, 1, 1, { type: 'Entry', entry: entry(3, 1) })
    take(machine, 1, 1, beat(2))
    tick(machine)
    expect(told(machine).map(({ type }) => type)).toEqual(['Fence'])
    expect([lengthOf(machine.log), machine.log.commit]).toEqual([2, 1])
  })

  it('HM1: a promise made in the same frame takes back the ack that was owed', () => {
    const machine = guest()
    take(machine, 1, 1, beat(1))
    take(machine, 1, 1, { type: 'HandOver', to: 3 })
    take(machine, 3, 1, voteRequest(2, 3))
    tick(machine)
    expect(told(machine).map(({ type }) => type)).toEqual(['Vote'])
  })

  it('HM13 EN1: an entry or a beat of a term from who does not host it is dropped and counted', () => {
    const machine = guest()
    take(machine, 3, 1, { type: 'Entry', entry: entry(2, 1) })
    take(machine, 1, 1, { type: 'Entry', entry: entry(2, 9) })
    take(machine, 3, 1, beat(1))
    take(machine, 3, 6_000, beat(1))
    expect(lengthOf(machine.log)).toBe(1)
    expect(machine.breaches.map(({ slot }) => slot)).toEqual([1, 3, 3])
  })
})

describe('belief', () => {
  it('HM9: a host of a later term is followed by the votes of a quorum, at once', () => {
    const machine = guest()
    take(machine, 3, 2, beat(1))
    expect(machine.host).toBe(1)
    take(machine, 1, 1, vote(2, 3))
    take(machine, 3, 2, beat(1))
    expect([machine.host, machine.term]).toEqual([3, 2])
    expect(told(machine).map(({ type }) => type)).toContain('Follow')
  })

  it('HM9: the votes of who does not vote, for another, or for another term are none', () => {
    const machine = guest()
    take(machine, 9, 1, vote(2, 3))
    take(machine, 1, 1, vote(3, 3))
    take(machine, 1, 1, vote(2, 2))
    for (let index = 0; index < 5; index++) take(machine, 3, 2, beat(1))
    expect(machine.host).toBe(1)
  })

  it('HM9: a vote that was given to another, or given up, does not count any more', () => {
    const machine = guest()
    take(machine, 1, 1, vote(2, 3))
    take(machine, 1, 1, vote(2, 2))
    take(machine, 3, 2, beat(1))
    expect(machine.host).toBe(1)
    take(machine, 1, 1, vote(3, 3))
    take(machine, 3, 1, { type: 'Abandon', term: 3 })
    take(machine, 3, 3, beat(1))
    expect(machine.host).toBe(1)
  })

  it('HM9: without votes, three beats of a voter convince only who has heard no host for a lease', () => {
    const machine = guest()
    for (let index = 0; index < 5; index++) take(machine, 3, 2, beat(1))
    expect(machine.host).toBe(1)
    at(machine, LEASE)
    take(machine, 3, 3, beat(1))
    take(machine, 3, 3, beat(1))
    expect(machine.host).toBe(1)
    take(machine, 3, 3, beat(1))
    expect([machine.host, machine.term]).toEqual([3, 3])
  })

  it('HM9: the candidate that this member voted for is believed at once, where no other host is heard', () => {
    const machine = at(guest(), LEASE)
    take(machine, 3, 1, voteRequest(2, 3))
    take(machine, 3, 2, beat(1))
    expect([machine.host, machine.term]).toEqual([3, 2])
  })

  it('HM3 HM9: so is one that no roster here names, once this member has voted for it', () => {
    const machine = at(guest(), LONG_SILENCE_MS)
    for (let index = 0; index < 5; index++) take(machine, 9, 2, beat(1))
    expect(machine.host).toBe(1)
    take(machine, 9, 1, voteRequest(2, 9, 2))
    take(machine, 9, 2, beat(1))
    expect([machine.host, machine.term]).toEqual([9, 2])
    expect(machine.out.at(-1)).toMatchObject({ to: 9, message: { type: 'Follow', commit: 1 } })
  })

  it('HM17: the old host is heard until another speaks, whoever is promised meanwhile', () => {
    const machine = guest()
    take(machine, 1, 1, { type: 'HandOver', to: 3 })
    take(machine, 3, 1, voteRequest(2, 3))
    take(at(machine, 100), 1, 1, beat(1))
    take(machine, 1, 1, vote(2, 3))
    take(at(machine, 130), 3, 2, beat(1))
    expect(machine.turns).toEqual([{ slot: 3, term: 2, reason: 'handed-over', gapMs: 30 }])
    expect(machine.host).toBe(3)
  })

  it('HM2: an overtaken beat is no newer than the one that overtook it', () => {
    const machine = guest()
    take(machine, 1, 1, beat(1, 9))
    take(machine, 1, 1, beat(1, 8))
    tick(machine)
    const acks = told(machine).filter(({ type }) => type === 'BeatAck')
    expect(acks).toMatchObject([{ sequence: 9 }])
  })

  it('HM9: who may not host is not believed on its own word', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3], [4], [3]), 1, 1)
    at(machine, LEASE)
    for (let index = 0; index < 5; index++) for (const slot of [3, 4]) take(machine, slot, 2, beat(1))
    expect(machine.host).toBe(1)
  })

  it('HM9: a voter that makes up votes for many candidates or terms fills no memory', () => {
    const machine = guest()
    for (let candidate = 1; candidate < 500; candidate++) take(machine, 3, 1, vote(2, candidate))
    expect(machine.evidence.get(2)!.size).toBe(1)
    for (let term = 2; term < 500; term++) take(machine, 3, 1, vote(term, 3))
    expect(machine.evidence.size).toBeLessThanOrEqual(8)
  })
})

describe('fences', () => {
  const fence = (term: number, host: number): HostMessage => ({ type: 'Fence', promised: term, term, host })
  const away = (): HostMachine => at(machineOf(2, rosterOf([1, 2, 3, 4, 5]), 1, 1), LEASE)

  it('HM18: who hosts is believed once most of the other voters name the same', () => {
    const machine = away()
    take(machine, 3, 4, fence(4, 3))
    take(machine, 3, 4, fence(4, 3))
    take(machine, 4, 4, fence(4, 5))
    expect(machine.strangers).toBeUndefined()
    take(machine, 4, 4, fence(4, 3))
    expect(machine.strangers).toBeUndefined()
    take(machine, 5, 4, fence(4, 3))
    expect(machine.strangers).toEqual({ slot: 3, term: 4 })
  })

  it('HM18: the host itself is believed by who follows it, or voted for it, and is left out', () => {
    const voted = machineOf(2, rosterOf([1, 2, 3, 4, 5]), 1, 1)
    const request = voteRequest(2, 3)
    take(at(voted, LEASE), 3, 1, request)
    take(voted, 4, 2, fence(2, 3))
    expect(voted.strangers).toBeUndefined()
    take(voted, 3, 2, fence(2, 3))
    expect(voted.strangers).toEqual({ slot: 3, term: 2 })
    const following = machineOf(2, rosterOf([1, 2, 3, 4, 5]), 1, 1)
    take(at(following, LEASE), 1, 1, fence(1, 1))
    expect(following.strangers).toEqual({ slot: 1, term: 1 })
  })

  it('HM18: after three seconds of silence one member is enough, a learner too', () => {
    const machine = at(away(), 2_999)
    take(machine, 9, 4, fence(4, 3))
    at(machine, 3_000)
    take(machine, 3, 4, fence(4, 0))
    expect(machine.strangers).toBeUndefined()
    take(machine, 9, 4, fence(4, 3))
    expect(machine.strangers).toEqual({ slot: 3, term: 4 })
  })

  it('HM18: after three seconds so is the beat of a host that no roster here names; it is asked, and not followed', () => {
    for (const [ms, from, stranger] of [
      [LONG_SILENCE_MS - 1, 9, undefined],
      [LONG_SILENCE_MS, 9, { slot: 9, term: 4 }],
      // A member is believed or not, as any other.
      [LONG_SILENCE_MS, 3, undefined],
    ] as const) {
      const machine = at(away(), ms)
      take(machine, from, 4, beat(1))
      expect([machine.strangers, machine.host, machine.term]).toEqual([stranger, 1, 1])
    }
  })

  it('HM18: who hears the host of its term believes nobody about that term', () => {
    const machine = at(away(), 0)
    for (const slot of [3, 4, 5]) take(machine, slot, 1, fence(1, 3))
    expect(machine.strangers).toBeUndefined()
  })
})

describe('the log of a guest', () => {
  it("HM8: commits no further than it knows its log to be the host's", () => {
    const machine = guest()
    take(machine, 1, 1, { type: 'Entry', entry: entry(2, 1) })
    take(machine, 1, 1, { type: 'Entry', entry: entry(3, 1) })
    take(machine, 3, 1, vote(2, 3))
    take(machine, 1, 1, vote(2, 3))
    take(machine, 3, 2, beat(3))
    expect([machine.host, machine.log.commit, log(machine)]).toEqual([3, 1, ['1:2', '1:3']])
    take(machine, 3, 2, { type: 'Entry', entry: entry(2, 1) })
    expect(machine.log.commit).toBe(2)
    take(machine, 3, 2, { type: 'Entry', entry: entry(3, 2) })
    expect([machine.log.commit, log(machine)]).toEqual([3, ['1:2', '2:3']])
    expect(machine.logEvents.map((event) => event.kind)).toEqual([
      'appended',
      'appended',
      'committed',
      'cut',
      'appended',
      'committed',
    ])
  })

  it("HM8: an entry that does not follow what is known to be the host's is not put on top of what remains of another", () => {
    const machine = guest()
    take(machine, 1, 1, { type: 'Entry', entry: entry(2, 1) })
    take(machine, 1, 1, { type: 'Entry', entry: entry(3, 1) })
    take(machine, 1, 1, vote(2, 3))
    // The new host has sent entries 2 and 3 of its own before it was followed here; this is what it writes next.
    take(machine, 3, 2, beat(1))
    take(machine, 3, 2, { type: 'Entry', entry: entry(4, 2) })
    expect(log(machine)).toEqual(['1:2', '1:3'])
    for (const index of [2, 3, 4]) take(machine, 3, 2, { type: 'Entry', entry: entry(index, 2) })
    expect([log(machine), machine.verified]).toEqual([['2:2', '2:3', '2:4'], 4])
  })

  it('HM8: what is missing is asked for as long as the host has committed it', () => {
    const machine = guest()
    for (const index of [2, 3, 4]) take(machine, 1, 1, { type: 'Entry', entry: entry(index, 1) })
    take(machine, 1, 1, vote(2, 3))
    take(machine, 3, 2, beat(1))
    told(machine)
    for (let ms = 50; ms <= 1_000; ms += 50) take(at(machine, ms), 3, 2, beat(3))
    expect(told(machine).filter(({ type }) => type === 'Follow').length).toBeGreaterThan(2)
  })

  it('HM10: a log to begin with that is the own one again cuts nothing of what the host counts on', () => {
    const machine = guest()
    for (const index of [2, 3]) take(machine, 1, 1, { type: 'Entry', entry: entry(index, 1) })
    take(machine, 1, 1, { type: 'LogBase', index: 2, entryTerm: 1, roster: ROSTER })
    expect([log(machine), machine.log.commit, machine.host]).toEqual([['1:2', '1:3'], 2, 1])
    expect(machine.logEvents.map((event) => event.kind)).toEqual(['appended', 'appended', 'committed'])
  })

  it('HM10 HM12: in a fork a log to begin with replaces a longer one that is committed; else nothing shortens that', () => {
    for (const isForked of [false, true]) {
      const machine = guest()
      for (const index of [2, 3, 4]) take(machine, 1, 1, { type: 'Entry', entry: entry(index, 1) })
      take(machine, 1, 1, beat(4))
      if (isForked) fork(machine, 1, ROSTER)
      for (const slot of [1, 3]) take(machine, slot, 1, vote(2, 3))
      take(machine, 3, 2, beat(2))
      told(machine)
      machine.logEvents.length = 0
      // The host of the fork has another second entry. Without a fork only a liar has.
      take(machine, 3, 2, { type: 'LogBase', index: 2, entryTerm: 2, roster: ROSTER })
      expect(machine.logEvents).toEqual(isForked ? [{ kind: 'reset', index: 2 }] : [])
      expect([machine.host, machine.log.commit, lengthOf(machine.log)]).toEqual(isForked ? [3, 2, 2] : [3, 4, 4])
      if (isForked) expect(told(machine)).toContainEqual({ type: 'Follow', commit: 2, commitTerm: 2 })
    }
  })

  it('HM10: another log begins anew, under the host that gave it', () => {
    const machine = guest()
    for (const index of [2, 3]) take(machine, 1, 1, { type: 'Entry', entry: entry(index, 1) })
    take(machine, 3, 2, { type: 'LogBase', index: 3, entryTerm: 2, roster: ROSTER })
    expect([machine.log.base, machine.log.commit, machine.host, machine.term]).toEqual([3, 3, 3, 2])
    expect(machine.logEvents.at(-1)).toEqual({ kind: 'reset', index: 3 })
    // Of an earlier host, or without a place in it: nothing.
    take(machine, 1, 1, { type: 'LogBase', index: 9, entryTerm: 1, roster: ROSTER })
    take(machine, 3, 2, { type: 'LogBase', index: 9, entryTerm: 2, roster: rosterOf([1, 3]) })
    expect(machine.log.commit).toBe(3)
  })
})
