import { describe, expect, test } from 'vitest'
import { LinkRig, TRANSFORM, schemaOf } from '../../test/link-rig.ts'
import { MAX_PACKET_BYTES, createPacketHeader, peekHeader } from './packet.ts'
import { PublishedRows } from './published-rows.ts'
import { StateEncoder, type EncodeRequest, type RowPolicy } from './state-encoder.ts'

// There are no Node types here; tests run in Node.
declare const process: { memoryUsage(): { heapUsed: number } }

const clean = { loss: 0, duplicate: 0, delay: 2, jitter: 0 }
const policy: RowPolicy = { score: () => 1, choose: () => 0 }

function requestOf(rows: number, changes: Partial<EncodeRequest> = {}): EncodeRequest {
  const indices = Int32Array.from({ length: rows }, (_, row) => row)
  return {
    tick: 1,
    sessionTag: 0xabcd,
    term: 300,
    slot: 4_000,
    ids: Uint32Array.from({ length: rows }, (_, row) => row + 1),
    lists: [{ component: 0, indices, count: rows }],
    acks: { hasAck: true, ack: 9, ackBits: 5, refresh: 2 },
    budgetBytes: 1e9,
    maxPackets: 8,
    sendEmpty: false,
    ...changes,
  }
}

function publishedOf(rows: number): PublishedRows {
  const published = new PublishedRows([schemaOf(0, TRANSFORM)], rows)
  const current = { current: new Int32Array(rows * 7), tick: new Uint32Array(rows) }
  published.publish(1, requestOf(rows).lists, [current])
  return published
}

describe('StateEncoder', () => {
  test('PK3: the header says who speaks, in whose reign, at which tick, and what was heard', () => {
    const encoder = new StateEncoder(publishedOf(3), policy, 7)
    const headers: unknown[] = []
    encoder.encodeTick(requestOf(3), (packet) => headers.push(peekHeader(packet)) > 0)
    expect(headers).toEqual([
      {
        ...{ sessionTag: 0xabcd, term: 300, slot: 4_000, sequence: 7, tick: 1 },
        ...{ hasAck: true, ack: 9, ackBits: 5, refresh: 2 },
      },
    ])
  })

  test('PK1: a packet without rows carries acks, when it is asked for', () => {
    const encoder = new StateEncoder(publishedOf(0), policy)
    const packets: Uint8Array[] = []
    const emit = (packet: Uint8Array): boolean => packets.push(packet.slice()) > 0
    expect(encoder.encodeTick(requestOf(0), emit)).toBe(0)
    const other = new StateEncoder(publishedOf(0), policy)
    expect(other.encodeTick(requestOf(0, { sendEmpty: true }), emit)).toBe(1)
    expect(packets.map(({ length }) => length)).toEqual([20])
    expect(peekHeader(packets[0]!)!.ack).toBe(9)
  })

  test('PR3: with less than the smallest budget no row is sent, and nothing is lost', () => {
    const encoder = new StateEncoder(publishedOf(3), policy)
    const budgetBytes = encoder.smallestBudgetBytes - 1
    expect(encoder.encodeTick(requestOf(3, { budgetBytes }), () => true)).toBe(0)
    expect([encoder.rowsSent, encoder.rowsLeft, encoder.lostCount]).toEqual([0, 3, 0])
  })

  test('refuses a tick that is not the published one, or the same one again', () => {
    const encoder = new StateEncoder(publishedOf(1), policy)
    expect(() => encoder.encodeTick(requestOf(1, { tick: 2 }), () => true)).toThrow(/published 1/)
    encoder.encodeTick(requestOf(1), () => true)
    expect(() => encoder.encodeTick(requestOf(1), () => true)).toThrow(/encode it once/)
  })

  test('refuses a component whose row may not fit a packet', () => {
    const wide = Array.from({ length: 100 }, () => ({ kind: 'scalar', count: 1, bits: 32 }) as const)
    const published = new PublishedRows([schemaOf(0, wide)], 1)
    expect(() => new StateEncoder(published, policy)).toThrow(/split the component/)
  })

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
    const perTick = [20, 2_000].map((rows) => {
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
      for (let tick = 0; tick < 200; tick += 1) rig.step(shakeAll)
      allocated = 0
      const { packets } = rig
      for (let tick = 0; tick < 100; tick += 1) rig.step(shakeAll)
      return { bytes: allocated / 100, packets: (rig.packets - packets) / 100 }
    })
    const [few, many] = perTick as [(typeof perTick)[0], (typeof perTick)[0]]
    expect(many.packets).toBeGreaterThan(10)
    // 1,980 rows more; one number on the heap for each would be 24 kB.
    expect(many.bytes - few.bytes).toBeLessThan((many.packets - few.packets) * 700 + 4_000)
  }, 20_000)
})
