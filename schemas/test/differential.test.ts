import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage } from '../codec/decode.ts'
import { encodeMessage } from '../codec/encode.ts'
import { message, messageOf } from './arbitraries.ts'
import { readWithFlatc, SUBJECTS, writeWithFlatc } from './flatc-accessors.ts'

const habits = fc.record({ forceDefaults: fc.boolean(), reverse: fc.boolean() })

describe.each(SUBJECTS)('$name and flatc', (subject) => {
  const { layout } = subject

  test.each(Object.values(layout.unions).flat())('SC13: %s comes back as it went', (type) => {
    fc.assert(
      fc.property(messageOf(layout, type), (sent) => {
        expect(decodeMessage(layout, encodeMessage(layout, sent))).toEqual({ ok: true, value: sent })
      }),
      { numRuns: 100 },
    )
  })

  test('SC13: what we write means the same to the generated accessors', () => {
    fc.assert(
      fc.property(message(layout), (sent) => {
        expect(readWithFlatc(subject, encodeMessage(layout, sent))).toEqual(sent)
      }),
      { numRuns: 1_000 },
    )
  })

  test('SC12: what generated code writes means the same to us, in any order and with defaults spelled out', () => {
    fc.assert(
      fc.property(message(layout), habits, (sent, how) => {
        expect(decodeMessage(layout, writeWithFlatc(subject, sent, how))).toEqual({ ok: true, value: sent })
      }),
      { numRuns: 1_000 },
    )
  })

  test('SC13: a message read and written again has the same bytes', () => {
    fc.assert(
      fc.property(message(layout), (sent) => {
        const bytes = encodeMessage(layout, sent)
        const decoded = decodeMessage<object>(layout, bytes)
        expect(decoded.ok && encodeMessage(layout, decoded.value)).toEqual(bytes)
      }),
      { numRuns: 300 },
    )
  })
})
