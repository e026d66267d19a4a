import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bench, LEASE, machineOf, rosterOf, voteRequest } from '../testing/host-bench.ts'
import type { HostMachine } from './machine.ts'
import { EVERYONE, type HostMessage } from './messages.ts'
import { releaseTo, setTime, take, tick } from './step.ts'
import { LONG_SILENCE_MS } from './timing.ts'

const ROSTER = rosterOf([1, 2, 3, 4, 5])

function at(machine: HostMachine, ms: number): HostMachine {
  setTime(machine, { monoMs: ms, wallMs: ms })
  return machine
}

function voter(self = 3): HostMachine {
  return machineOf(self, ROSTER, 1, 1)
}

function told(machine: HostMachine): HostMessage[] {
  return machine.out.splice(0).map(({ message }) => message)
}

/** Whom the voter says it votes for, when asked; `undefined` for no answer yet. */
function ask(machine: HostMachine, from: number, term: number, length = 1): number | 'fence' | undefined {
  told(machine)
  take(machine, from, 1, voteRequest(term, from, length))
  return answer(machine)
}

function answer(machine: HostMachine): number | 'fence' | undefined {
  for (const message of told(machine)) {
    if (message.type === 'Vote') return message.candidate
    if (message.type === 'Fence') return 'fence'
  }
  return undefined
}

const beat: HostMessage = { type: 'Beat', sequence: 1, commit: 1 }
const suspect: HostMessage = { type: 'Suspect', promised: 1, commit: 0 }

/** Makes this voter stand, when all hear no host. */
function stand(machine: HostMachine, ms: number): number {
  at(machine, ms)
  for (const slot of [1, 2, 3, 4, 5]) if (slot !== machine.self) take(machine, slot, 1, suspect)
  tick(machine)
  at(machine, ms + 1_000)
  for (const slot of [1, 2, 3, 4, 5]) if (slot !== machine.self) take(machine, slot, 1, suspect)
  tick(machine)
  return machine.candidacy!.term
}

describe('a vote', () => {
  it('HM3: needs silence of a lease, counted from the last beat that was heard', () => {
    const machine = voter()
    take(at(machine, 100), 1, 1, beat)
    expect(ask(at(machine, 100 + LEASE - 1), 2, 2)).toBeUndefined()
    expect(ask(at(machine, 100 + LEASE), 2, 2)).toBe(2)
  })

  it('HM3: is a promise for a lease: within it nobody else is granted a higher term', () => {
    const machine = at(voter(), LEASE)
    expect(ask(machine, 2, 2)).toBe(2)
    expect(ask(at(machine, 2 * LEASE - 1), 4, 3)).toBeUndefined()
    expect(ask(at(machine, 2 * LEASE), 4, 3)).toBe(4)
  })

  it('HM3: a repeated one renews the promise', () => {
    const machine = at(voter(), LEASE)
    ask(machine, 2, 2)
    expect(ask(at(machine, LEASE + 400), 2, 2)).toBe(2)
    expect(ask(at(machine, 2 * LEASE + 399), 4, 3)).toBeUndefined()
    expect(ask(at(machine, 2 * LEASE + 400), 4, 3)).toBe(4)
  })

  it('HM3: is given once per term, and for no term below the last', () => {
    const machine = at(voter(), LEASE)
    ask(machine, 2, 5)
    at(machine, 10 * LEASE)
    expect([ask(machine, 4, 5), ask(machine, 4, 4), ask(machine, 4, 1)]).toEqual(['fence', 'fence', 'fence'])
    expect(ask(machine, 4, 6)).toBe(4)
  })

  it('HM3: one that is asked for too early is kept, and given when it may be', () => {
    const machine = at(voter(), LEASE - 300)
    expect(ask(machine, 2, 2)).toBeUndefined()
    tick(at(machine, LEASE - 1))
    expect(answer(machine)).toBeUndefined()
    tick(at(machine, LEASE))
    expect(answer(machine)).toBe(2)
  })

  it('HM3: who asked too early and did not ask again has given up', () => {
    const machine = voter()
    expect(ask(machine, 2, 2)).toBeUndefined()
    tick(at(machine, LEASE))
    expect([answer(machine), machine.request]).toEqual([undefined, undefined])
  })

  it('HM3: the own host is granted a new term at once, unless another was promised', () => {
    expect(ask(voter(), 1, 2)).toBe(1)
    const machine = at(voter(), LEASE)
    ask(machine, 2, 2)
    expect(ask(machine, 1, 3)).toBeUndefined()
  })

  it('HM3: a release frees at once whom it names, or anyone', () => {
    for (const [to, granted] of [
      [2, 2],
      [0, 2],
      [4, undefined],
    ] as const) {
      const machine = voter()
      take(machine, 1, 1, { type: 'HandOver', to })
      expect(ask(machine, 2, 2)).toBe(granted)
    }
  })

  it('HM7: a release of another term, or of who does not host, frees nobody', () => {
    const machine = voter()
    take(machine, 1, 2, { type: 'HandOver', to: 0 })
    take(machine, 2, 1, { type: 'HandOver', to: 0 })
    expect(ask(machine, 2, 2)).toBeUndefined()
  })

  it('HM3: a release is used up by a promise, and one that comes after a promise does nothing', () => {
    const used = voter()
    take(used, 1, 1, { type: 'HandOver', to: 0 })
    ask(used, 2, 2)
    expect(ask(used, 4, 3)).toBeUndefined()
    const stale = at(voter(), LEASE)
    ask(stale, 2, 2)
    take(stale, 1, 1, { type: 'HandOver', to: 0 })
    expect(ask(stale, 4, 3)).toBeUndefined()
  })

  it('HM13: a request in another name, or for a term out of reach, is counted; one of no member is fenced', () => {
    const machine = at(voter(), LEASE)
    take(machine, 2, 1, voteRequest(2, 4))
    take(machine, 2, 1, voteRequest(5_000, 2))
    expect([answer(machine), machine.breaches.map(({ slot }) => slot)]).toEqual([undefined, [2, 2]])
    expect(ask(machine, 9, 2)).toBe('fence')
    expect(machine.promised).toBe(1)
  })
})

describe('a candidate that no roster here names', () => {
  it('HM3: is fenced; after three seconds without a host a better log is granted a vote, and sent it', () => {
    const machine = at(voter(), LONG_SILENCE_MS - 1)
    expect(ask(machine, 9, 2, 2)).toBe('fence')
    at(machine, LONG_SILENCE_MS)
    // It knows nothing that this member does not.
    expect([ask(machine, 9, 2, 1), machine.promised]).toEqual(['fence', 1])
    take(machine, 9, 1, voteRequest(2, 9, 2))
    expect([machine.promised, machine.candidate]).toEqual([2, 9])
    const votes = machine.out.filter(({ message }) => message.type === 'Vote')
    expect(votes.map(({ to, message }) => [to, message])).toEqual(
      [EVERYONE, 9].map((to) => [to, { ...voteRequest(2, 9), leaseMs: undefined, type: 'Vote', tick: 0 }]),
    )
  })

  it('HM3: while a host is heard, or another was promised, it gets none', () => {
    const heard = at(voter(), LONG_SILENCE_MS)
    take(heard, 1, 1, beat)
    expect([ask(heard, 9, 2, 2), heard.promised]).toEqual(['fence', 1])
    const bound = at(voter(), LONG_SILENCE_MS)
    ask(bound, 2, 2)
    expect([ask(bound, 9, 3, 2), bound.candidate]).toEqual([undefined, 2])
  })

  it('HM3: the vote for a member is sent once: it goes to all', () => {
    const machine = at(voter(), LONG_SILENCE_MS)
    take(machine, 2, 1, voteRequest(2, 2))
    expect(machine.out.filter(({ message }) => message.type === 'Vote').map(({ to }) => to)).toEqual([EVERYONE])
  })
})

describe('a promise', () => {
  it('HM5: what a candidate has given up is not granted when its time has come', () => {
    const machine = machineOf(3, rosterOf([1, 2, 3, 4]), 1, 1)
    at(machine, LEASE - 100)
    take(machine, 2, 1, voteRequest(2, 2))
    expect(machine.request?.term).toBe(2)
    take(machine, 2, 1, { type: 'Abandon', term: 2 })
    at(machine, LEASE + 100)
    tick(machine)
    expect([machine.promised, machine.candidate]).toEqual([1, 1])
  })

  it('HM3: to a candidate holds for its next attempt, and for nobody else', () => {
    const machine = machineOf(3, rosterOf([1, 2, 3, 4]), 1, 1)
    at(machine, LEASE)
    take(machine, 2, 1, voteRequest(2, 2))
    expect([machine.promised, machine.candidate]).toEqual([2, 2])
    take(machine, 4, 1, voteRequest(3, 4))
    expect([machine.promised, machine.candidate]).toEqual([2, 2])
    take(machine, 2, 1, voteRequest(4, 2))
    expect([machine.promised, machine.candidate]).toEqual([4, 2])
  })
})

describe('giving up', () => {
  it('HM5: a candidate that gives up makes who granted it as free as before; its term stays promised', () => {
    const machine = at(voter(), LEASE)
    ask(machine, 2, 2)
    take(machine, 2, 1, { type: 'Abandon', term: 2 })
    expect([ask(machine, 4, 2), ask(machine, 4, 3)]).toEqual(['fence', 4])
  })

  it('HM5: what it gave up is its own, of that term, and not what it hosts', () => {
    for (const [from, term] of [
      [4, 2],
      [2, 1],
      [2, 3],
    ] as const) {
      const machine = at(voter(), LEASE)
      ask(machine, 2, 2)
      take(machine, from, 1, { type: 'Abandon', term })
      expect(ask(machine, 4, 3)).toBeUndefined()
    }
    const machine = at(voter(), LEASE)
    ask(machine, 2, 2)
    for (const slot of [4, 5]) take(machine, slot, 1, { ...voteRequest(2, 2), type: 'Vote', tick: 0 } as HostMessage)
    take(machine, 2, 2, beat)
    take(machine, 2, 2, { type: 'Abandon', term: 2 })
    expect([machine.host, ask(machine, 4, 3)]).toEqual([2, undefined])
  })

  it('HM5: an attempt that times out is told to all, the lobby too', () => {
    const machine = voter()
    const term = stand(machine, LEASE)
    told(machine)
    tick(at(machine, machine.nowMs + 500))
    const abandons = machine.out.filter(({ message }) => message.type === 'Abandon')
    expect(abandons.map(({ to, message }) => [to, message])).toEqual([
      [-1, { type: 'Abandon', term }],
      [0, { type: 'Abandon', term }],
    ])
  })

  it('HM5: a candidate gives up for a better-ranked one of the same or of a higher term, and votes for it', () => {
    for (const more of [0, 1]) {
      const machine = voter()
      const term = stand(machine, LEASE)
      expect(ask(machine, 2, term + more)).toBe(2)
      expect([machine.candidacy, machine.candidate]).toEqual([undefined, 2])
    }
  })

  it('HM5: not for a worse-ranked one', () => {
    for (const [more, answered] of [
      [0, 'fence'],
      [1, undefined],
    ] as const) {
      const machine = voter()
      const term = stand(machine, LEASE)
      expect(ask(machine, 4, term + more)).toBe(answered)
      expect(machine.candidacy?.term).toBe(term)
    }
  })

  it('HM5: who has won a term gives it to nobody', () => {
    const machine = voter()
    const term = stand(machine, LEASE)
    for (const slot of [4, 5]) take(machine, slot, 1, { ...voteRequest(term, 3), type: 'Vote', tick: 0 } as HostMessage)
    expect(machine.role).toBe('host')
    expect(ask(machine, 2, term)).toBe('fence')
  })

  it('HM5: who yields has promised: a release that made it stand is used up', () => {
    const machine = voter()
    take(machine, 1, 1, { type: 'HandOver', to: 3 })
    tick(machine)
    const { term } = machine.candidacy!
    expect(ask(machine, 2, term)).toBe(2)
    // Who yields waits for a moment in any case; this is after it, and as long as the promise holds.
    tick(at(machine, LEASE - 1))
    expect([machine.candidacy, machine.promised, ask(machine, 4, term + 1)]).toEqual([undefined, term, undefined])
    // And it has it again, when whom it yielded to gives up.
    take(machine, 2, 1, { type: 'Abandon', term })
    tick(at(machine, 2_000))
    expect(machine.candidacy?.term).toBe(term + 1)
  })
})

describe('votes in a room', () => {
  it('HM3: a host that hands over goes on sending until its successor speaks; any other that votes is host no more', () => {
    const bench = new Bench()
    bench.act(1, (machine) => releaseTo(machine, 2))
    bench.runUntil(() => bench.said('Vote', 1).some(({ term }) => term === 2))
    expect([bench.of(1).role, bench.acting]).toEqual(['host', []])

    const other = new Bench()
    other.isolate(1)
    other.run(LEASE)
    other.say(3, 1, 1, voteRequest(7, 3))
    expect([other.of(1).role, other.of(1).candidate]).toEqual(['follower', 3])
  })

  it('HM5: two that each take the other for the first in line do not yield to one another for ever', () => {
    const bench = new Bench()
    bench.delayMs = 101
    bench.act(1, (machine) => releaseTo(machine, 2))
    bench.cut(3, 1)
    bench.cut(3, 2)
    bench.run(451, 10)
    bench.heal()
    bench.run(200, 10)
    // The roster of the new host is with 1 and not with 3: by the one 3 comes first, by the other 1.
    expect([bench.acting, bench.of(3).host]).toEqual([[2], 2])
    for (const slot of [0, 1, 3]) bench.cut(2, slot)
    bench.run(921, 10)
    expect([bench.of(1).log.pendingRosters.length, bench.of(3).log.pendingRosters.length]).toEqual([1, 0])
    bench.heal()
    expect(bench.runUntil(() => bench.acting.length === 1, 4_000)).toBe(true)
  })

  it('HM3 HM5: of any two rooms cut in any way for any time, one host acts at a time, and one does in the end', () => {
    const cut = fc.record({
      slots: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 2 }),
      ms: fc.integer({ min: 50, max: 2_500 }),
      isPause: fc.boolean(),
      handsOver: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 0, max: 150 }),
        fc.array(cut, { maxLength: 4 }),
        (members, delayMs, cuts) => {
          const bench = new Bench({ members, delayMs: 5 })
          bench.delayMs = delayMs
          let request = 0
          for (const { slots, ms, isPause, handsOver } of cuts) {
            const [host] = bench.acting
            if (host !== undefined) {
              bench.append(host, ++request)
              if (handsOver) bench.act(host, (machine) => releaseTo(machine, (host % members) + 1))
            }
            for (const slot of slots) {
              if (isPause) bench.paused.add(slot)
              else for (const other of [0, ...bench.machines.keys()]) bench.cut(slot, other)
            }
            bench.run(ms, 10)
            bench.paused.clear()
            bench.heal()
            bench.run(200, 10)
          }
          bench.run(1_000, 10)
          expect(bench.runUntil(() => bench.acting.length === 1, 6_000)).toBe(true)
          const host = bench.of(bench.acting[0]!)
          for (const [index, name] of bench.committed)
            if (index > host.log.base) expect(bench.logOf(host.self)[index - 1]).toBe(name)
        },
      ),
      { numRuns: 40, endOnFailure: true },
    )
  })
})
