import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createDrainMeter,
  MAX_WATER_MARK_BYTES,
  measureDrain,
  MIN_WATER_MARK_BYTES,
  noteAccepted,
  QUEUE_DELAY_LIMIT_MS,
} from './drain-meter.ts'

const FRAME_MS = 1_000 / 60
const PACKET_BYTES = 1_000

interface Link {
  readonly meter: ReturnType<typeof createDrainMeter>
  bufferedBytes: number
  sent: number
  dropped: number
}

/** Frames of a game over a link that drains `bytesPerMs`: poll, then send. */
function run(link: Link, frames: number, startMs: number, bytesPerMs: number, packetsPerFrame: number): number[] {
  const queueMs: number[] = []
  for (let frame = 0; frame < frames; frame++) {
    const nowMs = startMs + frame * FRAME_MS
    link.bufferedBytes = Math.max(0, link.bufferedBytes - bytesPerMs * FRAME_MS)
    measureDrain(link.meter, nowMs, link.bufferedBytes)
    for (let packet = 0; packet < packetsPerFrame; packet++) {
      if (link.bufferedBytes > link.meter.waterMarkBytes) {
        link.dropped++
        continue
      }
      link.bufferedBytes += PACKET_BYTES
      noteAccepted(link.meter, PACKET_BYTES)
      link.sent++
    }
    queueMs.push(link.bufferedBytes / bytesPerMs)
  }
  return queueMs
}

const createLink = (): Link => ({ meter: createDrainMeter(), bufferedBytes: 0, sent: 0, dropped: 0 })

describe('drain meter', () => {
  it('WT10: a link that keeps up never refuses a packet', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.double({ min: 1.1, max: 50, noNaN: true }), (packets, factor) => {
        const link = createLink()
        run(link, 300, 0, (packets * PACKET_BYTES * factor) / FRAME_MS, packets)
        expect(link.dropped).toBe(0)
      }),
    )
  })

  it('WT10: the queue of a slow link stays about as long as the limit, and the link stays in use', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 500 }), fc.integer({ min: 2, max: 30 }), (bytesPerMs, excess) => {
        const link = createLink()
        const packets = Math.max(1, Math.ceil((bytesPerMs * FRAME_MS * excess) / PACKET_BYTES))
        const startMs = (MAX_WATER_MARK_BYTES / bytesPerMs) * 2
        run(link, Math.ceil(startMs / FRAME_MS) + 120, 0, bytesPerMs, packets)
        const before = link.sent
        const queueMs = run(link, 300, 1e6, bytesPerMs, packets)
        // Two datagrams always fit; the one that crosses the mark is still sent.
        const slackMs = (MIN_WATER_MARK_BYTES + PACKET_BYTES) / bytesPerMs
        expect(Math.max(...queueMs)).toBeLessThanOrEqual(QUEUE_DELAY_LIMIT_MS * 1.6 + slackMs)
        const carried = (link.sent - before) * PACKET_BYTES
        expect(carried).toBeGreaterThan(300 * FRAME_MS * bytesPerMs * 0.85)
      }),
      { numRuns: 200 },
    )
  })

  it('WT10: a link that has become fast again is trusted again', () => {
    const link = createLink()
    run(link, 600, 0, 10, 30)
    expect(link.dropped).toBeGreaterThan(0)
    run(link, 120, 20_000, 5_000, 30)
    link.dropped = 0
    run(link, 120, 40_000, 5_000, 30)
    expect(link.dropped).toBe(0)
    expect(link.meter.waterMarkBytes).toBe(MAX_WATER_MARK_BYTES)
  })

  it('holds for any bytes and times it may be told', () => {
    const step = fc.record({
      elapsedMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
      accepted: fc.nat(1e6),
      buffered: fc.nat(1e7),
    })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const meter = createDrainMeter()
        let nowMs = 0
        for (const { elapsedMs, accepted, buffered } of steps) {
          nowMs += elapsedMs
          noteAccepted(meter, accepted)
          measureDrain(meter, nowMs, buffered)
          expect(meter.waterMarkBytes).toBeGreaterThanOrEqual(MIN_WATER_MARK_BYTES)
          expect(meter.waterMarkBytes).toBeLessThanOrEqual(MAX_WATER_MARK_BYTES)
        }
      }),
    )
  })
})
