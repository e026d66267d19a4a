import fc from 'fast-check'
import { Builder } from 'flatbuffers'
import { describe, expect, test } from 'vitest'
import { controlLayout } from '../generated/control.layout.ts'
import { lobbyLayout } from '../generated/lobby.layout.ts'
import * as generated from '../generated/flatbuffers/baton/control.ts'
import { decodeControl, encodeControl, type ControlBody } from './index.ts'
import { encodeMessage } from './encode.ts'
import { fieldOffset, type Layout } from './layout.ts'
import { DEFAULT_LIMITS, isUtf8, VerifiedMessage } from './verify.ts'

const verify = (bytes: Uint8Array) => VerifiedMessage.verify(controlLayout, bytes)
const reasonOf = (bytes: Uint8Array) => {
  const result = verify(bytes)
  return result.ok ? 'accepted' : result.reason
}
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Places in an honest message, found as a reader finds them. */
function placesOf(bytes: Uint8Array, ...slots: number[]) {
  const view = viewOf(bytes)
  let table = view.getUint32(0, true)
  let field = 0
  for (const slot of slots) {
    if (field !== 0) table = field + view.getUint32(field, true)
    field = table + fieldOffset(view, table - view.getInt32(table, true), slot)
  }
  const vtable = table - view.getInt32(table, true)
  return { view, table, vtable, field, target: field + view.getUint32(field, true) }
}

const BODY = 3 // slot of the union's value in ControlMessage; its tag is in slot 2
const message = (body: ControlBody) => encodeControl({ term: 1, index: 2, body })
const goodbye = () => message({ type: 'Goodbye', reason: 'closed' })
const ping = () => message({ type: 'Ping', sequence: 1, sentMs: 0.5 })
const claim = () =>
  message({ type: 'Claim', request: 1, id: 1, kind: 'touch', ownershipSequence: 1, authoritySequence: 1 })
const despawn = () => message({ type: 'Despawn', request: 1, ids: [1, 2, 3] })
const roster = () =>
  message({
    type: 'Roster',
    nextSlot: 3,
    members: [
      { slot: 1, peer: 'a', voter: true, canHost: true },
      { slot: 2, peer: 'b', voter: true, canHost: true },
    ],
    former: [],
    tick: 9,
  })

describe('the envelope', () => {
  test('SC1: a message of another schema, or of none, is refused', () => {
    expect(verify(goodbye()).ok).toBe(true)
    expect(VerifiedMessage.verify(lobbyLayout, goodbye()).ok).toBe(false)
    for (let i = 4; i < 8; i++) {
      const bytes = goodbye()
      bytes[i]! ^= 1
      expect(reasonOf(bytes)).toBe('not a BTNC message')
    }
  })

  test('SC1: 16,384 bytes are read, one more is not', () => {
    const overhead = message({ type: 'ApplicationMessage', text: false, last: true, data: new Uint8Array(0) }).length
    const largest = message({
      type: 'ApplicationMessage',
      text: false,
      last: true,
      data: new Uint8Array(DEFAULT_LIMITS.maxBytes - overhead),
    })
    expect(largest.length).toBe(16_384)
    expect(verify(largest).ok).toBe(true)
    const longer = new Uint8Array(16_385)
    longer.set(largest)
    expect(reasonOf(longer)).toBe('16385 bytes, over 16384')
  })

  test('SC1: too short for a root table is refused, empty included', () => {
    for (let length = 0; length < 12; length++) expect(reasonOf(goodbye().slice(0, length))).toContain('too short')
  })

  test('SC1: a view into a larger buffer is judged by itself', () => {
    const bytes = goodbye()
    const around = new Uint8Array(bytes.length + 17).fill(0xaa)
    around.set(bytes, 9)
    expect(verify(around.subarray(9, 9 + bytes.length)).ok).toBe(true)
    expect(verify(around.subarray(9, 9 + bytes.length - 2)).ok).toBe(false)
  })
})

describe('offsets, vtables and fields', () => {
  test.each([0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffc])('SC2: a root offset of %i is refused', (offset) => {
    const bytes = goodbye()
    viewOf(bytes).setUint32(0, offset, true)
    expect(reasonOf(bytes)).toMatch(/^the offset at 0 leads to/)
  })

  test.each([0, 2, 0x7ffffffc, 0xfffffff0])('SC2: an offset of %i inside a table is refused', (offset) => {
    const bytes = goodbye()
    const { view, field } = placesOf(bytes, BODY, 0)
    view.setUint32(field, offset, true)
    expect(reasonOf(bytes)).toMatch(/^the offset at \d+ leads to/)
  })

  test.each([1, 2, 3])('SC2: an offset that misses its target by %i bytes is refused', (miss) => {
    const bytes = goodbye()
    const { view, field } = placesOf(bytes, BODY, 0)
    view.setUint32(field, view.getUint32(field, true) + miss, true)
    expect(reasonOf(bytes)).toMatch(/^the offset at \d+ leads to/)
  })

  test('SC3: a vtable at an odd place is refused, good as it may be', () => {
    const bytes = goodbye()
    const { view, table, vtable } = placesOf(bytes, BODY)
    const moved = new Uint8Array(bytes.length + 1 + view.getUint16(vtable, true))
    moved.set(bytes)
    moved.set(bytes.subarray(vtable, vtable + view.getUint16(vtable, true)), bytes.length + 1)
    viewOf(moved).setInt32(table, table - (bytes.length + 1), true)
    expect(reasonOf(moved)).toBe(`ControlMessage: vtable at ${bytes.length + 1}`)
  })

  test.each([1, 2, 3])('SC3: a byte at %i, inside the offset to its own vtable, is refused', (offset) => {
    const bytes = claim()
    const { view, vtable } = placesOf(bytes, BODY, 2)
    view.setUint16(vtable + 4 + 2 * 2, offset, true)
    expect(reasonOf(bytes)).toMatch(/^Claim: slot 2 at/)
  })

  test.each([-0x80000000, -4096, 3, 0x7fffffff])('SC3: a vtable %i bytes before its table is refused', (distance) => {
    const bytes = goodbye()
    const { view, table } = placesOf(bytes, BODY)
    view.setInt32(table, distance, true)
    expect(reasonOf(bytes)).toContain('vtable')
  })

  test.each([0, 2, 5, 0xfffe])('SC3: a vtable that claims %i bytes is refused', (size) => {
    const bytes = goodbye()
    const { view, vtable } = placesOf(bytes, BODY)
    view.setUint16(vtable, size, true)
    expect(reasonOf(bytes)).toBe(`ControlMessage: vtable of ${size} bytes`)
  })

  test.each([0, 3, 0xffff])('SC3: a table that claims %i bytes is refused', (size) => {
    const bytes = goodbye()
    const { view, vtable } = placesOf(bytes, BODY)
    view.setUint16(vtable + 2, size, true)
    expect(reasonOf(bytes)).toBe(`ControlMessage: table of ${size} bytes`)
  })

  test.each([1, 2, 3, 5, 0x7000])('SC3: a field at %i, outside its table or not aligned, is refused', (offset) => {
    const bytes = ping()
    const { view, vtable } = placesOf(bytes, BODY, 0)
    view.setUint16(vtable + 4, offset, true)
    expect(reasonOf(bytes)).toMatch(/^Ping: slot 0 at/)
  })

  test('SC3: a float64 on an odd multiple of four is refused', () => {
    const bytes = ping()
    const { view, vtable, table, field } = placesOf(bytes, BODY, 1)
    view.setUint16(vtable + 6, field - table + 4, true)
    expect(reasonOf(bytes)).toMatch(/^Ping: slot 1 at/)
  })

  test('SC4: a required part that is absent is refused', () => {
    const bytes = despawn()
    const { view, vtable } = placesOf(bytes, BODY, 1)
    view.setUint16(vtable + 6, 0, true)
    expect(reasonOf(bytes)).toBe('Despawn.ids is missing')
  })

  test('SC12: fields of a later schema are passed over', () => {
    const later: Layout = {
      ...controlLayout,
      tables: {
        ...controlLayout.tables,
        Goodbye: [...controlLayout.tables.Goodbye, { name: 'extra', slot: 1, kind: 'u32' }],
      },
    }
    const body = { type: 'Goodbye', reason: 'x', extra: 7 }
    const bytes = encodeMessage(later, { term: 1, index: 2, entryTerm: 0, requester: 0, generation: 0, body })
    expect(verify(bytes).ok).toBe(true)
  })
})

describe('vectors, strings, unions and values', () => {
  test.each([4_000, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000001, 0xffffffff])(
    'SC5: a short vector that claims %i elements is refused',
    (count) => {
      for (const bytes of [despawn(), roster()]) {
        const { view, target } = placesOf(bytes, BODY, 1)
        view.setUint32(target, count, true)
        expect(reasonOf(bytes)).toMatch(/claims \d+ elements/)
      }
    },
  )

  test.each([8, 5, 0x7fffffff, 0xffffffff])('SC6: a string of six bytes that claims %i is refused', (count) => {
    const bytes = goodbye()
    const { view, target } = placesOf(bytes, BODY, 0)
    view.setUint32(target, count, true)
    expect(reasonOf(bytes)).toBe(`Goodbye.reason claims ${count} bytes of text`)
  })

  test('SC6: a string that is not UTF-8 is refused', () => {
    const bytes = goodbye()
    bytes[placesOf(bytes, BODY, 0).target + 4] = 0xff
    expect(reasonOf(bytes)).toBe('Goodbye.reason is not UTF-8')
  })

  test('SC6: what counts as UTF-8 is what a strict TextDecoder takes', () => {
    const strict = new TextDecoder('utf-8', { fatal: true })
    const lead = fc.constantFrom(
      0x7f,
      0x80,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xe1,
      0xec,
      0xed,
      0xee,
      0xf0,
      0xf1,
      0xf4,
      0xf5,
      0xff,
    )
    const follow = fc.constantFrom(0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0)
    const pieces = fc.oneof(
      fc.tuple(lead, follow, follow, follow),
      fc.tuple(lead, follow),
      fc.uint8Array({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 3 }), (parts) => {
        const bytes = Uint8Array.from(parts.flatMap((part) => [...part]))
        let expected = true
        try {
          strict.decode(bytes)
        } catch {
          expected = false
        }
        expect(isUtf8(viewOf(bytes), 0, bytes.length)).toBe(expected)
      }),
      { numRuns: 5_000 },
    )
  })

  test.each([0, 37, 255])('SC7: union tag %i is refused', (tag) => {
    const bytes = goodbye()
    const { view, field } = placesOf(bytes, 2)
    view.setUint8(field, tag)
    expect(reasonOf(bytes)).toBe(`ControlMessage.body has tag ${tag}`)
  })

  test('SC7: a union without a tag, or without a value, is refused', () => {
    const untagged = goodbye()
    placesOf(untagged, 2).view.setUint16(placesOf(untagged, 2).vtable + 4 + 2 * 2, 0, true)
    expect(reasonOf(untagged)).toBe('ControlMessage.body has tag 0')
    const empty = goodbye()
    placesOf(empty, BODY).view.setUint16(placesOf(empty, BODY).vtable + 4 + 2 * BODY, 0, true)
    expect(reasonOf(empty)).toBe('ControlMessage.body is missing')
  })

  test('SC7: a value under another tag is judged as what the tag says', () => {
    const bytes = goodbye()
    const { view, field } = placesOf(bytes, 2)
    view.setUint8(field, controlLayout.unions.ControlBody.indexOf('Roster') + 1)
    expect(verify(bytes).ok).toBe(false)
  })

  test('SC8: an unknown enum value, a boolean of 2 and numbers that are not finite are refused', () => {
    const touch = claim()
    viewOf(touch).setUint8(placesOf(touch, BODY, 2).field, 2)
    expect(reasonOf(touch)).toBe('Claim.kind is 2')
    const piece = message({ type: 'ApplicationMessage', text: true, last: false, data: new Uint8Array(0) })
    viewOf(piece).setUint8(placesOf(piece, BODY, 0).field, 2)
    expect(reasonOf(piece)).toBe('ApplicationMessage.text is 2')
    for (const value of [NaN, Infinity, -Infinity]) {
      const bytes = ping()
      viewOf(bytes).setFloat64(placesOf(bytes, BODY, 1).field, value, true)
      expect(reasonOf(bytes)).toBe(`Ping.sentMs is ${value}`)
    }
  })
})

test('SC8: a zero that was sent with a sign is read without', () => {
  const bytes = ping()
  viewOf(bytes).setFloat64(placesOf(bytes, BODY, 1).field, -0, true)
  const decoded = decodeControl(bytes)
  expect(decoded.ok && decoded.value.body).toEqual({ type: 'Ping', sequence: 1, sentMs: 0 })
})

describe('budgets', () => {
  const chain: Layout = {
    identifier: 'TEST',
    root: 'Link',
    enums: {},
    unions: {},
    tables: {
      Link: [
        { name: 'next', slot: 0, kind: 'table', ref: 'Link' },
        { name: 'branches', slot: 1, kind: 'vector', of: 'table', ref: 'Link' },
      ],
    },
  }
  const nested = (depth: number): object => (depth === 1 ? {} : { next: nested(depth - 1) })

  test('SC9: eight tables deep are read, nine are not', () => {
    expect(VerifiedMessage.verify(chain, encodeMessage(chain, nested(8))).ok).toBe(true)
    const deeper = VerifiedMessage.verify(chain, encodeMessage(chain, nested(9)))
    expect(!deeper.ok && deeper.reason).toBe('deeper than 8 tables')
  })

  test('SC9: 4,096 tables are read, one more is not', () => {
    const limits = { ...DEFAULT_LIMITS, maxBytes: 1_000_000 }
    const wide = (count: number) =>
      encodeMessage(chain, { branches: Array.from({ length: count - 1 }, () => ({})) }, limits)
    expect(VerifiedMessage.verify(chain, wide(4_096), limits).ok).toBe(true)
    const wider = VerifiedMessage.verify(chain, wide(4_097), limits)
    expect(!wider.ok && wider.reason).toBe('more than 4096 tables')
  })

  test('SC10: one large part that everything points to is refused before it multiplies work', () => {
    const builder = new Builder(1_024)
    const peer = builder.createString('x'.repeat(8_000))
    generated.Member.startMember(builder)
    generated.Member.addPeer(builder, peer)
    const member = generated.Member.endMember(builder)
    const members = generated.Roster.createMembersVector(builder, new Array<number>(1_900).fill(member))
    const body = generated.Roster.createRoster(builder, 1, members, 0, 0)
    const kind = generated.ControlBody.Roster
    const root = generated.ControlMessage.createControlMessage(builder, 1, 1, kind, body, 0, 0, 0)
    generated.ControlMessage.finishControlMessageBuffer(builder, root)
    const result = verify(builder.asUint8Array())
    expect(!result.ok && result.reason).toBe('parts of the message overlap')
    expect(result.workUnits).toBeLessThan(3 * 16_384)
  })

  test('SC10: tables that share a vtable, as every builder writes them, are no overlap', () => {
    const ids = Array.from({ length: 800 }, (_, id) => ({
      id,
      owner: 1,
      authority: 1,
      ownershipSequence: 1,
      authoritySequence: 1,
    }))
    const bytes = message({ type: 'Grant', request: 1, requester: 1, tick: 9, entries: ids })
    expect(bytes.length).toBeGreaterThan(14_000)
    expect(verify(bytes).ok).toBe(true)
  })

  test('SC10: no message of sixteen bytes passes or costs more than a few steps', () => {
    const words = [
      0, 1, 2, 4, 8, 9, 10, 11, 12, 13, 14, 16, 0x00040004, 0x00080004, 0x000c000a, 0x7fffffff, 0x80000000, 0xfffffff8,
      0xffffffff,
    ]
    const bytes = new Uint8Array(16)
    const view = viewOf(bytes)
    bytes.set(Buffer.from('BTNC'), 4)
    let worst = 0
    let accepted = 0
    for (const root of words) {
      for (const third of words) {
        for (const fourth of words) {
          view.setUint32(0, root, true)
          view.setUint32(8, third, true)
          view.setUint32(12, fourth, true)
          const result = verify(bytes)
          if (result.ok) accepted++
          worst = Math.max(worst, result.workUnits)
        }
      }
    }
    expect(accepted).toBe(0)
    expect(worst).toBeLessThanOrEqual(32)
  })
})
