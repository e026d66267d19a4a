/**
 * Writes the state packets for one far end: finds the rows it lacks, picks each one's baseline among
 * what it has acked, and fills packets up to the budget.
 *
 * Invariant: a delta refers only to states that the far end has acked and still keeps (BL2, BL3).
 */
import { invariant, serialGreaterThan16 } from '@baton/core'
import { AckedRows } from './acked-rows.ts'
import { isLater } from './baseline.ts'
import { Competition } from './competition.ts'
import { createReference, type Reference } from './delta.ts'
import { DirtyRows } from './dirty-rows.ts'
import type { EncodeRequest, RowPolicy } from './encode-request.ts'
import { HEADER_BITS, MAX_PACKET_BYTES, createPacketHeader, type PacketHeader } from './packet.ts'
import type { PacketWriter } from './packet-writer.ts'
import type { PublishedRows } from './published-rows.ts'
import { MAX_LINE_TICKS } from './row-header.ts'
import { planSection, type SectionPlan } from './section-plan.ts'
import { SentPackets } from './sent-packets.ts'
import type { BodySet } from './shared-bodies.ts'

/** Each round of choosing leaves an eighth of a packet or so; after four nothing to speak of. */
const ROUNDS = 4

export class StateEncoder {
  /** Of the last `encodeTick`. */
  rowsSent = 0
  rowsLeft = 0
  bytesSent = 0
  /** The least budget with which every row can be sent. */
  readonly smallestBudgetBytes: number
  readonly #published: PublishedRows
  readonly #competition: Competition
  readonly #acked: readonly (AckedRows | undefined)[]
  readonly #references: readonly Reference[]
  readonly #sent: SentPackets
  readonly #writer: PacketWriter
  readonly #dirty: DirtyRows
  readonly #header: PacketHeader = createPacketHeader()
  readonly #plan: SectionPlan = { component: 0, source: 0, rowsAhead: 0, usualAge: 0, usualSpacing: 0, gapOrder: 0 }
  /** While no rows compete: the next row, and the same rows for another far end, or else for those that follow. */
  #row = 0
  #twin: BodySet | undefined
  #kept: BodySet | undefined
  /** The row that stands last in the open section; -1 without one. */
  #sectionRow = -1
  /** Only rows that were chosen are written. */
  #isCompeting = false
  #lastTick: number | undefined
  #heardSequence: number | undefined
  #heardRefresh = 0
  #restarts: number

  /** @param firstSequence of its packets; other than 0 only to test the wrap */
  constructor(published: PublishedRows, policy: RowPolicy, firstSequence = 0) {
    const schemas = published.schemas
    this.#published = published
    this.#competition = new Competition(policy, published)
    this.#restarts = published.restarts
    this.#acked = published.components.map((component) => component && new AckedRows(published.capacity))
    this.smallestBudgetBytes = Math.ceil((HEADER_BITS + this.#competition.worstBits) / 8)
    invariant(
      this.smallestBudgetBytes <= MAX_PACKET_BYTES,
      `StateEncoder: a row can take ${this.smallestBudgetBytes} bytes with its header, over ${MAX_PACKET_BYTES}; split the component or send it reliably`,
    )
    this.#writer = published.writer
    this.#references = schemas.map((schema) => createReference(schema.laneCount))
    this.#dirty = new DirtyRows(schemas.length)
    this.#sent = new SentPackets((component, index, stamp, tick, isAcked) => {
      this.#acked[component]!.settle(index, stamp, tick, isAcked)
    }, firstSequence)
  }

  /** Packets without an ack, as far as is known. */
  get lostCount(): number {
    return this.#sent.lostCount
  }

  /**
   * Writes this tick's packets, after `PublishedRows.publish`. Rows that are left keep waiting and
   * are then chosen by `policy`; rows that fit are all sent, every tick until acked.
   *
   * @param emit sends one packet, borrowed until it returns; false when it did not leave: its rows
   *   count as lost and no more packets are written this tick
   * @returns packets written
   */
  encodeTick(request: EncodeRequest, emit: (packet: Uint8Array) => boolean): number {
    const { tick } = request
    const isNext = tick === this.#published.tick && (this.#lastTick === undefined || isLater(tick, this.#lastTick))
    if (!isNext) {
      invariant(
        false,
        `StateEncoder.encodeTick: tick ${tick} after ${this.#lastTick}, published ${this.#published.tick}; publish a tick, then encode it once`,
      )
    }
    this.#lastTick = tick
    this.#followRestart()
    this.bytesSent = 0
    this.rowsSent = 0
    this.#dirty.collect(request.lists, this.#published, this.#acked, tick, request.restingSince)
    this.#isCompeting = this.#competition.isOn(this.#dirty, this.rowsLeft, request)
    if (this.#isCompeting) this.#competition.score(this.#dirty, this.#acked, request)
    else this.#shareBodies(request)
    let packets = 0
    let isOpen = true
    this.#row = 0
    while (isOpen && packets < request.maxPackets && this.rowsSent < this.#dirty.count) {
      const limitBytes = Math.min(MAX_PACKET_BYTES, request.budgetBytes - this.bytesSent)
      if (limitBytes < this.smallestBudgetBytes) break
      this.#beginPacket(request, limitBytes)
      if (this.#isCompeting) this.#fillByChoice(request)
      else this.#fillInOrder(request, packets)
      // A policy that wants no row sends none.
      if (this.#writer.rowCount === 0) {
        this.#sent.drop()
        break
      }
      isOpen = this.#emitPacket(emit)
      packets += 1
    }
    this.rowsLeft = this.#dirty.count - this.rowsSent
    if (packets === 0 && request.sendEmpty) {
      this.#beginPacket(request, MAX_PACKET_BYTES)
      this.#emitPacket(emit)
      packets = 1
    }
    return packets
  }

  /** Takes the acks of a received packet, once the caller trusts its session, term and sender. */
  acknowledge(header: PacketHeader): void {
    this.#followRestart()
    if (this.#heardSequence === undefined || serialGreaterThan16(header.sequence, this.#heardSequence)) {
      this.#heardSequence = header.sequence
      if (header.refresh !== this.#heardRefresh) this.#forgetAcks()
      this.#heardRefresh = header.refresh
    }
    if (header.hasAck) this.#sent.acknowledge(header.ack, header.ackBits)
  }

  /** The far end holds a row's state at `tick` by other means, such as the baseline it joined with. */
  seed(component: number, index: number, tick: number): void {
    this.#followRestart()
    this.#acked[component]?.seed(index, tick)
  }

  /** Has the far end acked the state that a row has had since `changedTick`? */
  isHeld(component: number, index: number, changedTick: number): boolean {
    return this.#acked[component]?.isDirty(index, changedTick) === false
  }

  /** Forgets an entity before its index is used for another, or when the far end no longer has it. */
  forget(index: number): void {
    for (const acked of this.#acked) acked?.forget(index)
    this.#published.want(index)
  }

  /** Was `forget` ever called for this index? What the far end said of it before that says nothing. */
  hasForgotten(index: number): boolean {
    return this.#acked.some((acked) => acked?.hasForgotten(index))
  }

  /** Follows `PublishedRows.grow`. */
  grow(capacity: number): void {
    for (const acked of this.#acked) acked?.grow(capacity)
  }

  /** What was published before a restart is not known any more, so no delta may refer to it. */
  #followRestart(): void {
    if (this.#restarts === this.#published.restarts) return
    this.#restarts = this.#published.restarts
    this.#forgetAcks()
  }

  #forgetAcks(): void {
    this.#sent.clear()
    this.#dirty.forgetSeen()
    for (const acked of this.#acked) acked?.forgetAcks()
  }

  /** Chooses in rounds, each sure to fit; rows mostly take less than they can, so room remains for the next. */
  #fillByChoice(request: EncodeRequest): void {
    const { count, score, chosen } = this.#dirty
    for (let round = 0; round < ROUNDS; round += 1) {
      if (this.#competition.choose(this.#dirty, this.#writer.bitsLeft) === 0) return
      this.#sectionRow = -1
      for (let row = 0; row < count; row += 1) {
        if (chosen[row] === 1 && this.#addRow(row, request)) score[row] = 0
      }
    }
  }

  #beginPacket(request: EncodeRequest, limitBytes: number): void {
    const header = this.#header
    header.sessionTag = request.sessionTag
    header.term = request.term
    header.slot = request.slot
    header.tick = request.tick
    header.hasAck = request.acks.hasAck
    header.ack = request.acks.ack
    header.ackBits = request.acks.ackBits
    header.refresh = request.acks.refresh
    header.sequence = this.#sent.begin(request.tick)
    this.#sectionRow = -1
    this.#writer.begin(header, limitBytes)
  }

  #emitPacket(emit: (packet: Uint8Array) => boolean): boolean {
    const packet = this.#writer.finish()
    this.bytesSent += packet.length
    const hasLeft = emit(packet)
    if (!hasLeft) this.#sent.drop()
    return hasLeft
  }

  #shareBodies({ ids }: EncodeRequest): void {
    const { bodies } = this.#published
    this.#twin = bodies.find(this.#dirty, ids)
    this.#kept = this.#twin === undefined ? bodies.begin(this.#dirty, ids) : undefined
  }

  /** Fills a packet with the rows that come next. @param packet how many came before it */
  #fillInOrder(request: EncodeRequest, packet: number): void {
    const { leading, count } = this.#dirty
    const rowStart = this.#row
    const body = this.#twin?.from(rowStart, packet)
    if (body !== undefined && this.#writer.addBody(body)) {
      while (this.#row < body.rowEnd) this.#noteSent(this.#row++, request.tick)
      // The packet was full.
      if (this.#row < leading) return
    } else if (this.#kept !== undefined && rowStart < leading) {
      this.#fillTo(leading, request)
      this.#kept.add(this.#writer, rowStart, this.#row)
      this.#sectionRow = -1
    }
    this.#fillTo(count, request)
  }

  #fillTo(end: number, request: EncodeRequest): void {
    while (this.#row < end && this.#addRow(this.#row, request)) this.#row += 1
  }

  /** False when the packet has no room for it. */
  #addRow(row: number, request: EncodeRequest): boolean {
    const dirty = this.#dirty
    const component = dirty.component(row)
    const index = dirty.index(row)
    const published = this.#published.components[component]!
    const isOpen = this.#sectionRow >= 0 && dirty.isSameSection(this.#sectionRow, row)
    if (!isOpen || this.#writer.isSectionFull) {
      planSection(dirty, row, this.#isCompeting, request.ids, this.#plan)
      this.#writer.openSection(this.#plan)
    }
    const ref = this.#references[component]!
    const age = published.refer(index, request.tick, dirty.baseline(row), ref)
    // Over so long no line is drawn, whatever is said of the older state: the usual is shortest.
    const spacing = age > MAX_LINE_TICKS ? this.#plan.usualSpacing : ref.spacing
    const offset = index * published.schema.laneCount
    const bitsBefore = this.#writer.bitsLeft
    if (!this.#writer.addRow(request.ids[index]!, published.lanes, offset, age, spacing, ref)) return false
    published.usualBits += (((bitsBefore - this.#writer.bitsLeft) << 4) - published.usualBits) >> 4
    this.#noteSent(row, request.tick)
    this.#sectionRow = row
    return true
  }

  #noteSent(row: number, tick: number): void {
    const component = this.#dirty.component(row)
    const index = this.#dirty.index(row)
    this.#sent.add(component, index, this.#acked[component]!.noteSent(index, tick))
    this.rowsSent += 1
  }
}
