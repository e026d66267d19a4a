import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { cleanDisplayName, createBucket, DEFAULT_LIMITS, isRoomName, refill, take, withDefaults } from './limits.ts'

// Generous, since a busy machine is no failure: nothing here waits for a time to pass.
vi.setConfig({ testTimeout: 30_000 })

/** Any UTF-16 units, halves of pairs too. (fast-check's own binary strings take seconds to set up.) */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xff })), { maxLength: 400 })
  .map((units) => String.fromCharCode(...units))

describe('names', () => {
  test('LB7: a room name is 1 to 64 of [A-Za-z0-9_-], and nothing else', () => {
    for (const good of ['a', 'Plaza-7_', 'x'.repeat(64)]) expect(isRoomName(good)).toBe(true)
    for (const bad of ['', 'x'.repeat(65), 'a b', 'a\n', 'ä', 'a.b', '../x', 'a\u0000'])
      expect(isRoomName(bad)).toBe(false)
    const letters = new Set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-')
    const almost = fc
      .array(fc.constantFrom(...letters, ' ', '.', 'é', '\n'), { maxLength: 70 })
      .map((text) => text.join(''))
    fc.assert(
      fc.property(fc.oneof(almost, anyText), (name) => {
        const fits = name.length >= 1 && name.length <= 64 && Array.from(name).every((letter) => letters.has(letter))
        expect(isRoomName(name)).toBe(fits)
      }),
    )
  })

  test('LB23: a display name loses what cannot be shown and keeps 32 code points; emoji stay whole', () => {
    expect(cleanDisplayName('  Ada\u0000\u001b[31m\u202eevil\u2066\ufeff  ')).toBe('Ada[31mevil')
    expect(cleanDisplayName('👩‍🚀 Ada')).toBe('👩‍🚀 Ada')
    expect(cleanDisplayName('😀'.repeat(100))).toBe('😀'.repeat(32))
    expect(cleanDisplayName('\ud800Ada\udfff')).toBe('Ada')
    fc.assert(
      fc.property(anyText, (name) => {
        const clean = cleanDisplayName(name)
        expect(Array.from(clean).length).toBeLessThanOrEqual(32)
        expect(clean).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u)
        expect(clean.replaceAll('\u200d', '')).not.toMatch(/\p{Cf}/u)
        expect(new TextDecoder('utf-8', { fatal: true }).decode(new TextEncoder().encode(clean))).toBe(clean)
      }),
    )
  })
})

describe('buckets', () => {
  test('LB17: over any span no more passes than the burst and what time has given back', () => {
    const turns = fc.array(fc.record({ waitMs: fc.nat({ max: 500 }), cost: fc.integer({ min: 1, max: 5 }) }), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(
        turns,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        (sends, burst, perSecond) => {
          const bucket = createBucket(burst, 0)
          let nowMs = 0
          let passed = 0
          let refused = false
          for (const { waitMs, cost } of sends) {
            nowMs += waitMs
            if (take(bucket, cost, burst, perSecond, nowMs)) passed += cost
            else refused = true
          }
          expect(passed).toBeLessThanOrEqual(burst + (nowMs / 1_000) * perSecond + 1e-6)
          // And no less than fair: nothing is refused while all of it together fits the burst.
          if (sends.reduce((sum, { cost }) => sum + cost, 0) <= burst) expect(refused).toBe(false)
        },
      ),
    )
  })

  test('LB17: a clock that steps back gives nothing, and one that jumps ahead no more than the burst', () => {
    const bucket = createBucket(10, 1_000)
    expect(take(bucket, 10, 10, 1, 1_000)).toBe(true)
    expect(take(bucket, 1, 10, 1, 0)).toBe(false)
    expect(take(bucket, 1, 10, 1, 1_999)).toBe(false)
    expect(refill(bucket, 10, 1, 1e12)).toBe(true)
    expect(bucket.tokens).toBe(10)
  })
})

test('the defaults can be changed one by one, and only to what makes sense', () => {
  expect(withDefaults({ rooms: 5 })).toEqual({ ...DEFAULT_LIMITS, rooms: 5 })
  for (const bad of [{ rooms: -1 }, { rooms: NaN }, { room: 1 }, { rooms: '5' }, { toString: 1 }]) {
    expect(() => withDefaults(bad as object)).toThrow(/known limit/)
  }
})
