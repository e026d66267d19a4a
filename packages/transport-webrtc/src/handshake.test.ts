import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acceptOffer, createHandshake, isCurrent, MAX_ANSWERS, MAX_OFFERS, nextOffer } from './handshake.ts'

describe('handshake', () => {
  it('WT5: an answer or candidate counts only for the attempt under way', () => {
    const handshake = createHandshake('b', 'a')
    expect(isCurrent(handshake, 0)).toBe(false)
    const first = nextOffer(handshake)!
    expect(isCurrent(handshake, first)).toBe(true)
    const second = nextOffer(handshake)!
    expect(isCurrent(handshake, first)).toBe(false)
    expect(isCurrent(handshake, second)).toBe(true)
  })

  it('WT5: an offer that is not newer than the one answered is ignored', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 7 }), (attempts) => {
        const handshake = createHandshake('b', 'a')
        let newest = 0
        for (const attempt of attempts) {
          expect(acceptOffer(handshake, attempt)).toBe(attempt > newest)
          newest = Math.max(newest, attempt)
          expect(isCurrent(handshake, newest)).toBe(true)
        }
      }),
    )
  })

  it('WT6: however two offers cross, both ends settle on the same one', () => {
    const id = fc.string({ minLength: 1, maxLength: 16 })
    const message = fc.record({ from: fc.constantFrom(0, 1), lag: fc.nat(5) })
    fc.assert(
      fc.property(id, id, fc.array(message, { minLength: 1, maxLength: 6 }), (left, right, offers) => {
        fc.pre(left !== right)
        const ends = [createHandshake(left, right), createHandshake(right, left)] as const
        const wire: [number[], number[]] = [[], []]
        for (const { from, lag } of offers) {
          // Who has answered waits; only who has offered or done nothing yet offers.
          const attempt = ends[from]!.role === 'answer' ? undefined : nextOffer(ends[from]!)
          if (attempt !== undefined) wire[1 - from]!.push(attempt)
          for (let step = 0; step < lag; step++) deliver(step % 2)
        }
        for (let step = 0; step < 20; step++) deliver(step % 2)

        const roles = ends.map((end) => end.role).sort()
        expect(roles).toEqual(['answer', 'offer'])
        expect(ends[0].attempt).toBe(ends[1].attempt)

        function deliver(to: number): void {
          const attempt = wire[to]!.shift()
          if (attempt !== undefined) acceptOffer(ends[to]!, attempt)
        }
      }),
    )
  })

  it('WT6: the two ends never use the same attempt number', () => {
    const [left, right] = [createHandshake('a', 'b'), createHandshake('b', 'a')]
    const numbers = [left, right].flatMap((end) => Array.from({ length: MAX_OFFERS }, () => nextOffer(end)))
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('WT7: attempts are limited in both directions', () => {
    const handshake = createHandshake('b', 'a')
    const attempts = Array.from({ length: MAX_OFFERS + 2 }, () => nextOffer(handshake))
    expect(attempts.filter((attempt) => attempt !== undefined)).toHaveLength(MAX_OFFERS)
    let answered = 0
    for (let attempt = 1; attempt < 1_000; attempt++) if (acceptOffer(handshake, attempt * 2)) answered++
    expect(answered).toBe(MAX_ANSWERS)
  })
})
