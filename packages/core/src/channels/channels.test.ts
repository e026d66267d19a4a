import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { decodeControl, MAX_CONTROL_BYTES } from '@baton/schemas'
import type { Transport } from '../transport/transport.ts'
import { MAX_DATAGRAM_BYTES, MAX_TRANSPORT_MESSAGE_BYTES } from '../transport/transport.ts'
import { encodeApplicationMessage, MAX_APPLICATION_MESSAGE_BYTES } from './application.ts'
import { Assembly } from './assembly.ts'
import {
  frameReliable,
  frameUnreliable,
  LANE_FLAG,
  laneFlags,
  lanePayload,
  laneSequence,
  MAX_UNRELIABLE_LANE_BYTES,
  MAX_UNRELIABLE_MESSAGE_BYTES,
  stampSequence,
} from './lane-frame.ts'
import { decodeMessage, encodeMessage } from './message-data.ts'
import { NumberedChannel } from './numbered-channel.ts'
import { Outbox } from './outbox.ts'

const text = (value: string) => encodeMessage(value, 'test')
const bytes = (...values: number[]) => encodeMessage(new Uint8Array(values), 'test')

/** Large arrays take vitest's own comparison seconds. */
function isSame(actual: Uint8Array | undefined | 'bad', expected: Uint8Array): boolean {
  if (!(actual instanceof Uint8Array) || actual.length !== expected.length) return false
  return actual.every((byte, index) => byte === expected[index])
}

describe('lane frames', () => {
  it('LF1: a reliable frame is one byte of flags, then the message or a piece of it', () => {
    expect(frameReliable(text('hi')).map((frame) => [...frame])).toEqual([[0b111, 0x68, 0x69]])
    expect(frameReliable(bytes(9)).map((frame) => [...frame])).toEqual([[0b110, 9]])
    expect(frameReliable(bytes()).map((frame) => [...frame])).toEqual([[0b110]])
  })

  it('LF2: an unreliable frame is flags, a sequence of 16 bits in little-endian order, then the message', () => {
    const frame = frameUnreliable(text('hi'), 0, 'test')
    stampSequence(frame, 0, 0x1234)
    expect([...frame]).toEqual([0b011, 0x34, 0x12, 0x68, 0x69])
    const message = frameUnreliable(bytes(9), 1, 'test')
    message[0] = 0x01
    stampSequence(message, 1, 0xffff)
    expect([...message]).toEqual([0x01, 0b010, 0xff, 0xff, 9])
  })

  it('LF3: pieces are as long as a transport message allows; the last alone says so', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80_000 }), fc.boolean(), (sizeBytes, isText) => {
        const message = { text: isText, bytes: new Uint8Array(sizeBytes).map((_, index) => index * 31) }
        const frames = frameReliable(message)
        expect(frames.length).toBe(Math.max(1, Math.ceil(sizeBytes / (MAX_TRANSPORT_MESSAGE_BYTES - 1))))
        const assembly = new Assembly(100_000)
        let whole: Uint8Array | undefined | 'bad'
        for (const [index, frame] of frames.entries()) {
          expect(frame.length).toBeLessThanOrEqual(MAX_TRANSPORT_MESSAGE_BYTES)
          const flags = laneFlags(frame, 0)
          expect((flags & LANE_FLAG.last) !== 0).toBe(index === frames.length - 1)
          expect((flags & LANE_FLAG.text) !== 0).toBe(isText)
          whole = assembly.add(isText, (flags & LANE_FLAG.last) !== 0, lanePayload(frame, 0, flags))
        }
        expect(isSame(whole, message.bytes)).toBe(true)
      }),
    )
  })

  it('LF4: an unreliable message is one datagram or throws', () => {
    const largest = frameUnreliable({ text: false, bytes: new Uint8Array(MAX_UNRELIABLE_LANE_BYTES) }, 0, 'test')
    expect(largest.length).toBe(MAX_DATAGRAM_BYTES)
    const message = frameUnreliable({ text: false, bytes: new Uint8Array(MAX_UNRELIABLE_MESSAGE_BYTES) }, 1, 'test')
    expect(message.length).toBe(MAX_DATAGRAM_BYTES)
    expect(() => frameUnreliable({ text: false, bytes: new Uint8Array(1_098) }, 0, 'here')).toThrow(
      /here: 1098 .* 1097/,
    )
  })

  it('LF5: any bytes are read without a throw; unknown flags, cut unreliable ones and short ones are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 1), (frame, prefixBytes) => {
        const flags = laneFlags(frame, prefixBytes)
        const first = frame[prefixBytes]
        const isReliable = first !== undefined && (first & LANE_FLAG.reliable) !== 0
        const isGood =
          first !== undefined &&
          first < 8 &&
          (isReliable || ((first & LANE_FLAG.last) !== 0 && frame.length >= prefixBytes + 3))
        expect(flags).toBe(isGood ? first : -1)
        if (!isGood) return
        expect(lanePayload(frame, prefixBytes, flags)).toEqual(frame.subarray(prefixBytes + (isReliable ? 1 : 3)))
        if (!isReliable)
          expect(laneSequence(frame, prefixBytes)).toBe(frame[prefixBytes + 1]! + frame[prefixBytes + 2]! * 256)
      }),
    )
  })
})

describe('Assembly', () => {
  it('LF6: over the limit, or mixing text and binary, the message is bad and the next one begins anew', () => {
    const assembly = new Assembly(10)
    expect(assembly.add(false, false, new Uint8Array(6))).toBeUndefined()
    expect(assembly.add(false, true, new Uint8Array(5))).toBe('bad')
    expect(assembly.add(false, false, new Uint8Array(6))).toBeUndefined()
    expect(assembly.add(true, true, new Uint8Array(1))).toBe('bad')
    expect(assembly.add(true, true, new Uint8Array([7]))).toEqual(new Uint8Array([7]))
    expect(assembly.add(false, true, new Uint8Array(11))).toBe('bad')
  })

  it('LF6: pieces of one byte, or of none, cost no more than the message', () => {
    const assembly = new Assembly(100_000)
    for (let index = 0; index < 100_000; index++) {
      if (assembly.add(false, false, new Uint8Array(index % 2)) !== undefined) expect.unreachable()
    }
    const whole = assembly.add(false, true, new Uint8Array(0)) as Uint8Array
    expect(whole.length).toBe(50_000)
    expect(whole.buffer.byteLength).toBeLessThanOrEqual(200_000)
  })
})

describe('application messages', () => {
  it('LF7: every piece is a control message within its limit, and the pieces make the message', () => {
    for (const sizeBytes of [0, 1, 16_128, 16_129, 100_000, MAX_APPLICATION_MESSAGE_BYTES]) {
      const message = { text: false, bytes: new Uint8Array(sizeBytes).map((_, index) => index * 13) }
      const assembly = new Assembly(MAX_APPLICATION_MESSAGE_BYTES)
      let whole: Uint8Array | undefined | 'bad'
      for (const frame of encodeApplicationMessage(message, 0xffff_ffff, 'test')) {
        expect(frame.length).toBeLessThanOrEqual(MAX_CONTROL_BYTES)
        const decoded = decodeControl(frame)
        if (!decoded.ok || decoded.value.body.type !== 'ApplicationMessage') return expect.unreachable()
        whole = assembly.add(false, decoded.value.body.last, decoded.value.body.data)
      }
      expect(isSame(whole, message.bytes)).toBe(true)
    }
  })

  it('LF8: text comes back as it went, byte order mark included; half a surrogate pair becomes U+FFFD', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(decodeMessage(true, encodeMessage(value, 'test').bytes)).toBe(value)
      }),
    )
    expect(decodeMessage(true, text('\uFEFFx').bytes)).toBe('\uFEFFx')
    expect(decodeMessage(true, text('a\uD800b').bytes)).toBe('a\uFFFDb')
    expect(decodeMessage(true, new Uint8Array([0xff]))).toBe('\uFFFD')
  })
})

/** A transport of which only the buffer matters. */
function slowTransport(): { transport: Transport; sent: Uint8Array[]; drain: (sizeBytes: number) => void } {
  let buffered = 0
  const sent: Uint8Array[] = []
  const transport = {
    send: (_peer: string, _channel: number, data: Uint8Array) => {
      sent.push(data)
      buffered += data.length
      return 'sent'
    },
    bufferedBytes: () => buffered,
  } as unknown as Transport
  return {
    transport,
    sent,
    drain: (sizeBytes) => {
      buffered = Math.max(0, buffered - sizeBytes)
    },
  }
}

describe('Outbox', () => {
  const limits = { highWaterBytes: 1_000, lowWaterBytes: 200, capBytes: 5_000 }

  it('CH21: frames leave in order and only while the transport holds less than its window', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.record({ push: fc.integer({ min: 0, max: 400 }) }), fc.record({ drain: fc.nat(600) })), {
          maxLength: 200,
        }),
        (steps) => {
          const outbox = new Outbox(limits)
          const { transport, sent, drain } = slowTransport()
          const pushed: Uint8Array[] = []
          for (const [index, step] of steps.entries()) {
            if ('push' in step) {
              const frame = new Uint8Array(step.push)
              const before = outbox.queuedBytes
              const result = outbox.push([frame])
              expect(result === 'closed').toBe(before + frame.length > limits.capBytes)
              if (result !== 'closed') pushed.push(frame)
            } else {
              drain(step.drain)
              const wasFull = transport.bufferedBytes('', 0) >= 500
              const before = sent.length
              outbox.flush(transport, 'peer', 0, index, 500)
              if (wasFull) expect(sent.length).toBe(before)
              else expect(outbox.isEmpty || transport.bufferedBytes('', 0) >= 500).toBe(true)
            }
          }
          expect(sent.every((frame, index) => frame === pushed[index])).toBe(true)
          const waiting = pushed.slice(sent.length).reduce((sum, frame) => sum + frame.length, 0)
          expect(outbox.queuedBytes).toBe(waiting)
        },
      ),
    )
  })

  it('CH21: tells once when it has drained, and how long nothing moved', () => {
    const outbox = new Outbox(limits)
    const { transport, drain } = slowTransport()
    expect(outbox.push([new Uint8Array(900)])).toBe('sent')
    expect(outbox.push([new Uint8Array(200)])).toBe('queued')
    expect(outbox.push([new Uint8Array(100), new Uint8Array(4_000)])).toBe('closed')
    expect(outbox.flush(transport, 'peer', 0, 10, 100)).toBe(true)
    expect(outbox.flush(transport, 'peer', 0, 20, 100)).toBe(false)
    expect([outbox.queuedBytes, outbox.stalledMs(500)]).toEqual([200, 490])
    drain(10_000)
    outbox.flush(transport, 'peer', 0, 600, 100)
    expect([outbox.isEmpty, outbox.stalledMs(9_000)]).toEqual([true, 0])
  })
})

describe('NumberedChannel', () => {
  it('CH13: a frame of the other kind never comes out', () => {
    const reliable = new NumberedChannel(16, { reliable: true })
    const unreliable = new NumberedChannel(16, { reliable: false })
    expect(reliable.receive(frameUnreliable(bytes(1), 0, 'test'))).toBe('other-kind')
    expect(unreliable.receive(frameReliable(bytes(1))[0]!)).toBe('other-kind')
    expect(unreliable.receive(frameUnreliable(bytes(1), 0, 'test'))).toBe('message')
    expect(unreliable.receive(frameUnreliable(bytes(1), 0, 'test'))).toBe('duplicate')
    expect(reliable.receive(new Uint8Array([0xff]))).toBe('malformed')
  })

  it("CH6: the far end cannot send more than this side's limit either", () => {
    const channel = new NumberedChannel(16, { reliable: true, maxMessageBytes: 10 })
    expect(channel.receive(frameReliable({ text: false, bytes: new Uint8Array(11) })[0]!)).toBe('malformed')
    const small = new NumberedChannel(16, { reliable: false, maxMessageBytes: 10 })
    expect(small.receive(frameUnreliable({ text: false, bytes: new Uint8Array(11) }, 0, 'test'))).toBe('malformed')
  })
})
