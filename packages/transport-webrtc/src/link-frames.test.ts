import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLinkFrame, encodeLinkFrame, type LinkFrame } from './link-frames.ts'

const frame: fc.Arbitrary<LinkFrame> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), version: fc.nat(255) }),
  fc.record({
    kind: fc.constant('held' as const),
    channel: fc.integer({ min: 16, max: 255 }),
    reliable: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('goodbye' as const), controlCount: fc.nat(0xffffffff) }),
)

describe('link frames', () => {
  it('WT3: what is encoded reads back the same, wherever it lies in a buffer', () => {
    fc.assert(
      fc.property(frame, fc.nat(9), (value, offset) => {
        const bytes = encodeLinkFrame(value)
        const within = new Uint8Array(offset + bytes.length)
        within.set(bytes, offset)
        expect(decodeLinkFrame(within.subarray(offset))).toEqual(value)
      }),
    )
  })

  it('WT3: the bytes of each frame', () => {
    expect([...encodeLinkFrame({ kind: 'hello', version: 1 })]).toEqual([1, 1])
    expect([...encodeLinkFrame({ kind: 'held', channel: 20, reliable: false })]).toEqual([2, 20, 0])
    expect([...encodeLinkFrame({ kind: 'goodbye', controlCount: 0x01020304 })]).toEqual([3, 4, 3, 2, 1])
  })

  it('WT3: other bytes are no frame, and what reads has only one form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        const value = decodeLinkFrame(bytes)
        if (value) expect([...encodeLinkFrame(value)]).toEqual([...bytes])
      }),
    )
    for (const bytes of [[], [0], [1], [1, 1, 1], [2, 15, 1], [2, 16, 2], [2, 20], [3], [3, 0, 0, 0], [4, 0]])
      expect(decodeLinkFrame(Uint8Array.from(bytes))).toBeUndefined()
  })
})
