/** What a fork owes to those of its members that knew more of the room before than its host. */
import { describe, expect, it } from 'vitest'
import { Bench, rosterOf } from '../testing/host-bench.ts'
import { fork } from './step.ts'

/** Three of five are left. Slot 3 has committed six entries with the two that are gone; 1 and 2 have heard nothing of it. */
function divided(): Bench {
  const bench = new Bench({ members: 5 })
  bench.isolate(1, 2)
  expect(bench.runUntil(() => bench.acting.includes(3))).toBe(true)
  for (let request = 1; request <= 6; request++) bench.append(3, request)
  bench.run(300)
  bench.crash(4)
  bench.crash(5)
  return bench
}

/** The lobby lets all three go on; 3 is still cut off, so that 1 and 2 begin without its log. */
function forked(bench: Bench): void {
  // From here on other entries count.
  bench.committed.clear()
  for (const slot of [1, 2, 3]) bench.act(slot, (machine) => fork(machine, 1, rosterOf([1, 2, 3])))
  bench.hasNoWitness = true
  bench.run(1_500)
}

describe('a fork', () => {
  it('HM12: uses no term of the room before again, whoever of its members had heard of it', () => {
    const bench = divided()
    const { term } = bench.of(3)
    for (const slot of [1, 2]) {
      bench.act(slot, (machine) => {
        machine.promised = term - 1
        machine.highest = term - 1
      })
    }
    forked(bench)
    bench.heal()
    bench.run(6_000)
    expect(new Set([1, 2, 3].map((slot) => bench.of(slot).host)).size).toBe(1)
    expect(bench.of(3).term).toBeGreaterThan(term + 1_000)
    expect(bench.breaches).toEqual([])
  })

  it('HM12 HM20: never stands on what a member had committed before: that one begins anew, with its second host too', () => {
    const bench = divided()
    forked(bench)
    const host = bench.acting[0]!
    for (let request = 20; request < 30; request++) bench.append(host, request)
    bench.run(300)
    const other = host === 1 ? 2 : 1
    bench.crash(host)
    bench.heal()
    bench.run(4_000)
    const committed = (slot: number): Map<number, string> => {
      const { entries, commit } = bench.of(slot).log
      const known = entries.filter(({ index }) => index <= commit)
      return new Map(known.map(({ index, term, body }) => [index, `${term} ${body.type}`]))
    }
    const known = committed(other)
    const late = [...committed(3)]
    expect(bench.of(3).host).toBe(bench.of(other).host)
    expect(late.length).toBeGreaterThan(0)
    for (const [index, entry] of late) expect(known.get(index) ?? entry).toBe(entry)
  })
})
