import { describe, expect, it } from 'vitest'
import { Bench, LEASE, machineOf, note, rosterOf } from '../testing/host-bench.ts'
import { holdsLease, isActing, leaseAgeMs } from './council.ts'
import { append, lengthOf } from './log.ts'
import type { HostMachine } from './machine.ts'
import type { HostMessage } from './messages.ts'
import { appendEntry, sendBase } from './reign.ts'
import { releaseTo, resign, setTime, take, tick } from './step.ts'

/** A host in its first term, to which the test speaks for everybody else. */
function host(members: readonly number[] = [1, 2, 3], learners: readonly number[] = []): HostMachine {
  const machine = machineOf(1, rosterOf(members, learners))
  machine.release = 1
  tick(machine)
  const vote = { type: 'Vote', term: 1, candidate: 1, lastTerm: 0, length: 0, commit: 0, tick: 0 } as const
  for (const slot of members.length % 2 === 0 ? [...members, 0] : members) if (slot !== 1) take(machine, slot, 0, vote)
  for (const slot of members) if (slot !== 1) ack(machine, slot, lastBeat(machine), 1)
  machine.out.length = 0
  machine.logEvents.length = 0
  return machine
}

function lastBeat(machine: HostMachine): number {
  return machine.reign!.beatSequence - 1
}

function ack(machine: HostMachine, from: number, sequence: number, held: number, term = machine.term): void {
  take(machine, from, term, { type: 'BeatAck', sequence, held, promised: term })
}

function at(machine: HostMachine, monoMs: number, wallMs = monoMs): void {
  setTime(machine, { monoMs, wallMs })
}

function told(machine: HostMachine): HostMessage[] {
  return machine.out.splice(0).map(({ message }) => message)
}

describe('the lease', () => {
  it('HM2: the lobby is asked only where its vote suffices: a host that stays short must not bind it', () => {
    for (const heard of [[], [2], [2, 3]]) {
      const machine = host([1, 2, 3, 4])
      let asked = 0
      for (let nowMs = 50; nowMs < 3 * LEASE; nowMs += 50) {
        at(machine, nowMs)
        tick(machine)
        for (const slot of heard) ack(machine, slot, lastBeat(machine), 1)
        const said = told(machine).filter(({ type }) => type === 'WitnessBeat').length
        if (nowMs > LEASE + 50) asked += said
      }
      // Three of five, the lobby's vote counted: one other voter makes it worth asking, two make it needless.
      expect(asked > 0, `${heard.length} heard`).toBe(heard.length === 1)
    }
  })

  it('HM2: lasts 0.97 of its time from when the beat was sent that a quorum acked', () => {
    const machine = host()
    at(machine, 50)
    tick(machine)
    at(machine, 500)
    ack(machine, 2, lastBeat(machine), 1)
    expect(leaseAgeMs(machine)).toBe(450)
    tick(machine)
    const sequence = lastBeat(machine)
    at(machine, 900)
    ack(machine, 2, sequence, 1)
    expect(leaseAgeMs(machine)).toBe(400)
    at(machine, 500 + 0.97 * LEASE - 1)
    expect([holdsLease(machine), appendEntry(machine, note(1), 1)]).toEqual([true, 2])
    at(machine, 500 + 0.97 * LEASE)
    expect([holdsLease(machine), isActing(machine), appendEntry(machine, note(2), 1)]).toEqual([
      false,
      false,
      undefined,
    ])
  })

  it('HM2: a host that was not acked for half a lease beats in every frame, for two leases at most', () => {
    const machine = host()
    const countMs = (fromMs: number, toMs: number): number => {
      told(machine)
      for (let ms = fromMs; ms < toMs; ms += 10) {
        at(machine, ms)
        tick(machine)
      }
      return told(machine).filter(({ type }) => type === 'Beat').length
    }
    expect(countMs(50, LEASE / 2)).toBe(5)
    expect(countMs(LEASE / 2 + 50, LEASE)).toBeGreaterThanOrEqual(12)
    ack(machine, 2, lastBeat(machine), 1)
    expect(countMs(LEASE, LEASE + 200)).toBeLessThanOrEqual(4)
    expect(countMs(4 * LEASE, 4 * LEASE + 200)).toBeLessThanOrEqual(4)
  })

  it('HM2: a host that stood still is heard again in time, though the beats before and after it are lost', () => {
    const bench = new Bench()
    const beatsTo3 = (): number => bench.sent.filter(({ to, message }) => to === 3 && message.type === 'Beat').length
    const sent = beatsTo3()
    bench.runUntil(() => beatsTo3() > sent)
    bench.run(bench.delayMs)
    for (const slot of [2, 3]) bench.cut(1, slot)
    bench.run(105)
    bench.paused.add(1)
    bench.run(450)
    bench.paused.clear()
    bench.run(10)
    bench.heal()
    bench.run(2 * LEASE)
    expect([bench.acting, bench.of(1).term, bench.said('VoteRequest').filter(({ term }) => term > 1)]).toEqual([
      [1],
      1,
      [],
    ])
  })

  it('HM2: the beats that a host remembers reach back further than a lease, however fast it beats', () => {
    const machine = host()
    for (let ms = 5; ms < 2 * LEASE; ms += 5) {
      at(machine, ms)
      tick(machine)
    }
    const { sent } = machine.reign!
    expect(2 * LEASE - Math.min(...sent.map(({ monoMs }) => monoMs))).toBeGreaterThan(LEASE)
  })

  it('HM2: whichever clock says longer is right', () => {
    const machine = host()
    at(machine, 100, 2_000)
    expect(isActing(machine)).toBe(false)
    at(machine, 2_000, 100)
    expect(isActing(machine)).toBe(false)
    at(machine, 100, 100)
    expect(isActing(machine)).toBe(true)
  })

  it('HM2: needs a quorum, itself included; the lobby counts where voters are even', () => {
    for (const [members, needed] of [
      [[1, 2, 3], 1],
      [[1, 2, 3, 4, 5], 2],
      [[1, 2, 3, 4], 2],
      [[1, 2], 1],
    ] as const) {
      const machine = host(members)
      at(machine, LEASE - 50)
      tick(machine)
      const sequence = lastBeat(machine)
      at(machine, LEASE + 50)
      for (let slot = 2; slot < 2 + needed; slot++) {
        expect(holdsLease(machine)).toBe(false)
        if (members.length === 2) take(machine, 0, 1, { type: 'WitnessAck', sequence, entryTerm: 1, index: 1 })
        else ack(machine, slot, sequence, 1)
      }
      expect(holdsLease(machine)).toBe(true)
    }
  })

  it('HM2 HB3: acks of another term, of learners and of beats that were never sent prolong nothing', () => {
    const machine = host([1, 2, 3], [4])
    at(machine, 500)
    tick(machine)
    const sequence = lastBeat(machine)
    ack(machine, 2, sequence, 1, 9)
    ack(machine, 4, sequence, 1)
    ack(machine, 2, sequence + 1, 1)
    ack(machine, 2, sequence + 1_000, 1)
    expect(leaseAgeMs(machine)).toBe(500)
  })

  it('HM2: the lobby is asked when the peers alone come short', () => {
    const bench = new Bench({ members: 2 })
    bench.run(300)
    bench.sent.length = 0
    bench.run(300)
    expect(bench.said('WitnessBeat')).toEqual([])
    bench.crash(2)
    bench.run(3_000)
    expect([bench.acting, bench.said('WitnessBeat').length > 10]).toEqual([[1], true])
    bench.hasNoWitness = true
    bench.run(LEASE)
    expect(bench.acting).toEqual([])
  })

  it('HM2: while a roster is on its way, a quorum of the old one and of the new one', () => {
    const machine = host([1, 2, 3])
    const body = { type: 'Roster', ...rosterOf([1, 2, 3, 4, 5]) } as const
    expect(appendEntry(machine, body, 0)).toBe(2)
    at(machine, 500)
    tick(machine)
    const sequence = lastBeat(machine)
    at(machine, 700)
    for (const slot of [4, 5]) ack(machine, slot, sequence, 1)
    expect(holdsLease(machine)).toBe(false)
    ack(machine, 2, sequence, 1)
    expect(holdsLease(machine)).toBe(true)
  })

  it('HM2: without it a host sends beats, and goes on when it is acked again', () => {
    const bench = new Bench()
    bench.isolate(1)
    // Before another can be free to take over.
    bench.run(0.975 * LEASE)
    expect(bench.acting).toEqual([])
    const sent = bench.said('Beat', 1).length
    bench.run(200)
    expect(bench.said('Beat', 1).length).toBeGreaterThan(sent)
  })

  it('HM14: a voter that says goodbye agrees with this term, unless it may have voted for another before', () => {
    const machine = host()
    at(machine, 500)
    resign(machine, 2)
    at(machine, 5_000)
    expect(holdsLease(machine)).toBe(true)
    const late = host()
    at(late, LEASE)
    resign(late, 2)
    expect([holdsLease(late), isActing(late)]).toEqual([false, false])
  })

  it('HM14: one that left and came back has to say for itself again whether it agrees', () => {
    const machine = host()
    resign(machine, 2)
    sendBase(machine, 2)
    at(machine, 5_000)
    expect(holdsLease(machine)).toBe(false)
  })

  it('HM2 HM14: two hosts never act at once when a voter votes for the second and says goodbye to the first', () => {
    const bench = new Bench()
    bench.cut(1, 2)
    bench.cut(1, 3)
    expect(bench.runUntil(() => bench.acting.length === 1 && bench.acting[0] !== 1)).toBe(true)
    bench.act(1, (machine) => resign(machine, 3))
    bench.check()
    bench.run(1_000)
  })
})

describe('commit', () => {
  it('HM8: an entry is committed once a quorum holds it', () => {
    const machine = host([1, 2, 3, 4, 5])
    appendEntry(machine, note(1), 1)
    ack(machine, 2, 0, 2)
    expect(machine.log.commit).toBe(1)
    ack(machine, 3, 0, 2)
    expect([machine.log.commit, machine.logEvents.map(({ kind }) => kind)]).toEqual([2, ['appended', 'committed']])
  })

  it('HM8: entries of an earlier term are committed with one of this term, not by being counted', () => {
    const machine = machineOf(1, rosterOf([1, 2, 3]), 1, 2)
    append(machine.log, { index: 2, term: 1, requester: 2, body: note(1) })
    machine.release = 1
    tick(machine)
    take(machine, 3, 1, { type: 'Vote', term: 2, candidate: 1, lastTerm: 1, length: 2, commit: 1, tick: 0 })
    expect([machine.role, lengthOf(machine.log)]).toEqual(['host', 3])
    ack(machine, 3, 0, 2)
    expect(machine.log.commit).toBe(1)
    ack(machine, 3, 0, 3)
    expect(machine.log.commit).toBe(3)
  })

  it('HM8: a roster needs a quorum of the old and of the new one; what is behind it then only the new one', () => {
    const machine = host([1, 2, 3])
    appendEntry(machine, { type: 'Roster', ...rosterOf([1, 2, 3, 4, 5]) }, 0)
    appendEntry(machine, note(1), 1)
    for (const slot of [4, 5]) ack(machine, slot, 0, 3)
    expect(machine.log.commit).toBe(1)
    ack(machine, 2, 0, 2)
    expect(machine.log.commit).toBe(3)
  })

  it('HM8: a roster that the old quorum holds waits for the new one', () => {
    const machine = host([1, 2, 3])
    appendEntry(machine, { type: 'Roster', ...rosterOf([1, 4, 5]) }, 0)
    for (const slot of [2, 3]) ack(machine, slot, 0, 2)
    expect(machine.log.commit).toBe(1)
    ack(machine, 4, 0, 2)
    expect(machine.log.commit).toBe(2)
  })

  it('HM8: the lobby holds what it witnessed in this term, and nothing else', () => {
    const machine = host([1, 2])
    appendEntry(machine, note(1), 1)
    for (const [term, entryTerm, index] of [
      [2, 2, 2],
      [1, 0, 2],
      [1, 1, 9],
      [1, 1, 1],
    ] as const) {
      take(machine, 0, term, { type: 'WitnessAck', sequence: 0, entryTerm, index })
    }
    expect(machine.log.commit).toBe(1)
    take(machine, 0, 1, { type: 'WitnessAck', sequence: 0, entryTerm: 1, index: 2 })
    expect(machine.log.commit).toBe(2)
  })

  it('HM7: a host that hands over writes nothing, and still commits what it wrote', () => {
    const machine = host()
    appendEntry(machine, note(1), 1)
    releaseTo(machine, 2)
    expect(appendEntry(machine, note(2), 1)).toBeUndefined()
    ack(machine, 3, 0, 2)
    expect(machine.log.commit).toBe(2)
  })

  it('HM13: a position beyond the log, and a log beyond it, are dropped and counted', () => {
    const machine = host()
    ack(machine, 2, 0, 7)
    take(machine, 3, 1, { type: 'Follow', commit: 7, commitTerm: 1 })
    expect(machine.breaches.map(({ slot }) => slot)).toEqual([2, 3])
    expect(machine.reign!.held.get(2)).toBe(1)
  })
})

describe('the log on its way', () => {
  it('HM10: a member is sent what it lacks from where it says it stands', () => {
    const machine = host()
    for (const request of [1, 2, 3]) appendEntry(machine, note(request), 1)
    told(machine)
    take(machine, 3, 1, { type: 'Follow', commit: 2, commitTerm: 1 })
    const sent = told(machine).map((message) => message.type === 'Entry' && message.entry.index)
    expect(sent).toEqual([3, 4])
    appendEntry(machine, note(4), 1)
    expect(told(machine).filter(({ type }) => type === 'Entry').length).toBe(2)
  })

  it('HM10: one whose log ends before what is kept is given another to begin with', () => {
    const machine = host()
    for (let index = 0; index < 3_000; index++) {
      appendEntry(machine, note(index), 1)
      ack(machine, 2, 0, lengthOf(machine.log))
    }
    expect(machine.log.base).toBeGreaterThan(100)
    expect(machine.log.entries.length).toBeLessThan(2_100)
    told(machine)
    take(machine, 3, 1, { type: 'Follow', commit: 5, commitTerm: 1 })
    expect(told(machine)[0]).toMatchObject({ type: 'LogBase', index: 3_001, entryTerm: 1 })
  })

  it('HM10 HM13: after a fork, whose committed log is another or longer is given the own one; before, none is longer', () => {
    for (const [generation, commit, commitTerm, answer] of [
      [0, 2, 1, 'Entry'],
      [1, 2, 1, 'Entry'],
      [1, 2, 7, 'LogBase'],
      [1, 9, 1, 'LogBase'],
      [0, 9, 1, undefined],
    ] as const) {
      const machine = host()
      machine.generation = generation
      for (const request of [1, 2]) appendEntry(machine, note(request), 1)
      told(machine)
      take(machine, 3, 1, { type: 'Follow', commit, commitTerm })
      expect([told(machine)[0]?.type, machine.breaches.length]).toEqual([answer, answer === undefined ? 1 : 0])
    }
  })

  it('HM2: a host that nobody answers writes no more than 4,096 entries', () => {
    const machine = host()
    let written = 0
    while (appendEntry(machine, note(written), 1) !== undefined) written++
    expect(written).toBe(4_096)
  })
})

describe('fences', () => {
  it('HM1: a host that hears of a later promise wins a term above it, or is no host any more', () => {
    const machine = host()
    at(machine, 600)
    take(machine, 2, 1, { type: 'Fence', promised: 6, term: 1, host: 1 })
    tick(machine)
    expect(machine.candidacy?.term).toBe(7)
    take(machine, 2, 1, { type: 'Vote', term: 7, candidate: 1, lastTerm: 1, length: 1, commit: 1, tick: 0 })
    expect([machine.term, machine.role]).toEqual([7, 'host'])
  })

  it('HM13: a term that is more than 4,096 above all known was made up', () => {
    const machine = host()
    take(machine, 2, 1, { type: 'Fence', promised: 5_000, term: 1, host: 1 })
    take(machine, 3, 1, { type: 'Suspect', promised: 5_000, commit: 0 })
    expect([machine.highest, machine.breaches.map(({ slot }) => slot)]).toEqual([1, [2, 3]])
  })
})
