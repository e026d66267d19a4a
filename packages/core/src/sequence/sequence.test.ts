import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { AckWindow } from './ack-window.ts'
import { SentWindow, SENT_WINDOW_SIZE } from './sent-window.ts'
import { SequenceWindow, SEQUENCE_WINDOW_SIZE } from './sequence-window.ts'
import { serialDifference16, serialDifference32, serialGreaterThan16, serialGreaterThan32 } from './serial.ts'

const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
/** Starts near the wrap as often as elsewhere. */
const start16 = fc.oneof(u16, fc.integer({ min: 0xff00, max: 0xffff }), fc.integer({ min: 0x7f00, max: 0x8100 }))

describe('serial arithmetic', () => {
  it('SQ1: a number is less than those up to half the range ahead of it, across the wrap', () => {
    fc.assert(
      fc.property(u16, fc.integer({ min: 1, max: 0x7fff }), (a, step) => {
        const b = (a + step) & 0xffff
        expect(serialGreaterThan16(b, a)).toBe(true)
        expect(serialGreaterThan16(a, b)).toBe(false)
        expect(serialDifference16(b, a)).toBe(step)
        expect(serialDifference16(a, b)).toBe(-step)
      }),
    )
    fc.assert(
      fc.property(u32, fc.integer({ min: 1, max: 0x7fff_ffff }), (a, step) => {
        const b = (a + step) >>> 0
        expect(serialGreaterThan32(b, a)).toBe(true)
        expect(serialGreaterThan32(a, b)).toBe(false)
        expect(serialDifference32(b, a)).toBe(step)
        expect(serialDifference32(a, b)).toBe(-step)
      }),
    )
  })

  it('SQ1: equal numbers, and those half the range apart, are not greater', () => {
    for (const a of [0, 1, 0x7fff, 0x8000, 0xffff]) {
      expect(serialDifference16(a, a)).toBe(0)
      expect(serialGreaterThan16((a + 0x8000) & 0xffff, a)).toBe(false)
      expect(serialDifference16((a + 0x8000) & 0xffff, a)).toBe(-0x8000)
    }
    expect(serialGreaterThan32(0x8000_0000, 0)).toBe(false)
  })
})

/** A shuffled, thinned and doubled stream: offsets from the start, none moved by more than `reach`. */
const stream = fc
  .array(fc.record({ keep: fc.boolean(), twice: fc.boolean(), delay: fc.nat(40) }), { minLength: 1, maxLength: 400 })
  .map((packets) =>
    packets
      .flatMap(({ keep, twice, delay }, index) => {
        const arrival = { index, at: index + delay }
        if (!keep) return []
        return twice ? [arrival, { index, at: index + delay + 3 }] : [arrival]
      })
      .sort((a, b) => a.at - b.at)
      .map(({ index }) => index),
  )

describe('AckWindow', () => {
  it('SQ2: ack is the newest, ackBits the 32 before it, whatever the order of arrival', () => {
    fc.assert(
      fc.property(start16, stream, (first, indexes) => {
        const window = new AckWindow()
        const seen = new Set<number>()
        let newest = -1
        for (const index of indexes) {
          const result = window.note((first + index) & 0xffff)
          const expected = newest >= 0 && index < newest - 32 ? 'old' : seen.has(index) ? 'duplicate' : 'new'
          expect(result).toBe(expected)
          if (result === 'new') seen.add(index)
          newest = Math.max(newest, index)
          expect(window.ack).toBe((first + newest) & 0xffff)
          for (let bit = 0; bit < 32; bit++) {
            expect((window.ackBits >>> bit) & 1).toBe(seen.has(newest - 1 - bit) ? 1 : 0)
          }
          expect(window.ackBits).toBeGreaterThanOrEqual(0)
        }
        const recent = [...seen].filter((index) => index >= newest - 32).length
        expect(window.receivedCount).toBe(recent)
      }),
    )
  })

  it('SQ2: before the first sequence nothing is acked that a sender has sent', () => {
    const window = new AckWindow()
    const sender = new SentWindow()
    sender.next()
    sender.acknowledge(window.ack, window.ackBits, () => expect.unreachable())
    expect(window.receivedCount).toBe(0)
    window.note(5)
    window.reset()
    expect([window.isEmpty, window.ack, window.ackBits]).toEqual([true, 0xffff, 0])
  })
})

describe('SentWindow', () => {
  it('SQ3: each sequence is reported once, as acked when the far end has it, else as lost', () => {
    fc.assert(
      fc.property(
        start16,
        fc.array(fc.record({ arrives: fc.boolean(), ackArrives: fc.boolean() }), { minLength: 1, maxLength: 600 }),
        (first, packets) => {
          const sender = new SentWindow(first)
          const receiver = new AckWindow()
          const reports = new Map<number, string>()
          const sent: number[] = []
          const received = new Set<number>()
          const report = (kind: string) => (sequence: number) => {
            const position = sent.lastIndexOf(sequence)
            expect(position).toBeGreaterThanOrEqual(0)
            expect(reports.has(position)).toBe(false)
            if (kind === 'acked') expect(received.has(position)).toBe(true)
            reports.set(position, kind)
          }
          for (const { arrives, ackArrives } of packets) {
            const sequence = sender.next(report('lost'))
            sent.push(sequence)
            if (arrives) {
              received.add(sent.length - 1)
              receiver.note(sequence)
            }
            if (ackArrives && !receiver.isEmpty) {
              sender.acknowledge(receiver.ack, receiver.ackBits, report('acked'), report('lost'))
              sender.acknowledge(receiver.ack, receiver.ackBits, report('acked'), report('lost'))
            }
          }
          const kinds = [...reports.values()]
          expect(sender.ackedCount).toBe(kinds.filter((kind) => kind === 'acked').length)
          expect(sender.lostCount).toBe(kinds.filter((kind) => kind === 'lost').length)
          expect(sent.length - reports.size).toBeLessThanOrEqual(SENT_WINDOW_SIZE)
        },
      ),
    )
  })

  it('SQ3: acks of what was never sent do nothing', () => {
    fc.assert(
      fc.property(start16, fc.nat(50), u16, u32, (first, count, ack, ackBits) => {
        const sender = new SentWindow(first)
        const sent = new Set<number>()
        for (let index = 0; index < count; index++) sent.add(sender.next())
        sender.acknowledge(ack, ackBits, (sequence) => expect(sent.delete(sequence)).toBe(true))
      }),
    )
  })
})

describe('SequenceWindow', () => {
  it('SQ4: accepts a sequence once, and nothing 256 or more behind the newest', () => {
    const jumps = fc.array(fc.oneof(fc.integer({ min: -300, max: 300 }), fc.integer({ min: -5, max: 5 })), {
      maxLength: 300,
    })
    fc.assert(
      fc.property(start16, jumps, (first, steps) => {
        const window = new SequenceWindow()
        const accepted = new Set<number>()
        let position = 0
        let newest = -Infinity
        for (const step of [0, ...steps]) {
          position += step
          const isKnownOld = position <= newest - SEQUENCE_WINDOW_SIZE
          const expected = !isKnownOld && !accepted.has(position)
          expect(window.accept((first + position) & 0xffff)).toBe(expected)
          if (expected) accepted.add(position)
          newest = Math.max(newest, position)
        }
      }),
    )
  })
})
