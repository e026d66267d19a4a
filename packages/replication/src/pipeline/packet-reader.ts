/**
 * Takes a state packet apart into rows, without looking anything up: ids, baselines, differences.
 *
 * Invariant: bytes are a packet to their last bit or none at all; what is kept never exceeds
 * `MAX_PACKET_ROWS` rows and `MAX_PACKET_LANES` lanes, whatever the bytes say (PK10, PK11).
 */
import type { BitReader } from '@baton/core/bytes'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { readGroup, readWholeGroup } from './delta.ts'
import { MAX_PACKET_LANES, MAX_PACKET_ROWS } from './packet.ts'
import { travelsAsState } from './published-rows.ts'
import {
  GAP_ORDER_BITS,
  WHOLE_ROW,
  componentBits,
  countBits,
  readBaseline,
  readFirstId,
  readGolomb,
  readSource,
  readUsualAge,
  readUsualSpacing,
  startWidthBits,
  type BaselineRead,
} from './row-header.ts'
import { expectationOf } from './width-code.ts'

export class PacketReader {
  readonly #schemas: readonly ComponentSchema[]
  readonly #componentBits: number
  rowCount = 0
  readonly component = new Uint16Array(MAX_PACKET_ROWS)
  readonly id = new Uint32Array(MAX_PACKET_ROWS)
  readonly source = new Uint32Array(MAX_PACKET_ROWS)
  /** Age and spacing of the row's baseline; age 0 is a whole row. */
  readonly age = new Uint16Array(MAX_PACKET_ROWS)
  readonly spacing = new Uint8Array(MAX_PACKET_ROWS)
  /** Where the row's lanes begin in `lanes`: whole, or differences that `restoreGroup` makes lanes of. */
  readonly offset = new Uint16Array(MAX_PACKET_ROWS)
  readonly lanes = new Int32Array(MAX_PACKET_LANES)
  #laneCount = 0
  #usualAge = 0
  #usualSpacing = 0
  readonly #baseline: BaselineRead = { age: 0, spacing: 0 }
  readonly #firstGroup: Int32Array
  readonly #expectation: Int32Array
  readonly #line: Uint8Array
  readonly #isOpened: Uint8Array

  constructor(schemas: readonly ComponentSchema[]) {
    this.#schemas = schemas
    this.#componentBits = componentBits(schemas.length)
    this.#firstGroup = new Int32Array(schemas.length)
    let groups = 0
    schemas.forEach((schema, index) => {
      this.#firstGroup[index] = groups
      groups += schema.groups.length
    })
    this.#expectation = new Int32Array(groups)
    this.#line = new Uint8Array(groups)
    this.#isOpened = new Uint8Array(schemas.length)
  }

  /** Was the group predicted along a straight line, in the packet read last? */
  isLine(component: number, group: number): boolean {
    return this.#line[this.#firstGroup[component]! + group] === 1
  }

  /**
   * Reads everything behind the header.
   * @param tick of the packet
   * @returns false when it is not a packet; the rows mean nothing then
   */
  read(reader: BitReader, tick: number): boolean {
    this.rowCount = 0
    this.#laneCount = 0
    this.#usualAge = 0
    this.#usualSpacing = 0
    this.#isOpened.fill(0)
    // A reader at its end reads zeros, so this ends.
    while (reader.read(1) === 1) if (!this.#readSection(reader, tick)) return false
    const padding = reader.remainingBits
    return !reader.failed && padding < 8 && (padding === 0 || reader.read(padding) === 0)
  }

  #readSection(reader: BitReader, tick: number): boolean {
    const component = reader.read(this.#componentBits)
    const schema = this.#schemas[component]
    if (schema === undefined || !travelsAsState(schema)) return false
    const source = readSource(reader, tick)
    if (reader.read(1) === 0) {
      this.#usualAge = readUsualAge(reader)
      this.#usualSpacing = readUsualSpacing(reader)
    }
    const count = reader.read(countBits(reader.read(2)))
    let id = readFirstId(reader)
    const gapOrder = reader.read(GAP_ORDER_BITS)
    if (count === 0 || id < 0 || reader.failed) return false
    if (this.rowCount + count > MAX_PACKET_ROWS) return false
    if (this.#laneCount + count * schema.laneCount > MAX_PACKET_LANES) return false
    if (this.#isOpened[component] === 0 && !this.#readStart(reader, schema)) return false
    for (let row = 0; row < count; row += 1) {
      if (row > 0) {
        const gap = readGolomb(reader, gapOrder)
        if (gap < 0) return false
        id += gap + 1
      }
      if (id > 0xffffffff || id === 0) return false
      const at = this.rowCount
      this.component[at] = component
      this.id[at] = id
      this.source[at] = source
      if (!this.#readRow(reader, schema, at) || reader.failed) return false
      this.rowCount += 1
    }
    return true
  }

  /** The first section of a component says how its groups are predicted and how wide they may be. */
  #readStart(reader: BitReader, schema: ComponentSchema): boolean {
    this.#isOpened[schema.index] = 1
    const first = this.#firstGroup[schema.index]!
    for (let g = 0; g < schema.groups.length; g += 1) {
      const { bits } = schema.groups[g]!
      this.#line[first + g] = reader.read(1)
      const width = reader.read(startWidthBits(bits))
      if (width > bits) return false
      this.#expectation[first + g] = expectationOf(width)
    }
    return true
  }

  #readRow(reader: BitReader, schema: ComponentSchema, at: number): boolean {
    if (!readBaseline(reader, this.#usualAge, this.#usualSpacing, this.#baseline)) return false
    const offset = this.#laneCount
    this.offset[at] = offset
    this.age[at] = this.#baseline.age
    this.spacing[at] = this.#baseline.spacing
    this.#laneCount += schema.laneCount
    const { groups } = schema
    if (this.#baseline.age === WHOLE_ROW) {
      for (const group of groups) readWholeGroup(reader, group, this.lanes, offset)
      return true
    }
    const first = this.#firstGroup[schema.index]!
    for (let g = 0; g < groups.length; g += 1) {
      const expectation = readGroup(reader, groups[g]!, this.lanes, offset, this.#expectation[first + g]!)
      if (expectation < 0) return false
      this.#expectation[first + g] = expectation
    }
    return true
  }
}
