import { describe, expect, test } from 'vitest'
import { decodeControl } from '../codec/index.ts'
import { decodeLobby, decodeLobbyText } from '../codec/lobby.ts'
import { currentGolden, goldenBytes, keptGolden, meaningOf } from '../fixtures/golden.ts'
import { SUBJECTS } from './flatc-accessors.ts'

const current = currentGolden()

describe.each(SUBJECTS)('golden bytes of $name', ({ name, layout }) => {
  const kept = keptGolden(name)
  const decode = name === 'control' ? decodeControl : decodeLobby

  test('SC17: every kept message is still written, and no kind is without one', () => {
    expect(Object.keys(kept)).toEqual(Object.keys(current[name]))
    const kinds = new Set(Object.values(kept).map(({ meaning }) => (meaning as { body: { type: string } }).body.type))
    expect([...kinds].sort()).toEqual(Object.values(layout.unions).flat().sort())
  })

  test.each(Object.entries(kept))('SC17: %s', (message, golden) => {
    expect(current[name][message]).toEqual(golden)
    const decoded = decode(goldenBytes(golden))
    expect(decoded.ok && meaningOf(decoded.value)).toEqual(golden.meaning)
    if (golden.text === undefined) return
    const fromText = decodeLobbyText(golden.text)
    expect(fromText.ok && meaningOf(fromText.value)).toEqual(golden.meaning)
  })
})
