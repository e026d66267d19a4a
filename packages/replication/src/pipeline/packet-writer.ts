/**
 * Builds one state packet: header, then sections of rows, each row as the delta it is told to be.
 *
 * Invariant: a row is in the packet whole or not at all, and the packet is well formed after every
 * row, so that it can be closed wherever the room ends (PK2).
 */
import { BitWriter } from '@baton/core/bytes'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { foldGroup, writeGroup, writeWholeGroup, type Reference } from './delta.ts'
import { MAX_PACKET_BYTES, MAX_PACKET_LANES, MAX_PACKET_ROWS, writeHeader, type PacketHeader } from './packet.ts'
import { copyBits, createBody, type Body } from './packet-body.ts'
import {
  GAP_ORDER_BITS,
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
import type { SectionPlan } from './section-plan.ts'
import { expectationOf, expectedWidth } from './width-code.ts'

/** One row in eight is measured with the other prediction, too, to see which serves the group better. */
const SAMPLE_MASK = 7

export class PacketWriter {
  readonly #schemas: readonly ComponentSchema[]
  readonly #componentBits: number
  readonly #bytes = new Uint8Array(MAX_PACKET_BYTES)
  readonly #writer = new BitWriter(this.#bytes)
  /** The beginning of the bytes, by length, made when first asked for. */
  readonly #views: (Uint8Array | undefined)[] = []
  #limitBits = 0
  #bodyStart = 0
  #tick = 0
  #rowCount = 0
  #laneCount = 0
  /** The section before this one in the packet. */
  #usualAge = 0
  #usualSpacing = 0
  #plan: SectionPlan | undefined
  #countAt = 0
  #countClass = 0
  #gapOrder = 0
  #sectionRows = 0
  #previousId = 0
  #sample = 0
  /** First group of each component in the arrays below. */
  readonly #firstGroup: Int32Array
  readonly #expectation: Int32Array
  readonly #line: Int32Array
  /** Above 0: a straight line has served this group better than rest. */
  readonly #lineScore: Int32Array
  readonly #isOpened: Int32Array
  /** The three of them that a row needs to know of those before it. */
  readonly #model: Int32Array

  constructor(schemas: readonly ComponentSchema[]) {
    this.#schemas = schemas
    this.#componentBits = componentBits(schemas.length)
    this.#firstGroup = new Int32Array(schemas.length)
    let groups = 0
    schemas.forEach((schema, index) => {
      this.#firstGroup[index] = groups
      groups += schema.groups.length
    })
    this.#model = new Int32Array(groups * 2 + schemas.length)
    this.#expectation = this.#model.subarray(0, groups)
    this.#line = this.#model.subarray(groups, groups * 2)
    this.#isOpened = this.#model.subarray(groups * 2)
    this.#lineScore = new Int32Array(groups)
    schemas.forEach((schema, index) => {
      schema.groups.forEach((group, g) => {
        this.#expectation[this.#firstGroup[index]! + g] = expectationOf(group.bits >> 1)
        this.#lineScore[this.#firstGroup[index]! + g] = group.kind === 'scalar' ? -1 : 0
      })
    })
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

  /** Rows added from now on belong to this section; its header is written with its first row. */
  openSection(plan: SectionPlan): void {
    this.#closeSection()
    this.#plan = plan
    this.#sectionRows = 0
  }

  /**
   * Adds a row; ids rise within a section.
   *
   * @param age of its baseline, whose states are in `ref`; `WHOLE_ROW` sends the lanes as they are
   * @returns false when it does not fit; the packet is as before and full
   */
  addRow(id: number, lanes: Int32Array, rowOffset: number, age: number, spacing: number, ref: Reference): boolean {
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
    writeBaseline(writer, age, spacing, plan.usualAge, plan.usualSpacing)
    if (age === WHOLE_ROW) {
      for (const group of schema.groups) writeWholeGroup(writer, group, lanes, rowOffset)
    } else {
      if (ref.spacing > 0 && (this.#sample++ & SAMPLE_MASK) === 0) this.#compare(component, lanes, rowOffset, ref)
      this.#writeGroups(component, lanes, rowOffset, ref)
    }
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
    return createBody(this.#model.length)
  }

  /** Closes the section and copies what the packet holds so far, for `addBody`. */
  keepBody(body: Body): void {
    this.#closeSection()
    this.#writer.complete()
    body.bytes.set(this.#bytes)
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
    const length = this.#writer.complete()
    return (this.#views[length] ??= this.#bytes.subarray(0, length))
  }

  #writeGroups(component: number, lanes: Int32Array, rowOffset: number, ref: Reference): void {
    const { groups } = this.#schemas[component]!
    const first = this.#firstGroup[component]!
    for (let g = 0; g < groups.length; g += 1) {
      const line = this.#line[first + g] === 1
      const expectation = this.#expectation[first + g]!
      this.#expectation[first + g] = writeGroup(this.#writer, groups[g]!, lanes, rowOffset, ref, line, expectation)
    }
  }

  /** Which prediction would have been the shorter one? */
  #compare(component: number, lanes: Int32Array, rowOffset: number, ref: Reference): void {
    const { groups } = this.#schemas[component]!
    const first = this.#firstGroup[component]!
    for (let g = 0; g < groups.length; g += 1) {
      const group = groups[g]!
      const gain = foldGroup(group, lanes, rowOffset, ref, false) - foldGroup(group, lanes, rowOffset, ref, true)
      const score = this.#lineScore[first + g]!
      this.#lineScore[first + g] = score + gain * 16 - (score >> 4)
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
    for (let g = 0; g < schema.groups.length; g += 1) {
      const width = expectedWidth(this.#expectation[first + g]!)
      this.#line[first + g] = this.#lineScore[first + g]! >= 0 ? 1 : 0
      writer.write(this.#line[first + g]!, 1)
      writer.write(width, startWidthBits(schema.groups[g]!.bits))
      this.#expectation[first + g] = expectationOf(width)
    }
  }

  #closeSection(): void {
    if (this.#plan !== undefined && this.#sectionRows > 0) {
      this.#writer.patch(this.#countAt, this.#sectionRows, countBits(this.#countClass))
    }
    this.#plan = undefined
  }
}
