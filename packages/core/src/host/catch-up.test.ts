import { describe, expect, it } from 'vitest'
import { Bench, LEASE, machineOf, note, rosterOf, voteRequest } from '../testing/host-bench.ts'
import { GIFT_TERM } from './catch-up.ts'
import type { HostMachine } from './machine.ts'
import type { HostMessage } from './messages.ts'
import { createReign } from './reign.ts'
import { setTime, take, tick } from './step.ts'
import { LONG_SILENCE_MS } from './timing.ts'

const at = (machine: HostMachine, ms: number): HostMachine => {
  setTime(machine, { monoMs: ms, wallMs: ms })
  return machine
}
const suspect = (commit: number): HostMessage => ({ type: 'Suspect', promised: 1, commit })
const gift = (index: number, term = 1): HostMessage => ({
  type: 'Entry',
  entry: { index, term, requester: 1, body: note(index) },
})
const given = (machine: HostMachine, to: number): number[] =>
  machine.out.splice(0).flatMap((one) => (one.to === to && one.message.type === 'Entry' ? one.message.entry.index : []))

/** Member 1 hosts, `count` entries are committed, and whoever is named in `without` has none of them. */
function roomWith(count: number, without: readonly number[], options: ConstructorParameters<typeof Bench>[0]): Bench {
  const bench = new Bench(options)
  for (const slot of without) for (const other of bench.machines.keys()) if (other !== slot) bench.cut(slot, other)
  for (let request = 1; request <= count; request++) bench.append(1, request)
  bench.run(300)
  expect(bench.of(1).log.commit).toBe(bench.of(1).log.entries.length)
  return bench
}

describe('members without a host', () => {
  it('HM20: who hears no host is given what is committed by those who have it', () => {
    const bench = roomWith(5, [5], { members: 5, learners: 1 })
    bench.crash(1)
    bench.cut(2, 3)
    bench.cut(2, 4)
    bench.heal()
    const { log } = bench.of(5)
    expect(bench.runUntil(() => log.commit >= bench.of(2).log.commit && bench.of(5).host !== 1)).toBe(true)
    expect(bench.committedOf(5)).toEqual(bench.committedOf(bench.acting[0]!).slice(0, log.commit - log.base))
  })

  it('HM20: a candidate is given by a learner what only the lobby and that learner have seen', () => {
    // Two voters and the lobby: the host commits with the lobby while the other voter is out of reach.
    const bench = new Bench({ members: 3, learners: 1 })
    bench.cut(1, 2)
    for (let request = 1; request <= 3; request++) bench.append(1, request)
    bench.run(400)
    expect(bench.of(1).log.commit).toBeGreaterThan(bench.of(2).log.commit)
    bench.crash(1)
    expect(bench.runUntil(() => bench.acting.includes(2))).toBe(true)
    expect(bench.logOf(2).slice(1, 4)).toEqual(['1:1', '1:2', '1:3'])
  })

  it('HM6 HM20: entries that a learner holds and nobody has committed reach a candidate that needs the lobby', () => {
    const bench = new Bench({ members: 3, learners: 1 })
    bench.cut(1, 2)
    bench.append(1, 1)
    // The lobby witnesses it, and the host dies before anybody hears that it is committed.
    bench.runUntil(() => bench.witness.index > bench.of(2).log.commit && bench.tail(3) === bench.tail(1))
    bench.crash(1)
    expect([bench.of(3).log.commit < bench.witness.index, bench.tail(2)]).toEqual([true, '1:1'])
    expect(bench.runUntil(() => bench.acting.includes(2))).toBe(true)
    expect(bench.logOf(2)[1]).toBe('1:1')
  })

  it('HM20: a stranger that has committed more is told what this member lacks, while that hears no host', () => {
    for (const [ms, from, commit, isTold] of [
      [LEASE / 2, 9, 5, true],
      [LEASE / 2 - 1, 9, 5, false],
      [LEASE, 9, 1, false],
      // A member is told with all the others.
      [LEASE, 3, 5, false],
    ] as const) {
      const machine = at(machineOf(2, rosterOf([1, 2, 3]), 1, 1), ms)
      take(machine, from, 1, suspect(commit))
      const report = { to: from, term: 1, message: { type: 'Suspect', promised: 1, commit: 1 } }
      expect(machine.out).toEqual(isTold ? [report] : [])
      // To be told is no vote: who is in no roster here does not count among those who hear no host.
      expect(machine.reports.has(9)).toBe(false)
    }
  })

  it('HM12 HM20: what was committed before a fork is not put on top of what the fork has committed', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 3, 1)
    take(at(machine, 2 * LEASE), 3, GIFT_TERM, gift(2, 2))
    expect([machine.log.commit, machine.log.entries]).toEqual([1, []])
    take(machine, 3, GIFT_TERM, gift(2, 3))
    expect(machine.log.commit).toBe(2)
  })

  it('HM20: with a host, or before two leases without one, nothing is taken of another than the host', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3], [4]), 1, 1)
    take(at(machine, 2 * LEASE - 1), 3, GIFT_TERM, gift(2))
    expect(machine.log.commit).toBe(1)
    take(at(machine, 2 * LEASE), 4, GIFT_TERM, gift(2))
    expect(machine.log.commit).toBe(1)
    take(machine, 3, GIFT_TERM, gift(2))
    expect(machine.log.commit).toBe(2)
    take(at(machine, LONG_SILENCE_MS), 4, GIFT_TERM, gift(3))
    expect([machine.log.commit, machine.verified]).toEqual([3, 3])
  })

  it('I5 HM20: what an earlier host wrote, and comes late, is no gift: it may never have been committed', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 2, 1)
    take(at(machine, 10 * LEASE), 3, 1, gift(2))
    expect([machine.log.commit, machine.log.entries.length]).toEqual([1, 0])
  })

  it('HM20: entries are taken in order, and what contradicts them and is not committed is cut', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    for (const index of [2, 3]) take(machine, 1, 1, gift(index))
    at(machine, 2 * LEASE)
    take(machine, 3, GIFT_TERM, gift(3, 2))
    expect(machine.log.commit).toBe(1)
    take(machine, 3, GIFT_TERM, gift(2, 2))
    expect([machine.log.commit, machine.log.entries.map((entry) => entry.term)]).toEqual([2, [2]])
  })

  it('HM20: a roster without the member itself is taken too: a later one may name it again', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    const rosterAt = (index: number, members: readonly number[]): HostMessage => ({
      type: 'Entry',
      entry: { index, term: 2, requester: 0, body: { type: 'Roster', ...rosterOf(members) } },
    })
    const standsAt = (ms: number): boolean => {
      take(at(machine, ms), 3, 1, suspect(1))
      tick(machine)
      return machine.candidacy !== undefined
    }
    take(at(machine, 2 * LEASE), 3, GIFT_TERM, rosterAt(2, [1, 3]))
    expect([machine.log.commit, standsAt(3 * LEASE)]).toEqual([2, false])
    take(machine, 3, GIFT_TERM, rosterAt(3, [1, 2, 3]))
    standsAt(3 * LEASE)
    expect([machine.log.commit, standsAt(3 * LEASE + 100)]).toEqual([3, true])
  })

  it('HM20: a host without a quorum that learns what another has committed is host no more', () => {
    const bench = new Bench()
    bench.isolate(1)
    bench.run(2 * LEASE)
    const host = bench.of(1)
    expect(host.role).toBe('host')
    take(at(host, bench.nowMs), 2, GIFT_TERM, gift(host.log.commit + 1, 1))
    expect(host.role).toBe('host')
    take(host, 2, GIFT_TERM, gift(host.log.commit + 1, 2))
    expect([host.role, host.reign]).toEqual(['follower', undefined])
  })

  it('HM13 HM20: a forged term is counted, and a flood of them is no log', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    take(at(machine, 2 * LEASE), 3, GIFT_TERM, gift(2, 9_000))
    expect([machine.log.commit, machine.breaches.length]).toEqual([1, 1])
  })

  it('HM20: what is under way is not sent again for 100 ms, and then each time twice as long', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    take(machine, 1, 1, gift(2))
    take(machine, 1, 1, { type: 'Beat', sequence: 1, commit: 2 })
    const times: number[] = []
    for (let ms = 10; ms <= 2_000; ms += 10) {
      take(at(machine, ms), 3, 1, suspect(1))
      if (given(machine, 3).length > 0) times.push(ms)
    }
    expect(times).toEqual([10, 110, 310, 710, 1_510])
  })

  it('HM20: no more than 256 entries are given at a time', () => {
    const machine = machineOf(2, rosterOf([1, 2, 3]), 1, 1)
    for (let index = 2; index <= 400; index++) take(machine, 1, 1, gift(index))
    take(machine, 1, 1, { type: 'Beat', sequence: 1, commit: 400 })
    machine.out.length = 0
    take(machine, 3, 1, suspect(1))
    const first = given(machine, 3)
    expect([first.length, first[0], first[255]]).toEqual([256, 2, 257])
    take(at(machine, 200), 3, 1, suspect(257))
    expect(given(machine, 3).length).toBe(143)
  })

  it('HM18: who asks after a host of an earlier term is told who hosts now', () => {
    const machine = machineOf(3, rosterOf([1, 2, 3]), 5, 2)
    take(machine, 1, 4, suspect(1))
    const fence = machine.out.find((one) => one.message.type === 'Fence')
    expect([fence?.to, fence?.message]).toEqual([1, { type: 'Fence', promised: 5, term: 5, host: 2 }])
    machine.out.length = 0
    take(machine, 1, 5, suspect(1))
    expect(machine.out).toEqual([])
  })
})

describe('a host that is given up', () => {
  it('HM7: stands again once a quorum says that it hears none', () => {
    const bench = new Bench({ members: 3, cannotHost: [2, 3] })
    // It is heard, and says that it hears nobody.
    for (const slot of [2, 3]) bench.cuts.add(`${slot}>1`)
    bench.run(5 * LEASE)
    expect([bench.acting, bench.of(1).term, bench.of(2).isHostCut]).toEqual([[], 1, true])
    bench.heal()
    expect(bench.runUntil(() => bench.acting.includes(1))).toBe(true)
    expect(bench.of(1).term).toBeGreaterThan(1)
  })

  it('HM5: yields to whoever stands for the same term, and votes for it as one that hosts no more', () => {
    const machine = machineOf(1, rosterOf([1, 2]), 1, 1)
    machine.role = 'host'
    machine.reign = createReign(0)
    for (let ms = 0; machine.candidacy === undefined; ms += 50) {
      take(at(machine, ms), 2, 1, suspect(1))
      tick(machine)
      expect(ms).toBeLessThan(10 * LEASE)
    }
    const { term } = machine.candidacy
    machine.out.length = 0
    take(machine, 2, 1, voteRequest(term, 2))
    const vote = machine.out.find(({ message }) => message.type === 'Vote')
    expect([machine.role, machine.candidacy, machine.candidate]).toEqual(['follower', undefined, 2])
    expect(vote?.message).toMatchObject({ term, candidate: 2 })
  })

  it('HM7: does not while its voters still count on it', () => {
    const machine = machineOf(1, rosterOf([1, 2, 3]), 1, 1)
    machine.role = 'host'
    for (let ms = 0; ms <= 5 * LEASE; ms += 50) {
      take(at(machine, ms), 9, 1, suspect(1))
      tick(machine)
    }
    expect(machine.candidacy).toBeUndefined()
  })
})
