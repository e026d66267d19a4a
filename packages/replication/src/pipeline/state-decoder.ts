/**
 * Reads the state packets of one far end, keeps what its deltas will refer to, and says what to ack.
 *
 * Invariant: a packet changes something here only after all of it proved sound; it is acked exactly
 * when all its states were stored, because the far end will refer to what is acked (PK10, AK1).
 */
import { AckWindow, serialDifference16 } from '@baton/core'
import { BitReader } from '@baton/core/bytes'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { StateHistory } from './baseline.ts'
import type { DecodeResult, DecodedRows } from './decoded-rows.ts'
import { createReference, restoreGroup, type Reference } from './delta.ts'
import { MAX_PACKET_ROWS, createPacketHeader, readHeader, type PacketHeader } from './packet.ts'
import { PacketReader } from './packet-reader.ts'
import { travelsAsState } from './published-rows.ts'
import { MAX_LINE_TICKS, WHOLE_ROW } from './row-header.ts'
import { WAIT_ROOM_IDS, WaitRoom } from './wait-room.ts'

/** Answers of a resolver besides an entity index: not spawned yet, and spawned and gone. */
export const ID_UNKNOWN = -1
export const ID_GONE = -2

/** Rows of an id wait for its spawn for this long after they were last heard of: 10 s at 60 Hz (WR1). */
export const WAIT_TICKS = 600
/** Between two refreshes, so that one loss does not ask for whole rows over and over (AK4). */
export const REFRESH_TICKS = 120
/** Pages of eight states: with position and rotation 16 MiB, 8,192 rows that move. */
export const MAX_HISTORY_PAGES = 65_536

export interface StateDecoderOptions {
  readonly schemas: readonly ComponentSchema[]
  /** Entity indices are below this; see `grow`. */
  readonly capacity: number
  /** Entity index of a NetworkId, `ID_UNKNOWN` or `ID_GONE`. */
  readonly resolve: (id: number) => number
  readonly maxHistoryPages?: number
}

export class StateDecoder {
  readonly #schemas: readonly ComponentSchema[]
  readonly #resolve: (id: number) => number
  /** Rows are keyed by place in the wait room, then by entity index, which is shifted behind those. */
  readonly #histories: readonly (StateHistory | undefined)[]
  readonly #references: readonly Reference[]
  readonly #waitRoom = new WaitRoom()
  /** Source tick of the newest row that waits, per component and place. */
  readonly #waitSource: readonly Uint32Array[]
  readonly #bits = new BitReader()
  readonly #packet: PacketReader
  readonly #acks = new AckWindow()
  #refresh = 0
  #refreshTick: number | undefined
  /** Key in the history per row; `ID_UNKNOWN` for a newcomer, `ID_GONE` to skip it. */
  readonly #key = new Int32Array(MAX_PACKET_ROWS)
  readonly #index = new Int32Array(MAX_PACKET_ROWS)
  readonly #component = new Uint16Array(MAX_PACKET_ROWS)
  readonly #source = new Uint32Array(MAX_PACKET_ROWS)
  readonly #offset = new Uint16Array(MAX_PACKET_ROWS)
  readonly #rows: { count: number } & DecodedRows
  /** Of the packet given to `decode` last, unless it was `malformed`. */
  readonly header: PacketHeader = createPacketHeader()

  constructor({ schemas, capacity, resolve, maxHistoryPages = MAX_HISTORY_PAGES }: StateDecoderOptions) {
    this.#schemas = schemas
    this.#resolve = resolve
    this.#packet = new PacketReader(schemas)
    this.#histories = schemas.map((schema) =>
      travelsAsState(schema)
        ? new StateHistory(schema.laneCount, WAIT_ROOM_IDS + capacity, maxHistoryPages)
        : undefined,
    )
    this.#references = schemas.map((schema) => createReference(schema.laneCount))
    this.#waitSource = schemas.map((schema) => new Uint32Array(travelsAsState(schema) ? WAIT_ROOM_IDS : 0))
    this.#rows = {
      count: 0,
      component: this.#component,
      index: this.#index,
      source: this.#source,
      offset: this.#offset,
      lanes: this.#packet.lanes,
    }
  }

  get rows(): DecodedRows {
    return this.#rows
  }

  /** What packets to the far end say of those from it. */
  get hasAck(): boolean {
    return !this.#acks.isEmpty
  }

  get ack(): number {
    return this.#acks.ack
  }

  get ackBits(): number {
    return this.#acks.ackBits
  }

  get refresh(): number {
    return this.#refresh
  }

  /**
   * Decodes one packet. Never throws and allocates nothing but history, whatever the bytes are.
   * Session, term and sender are the caller's to check first, with `peekHeader`.
   */
  decode(bytes: Uint8Array): DecodeResult {
    this.#rows.count = 0
    this.#bits.reset(bytes)
    if (!readHeader(this.#bits, this.header)) return 'malformed'
    if (!this.#isNew(this.header.sequence)) return 'duplicate'
    if (!this.#packet.read(this.#bits, this.header.tick)) return 'malformed'
    const result = this.#restoreRows()
    if (result !== 'accepted') return result
    this.#storeRows()
    this.#acks.note(this.header.sequence)
    return 'accepted'
  }

  /**
   * The spawn of an id has arrived: what waited for it becomes the entity's.
   * @param onRow takes the newest state of each component that waited
   */
  release(id: number, index: number, onRow: (component: number, source: number, lanes: Int32Array) => void): void {
    const place = this.#waitRoom.leave(id)
    if (place < 0) return
    this.#histories.forEach((history, component) => {
      if (history === undefined || history.count(place) === 0) return
      history.move(place, WAIT_ROOM_IDS + index)
      const { newest } = this.#references[component]!
      history.readNewest(WAIT_ROOM_IDS + index, newest, 0)
      onRow(component, this.#waitSource[component]![place]!, newest)
    })
  }

  /** Ends the wait for spawns that have not come for ten seconds. Once per tick, with this peer's tick. */
  expire(tick: number): void {
    const { freeCount } = this.#waitRoom
    this.#waitRoom.expire(tick - WAIT_TICKS, (place) => {
      for (const history of this.#histories) history?.forget(place)
    })
    // What was acked is no longer held: the far end must not refer to it, nor take it for known (AK4).
    if (this.#waitRoom.freeCount > freeCount) this.#refresh = (this.#refresh + 1) & 3
  }

  /** Both ends know the state of a row at `tick` by other means (BL8). @returns false when history is full (BL7) */
  seed(component: number, index: number, tick: number, lanes: Int32Array, offset: number): boolean {
    return this.#histories[component]?.tryPush(WAIT_ROOM_IDS + index, tick >>> 0, lanes, offset) ?? false
  }

  /** Forgets an entity before its index is used for another. */
  forget(index: number): void {
    for (const history of this.#histories) history?.forget(WAIT_ROOM_IDS + index)
  }

  /** Call when entity indices may reach `capacity`. */
  grow(capacity: number): void {
    for (const history of this.#histories) history?.grow(WAIT_ROOM_IDS + capacity)
  }

  #isNew(sequence: number): boolean {
    if (this.#acks.isEmpty) return true
    const behind = -serialDifference16(sequence, this.#acks.ack)
    if (behind <= 0) return behind < 0
    return behind <= 32 && (this.#acks.ackBits & (1 << (behind - 1))) === 0
  }

  /** Makes lanes of all rows, in place. Changes nothing else. */
  #restoreRows(): DecodeResult {
    const packet = this.#packet
    let newcomers = 0
    for (let row = 0; row < packet.rowCount; row += 1) {
      const id = packet.id[row]!
      const index = this.#resolve(id)
      const place = index === ID_UNKNOWN ? this.#waitRoom.placeOf(id) : -1
      const key = index >= 0 ? WAIT_ROOM_IDS + index : index === ID_GONE ? ID_GONE : place
      this.#key[row] = key
      this.#index[row] = index
      if (key === ID_GONE) continue
      if (key === ID_UNKNOWN) newcomers += 1
      if (packet.age[row] !== WHOLE_ROW && !this.#restoreRow(row, key)) return this.#missBaseline()
      const schema = this.#schemas[packet.component[row]!]!
      if (!schema.door.check(packet.lanes, packet.offset[row]!)) return 'malformed'
    }
    if (newcomers > this.#waitRoom.freeCount) return 'unresolved'
    for (const history of this.#histories) {
      if (history !== undefined && history.pagesLeft < packet.rowCount) return 'unresolved'
    }
    return 'accepted'
  }

  /** False when a state that the row refers to is not here. */
  #restoreRow(row: number, key: number): boolean {
    const packet = this.#packet
    const component = packet.component[row]!
    const history = this.#histories[component]!
    const ref = this.#references[component]!
    const age = packet.age[row]!
    const baseline = (this.header.tick - age) >>> 0
    ref.age = age
    ref.spacing = age > MAX_LINE_TICKS ? 0 : packet.spacing[row]!
    if (key < 0 || !history.readExact(key, baseline, ref.newest, 0)) return false
    if (ref.spacing > 0 && !history.readExact(key, (baseline - ref.spacing) >>> 0, ref.older, 0)) return false
    const { groups } = this.#schemas[component]!
    for (let g = 0; g < groups.length; g += 1) {
      restoreGroup(groups[g]!, packet.lanes, packet.offset[row]!, ref, packet.isLine(component, g))
    }
    return true
  }

  /** The newest packet refers to what is not here: ask for whole rows. */
  #missBaseline(): DecodeResult {
    const { sequence, tick } = this.header
    const isNewest = this.#acks.isEmpty || serialDifference16(sequence, this.#acks.ack) > 0
    const isDue = this.#refreshTick === undefined || (tick - this.#refreshTick) >>> 0 >= REFRESH_TICKS
    if (isNewest && isDue) {
      this.#refresh = (this.#refresh + 1) & 3
      this.#refreshTick = tick
    }
    return 'unresolved'
  }

  #storeRows(): void {
    const packet = this.#packet
    const { tick } = this.header
    let count = 0
    for (let row = 0; row < packet.rowCount; row += 1) {
      let key = this.#key[row]!
      if (key === ID_GONE) continue
      const component = packet.component[row]!
      const index = this.#index[row]!
      const offset = packet.offset[row]!
      const history = this.#histories[component]!
      if (index === ID_UNKNOWN) key = this.#waitRoom.enter(packet.id[row]!, tick)
      history.push(key, tick, packet.lanes, offset)
      if (index === ID_UNKNOWN) {
        if (history.isNewest(key, tick)) this.#waitSource[component]![key] = packet.source[row]!
        continue
      }
      this.#component[count] = component
      this.#index[count] = index
      this.#source[count] = packet.source[row]!
      this.#offset[count] = offset
      count += 1
    }
    this.#rows.count = count
  }
}
