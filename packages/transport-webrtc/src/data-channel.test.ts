// The channel underneath is made up here: a real one cannot be told to stand still. What it does for real is in
// webrtc-transport.webrtc.test.ts.
import { MAX_TRANSPORT_MESSAGE_BYTES } from '@baton/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataChannel, DRAIN_TIMEOUT_MS } from './data-channel.ts'

class ChannelDouble {
  binaryType = 'blob'
  readyState: RTCDataChannelState = 'connecting'
  bufferedAmount = 0
  throws = false
  readonly sent: Uint8Array[] = []
  onopen: (() => void) | null = null
  onclose: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null

  open(): void {
    this.readyState = 'open'
    this.onopen?.()
  }

  send(data: Uint8Array): void {
    if (this.throws) throw new Error('OperationError')
    this.sent.push(data.slice())
    this.bufferedAmount += data.length
  }
}

function create(reliable: boolean) {
  const raw = new ChannelDouble()
  const log: string[] = []
  const channel = new DataChannel(raw as unknown as RTCDataChannel, reliable, {
    opened: () => log.push('opened'),
    message: (data) => log.push(`message ${data.length}`),
    breach: () => log.push('breach'),
    closed: () => log.push('closed'),
  })
  return { raw, log, channel }
}

describe('DataChannel', () => {
  it('WT4: nothing leaves before it is both open and released, and then everything in order', () => {
    const step = fc.oneof(
      fc.constant('open' as const),
      fc.constant('release' as const),
      fc.uint8Array({ maxLength: 20 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { raw, channel } = create(true)
        const given: number[][] = []
        let released = false
        for (const what of steps) {
          if (what === 'open') raw.open()
          else if (what === 'release') {
            released = true
            channel.release()
          } else {
            expect(channel.send(what)).toBe('sent')
            given.push([...what])
            what.fill(99) // the caller's array is the caller's again
          }
          const ready = released && raw.readyState === 'open'
          expect(raw.sent.map((data) => [...data])).toEqual(ready ? given : [])
          expect(channel.bufferedBytes).toBe(given.flat().length)
        }
      }),
    )
  })

  it('WT11: a reliable channel that stands still for long enough says so; a pause of ours is no standstill', () => {
    const { raw, channel } = create(true)
    raw.open()
    channel.release()
    channel.measure(0)
    channel.send(new Uint8Array(100))
    expect(channel.measure(100_000)).toBe(true)
    let nowMs = 100_000
    const endMs = nowMs + DRAIN_TIMEOUT_MS
    while (nowMs < endMs - 500) expect(channel.measure((nowMs += 100))).toBe(true)
    raw.bufferedAmount = 90
    expect(channel.measure((nowMs += 100))).toBe(true)
    let steps = 0
    while (channel.measure((nowMs += 100))) steps++
    expect(steps).toBe(DRAIN_TIMEOUT_MS / 100 - 1)
  })

  it('WT2: what throws underneath is closed, text and oversized messages are breaches', () => {
    const { raw, log, channel } = create(true)
    raw.open()
    channel.release()
    raw.throws = true
    expect(channel.send(new Uint8Array(1))).toBe('closed')
    raw.onmessage!({ data: 'text' })
    raw.onmessage!({ data: new ArrayBuffer(MAX_TRANSPORT_MESSAGE_BYTES + 1) })
    raw.onmessage!({ data: new ArrayBuffer(MAX_TRANSPORT_MESSAGE_BYTES) })
    raw.onmessage!({ data: new ArrayBuffer(0) })
    raw.readyState = 'closing'
    expect(channel.send(new Uint8Array(1))).toBe('closed')
    expect(log).toEqual(['opened', 'breach', 'breach', `message ${MAX_TRANSPORT_MESSAGE_BYTES}`, 'message 0'])
    expect(raw.binaryType).toBe('arraybuffer')
  })

  it('WT10: an unreliable channel that opens late holds little and drops the rest', () => {
    const { channel } = create(false)
    const results = Array.from({ length: 100 }, () => channel.send(new Uint8Array(1_000)))
    expect(results.filter((result) => result === 'sent')).toHaveLength(65)
    expect(results.at(-1)).toBe('dropped')
  })
})
