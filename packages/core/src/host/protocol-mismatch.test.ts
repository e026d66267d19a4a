import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { describeMismatch } from './protocol-mismatch.ts'

const component = (name: string, summary: string, hash = summary.length) => ({ name, hash, summary })

describe('describeMismatch', () => {
  it('HO7: names the component that one side lacks, that differs, or else the order', () => {
    const a = component('A', 'x u8')
    const b = component('B', 'y u16')
    expect(describeMismatch([a, b], [a])).toBe(
      'protocol: component "B" (y u16) is missing in the joining build; run the same build on both sides',
    )
    expect(describeMismatch([a], [a, b])).toBe(
      'protocol: component "B" (y u16) is missing at the host; run the same build on both sides',
    )
    expect(describeMismatch([a, b], [a, component('B', 'y u32', 9)])).toBe(
      'protocol: component "B" differs: y u16 at the host, y u32 in the joining build; run the same build on both sides',
    )
    expect(describeMismatch([a, b], [b, a])).toContain('registered differently: A, B at the host, B, A')
  })

  it('HO7: is one line of bounded length, whatever the other side calls its components', () => {
    const list = fc.array(
      fc.record({
        name: fc.string({ unit: 'binary' }),
        hash: fc.nat(3),
        summary: fc.string({ unit: 'binary', maxLength: 300 }),
      }),
    )
    fc.assert(
      fc.property(list, list, (host, joiner) => {
        const sentence = describeMismatch(host, joiner)
        expect(Math.min(...Array.from(sentence, (character) => character.charCodeAt(0)))).toBeGreaterThan(0x1f)
        expect(sentence.length).toBeLessThan(700)
      }),
    )
  })
})
