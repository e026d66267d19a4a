/** The packet that docs/wire-format.md takes apart bit by bit: another implementation begins with it. */
import { BitReader } from '@baton/core/bytes'
import { expect, test } from 'vitest'
import { defineReplicated } from '../schema/define-replicated.ts'
import { quat, vec3 } from '../schema/fields.ts'
import { createRegistry } from '../schema/registry.ts'
import { createReference, restoreGroup } from './delta.ts'
import { makeNetworkId } from './network-id.ts'
import { createPacketHeader, readHeader, type PacketHeader } from './packet.ts'
import { PacketReader } from './packet-reader.ts'
import { PacketWriter } from './packet-writer.ts'
import { WHOLE_ROW } from './row-header.ts'

const EXAMPLE = '11efbe0240004b00dc0500004502061386114ccbeff0f6000001080400d0fffdf71f'
const HEADER: PacketHeader = {
  sessionTag: 0xbeef,
  term: 1,
  slot: 2,
  sequence: 300,
  tick: 6_000,
  hasAck: true,
  ack: 290,
  ackBits: 0xffffffff,
  refresh: 0,
}
const MOVING = [66_168, 65_792, 58_368, 3, 511, 511, 511]
const RESTING = [65_536, 66_048, 65_536, 3, 511, 511, 511]

const fields = { translation: vec3({ range: 128, step: 1 / 512 }), rotation: quat({ bits: 10 }) }
const { schemas } = createRegistry([defineReplicated('Transform', fields)])

/** The states at ticks 5,994 and 5,993 of the row that moves. */
function reference() {
  const ref = createReference(7)
  ref.newest.set([66_116, 65_792, 58_368, 3, 511, 511, 511])
  ref.older.set([66_107, 65_792, 58_368, 3, 511, 511, 511])
  ref.age = 6
  ref.spacing = 1
  return ref
}

const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16))

test('PK12: the rows of the example are written as its bytes', () => {
  const writer = new PacketWriter(schemas)
  writer.begin(HEADER, 1_100)
  writer.openSection({ component: 0, source: 6_000, rowsAhead: 2, usualAge: 6, usualSpacing: 1, gapOrder: 0 })
  expect(writer.addRow(makeNetworkId(1, 5), Int32Array.from(MOVING), 0, 6, 1, reference())).toBe(true)
  expect(writer.addRow(makeNetworkId(1, 8), Int32Array.from(RESTING), 0, WHOLE_ROW, 0, reference())).toBe(true)
  expect(hexOf(writer.finish())).toBe(EXAMPLE)
})

test('PK12: the bytes of the example are read as its rows', () => {
  const bits = new BitReader(bytesOf(EXAMPLE))
  const header = createPacketHeader()
  expect(readHeader(bits, header)).toBe(true)
  expect(header).toEqual(HEADER)
  const reader = new PacketReader(schemas)
  expect(reader.read(bits, header.tick)).toBe(true)
  expect(reader.rowCount).toBe(2)
  expect([...reader.id.slice(0, 2)]).toEqual([0x100005, 0x100008])
  expect([...reader.age.slice(0, 2)]).toEqual([6, WHOLE_ROW])
  schemas[0]!.groups.forEach((group, index) =>
    restoreGroup(group, reader.lanes, reader.offset[0]!, reference(), reader.isLine(0, index)),
  )
  expect([...reader.lanes.slice(0, 14)]).toEqual([...MOVING, ...RESTING])
})
