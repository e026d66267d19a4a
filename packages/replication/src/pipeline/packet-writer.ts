/**
 * Builds one state packet: header, then sections of rows, each row as the delta it is told to be.
 *
 * Invariant: a row is in the packet whole or not at all, and the packet is well formed after every
 * row, so that it can be closed wherever the room ends (PK2).
 */
import { BitWriter } from '@baton/core/bytes'
import type { ComponentSchema } from '../schema/component-schema.ts'
import type { GroupStart } from './coded-rows.ts'
import { copyBits } from './copy-bits.ts'
import { MAX_PACKET_BYTES, MAX_PACKET_LANES, MAX_PACKET_ROWS, writeHeader, type PacketHeader } from './packet.ts'
import { CODE_AGE, CODE_GROUPS, CODE_SPACING, groupWords, writeGroup, writeWholeGroup } from './row-code.ts'
import {
  GAP_ORDER_BITS,
  MAX_LINE_TICKS,
  WHOLE_ROW,
  componentBits,
  countBits,
  countClass,
  startWidthBits,
  writeBaseline,
  writeFirstId,
  writeGolomb,
  writeSource,
  writeUsual,
} from './row-header.ts'
import { expectationOf } from './width-code.ts'

/** What a section says of its rows, found by looking ahead at them. */
export interface SectionPlan {
  component: number
  source: number
  /** At most this many rows follow, 1 to `MAX_SECTION_ROWS`. */
  rowsAhead: number
  usualAge: number
  usualSpacing: number
  gapOrder: number
}

/** The first sections of a packet: rows from `rowStart` to before `rowEnd`, in `bits` bits from `firstBit` on. */
export interface Body {
  readonly bytes: Uint8Array
  rowStart: number
  rowEnd: number
  firstBit: number
  bits: number
  laneCount: number
  usualAge: number
  usualSpacing: number
  /** Which components were opened, and what widths are expected behind it. */
  readonly model: Int32Array
}

export class PacketWriter {
  readonly #schemas: readonly ComponentSchema[]
  readonly #componentBits: number
  readonly #writer: BitWriter
  #limitBits = 0
  #bodyStart = 0
  #tick = 0
  #rowCount = 0
  #laneCount = 0
  /** The section before this one in the packet. */
  #usualAge = 0
  #usualSpacing = 0
  #plan: SectionPlan | undefined
  #start: GroupStart | undefined
  #countAt = 0
  #countClass = 0
  #gapOrder = 0
  #sectionRows = 0
  #previousId = 0
  /** First group of each component in the arrays below. */
  readonly #firstGroup: Int32Array
  /** Per component 1 where the packet has told how its groups begin; then per group the expected width. */
  readonly #model: Int32Array
  readonly #isOpened: Int32Array
  readonly #expectation: Int32Array

  constructor(schemas: readonly ComponentSchema[]) {
    this.#schemas = schemas
    this.#componentBits = componentBits(schemas.length)
    this.#writer = new BitWriter(new Uint8Array(MAX_PACKET_BYTES))
    this.#firstGroup = new Int32Array(schemas.length)
    let groups = 0
    schemas.forEach((schema, index) => {
      this.#firstGroup[index] = groups
      groups += schema.groups.length
    })
    this.#model = new Int32Array(schemas.length + groups)
    this.#isOpened = this.#model.subarray(0, schemas.length)
    this.#expectation = this.#model.subarray(schemas.length)
  }

  get rowCount(): number {
    return this.#rowCount
  }

  /** The open section holds as many rows as its plan foresaw, or none is open. */
  get isSectionFull(): boolean {
    return this.#plan === undefined || this.#sectionRows >= this.#plan.rowsAhead
  }

  /** Bits that are left for sections and rows. */
  get bitsLeft(): number {
    return this.#limitBits - this.#writer.bitPosition
  }

  /** @param limitBytes at most `MAX_PACKET_BYTES` */
  begin(header: PacketHeader, limitBytes: number): void {
    this.#writer.reset()
    // The bit that says that no section follows.
    this.#limitBits = Math.min(limitBytes, MAX_PACKET_BYTES) * 8 - 1
    this.#tick = header.tick
    this.#rowCount = 0
    this.#laneCount = 0
    this.#usualAge = 0
    this.#usualSpacing = 0
    this.#plan = undefined
    this.#isOpened.fill(0)
    writeHeader(this.#writer, header)
    this.#bodyStart = this.#writer.bitPosition
  }

  /**
   * Rows added from now on belong to this section; its header is written with its first row.
   * @param start of the plan's component, the same for all sections of a packet
   */
  openSection(plan: SectionPlan, start: GroupStart): void {
    this.#closeSection()
    this.#plan = plan
    this.#start = start
    this.#sectionRows = 0
  }

  /**
   * Adds a row; ids rise within a section.
   *
   * @param words its code begins at `at`, see `row-code.ts`
   * @returns false when it does not fit; the packet is as before and full
   */
  addRow(id: number, words: Int32Array, at: number): boolean {
    const plan = this.#plan!
    const { component } = plan
    const schema = this.#schemas[component]!
    const writer = this.#writer
    if (this.#rowCount === MAX_PACKET_ROWS || this.#laneCount + schema.laneCount > MAX_PACKET_LANES) return false
    const start = writer.bitPosition
    const isFirst = this.#sectionRows === 0
    const isOpening = isFirst && this.#isOpened[component] === 0
    if (isFirst) this.#writeSectionHeader(plan, schema, id)
    else writeGolomb(writer, id - this.#previousId - 1, this.#gapOrder)
    const age = words[at + CODE_AGE]!
    // Over so long no line is drawn, whatever is said of the older state: the usual is shortest.
    const spacing = age > MAX_LINE_TICKS ? plan.usualSpacing : words[at + CODE_SPACING]!
    writeBaseline(writer, age, spacing, plan.usualAge, plan.usualSpacing)
    this.#writeGroups(component, words, at + CODE_GROUPS, age === WHOLE_ROW)
    if (writer.failed || writer.bitPosition > this.#limitBits) {
      writer.rewind(start)
      if (isOpening) this.#isOpened[component] = 0
      // Widths followed a row that is not there; nothing may be added after it.
      this.#limitBits = start
      return false
    }
    if (isFirst) {
      this.#usualAge = plan.usualAge
      this.#usualSpacing = plan.usualSpacing
    }
    this.#previousId = id
    this.#sectionRows += 1
    this.#rowCount += 1
    this.#laneCount += schema.laneCount
    return true
  }

  createBody(): Body {
    const model = new Int32Array(this.#model.length)
    const counts = { rowStart: 0, rowEnd: 0, firstBit: 0, bits: 0, laneCount: 0, usualAge: 0, usualSpacing: 0 }
    return { bytes: new Uint8Array(MAX_PACKET_BYTES), model, ...counts }
  }

  /** Closes the section and copies what the packet holds so far, for `addBody`. */
  keepBody(body: Body): void {
    this.#closeSection()
    body.bytes.set(this.#writer.finish())
    body.firstBit = this.#bodyStart
    body.bits = this.#writer.bitPosition - this.#bodyStart
    body.laneCount = this.#laneCount
    body.usualAge = this.#usualAge
    body.usualSpacing = this.#usualSpacing
    body.model.set(this.#model)
  }

  /**
   * Begins a packet with rows that were written for another far end.
   * @returns false when they do not fit; the packet is as before
   */
  addBody(body: Body): boolean {
    if (body.bits > this.bitsLeft) return false
    copyBits(this.#writer, body.bytes, body.firstBit, body.bits)
    this.#rowCount = body.rowEnd - body.rowStart
    this.#laneCount = body.laneCount
    this.#usualAge = body.usualAge
    this.#usualSpacing = body.usualSpacing
    this.#model.set(body.model)
    return true
  }

  /** Closes the packet. The bytes are the writer's own, valid until the next `begin`. */
  finish(): Uint8Array {
    this.#closeSection()
    this.#writer.write(0, 1)
    return this.#writer.finish()
  }

  #writeGroups(component: number, words: Int32Array, at: number, isWhole: boolean): void {
    const writer = this.#writer
    const { groups } = this.#schemas[component]!
    const expectation = this.#expectation
    const first = this.#firstGroup[component]!
    let place = at
    for (let g = 0; g < groups.length; g += 1) {
      const group = groups[g]!
      if (isWhole) writeWholeGroup(writer, words, place)
      else expectation[first + g] = writeGroup(writer, words, place, group.count > 1, expectation[first + g]!)
      place += groupWords(group)
    }
  }

  #writeSectionHeader(plan: SectionPlan, schema: ComponentSchema, id: number): void {
    const writer = this.#writer
    writer.write(1, 1)
    writer.write(plan.component, this.#componentBits)
    writeSource(writer, plan.source, this.#tick)
    const isUsual = plan.usualAge === this.#usualAge && plan.usualSpacing === this.#usualSpacing
    writer.writeBool(isUsual)
    if (!isUsual) writeUsual(writer, plan.usualAge, plan.usualSpacing)
    this.#countClass = countClass(plan.rowsAhead)
    writer.write(this.#countClass, 2)
    this.#countAt = writer.bitPosition
    writer.write(1, countBits(this.#countClass))
    writeFirstId(writer, id)
    this.#gapOrder = plan.gapOrder
    writer.write(plan.gapOrder, GAP_ORDER_BITS)
    if (this.#isOpened[plan.component] === 1) return
    this.#isOpened[plan.component] = 1
    const first = this.#firstGroup[plan.component]!
    const { line, width } = this.#start!
    for (let g = 0; g < schema.groups.length; g += 1) {
      writer.write(line[g]!, 1)
      writer.write(width[g]!, startWidthBits(schema.groups[g]!.bits))
      this.#expectation[first + g] = expectationOf(width[g]!)
    }
  }

  #closeSection(): void {
    if (this.#plan !== undefined && this.#sectionRows > 0) {
      this.#writer.patch(this.#countAt, this.#sectionRows, countBits(this.#countClass))
    }
    this.#plan = undefined
  }
}
