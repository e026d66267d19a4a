import { describe, expect, test } from 'vitest'
import { decodeMessage, readMessage } from '../codec/decode.ts'
import { encodeMessage } from '../codec/encode.ts'
import { DEFAULT_LIMITS, VerifiedMessage } from '../codec/verify.ts'
import { decodeLobbyText, encodeLobbyText } from '../codec/lobby.ts'
import { goldenBytes, keptGolden } from '../fixtures/golden.ts'
import { readWithFlatc, SUBJECTS } from './flatc-accessors.ts'
import { mutate, mutateText, randomBytes, seededRandom } from './mutate.ts'

const CASES = 20_000
// Whatever is accepted can be written again, but not always in as few bytes: shared vtables may come apart.
const roomy = { ...DEFAULT_LIMITS, maxBytes: 65_536 }

describe.each(SUBJECTS)('damaged $name messages', (subject) => {
  const { name, layout } = subject
  const corpus = Object.values(keptGolden(name)).map(goldenBytes)
  const mostFields = Math.max(...Object.values(layout.tables).map((fields) => fields.length))
  const pick = (random: () => number) => corpus[random() % corpus.length]!

  test('SC11: never throw, and cost no more steps than their length allows', () => {
    const random = seededRandom(1)
    let accepted = 0
    for (let i = 0; i < CASES; i++) {
      const bytes = i % 8 === 0 ? randomBytes(random, 64) : mutate(pick(random), random, pick(random))
      const result = VerifiedMessage.verify(layout, bytes)
      if (result.ok) accepted++
      // One table for each four bytes, all its fields looked at; each byte claimed once, and once too often.
      const bound = 2 * bytes.length + (bytes.length / 4 + 1) * mostFields
      if (result.workUnits > bound) expect.fail(`case ${i}: ${result.workUnits} steps for ${bytes.length} bytes`)
    }
    // Damage that is always found, or never, would make this test an empty one.
    expect(accepted).toBeGreaterThan(CASES / 50)
    expect(accepted).toBeLessThan(CASES / 2)
  })

  test('SC13: mean one thing when accepted: written again they read the same, and flatc reads them alike', () => {
    const random = seededRandom(2)
    let accepted = 0
    for (let i = 0; i < CASES; i++) {
      const bytes = mutate(pick(random), random, pick(random))
      const result = VerifiedMessage.verify(layout, bytes)
      if (!result.ok) continue
      accepted++
      const message = readMessage(result.message)
      const again = decodeMessage(layout, encodeMessage(layout, message, roomy), roomy)
      expect(again).toEqual({ ok: true, value: message })
      if (i % 4 === 0) expect(withPlainZeros(readWithFlatc(subject, bytes))).toEqual(message)
    }
    expect(accepted).toBeGreaterThan(CASES / 50)
  })

  test('SC11: sealed in any prefix or suffix of themselves never throw', () => {
    for (const bytes of corpus) {
      for (let cut = 0; cut <= bytes.length; cut++) {
        decodeMessage(layout, bytes.subarray(0, cut))
        decodeMessage(layout, bytes.subarray(cut))
      }
    }
  })
})

/** flatc keeps the sign of a zero. */
function withPlainZeros(value: unknown): unknown {
  if (typeof value === 'number') return value + 0
  if (Array.isArray(value)) return value.map(withPlainZeros)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withPlainZeros(inner)]))
}

describe('damaged lobby text', () => {
  test('SC11: never throws, pollutes nothing, and means one thing when accepted', () => {
    const corpus = Object.values(keptGolden('lobby')).map(({ text }) => text!)
    const random = seededRandom(3)
    let accepted = 0
    for (let i = 0; i < CASES; i++) {
      const text = mutateText(corpus[random() % corpus.length]!, random, corpus[random() % corpus.length]!)
      const decoded = decodeLobbyText(text)
      if (!decoded.ok) continue
      accepted++
      expect(decodeLobbyText(encodeLobbyText(decoded.value))).toEqual(decoded)
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(accepted).toBeGreaterThan(CASES / 100)
    expect(accepted).toBeLessThan(CASES / 2)
  })
})
