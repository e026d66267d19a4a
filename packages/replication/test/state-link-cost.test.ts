/** What a tick of state costs in memory, and what acks from nowhere do. */
import { describe, expect, test } from 'vitest'
import { MAX_PACKET_BYTES, createPacketHeader } from '../src/pipeline/packet.ts'
import { LinkRig, TRANSFORM, schemaOf } from './link-rig.ts'

const clean = { loss: 0, duplicate: 0, delay: 2, jitter: 0 }

describe('state link', () => {
  test('AK5: acks of packets that were never sent do nothing', () => {
    const rig = new LinkRig({ schemas: [schemaOf(0, TRANSFORM)], rows: 5, seed: 1, wire: clean, audit: true })
    for (let tick = 0; tick < 20; tick += 1) {
      const header = { ...createPacketHeader(), hasAck: true, ack: 500 + tick, ackBits: 0xffffffff }
      rig.encoder.acknowledge({ ...header, sequence: tick })
      rig.step(() => rig.shake(0, tick % 5, true))
    }
    expect(rig.faults).toEqual([])
    expect(rig.results.unresolved).toBe(0)
  })

  test('allocates by the packet and not by the row', () => {
    const perTick = [20, 1_200].map((rows) => {
      const rig = new LinkRig({ schemas: [schemaOf(0, TRANSFORM)], rows, seed: 1, wire: { ...clean, loss: 0.02 } })
      const pool = Array.from({ length: 64 }, () => new Uint8Array(MAX_PACKET_BYTES))
      const lengths: number[] = []
      let allocated = 0
      /** A garbage collection in between only makes the figure smaller. */
      const measure = <T>(work: () => T): T => {
        const before = process.memoryUsage().heapUsed
        const result = work()
        allocated += Math.max(0, process.memoryUsage().heapUsed - before)
        return result
      }
      const { encoder, decoder, published } = rig
      const originals = {
        encode: encoder.encodeTick.bind(encoder),
        decode: decoder.decode.bind(decoder),
        publish: published.publish.bind(published),
        acknowledge: encoder.acknowledge.bind(encoder),
      }
      const keep = (packet: Uint8Array): boolean => {
        pool[lengths.length]!.set(packet)
        return lengths.push(packet.length) > 0
      }
      encoder.encodeTick = (request, emit) => {
        lengths.length = 0
        const packets = measure(() => originals.encode(request, keep))
        lengths.forEach((length, at) => emit(pool[at]!.subarray(0, length)))
        return packets
      }
      decoder.decode = (packet) => measure(() => originals.decode(packet))
      published.publish = (tick, lists, current) => measure(() => originals.publish(tick, lists, current))
      encoder.acknowledge = (header) => measure(() => originals.acknowledge(header))
      const shakeAll = (): void => {
        for (let row = 0; row < rows; row += 1) rig.shake(0, row, false)
      }
      for (let tick = 0; tick < 100; tick += 1) rig.step(shakeAll)
      allocated = 0
      const { packets } = rig
      for (let tick = 0; tick < 60; tick += 1) rig.step(shakeAll)
      return { bytes: allocated / 60, packets: (rig.packets - packets) / 60 }
    })
    const [few, many] = perTick as [(typeof perTick)[0], (typeof perTick)[0]]
    expect(many.packets).toBeGreaterThan(6)
    // 1,180 rows more; one number on the heap for each would be 19 kB.
    expect(many.bytes - few.bytes).toBeLessThan((many.packets - few.packets) * 700 + 4_000)
  }, 20_000)
})
