import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { note, rosterOf } from '../testing/host-bench.ts'
import { append, commitTo, createLog, cutFrom, entryAt, isBetter, lengthOf, tailOf } from './log.ts'
import { areQuorums, hasWitness, isQuorum, rostersOf, successionOf } from './quorum.ts'

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 7 })
const yes = fc.tuple(fc.uniqueArray(fc.integer({ min: 1, max: 9 })), fc.boolean())

describe('quorums', () => {
  it('HM8: any two of one roster share a voter, or the lobby where it votes', () => {
    fc.assert(
      fc.property(voters, yes, yes, (slots, [a, witnessA], [b, witnessB]) => {
        const roster = rosterOf(slots)
        if (!isQuorum(roster, (slot) => a.includes(slot), witnessA)) return
        if (!isQuorum(roster, (slot) => b.includes(slot), witnessB)) return
        const shared = slots.some((slot) => a.includes(slot) && b.includes(slot))
        expect(shared || (hasWitness(roster) && witnessA && witnessB)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('HM8: no even split is without a majority: half of the voters and the lobby, or half and one', () => {
    for (const [members, has, witness, agreed] of [
      [[1, 2], [1], false, false],
      [[1, 2], [1], true, true],
      [[1, 2, 3, 4], [1, 2], true, true],
      [[1, 2, 3, 4], [1, 2], false, false],
      [[1, 2, 3, 4], [1], true, false],
      [[1, 2, 3], [1], true, false],
      [[1, 2, 3], [1, 9], true, false],
      [[1, 2, 3], [1, 3], false, true],
      [[1], [1], false, true],
    ] as const) {
      const roster = rosterOf(members, [9])
      expect(isQuorum(roster, (slot) => (has as readonly number[]).includes(slot), witness)).toBe(agreed)
    }
  })

  it('HM8: while a roster is on its way, both the old and the new have to agree', () => {
    const log = createLog(0, 0, rosterOf([1, 2, 3]))
    append(log, { index: 1, term: 1, requester: 0, body: { type: 'Roster', ...rosterOf([3, 4, 5]) } })
    const agree = (...has: number[]): boolean => areQuorums(rostersOf(log), (slot) => has.includes(slot), false)
    expect([agree(1, 2), agree(4, 5), agree(1, 2, 4), agree(1, 3, 4)]).toEqual([false, false, false, true])
    commitTo(log, 1)
    expect([agree(4, 5), agree(1, 2)]).toEqual([true, false])
  })

  it('HM11: those who may host succeed in the order of the roster, the host that is to be replaced last', () => {
    const roster = rosterOf([4, 2, 7, 5], [6], [7])
    expect([successionOf(roster, 4), successionOf(roster, 7), successionOf(roster, 0)]).toEqual([
      [2, 5, 4],
      [4, 2, 5],
      [4, 2, 5],
    ])
  })
})

describe('the log', () => {
  it('HM6: the later term makes the better log, then the length', () => {
    const better = (a: [number, number], b: [number, number]): boolean =>
      isBetter({ term: a[0], index: a[1] }, { term: b[0], index: b[1] })
    expect([better([2, 1], [1, 9]), better([1, 9], [1, 8]), better([1, 8], [1, 8])]).toEqual([true, true, false])
  })

  it('HM8: what is committed is not cut, and rosters go with what is cut', () => {
    const log = createLog(4, 1, rosterOf([1, 2, 3]))
    for (const index of [5, 6]) append(log, { index, term: 1, requester: 1, body: note(index) })
    append(log, { index: 7, term: 1, requester: 0, body: { type: 'Roster', ...rosterOf([1, 2]) } })
    expect(commitTo(log, 5).map(({ index }) => index)).toEqual([5])
    expect(() => cutFrom(log, 5)).toThrow('what is committed stays')
    expect(() => append(log, { index: 9, term: 1, requester: 1, body: note(9) })).toThrow('entries come in order')
    cutFrom(log, 6)
    expect([lengthOf(log), tailOf(log), entryAt(log, 6), log.pendingRosters]).toEqual([
      5,
      { term: 1, index: 5 },
      undefined,
      [],
    ])
  })
})
