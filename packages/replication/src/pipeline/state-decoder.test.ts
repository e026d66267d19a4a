import { BitWriter } from '@baton/core/bytes'
import { describe, expect, test } from 'vitest'
import type { ComponentSchema, LaneGroup } from '../schema/component-schema.ts'
import { createReference } from './delta.ts'
import { MAX_PACKET_BYTES, MAX_PACKET_LANES, MAX_PACKET_ROWS, createPacketHeader, writeHeader } from './packet.ts'
import { PacketWriter } from './packet-writer.ts'
import { WHOLE_ROW, countBits, startWidthBits, writeFirstId } from './row-header.ts'
import { ID_UNKNOWN, REFRESH_TICKS, StateDecoder } from './state-decoder.ts'

function schemaOf(
  groups: readonly LaneGroup[],
  check: (lanes: Int32Array, offset: number) => boolean,
): ComponentSchema {
  const laneCount = groups.reduce((sum, { count }) => sum + count, 0)
  return {
    name: 'Any',
    index: 0,
    delivery: 'snapshot',
    groups,
    laneCount,
    door: { check },
  } as unknown as ComponentSchema
}

const BYTE: LaneGroup = { kind: 'scalar', offset: 0, count: 1, bits: 8 }
const byteSchema = schemaOf([BYTE], (lanes, offset) => lanes[offset]! !== 255)

/** A packet of whole rows: ids from 1 on, with these lanes. */
function packetOf(sequence: number, tick: number, lanes: readonly number[], firstId = 1): Uint8Array {
  const writer = new PacketWriter([byteSchema])
  writer.begin({ ...createPacketHeader(), slot: 1, term: 1, sequence, tick }, MAX_PACKET_BYTES)
  const plan = { component: 0, source: (tick - 7) >>> 0, usualAge: 0, usualSpacing: 0, gapOrder: 0 }
  writer.openSection({ ...plan, rowsAhead: lanes.length })
  lanes.forEach((lane, row) => {
    writer.addRow(firstId + row, Int32Array.of(lane), 0, WHOLE_ROW, 0, createReference(1))
  })
  return writer.finish().slice()
}

/** One row that refers to a state `age` ticks before. */
function deltaOf(sequence: number, tick: number, age: number): Uint8Array {
  const writer = new PacketWriter([byteSchema])
  writer.begin({ ...createPacketHeader(), slot: 1, term: 1, sequence, tick }, MAX_PACKET_BYTES)
  const plan = { component: 0, source: tick, usualAge: age, usualSpacing: 0, gapOrder: 0 }
  writer.openSection({ ...plan, rowsAhead: 1 })
  writer.addRow(1, Int32Array.of(1), 0, age, 0, createReference(1))
  return writer.finish().slice()
}

const decoderOf = (schema: ComponentSchema, options: { maxHistoryPages?: number; known?: boolean } = {}) =>
  new StateDecoder({
    schemas: [schema],
    capacity: 2_500,
    resolve: (id) => (options.known === false ? ID_UNKNOWN : id - 1),
    ...(options.maxHistoryPages === undefined ? {} : { maxHistoryPages: options.maxHistoryPages }),
  })

describe('StateDecoder', () => {
  test('AK1: a packet is acked when its rows are stored, and once', () => {
    const decoder = decoderOf(byteSchema)
    expect(decoder.hasAck).toBe(false)
    expect(decoder.decode(packetOf(65_535, 10, [1, 2]))).toBe('accepted')
    expect([decoder.hasAck, decoder.ack, decoder.ackBits, decoder.rows.count]).toEqual([true, 65_535, 0, 2])
    expect(decoder.decode(packetOf(65_535, 10, [1, 2]))).toBe('duplicate')
    expect(decoder.rows.count).toBe(0)
    expect(decoder.decode(packetOf(1, 12, [3]))).toBe('accepted')
    expect([decoder.ack, decoder.ackBits]).toEqual([1, 2])
    expect(decoder.decode(packetOf(0, 11, [4]))).toBe('accepted')
    expect([decoder.ack, decoder.ackBits]).toEqual([1, 3])
    expect(decoder.decode(packetOf(40, 50, [5]))).toBe('accepted')
    // Before what one ack can tell of.
    expect(decoder.decode(packetOf(7, 17, [6]))).toBe('duplicate')
    expect(decoder.decode(packetOf(8, 18, [6]))).toBe('accepted')
  })

  test('PK10: lanes that their component cannot have make the whole packet malformed', () => {
    const decoder = decoderOf(byteSchema)
    expect(decoder.decode(packetOf(0, 1, [1, 255, 3]))).toBe('malformed')
    expect([decoder.hasAck, decoder.rows.count]).toEqual([false, 0])
    // Nothing of it was stored: the good rows cannot be referred to.
    expect(decoder.decode(deltaOf(1, 2, 1))).toBe('unresolved')
  })

  test('PK11: more rows or lanes than a packet may hold are malformed, however few bits they take', () => {
    const wide: LaneGroup = { kind: 'vector', offset: 0, count: 64, bits: 8 }
    const wideSchema = schemaOf([wide], () => true)
    for (const [schema, group, most] of [
      [byteSchema, BYTE, MAX_PACKET_ROWS],
      [wideSchema, wide, MAX_PACKET_LANES / 64],
    ] as const) {
      for (const rows of [most, most + 1]) {
        const result = decoderOf(schema).decode(crammed(group, rows))
        // Sound, but it refers to what is not here; or not sound.
        expect(result).toBe(rows > most ? 'malformed' : 'unresolved')
      }
    }
  })

  test('BL7: a packet whose rows find no room in history is not acked', () => {
    const decoder = decoderOf(byteSchema, { maxHistoryPages: 5 })
    expect(decoder.decode(packetOf(0, 1, [1, 2, 3, 4, 5, 6]))).toBe('unresolved')
    expect(decoder.decode(packetOf(1, 2, [1, 2, 3]))).toBe('accepted')
    expect(decoder.decode(packetOf(2, 3, [4, 5, 6], 4))).toBe('unresolved')
    expect(decoder.ack).toBe(1)
    decoder.forget(0)
    expect(decoder.decode(packetOf(3, 4, [4, 5, 6], 4))).toBe('accepted')
  })

  test('AK4: asks for whole rows when the newest packet refers to nothing here, once in two seconds', () => {
    const decoder = decoderOf(byteSchema)
    expect(decoder.decode(packetOf(5, 100, [1]))).toBe('accepted')
    expect(decoder.decode(deltaOf(4, 99, 3))).toBe('unresolved')
    expect(decoder.refresh).toBe(0)
    expect(decoder.decode(deltaOf(6, 101, 3))).toBe('unresolved')
    expect(decoder.refresh).toBe(1)
    expect(decoder.decode(deltaOf(7, 100 + REFRESH_TICKS, 3))).toBe('unresolved')
    expect(decoder.refresh).toBe(1)
    for (const more of [2, 3, 0]) {
      expect(decoder.decode(deltaOf(8, 101 + REFRESH_TICKS * (more || 4), 3))).toBe('unresolved')
      expect(decoder.refresh).toBe(more)
    }
  })

  test('WR1: what waited is released with the source tick of its newest state', () => {
    const decoder = decoderOf(byteSchema, { known: false })
    expect(decoder.decode(packetOf(1, 20, [7]))).toBe('accepted')
    expect(decoder.decode(packetOf(0, 19, [6]))).toBe('accepted')
    expect(decoder.rows.count).toBe(0)
    const released: number[][] = []
    const onRow = (component: number, source: number, lanes: Int32Array): void => {
      released.push([component, source, ...lanes])
    }
    decoder.release(2, 0, onRow)
    expect(released).toEqual([])
    decoder.release(1, 0, onRow)
    expect(released).toEqual([[0, 13, 7]])
    decoder.release(1, 0, onRow)
    expect(released.length).toBe(1)
  })
})

/** Rows that take a few bits each: distance, baseline and a width that is as expected, over sections of 1,023. */
function crammed(group: LaneGroup, rows: number): Uint8Array {
  const writer = new BitWriter(new Uint8Array(MAX_PACKET_BYTES))
  writeHeader(writer, { ...createPacketHeader(), slot: 1, term: 1, tick: 100, sequence: 1 })
  let id = 1
  for (let left = rows, isFirst = true; left > 0; isFirst = false) {
    const count = Math.min(left, 1_023)
    left -= count
    writer.write(1, 1)
    // Component 0, source tick of the packet, usual baseline: age 3, spacing 0.
    writer.write(0, 2)
    writer.write(isFirst ? 0 : 1, 1)
    if (isFirst) writer.write(3 << 1, 8)
    writer.write(3, 2)
    writer.write(count, countBits(3))
    writeFirstId(writer, id)
    writer.write(0, 4)
    if (isFirst) {
      writer.write(0, 1)
      writer.write(0, startWidthBits(group.bits))
    }
    for (let row = 0; row < count; row += 1) writer.write(0, (row > 0 ? 1 : 0) + 1 + (group.count > 1 ? 2 : 1))
    id += count
  }
  writer.write(0, 1)
  expect(writer.failed).toBe(false)
  return writer.finish()
}
