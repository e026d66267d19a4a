import { describe, expect, it } from 'vitest'
import { Bench, LEASE, machineOf, note, rosterOf, voteRequest } from '../testing/host-bench.ts'
import { lengthOf } from './log.ts'
import type { HostMachine } from './machine.ts'
import { EVERYONE, WITNESS, type HostMessage } from './messages.ts'
import { createReign } from './reign.ts'
import { fork, hostLeft, releaseTo, setTime, take, tick } from './step.ts'
import { LONG_SILENCE_MS } from './timing.ts'

const at = (machine: HostMachine, ms: number): void => setTime(machine, { monoMs: ms, wallMs: ms })
const vote = (term: number, candidate: number, lastTerm = 1, length = 1): HostMessage => ({
  type: 'Vote',
  term,
  candidate,
  lastTerm,
  length,
  commit: 1,
  tick: 0,
})
const suspect: HostMessage = { type: 'Suspect', promised: 1, commit: 0 }

describe('standing', () => {
  it("HM4: without the lobby its vote is not counted on: who could not win stands in nobody's way", () => {
    const machine = machineOf(2, rosterOf([1, 2, 3, 4]), 1, 1)
    machine.hasWitness = false
    const standsWith = (...slots: number[]): boolean => {
      for (const slot of slots) take(machine, slot, 1, suspect)
      tick(machine)
      return machine.candidacy !== undefined
    }
    at(machine, 2 * LEASE)
    expect(standsWith(3)).toBe(false)
    expect(machine.out.some(({ to, message }) => to === WITNESS && message.type === 'Suspect')).toBe(true)
    machine.hasWitness = true
    expect(standsWith(3)).toBe(true)
  })

  it('HM11: who may host, and is not known to yet, goes last; who may not stays where it is', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3], [], [2, 3]), 1, 1)
    for (const canHost of [false, true]) {
      machine.canHost = canHost
      at(machine, 4 * LEASE)
      take(machine, 3, 1, suspect)
      tick(machine)
      at(machine, 4 * LEASE + 150)
      take(machine, 3, 1, suspect)
      tick(machine)
      expect(machine.candidacy !== undefined).toBe(canHost)
    }
  })

  it('HM4: a host that says that it has no quorum counts among those who hear none, whatever was promised', () => {
    const machine = machineOf(3, rosterOf([1, 2, 3]), 1, 1)
    at(machine, 2 * LEASE)
    take(machine, 2, 1, voteRequest(2, 2))
    expect(machine.promised).toBe(2)
    take(machine, 1, 1, { type: 'Beat', sequence: 1, commit: 1 })
    expect(machine.reports.has(1)).toBe(false)
    take(machine, 1, 1, { type: 'Beat', sequence: 2, commit: 1, isCut: true })
    expect(machine.reports.get(1)).toBe(2 * LEASE)
  })

  it('HM4: silence alone makes nobody a candidate: a quorum has to hear no host', () => {
    const bench = new Bench()
    bench.cut(1, 2)
    bench.run(5_000)
    expect([bench.acting, bench.said('VoteRequest', 2).filter(({ term }) => term > 1)]).toEqual([[1], []])
    expect(bench.said('Suspect', 2).length).toBeGreaterThan(10)
    bench.cut(1, 3)
    expect(bench.runUntil(() => bench.acting.includes(2))).toBe(true)
  })

  it('HM4: a report counts for 175 ms', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    at(machine, LEASE - 100)
    take(machine, 3, 1, suspect)
    at(machine, LEASE + 76)
    tick(machine)
    expect(machine.candidacy).toBeUndefined()
    take(machine, 3, 1, suspect)
    tick(machine)
    expect(machine.candidacy?.term).toBe(2)
  })

  it('HM4: the reports of who does not vote are none', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3], [4]), 1, 1)
    at(machine, LEASE)
    for (const slot of [4, 9]) take(machine, slot, 1, { type: 'Suspect', promised: 50, commit: 0 })
    tick(machine)
    expect([machine.candidacy, machine.highest, machine.reports.size]).toEqual([undefined, 1, 0])
  })

  it('HM4: each next in line lets the one before it try for 250 ms', () => {
    const machine = machineOf(3, rosterOf([1, 2, 3]), 1, 1)
    const standsAt = (from: number): number => {
      for (let ms = from; ; ms += 10) {
        at(machine, ms)
        take(machine, 2, 1, suspect)
        tick(machine)
        if (machine.candidacy !== undefined) return ms
      }
    }
    expect(standsAt(LEASE)).toBe(LEASE + 250)
  })

  it('HM4: one in line that was not heard to miss the host is let try for 50 ms', () => {
    const machine = machineOf(4, rosterOf([1, 2, 3, 4, 5]), 1, 1)
    let ms = LEASE
    for (; machine.candidacy === undefined && ms < 2 * LEASE; ms += 10) {
      at(machine, ms)
      for (const slot of [3, 5]) take(machine, slot, 1, suspect)
      tick(machine)
    }
    expect(ms - 10).toBe(LEASE + 300)
  })

  it('HM4: says that it hears no host after three times the silence that was usual of late, and before its lease is over', () => {
    const reportsAfter = (beatEveryMs: number): number => {
      const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
      let ms = 0
      for (; ms <= 2_400; ms += beatEveryMs) {
        at(machine, ms)
        take(machine, 1, 1, { type: 'Beat', sequence: ms, commit: 1 })
        tick(machine)
      }
      const heardMs = ms - beatEveryMs
      for (ms = heardMs; ms < heardMs + 2 * LEASE; ms += 10) {
        at(machine, ms)
        tick(machine)
        if (machine.out.some(({ message }) => message.type === 'Suspect')) return ms - heardMs
      }
      return Infinity
    }
    expect([50, 150, 250].map(reportsAfter)).toEqual([LEASE / 2, 450, LEASE])
  })

  it('HM3 HM4: however early the others say so, nobody stands before a lease is over', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    for (let ms = 0; ms < LEASE; ms += 10) {
      at(machine, ms)
      take(machine, 3, 1, suspect)
      tick(machine)
    }
    expect([machine.candidacy, machine.promised]).toEqual([undefined, 1])
  })

  it('HM11: who may not host votes, and never stands', () => {
    const bench = new Bench({ cannotHost: [2] })
    bench.crash(1)
    expect(bench.runUntil(() => bench.acting[0] === 3)).toBe(true)
    expect(bench.said('VoteRequest', 2)).toEqual([])
    expect(bench.said('Vote', 2).some(({ candidate }) => candidate === 3)).toBe(true)
  })

  it('HM5: whom the newest roster of its log leaves out, or gives no vote, does not stand', () => {
    for (const [roster, stands] of [
      [rosterOf([1, 2, 3, 4]), true],
      [rosterOf([1, 3, 4]), false],
      [rosterOf([1, 3, 4], [2]), false],
    ] as const) {
      const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
      // Not committed: by the roster in force it is the first in line, and its word counts.
      const body = { type: 'Roster', ...roster } as const
      take(machine, 1, 1, { type: 'Entry', entry: { index: 2, term: 1, requester: 0, body } })
      for (let ms = LEASE; ms <= 3 * LEASE; ms += 50) {
        at(machine, ms)
        for (const slot of [1, 3, 4]) take(machine, slot, 1, suspect)
        tick(machine)
      }
      expect(machine.out.some(({ message }) => message.type === 'VoteRequest')).toBe(stands)
      expect(machine.out.some(({ message }) => message.type === 'Suspect')).toBe(true)
    }
  })

  it('HM5: a host that fetched a log which leaves it out is host no more, and says that it hears none, as all do', () => {
    const machine = machineOf(1, rosterOf([1, 2, 3]), 1, 1)
    machine.role = 'host'
    machine.reign = createReign(0)
    at(machine, LONG_SILENCE_MS)
    for (const slot of [2, 3]) take(machine, slot, 1, { type: 'Suspect', promised: 2, commit: 0 })
    tick(machine)
    const { term } = machine.candidacy!
    for (const slot of [2, 3]) take(machine, slot, 1, vote(term, 1, 2, 2))
    const body = { type: 'Roster', ...rosterOf([2, 3, 4]) } as const
    take(machine, 2, 1, { type: 'Entry', entry: { index: 2, term: 2, requester: 0, body } })
    expect([machine.role, machine.candidacy]).toEqual(['host', undefined])
    machine.out.length = 0
    tick(machine)
    expect([machine.role, machine.reign]).toEqual(['follower', undefined])
    expect(machine.out.map(({ to, message }) => [to, message.type])).toContainEqual([EVERYONE, 'Suspect'])
    for (let ms = 0; ms < 2_000; ms += 50) {
      at(machine, machine.nowMs + 50)
      for (const slot of [2, 3, 4]) take(machine, slot, 1, suspect)
      tick(machine)
    }
    expect(machine.out.filter(({ message }) => message.type === 'VoteRequest' || message.type === 'Beat')).toEqual([])
  })

  it('HM5: a host that was replaced comes last, but it does come', () => {
    const bench = new Bench({ members: 2 })
    bench.isolate(1)
    expect(bench.runUntil(() => bench.said('Vote', 0).some(({ candidate, term }) => candidate === 2 && term > 1))).toBe(
      true,
    )
    // It hears of its successor, follows it, and then is the only one left.
    bench.heal()
    bench.runUntil(() => bench.of(1).host === 2)
    bench.run(50)
    bench.crash(2)
    expect(bench.runUntil(() => bench.acting[0] === 1)).toBe(true)
  })

  it('HM5: a host that voted for a successor which never came stands again', () => {
    const machine = machineOf(1, rosterOf([1, 2, 3]), 1, 1)
    machine.promised = 2
    machine.candidate = 2
    machine.grantedMs = 0
    for (let ms = LEASE; ms < LEASE + 1_000 && machine.candidacy === undefined; ms += 50) {
      at(machine, ms)
      take(machine, 3, 1, suspect)
      tick(machine)
    }
    expect(machine.candidacy?.term).toBe(3)
  })
})

describe('taking over', () => {
  it('HM6: the best log among the votes is taken, and goes on under the new term', () => {
    const bench = new Bench()
    bench.cut(1, 2)
    bench.append(1, 5)
    bench.run(100)
    bench.append(1, 6)
    bench.run(20)
    expect([bench.tail(2), bench.committedOf(3).includes('1:5')]).toEqual(['1:1', true])
    bench.crash(1)
    expect(bench.runUntil(() => bench.acting.length === 1)).toBe(true)
    bench.run(200)
    expect(bench.acting).toEqual([2])
    expect(bench.committedOf(2).slice(0, 3)).toEqual(['1:Roster', '1:5', '1:6'])
    expect(bench.committedOf(3)).toEqual(bench.committedOf(2))
  })

  it('HM6: a better log that takes its time is waited for: votes and log need two round trips', () => {
    const bench = new Bench({ cannotHost: [3] })
    bench.cut(1, 2)
    bench.append(1, 5)
    bench.run(50)
    bench.crash(1)
    bench.delayMs = 140
    expect(bench.runUntil(() => bench.acting[0] === 2)).toBe(true)
    bench.run(600)
    expect([bench.of(2).term, bench.committedOf(2).slice(0, 2)]).toEqual([2, ['1:Roster', '1:5']])
  })

  it('HM6: goes on from the highest tick among the votes', () => {
    const bench = new Bench()
    bench.of(3).tick = 5_000
    bench.of(2).tick = 70
    bench.crash(1)
    bench.runUntil(() => bench.acting.length === 1)
    expect([bench.acting, bench.of(2).tick]).toEqual([[2], 5_000])
  })

  it('HM6: the lease of a new host counts from when it stood, not from when it won', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    at(machine, LEASE)
    take(machine, 3, 1, suspect)
    tick(machine)
    const { term } = machine.candidacy!
    at(machine, LEASE + 400)
    take(machine, 3, 1, vote(term, 2))
    expect(machine.role).toBe('host')
    expect(machine.reign!.acked.get(3)).toEqual({ monoMs: LEASE, wallMs: LEASE })
  })

  it('HM6: nobody takes over below a position that the lobby witnessed', () => {
    const bench = new Bench({ members: 2 })
    bench.cut(1, 2)
    // Acks of guest 2 are gone; the lobby's make the quorum.
    bench.append(1, 5)
    expect(bench.runUntil(() => bench.committed.get(2) === '1:5')).toBe(true)
    bench.crash(1)
    bench.run(4_000)
    expect([bench.acting, bench.said('Vote', 0).some(({ candidate }) => candidate === 2)]).toEqual([[], true])
  })

  it('HM6: what is fetched is taken in order, up to what the vote promised', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    const entry = (index: number, term: number) =>
      ({ type: 'Entry', entry: { index, term, requester: 1, body: note(index) } }) as const
    take(machine, 1, 1, entry(2, 1))
    at(machine, LEASE)
    take(machine, 3, 1, suspect)
    tick(machine)
    const { term } = machine.candidacy!
    take(machine, 3, 1, vote(term, 2, 2, 3))
    expect(machine.out.at(-1)?.message).toEqual({ type: 'FetchLog', from: 2 })
    take(machine, 3, 1, entry(3, 2))
    expect([machine.role, machine.log.entries.map((one) => one.term)]).toEqual(['follower', [1]])
    take(machine, 3, 1, entry(2, 2))
    take(machine, 3, 1, entry(4, 2))
    expect([machine.role, machine.log.entries.map((one) => one.term)]).toEqual(['follower', [2]])
    take(machine, 3, 1, entry(3, 2))
    expect(machine.role).toBe('host')
    expect(machine.log.entries.map((one) => one.term)).toEqual([2, 2, term])
  })

  it('HM6: a log that does not name the candidate any more is no log to take over with', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    at(machine, LEASE)
    take(machine, 3, 1, suspect)
    tick(machine)
    const { term } = machine.candidacy!
    take(machine, 3, 1, vote(term, 2, 1, 2))
    take(machine, 1, 1, vote(term, 2, 1, 1))
    const body = { type: 'Roster', ...rosterOf([1, 3]) } as const
    take(machine, 3, 1, { type: 'Entry', entry: { index: 2, term: 1, requester: 0, body } })
    expect([machine.role, machine.candidacy]).toEqual(['follower', undefined])
  })

  it('HM6: what a voter knows to be committed is committed by the winner, that had not heard of it', () => {
    for (const [voter, knows, isForked, commit] of [
      [3, 3, false, 3],
      [3, 2, false, 2],
      // No more than there is.
      [3, 99, false, 3],
      // The lobby knows of no commits, and before a fork others may have committed something else.
      [WITNESS, 3, false, 1],
      [3, 3, true, 1],
    ] as const) {
      const machine = machineOf(2, rosterOf([1, 2, 3, 4]), 1, 1)
      for (const index of [2, 3]) {
        take(machine, 1, 1, { type: 'Entry', entry: { index, term: 1, requester: 1, body: note(index) } })
      }
      at(machine, 2 * LEASE)
      if (isForked) fork(machine, 1, rosterOf([2, 3, 4]))
      for (const slot of [3, 4]) take(machine, slot, 1, suspect)
      tick(machine)
      const { term } = machine.candidacy!
      for (const slot of isForked ? [3, 4] : [WITNESS, 3, 4]) {
        const granted = vote(term, 2, 1, 3)
        take(machine, slot, 1, { ...granted, commit: slot === voter ? knows : 1 } as HostMessage)
      }
      expect([machine.role, machine.log.commit, machine.log.entries.length]).toEqual(['host', commit, 3])
      const committed = machine.logEvents.filter((event) => event.kind === 'committed')
      expect(committed.length).toBe(commit - 1)
    }
  })

  it('HM6 HM8: a winner counts by the roster that a voter knows to be in force, not by one that it superseded', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3, 4, 5]), 1, 1)
    const body = { type: 'Roster', ...rosterOf([1, 2, 3]) } as const
    take(machine, 1, 1, { type: 'Entry', entry: { index: 2, term: 1, requester: 0, body } })
    at(machine, LEASE)
    for (const slot of [1, 3, 4]) take(machine, slot, 1, suspect)
    tick(machine)
    const { term } = machine.candidacy!
    // One that has left grants it as well, and is heard of no more.
    take(machine, 4, 1, vote(term, 2))
    take(machine, 3, 1, { ...vote(term, 2, 1, 2), commit: 2 } as HostMessage)
    expect([machine.role, machine.log.rosters[0]!.members.map(({ slot }) => slot)]).toEqual(['host', [1, 2, 3]])
    take(machine, 3, term, { type: 'BeatAck', sequence: 0, held: 3, promised: term })
    expect(machine.log.commit).toBe(3)
  })

  it('HM13: the vote of who does not vote changes nothing, whatever log it claims to hold', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3], [4]), 1, 1)
    at(machine, LEASE)
    take(machine, 3, 1, suspect)
    tick(machine)
    const { term } = machine.candidacy!
    for (const slot of [4, 9]) take(machine, slot, 1, vote(term, 2, 9, 99))
    take(machine, 4, 1, vote(term + 50, 4))
    expect([machine.highest, machine.candidacy?.grants.size]).toEqual([1, 1])
    take(machine, 3, 1, vote(term, 2))
    expect(machine.role).toBe('host')
  })

  it('HM6: votes of an earlier attempt, and for another, are none', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    at(machine, LEASE)
    take(machine, 3, 1, suspect)
    tick(machine)
    const { term } = machine.candidacy!
    for (const wrong of [vote(term - 1, 2), vote(term + 1, 2), vote(term, 1)]) take(machine, 3, 1, wrong)
    expect([machine.role, machine.candidacy?.grants.size]).toEqual(['follower', 1])
  })

  it('HM6: sends nobody what it keeps no more, however much it commits on taking over', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3, 4, 5]), 1, 1)
    for (let index = 2; index <= 3_000; index++) {
      take(machine, 1, 1, { type: 'Entry', entry: { index, term: 1, requester: 1, body: note(index) } })
    }
    at(machine, LEASE)
    for (const slot of [1, 3, 4]) take(machine, slot, 1, suspect)
    tick(machine)
    const vote = { type: 'Vote', term: machine.candidacy!.term, candidate: 2, lastTerm: 1, tick: 0 } as const
    take(machine, 3, 1, { ...vote, length: 10, commit: 10 })
    machine.out.length = 0
    take(machine, 4, 1, { ...vote, length: 3_000, commit: 3_000 })
    expect([machine.role, machine.log.commit]).toEqual(['host', 3_000])
    expect(machine.log.base).toBeGreaterThan(1_000)
    const sent = machine.out.flatMap(({ message }) => (message.type === 'Entry' ? [message.entry] : []))
    expect(sent.length).toBeGreaterThan(0)
    expect(sent).not.toContain(undefined)
  })

  it('HM6: a late vote of an attempt that was given up makes nobody host', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    at(machine, LEASE)
    take(machine, 3, 1, suspect)
    tick(machine)
    const { term } = machine.candidacy!
    at(machine, LEASE + 500)
    tick(machine)
    expect(machine.candidacy).toBeUndefined()
    take(machine, 3, 1, vote(term, 2))
    expect(machine.role).toBe('follower')
  })
})

describe('handing over', () => {
  it('HM7: the successor takes over without silence; the host sends until then, and writes nothing', () => {
    const bench = new Bench()
    bench.append(1, 5)
    bench.act(1, (machine) => releaseTo(machine, 3))
    const startMs = bench.nowMs
    expect([bench.append(1, 6), bench.of(1).reign!.releasing?.to]).toEqual([undefined, 3])
    expect(bench.runUntil(() => bench.acting[0] === 3)).toBe(true)
    expect(bench.nowMs - startMs).toBeLessThan(LEASE / 2)
    bench.run(100)
    expect([1, 2, 3].map((slot) => bench.of(slot).host)).toEqual([3, 3, 3])
    expect(bench.committedOf(3).includes('1:5')).toBe(true)
    // The one that let go is told as the others are: it was not away.
    for (const slot of [1, 2]) {
      const told = bench.turns.filter(({ at: who, term }) => who === slot && term > 1)
      expect(told.map(({ reason }) => reason)).toEqual(['handed-over'])
    }
    expect(bench.of(3).log.roster.members.map(({ slot }) => slot)).toEqual([3, 2, 1])
  })

  it('HM7: without a successor, the host acts again only under a new term', () => {
    const bench = new Bench()
    bench.crash(3)
    bench.run(100)
    bench.act(1, (machine) => releaseTo(machine, 3))
    bench.run(500 + 2 * LEASE - 50)
    expect([bench.acting, bench.of(1).term, bench.holdsLease(1)]).toEqual([[], 1, true])
    expect(bench.runUntil(() => bench.acting[0] === 1)).toBe(true)
    expect(bench.of(1).term).toBeGreaterThan(1)
    expect(bench.of(1).release).toBeUndefined()
  })

  it('HM7: when the host left, whoever is first in line goes at once', () => {
    const bench = new Bench({ members: 5 })
    bench.crash(1)
    for (const slot of [2, 3, 4, 5]) bench.act(slot, (machine) => hostLeft(machine, 1))
    const startMs = bench.nowMs
    expect(bench.runUntil(() => bench.acting[0] === 2)).toBe(true)
    expect(bench.nowMs - startMs).toBeLessThan(LEASE / 2)
    bench.run(50)
    expect(bench.turns.filter(({ at: who, term }) => who === 3 && term > 1).map(({ reason }) => reason)).toEqual([
      'left',
    ])
  })

  it('HM7: what was released in a term is over with it', () => {
    const bench = new Bench()
    bench.act(1, (machine) => {
      machine.highest = 4
      tick(machine)
      releaseTo(machine, 3)
    })
    bench.cut(1, 3)
    expect(bench.runUntil(() => bench.of(1).term === 5)).toBe(true)
    expect([bench.of(1).release, bench.of(2).release]).toEqual([undefined, undefined])
  })
})

describe('a declared fork', () => {
  /** The first candidate of a fork of three, with the vote of one other: a quorum. */
  function candidate(): HostMachine {
    const machine = machineOf(1, rosterOf([1, 2, 3, 4, 5]), 1, 1)
    at(machine, 10_000)
    fork(machine, 1, rosterOf([1, 2, 3]))
    for (const slot of [2, 3]) take(machine, slot, 1, suspect)
    tick(machine)
    take(machine, 2, 1, vote(machine.candidacy!.term, 1))
    return machine
  }

  it('HM12: its first candidate waits a second for all votes, and then goes on without those that do not come', () => {
    const machine = candidate()
    for (let ms = 50; ms < 1_000; ms += 50) {
      at(machine, 10_000 + ms)
      tick(machine)
      expect([machine.role, machine.candidacy !== undefined]).toEqual(['follower', true])
    }
    at(machine, 11_000)
    tick(machine)
    expect([machine.role, lengthOf(machine.log)]).toEqual(['host', 2])
    // What its voters have committed may be another log: each says first where it stands.
    const isEntry = ({ message }: { message: HostMessage }): boolean => message.type === 'Entry'
    expect(machine.out.filter(isEntry)).toEqual([])
    take(machine, 2, machine.term, { type: 'Follow', commit: 1, commitTerm: 1 })
    expect(machine.out.filter(isEntry).map(({ to }) => to)).toEqual([2])
  })

  it('HM12: with the votes of all it begins at once, with the best log among them', () => {
    const machine = candidate()
    const { term } = machine.candidacy!
    at(machine, 10_300)
    take(machine, 3, 1, vote(term, 1, 1, 3))
    expect(machine.out.at(-1)).toEqual({ to: 3, term: 1, message: { type: 'FetchLog', from: 2 } })
    for (const index of [2, 3]) {
      take(machine, 3, 1, { type: 'Entry', entry: { index, term: 1, requester: 1, body: note(index) } })
    }
    expect([machine.role, machine.term]).toEqual(['host', term])
    expect(machine.log.entries.map((entry) => entry.term)).toEqual([1, 1, term])
  })

  it('HM12: once the roster of a fork is committed a quorum is enough again, as for any other candidate', () => {
    const machine = machineOf(1, rosterOf([1, 2, 3]), 1, 1)
    at(machine, 10_000)
    fork(machine, 1, rosterOf([1, 2, 3]))
    // As when the roster that its first host wrote is committed here.
    machine.forked = undefined
    for (const slot of [2, 3]) take(machine, slot, 1, suspect)
    tick(machine)
    take(machine, 2, 1, vote(machine.candidacy!.term, 1))
    expect(machine.role).toBe('host')
  })

  it('HM12: the host that is left alone hosts again; so does the first in line among several', () => {
    for (const left of [[1], [1, 2], [2, 4]]) {
      const bench = new Bench({ members: 4 })
      for (const slot of [1, 2, 3, 4]) if (!left.includes(slot)) bench.crash(slot)
      bench.run(2_000)
      for (const slot of left) bench.act(slot, (machine) => fork(machine, 1, rosterOf(left)))
      if (left.length === 2) bench.hasNoWitness = true
      expect(bench.runUntil(() => bench.acting.length === 1)).toBe(true)
      bench.run(200)
      expect(left.map((slot) => bench.of(slot).host)).toEqual(left.map(() => left[0]))
      expect(bench.of(left[0]!).log.roster.members.map(({ slot }) => slot)).toEqual(left)
      expect(bench.of(left[0]!).forked).toBeUndefined()
    }
  })
})
