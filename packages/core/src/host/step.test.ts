import { describe, expect, it } from 'vitest'
import { Bench } from '../testing/host-bench.ts'

describe('a room of machines', () => {
  it('HM2: begins with one acting host that everybody follows', () => {
    const bench = new Bench()
    expect(bench.acting).toEqual([1])
    expect([1, 2, 3].map((slot) => [bench.of(slot).term, bench.of(slot).host])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ])
    bench.append(1, 7)
    bench.run(100)
    expect([1, 2, 3].map((slot) => bench.committedOf(slot))).toEqual(Array(3).fill(['1:Roster', '1:7']))
  })
})
