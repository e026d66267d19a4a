/** Writer and reader of packets together, at their bounds: where the room ends, and what no packet may hold. */
import { BitReader } from '@baton/core/bytes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { defineReplicated } from '../schema/define-replicated.ts'
import { bool, quat, quantized, uint, vec3 } from '../schema/fields.ts'
import { createRegistry } from '../schema/registry.ts'
import { createReference, foldGroup } from './delta.ts'
import { createPacketHeader, MAX_PACKET_LANES, MAX_PACKET_ROWS, readHeader, type PacketHeader } from './packet.ts'
import { PacketReader } from './packet-reader.ts'
import { PacketWriter } from './packet-writer.ts'
import { MAX_SECTION_ROWS, WHOLE_ROW } from './row-header.ts'
import { ID_UNKNOWN, StateDecoder } from './state-decoder.ts'

const TICK = 1_000
const headerOf = (sequence: number): PacketHeader => ({
  ...createPacketHeader(),
  sessionTag: 7,
  term: 1,
  slot: 1,
  sequence,
  tick: TICK + sequence,
})

function registryOf(...components: object[]): readonly ComponentSchema[] {
  return createRegistry(components).schemas
}

/** Opens sections of `component` until the packet takes no more rows; ids rise by one. */
function fill(writer: PacketWriter, component: number, lanes: Int32Array, rows: number, isWhole: boolean): number {
  const ref = createReference(lanes.length)
  ref.newest.set(lanes)
  let count = 0
  while (count < rows) {
    const rowsAhead = Math.min(MAX_SECTION_ROWS, rows - count)
    writer.openSection({ component, source: TICK, rowsAhead, usualAge: 1, usualSpacing: 0, gapOrder: 0 })
    const before = count
    while (count - before < rowsAhead) {
      if (!writer.addRow(count + 1, lanes, 0, isWhole ? WHOLE_ROW : 1, 0, ref)) return count
      count += 1
    }
  }
  return count
}

function readBack(schemas: readonly ComponentSchema[], bytes: Uint8Array): PacketReader | undefined {
  const bits = new BitReader(bytes)
  const header = createPacketHeader()
  const reader = new PacketReader(schemas)
  return readHeader(bits, header) && reader.read(bits, header.tick) ? reader : undefined
}

const transform = () =>
  defineReplicated('Transform', { translation: vec3({ range: 128, step: 1 / 512 }), rotation: quat({ bits: 10 }) })
const REST = [65_536, 65_536, 65_536, 3, 511, 511, 511]

describe('a packet', () => {
  test('PK2: whatever room it has, it holds whole rows and reads to its end', () => {
    const schemas = registryOf(transform())
    const writer = new PacketWriter(schemas)
    let most = 0
    for (let limitBytes = 40; limitBytes <= 1_100; limitBytes += 11) {
      writer.begin(headerOf(0), limitBytes)
      const count = fill(writer, 0, Int32Array.from(REST), 200, limitBytes % 2 === 0)
      const bytes = writer.finish()
      expect(bytes.length).toBeLessThanOrEqual(limitBytes)
      const reader = readBack(schemas, bytes)!
      expect(reader.rowCount).toBe(count)
      if (limitBytes % 2 === 0 && count > 0) {
        expect([...reader.lanes.slice((count - 1) * 7, count * 7)]).toEqual(REST)
      }
      most = Math.max(most, count)
    }
    expect(most).toBeGreaterThan(100)
  })

  test('PK4: rows of a component that does not travel as snapshots are malformed', () => {
    const fields = { points: uint(8) }
    const asSnapshot = registryOf(defineReplicated('Health', fields))
    const asReliable = registryOf(defineReplicated('Health', fields, { delivery: 'reliable' }))
    const writer = new PacketWriter(asSnapshot)
    writer.begin(headerOf(0), 1_100)
    expect(fill(writer, 0, Int32Array.of(9), 1, true)).toBe(1)
    const bytes = writer.finish()
    expect(readBack(asSnapshot, bytes)?.rowCount).toBe(1)
    expect(readBack(asReliable, bytes)).toBeUndefined()
    expect(readBack(registryOf(defineReplicated('Tag', {})), bytes)).toBeUndefined()
  })

  test('PK11: it holds no more rows than a reader does, though there were room', () => {
    const schemas = registryOf(defineReplicated('Flag', { on: bool() }))
    const writer = new PacketWriter(schemas)
    writer.begin(headerOf(0), 1_100)
    expect(fill(writer, 0, Int32Array.of(1), 3_000, false)).toBe(MAX_PACKET_ROWS)
    expect(readBack(schemas, writer.finish())?.rowCount).toBe(MAX_PACKET_ROWS)
  })

  test('PK11: it holds no more lanes than a reader does, though there were room', () => {
    const names = Array.from({ length: 64 }, (_, index) => `turn${index}`)
    const schemas = registryOf(
      defineReplicated('Joints', Object.fromEntries(names.map((name) => [name, quat({ bits: 2 })])), { capacity: 8 }),
    )
    const { laneCount } = schemas[0]!
    const writer = new PacketWriter(schemas)
    writer.begin(headerOf(0), 1_100)
    const lanes = new Int32Array(laneCount).map((_, lane) => (lane % 4 === 0 ? 3 : 1))
    const count = fill(writer, 0, lanes, 500, false)
    expect(count).toBe(Math.floor(MAX_PACKET_LANES / laneCount))
    expect(readBack(schemas, writer.finish())?.rowCount).toBe(count)
  })
})

describe('a difference', () => {
  test('DL2: goes the shorter way around, and its width is that of the largest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 32 }),
        fc.nat(),
        fc.array(fc.integer(), { minLength: 3, maxLength: 3 }),
        (bits, seed, steps) => {
          const range = 2 ** bits
          const half = range / 2
          const wrap = (value: number): number => ((value % range) + range) % range
          const group = { kind: 'vector', offset: 0, count: 3, bits } as const
          const ref = createReference(3)
          const deltas = steps.map((step) => wrap(step) - half)
          const from = [0, 1, 2].map((lane) => wrap(seed * (lane + 1)))
          ref.newest.set(from.map((lane) => lane | 0))
          const lanes = Int32Array.from(from, (lane, at) => wrap(lane + deltas[at]!) | 0)
          const width = foldGroup(group, lanes, 0, ref, false)
          const folded = deltas.map((delta) => (delta < 0 ? -2 * delta - 1 : 2 * delta))
          expect([...ref.folded.slice(0, 3)].map((value) => value >>> 0)).toEqual(folded)
          expect(width).toBe(Math.max(...folded.map((value) => (value === 0 ? 0 : Math.floor(Math.log2(value)) + 1))))
        },
      ),
    )
  })

  test('DL2: a rotation that only changes its index has a width all the same', () => {
    const group = { kind: 'rotation', offset: 0, count: 4, bits: 10 } as const
    const ref = createReference(4)
    // Two components of equal size: turned to the other index the prediction is exact.
    ref.newest.set([0, 1_022, 511, 511])
    expect(foldGroup(group, Int32Array.of(1, 1_022, 511, 511), 0, ref, false)).toBe(1)
    expect(foldGroup(group, Int32Array.of(0, 1_022, 511, 511), 0, ref, false)).toBe(0)
  })
})

describe('an ack', () => {
  test('AK1: is given for a packet exactly when its rows were stored', () => {
    const schemas = registryOf(defineReplicated('Heat', { celsius: quantized({ min: -50, max: 50, step: 0.1 }) }))
    const decoder = new StateDecoder({ schemas, capacity: 8, resolve: (id) => (id <= 4 ? id : ID_UNKNOWN) })
    const packet = (sequence: number, id: number, isWhole: boolean): Uint8Array => {
      const writer = new PacketWriter(schemas)
      writer.begin(headerOf(sequence), 1_100)
      writer.openSection({ component: 0, source: TICK, rowsAhead: 1, usualAge: 1, usualSpacing: 0, gapOrder: 0 })
      writer.addRow(id, Int32Array.of(500), 0, isWhole ? WHOLE_ROW : 1, 0, createReference(1))
      return writer.finish().slice()
    }
    expect(decoder.hasAck).toBe(false)
    // Refers to a state that is not here; damaged; then sound.
    expect(decoder.decode(packet(0, 1, false))).toBe('unresolved')
    expect(decoder.decode(packet(1, 1, true).slice(0, -1))).toBe('malformed')
    expect(decoder.hasAck).toBe(false)
    expect(decoder.decode(packet(2, 1, true))).toBe('accepted')
    expect([decoder.hasAck, decoder.ack, decoder.ackBits]).toEqual([true, 2, 0])
    expect(decoder.decode(packet(3, 1, false))).toBe('accepted')
    expect([decoder.ack, decoder.ackBits]).toEqual([3, 1])
    expect(decoder.decode(packet(2, 1, true))).toBe('duplicate')
    expect([decoder.ack, decoder.ackBits]).toEqual([3, 1])
  })
})
