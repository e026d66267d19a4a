/**
 * The codec alone, for benchmarks: columns to packets for many guests, and packets to columns, with the
 * structure messages that would travel beside them. No networks, no log, no interpolation.
 *
 * Invariant: the steps are those of `outgoing.ts` and `incoming.ts`, in their order; what happens there per
 * tick for all guests happens here once, too.
 */
import { ACK_BIT_COUNT, AckWindow } from '@baton/core'
import { decodeControl, encodeControl } from '@baton/schemas'
import { readBaseline, writeBaseline } from '../src/lifecycle/baseline-bytes.ts'
import {
  ackChunk,
  createBaselineReceiver,
  createBaselineSender,
  nextChunk,
  takeChunk,
  type BaselineReceiver,
} from '../src/lifecycle/baseline-transfer.ts'
import type { EncodeRequest } from '../src/pipeline/encode-request.ts'
import { createRowPolicy } from '../src/interest/priority.ts'
import { createPacketHeader } from '../src/pipeline/packet.ts'
import type { RowList } from '../src/pipeline/published-component.ts'
import { PublishedRows } from '../src/pipeline/published-rows.ts'
import { noteMarked, refreshRow } from '../src/pipeline/refresh-row.ts'
import { createRowStore, noteRowWritten, type ComponentRows } from '../src/pipeline/row-store.ts'
import { applyRow, applyValue, collectRow, readValue, writeValue } from '../src/pipeline/snapshot.ts'
import { ID_GONE, ID_UNKNOWN, StateDecoder } from '../src/pipeline/state-decoder.ts'
import { StateEncoder } from '../src/pipeline/state-encoder.ts'
import type { ComponentSchema } from '../src/schema/component-schema.ts'
import { defineReplicated } from '../src/schema/define-replicated.ts'
import { quat, vec3 } from '../src/schema/fields.ts'
import { createRegistry } from '../src/schema/registry.ts'

export interface CodecOptions {
  /** Entity indices are below this. */
  readonly capacity: number
  readonly rangeM: number
  readonly stepM: number
  readonly rotationBits: number
  /** State bytes a tick that each guest is sent at most; no bound when left out. */
  readonly budgetBytesPerTick?: number
  /** Rows are looked at where `mark` names them, and not otherwise. */
  readonly isMarked?: boolean
}

/** Header with acks and a term of one byte, in bytes. */
export const STATE_HEADER_BYTES = 115 / 8
/** Far more than `outgoing.ts` allows, so that ten thousand entities that move never compete for room. */
const MAX_PACKETS_PER_TICK = 256
const NO_BUDGET_BYTES = 1e9
/** All 64 states of every row, in pages of 8, and one page more: ten thousand that move are over the bound of a link (BL7). */
const HISTORY_PAGES_PER_ROW = 9
/** Names the state that both ends know from the start, as after a join (BL8). */
const KNOWN_TICK = 0
const SLOT = 1
const CAPACITY_SPARE = 1

export type CodecColumns = ReturnType<typeof createComponent>['columns']

function createComponent({ capacity, rangeM, stepM, rotationBits }: CodecOptions) {
  const columns = defineReplicated(
    'Transform',
    { translation: vec3({ range: rangeM, step: stepM }), rotation: quat({ bits: rotationBits }) },
    { capacity: capacity + CAPACITY_SPARE },
  )
  const { schemas } = createRegistry([columns])
  return { columns, schemas, schema: schemas[0]! }
}

/** NetworkId of the nth entity that a benchmark spawns, n from 1 up. */
export function codecId(serial: number): number {
  return (SLOT << 20) + serial
}

const noEntities = (): number => 0

/** One guest as the sender knows it: its encoder, and acks that are on their way back. */
interface GuestPath {
  readonly encoder: StateEncoder
  readonly received: AckWindow
  readonly ackTicks: number
  readonly underWay: { readonly tick: number; readonly ack: number; readonly ackBits: number }[]
  sequence: number
  /** Counts answers, which are packets of their own. */
  answers: number
}

export class CodecSender {
  readonly columns: CodecColumns
  readonly #schema: ComponentSchema
  readonly #published: PublishedRows
  readonly #rows: readonly ComponentRows[]
  readonly #ids: Uint32Array
  /** Entity indices in order of their ids. */
  readonly #list: { component: number; indices: Int32Array; count: number }
  readonly #lists: readonly RowList[]
  readonly #guests: readonly GuestPath[]
  readonly #header = createPacketHeader()
  /** Of every guest alike, made once. */
  readonly #request: { tick: number } & Omit<EncodeRequest, 'tick'>
  readonly #isMarked: boolean
  #logIndex = 0

  /** @param ackTicks of each guest: ticks from a packet to its ack */
  constructor(options: CodecOptions, ackTicks: readonly number[]) {
    const { columns, schemas, schema } = createComponent(options)
    const { capacity } = options
    this.columns = columns
    this.#schema = schema
    this.#isMarked = options.isMarked ?? false
    this.#published = new PublishedRows(schemas, capacity)
    this.#rows = createRowStore(schemas, capacity).components
    this.#ids = new Uint32Array(capacity)
    this.#list = { component: 0, indices: new Int32Array(capacity), count: 0 }
    this.#lists = [this.#list]
    this.#request = {
      tick: KNOWN_TICK,
      sessionTag: 1,
      term: 1,
      slot: SLOT,
      ids: this.#ids,
      lists: this.#lists,
      acks: { hasAck: true, ack: 0, ackBits: 0xffffffff, refresh: 0 },
      budgetBytes: options.budgetBytesPerTick ?? NO_BUDGET_BYTES,
      maxPackets: MAX_PACKETS_PER_TICK,
      sendEmpty: false,
    }
    this.#guests = ackTicks.map((ticks) => ({
      encoder: new StateEncoder(this.#published, createRowPolicy()),
      received: new AckWindow(),
      ackTicks: ticks,
      underWay: [],
      sequence: 0,
      answers: 0,
    }))
  }

  /** What has been added so far is known to every guest; call it before the first `encode`. */
  beginKnown(): void {
    this.#collect(KNOWN_TICK)
    this.#published.publish(KNOWN_TICK, this.#lists, this.#rows)
    const { indices, count } = this.#list
    for (let at = 0; at < count; at += 1)
      for (const { encoder } of this.#guests) encoder.seed(0, indices[at]!, KNOWN_TICK)
  }

  /** An entity comes; ids only rise. */
  add(index: number, id: number): void {
    this.#ids[index] = id
    this.#list.indices[this.#list.count] = index
    this.#list.count += 1
  }

  /** The columns of an entity were written to. */
  mark(index: number): void {
    noteMarked(this.#rows[0]!, index)
  }

  /** Entities go. */
  remove(indices: ReadonlySet<number>): void {
    if (indices.size === 0) return
    const { indices: all, count } = this.#list
    let kept = 0
    for (let at = 0; at < count; at += 1) {
      if (indices.has(all[at]!)) continue
      all[kept] = all[at]!
      kept += 1
    }
    this.#list.count = kept
    for (const index of indices) {
      this.#published.forget(index)
      noteRowWritten(this.#rows[0]!, index)
      for (const { encoder } of this.#guests) encoder.forget(index)
    }
  }

  /** The log entry that tells of a spawn, as it travels on the control channel. */
  spawnMessage(index: number, tick: number): Uint8Array {
    this.#logIndex += 1
    const data = writeValue(this.#schema, index, noEntities)
    if (data === undefined) throw new Error(`CodecSender: the values of entity ${index} cannot travel`)
    return encodeControl({
      term: 1,
      entryTerm: 1,
      index: this.#logIndex,
      requester: SLOT,
      body: {
        type: 'Spawn',
        request: this.#logIndex,
        id: this.#ids[index]!,
        prefab: 'crate',
        owner: SLOT,
        authority: SLOT,
        ownershipSequence: 0,
        authoritySequence: 0,
        parent: 0,
        departPolicy: 'transfer',
        components: [{ component: 0, tick, data }],
      },
    })
  }

  /** The log entry that tells of ends. */
  despawnMessage(ids: readonly number[]): Uint8Array {
    this.#logIndex += 1
    const request = this.#logIndex
    return encodeControl({
      term: 1,
      entryTerm: 1,
      index: request,
      requester: SLOT,
      body: { type: 'Despawn', request, ids },
    })
  }

  /** The world for a newcomer, as the bulk channel carries it; every piece is taken for acked at once. */
  worldMessages(tick: number): Uint8Array[] {
    const { indices, count } = this.#list
    const entities = Array.from({ length: count }, (_, at) => {
      const data = writeValue(this.#schema, indices[at]!, noEntities)!
      return {
        id: this.#ids[indices[at]!]!,
        prefab: 0,
        owner: SLOT,
        authority: SLOT,
        ownershipSequence: 0,
        authoritySequence: 0,
        parent: 0,
        policy: 'transfer' as const,
        components: [{ component: 0, tick, data }],
      }
    })
    const slots = [{ slot: SLOT, counter: count, request: this.#logIndex }]
    const bytes = writeBaseline({ members: [SLOT], slots, held: [], entities })
    const sender = createBaselineSender(1, tick, count, this.#logIndex, bytes)
    const messages: Uint8Array[] = []
    for (let chunk = nextChunk(sender); chunk; chunk = nextChunk(sender)) {
      messages.push(encodeControl({ term: 1, index: 0, body: { type: 'BaselineChunk', ...chunk } }))
      ackChunk(sender, chunk.baseline, chunk.index)
    }
    return messages
  }

  idOf(index: number): number {
    return this.#ids[index]!
  }

  /**
   * Acks that are due, then columns to lanes and to what is published, then packets for every guest.
   * @param emit borrows a packet; true when it will arrive
   */
  encode(tick: number, emit: (guest: number, packet: Uint8Array) => boolean): void {
    this.#collect(tick)
    this.#published.publish(tick, this.#lists, this.#rows)
    for (let guest = 0; guest < this.#guests.length; guest += 1) this.#encodeFor(guest, tick, emit)
  }

  #collect(tick: number): void {
    const { indices, count } = this.#list
    const [rows] = this.#rows as [ComponentRows]
    for (let at = 0; at < count; at += 1) {
      const index = indices[at]!
      if (!refreshRow(rows, index, index, this.#isMarked)) throw new Error('CodecSender: a value cannot travel')
      rows.tick[index] = tick
    }
  }

  #encodeFor(guest: number, tick: number, emit: (guest: number, packet: Uint8Array) => boolean): void {
    const path = this.#guests[guest]!
    const { encoder, underWay } = path
    while (underWay.length > 0 && tick - underWay[0]!.tick >= path.ackTicks) {
      const answer = underWay.shift()!
      const header = this.#header
      path.answers += 1
      header.sequence = path.answers & 0xffff
      header.hasAck = true
      header.ack = answer.ack
      header.ackBits = answer.ackBits
      encoder.acknowledge(header)
    }
    this.#request.tick = tick
    this.#sending = guest
    this.#tick = tick
    this.#emit = emit
    encoder.encodeTick(this.#request, this.#take)
    this.#answer(path, tick)
  }

  #sending = 0
  #tick = 0
  #emit: (guest: number, packet: Uint8Array) => boolean = () => true
  readonly #take = (packet: Uint8Array): boolean => {
    const path = this.#guests[this.#sending]!
    if (this.#emit(this.#sending, packet)) path.received.note(path.sequence)
    path.sequence = (path.sequence + 1) & 0xffff
    // A guest that is sent more than one ack tells of answers more often.
    if (path.sequence % ACK_BIT_COUNT === 0) this.#answer(path, this.#tick)
    return true
  }

  /** What the guest has received goes on its way back. */
  #answer({ received, underWay }: GuestPath, tick: number): void {
    if (!received.isEmpty) underWay.push({ tick, ack: received.ack, ackBits: received.ackBits })
  }
}

export class CodecReceiver {
  /** Told of every row that is applied. */
  onRow: ((index: number) => void) | undefined
  readonly columns: CodecColumns
  readonly #schema: ComponentSchema
  readonly #decoder: StateDecoder
  readonly #indexById = new Map<number, number>()
  readonly #gone = new Set<number>()
  readonly #free: number[] = []
  readonly #capacity: number
  #world: BaselineReceiver | undefined

  constructor(options: CodecOptions) {
    const { columns, schemas, schema } = createComponent(options)
    this.columns = columns
    this.#schema = schema
    this.#capacity = options.capacity
    this.#decoder = new StateDecoder({
      schemas,
      capacity: options.capacity,
      maxHistoryPages: options.capacity * HISTORY_PAGES_PER_ROW,
      resolve: (id) => this.#indexById.get(id) ?? (this.#gone.has(id) ? ID_GONE : ID_UNKNOWN),
    })
  }

  get count(): number {
    return this.#indexById.size
  }

  indexOf(id: number): number | undefined {
    return this.#indexById.get(id)
  }

  /** An entity that is known from the start, as after a join; then its columns are written, then `beginKnown`. */
  add(id: number): number {
    const index = this.#free.pop() ?? this.#indexById.size
    if (index >= this.#capacity) throw new Error('CodecReceiver: more entities than it was made for')
    this.#indexById.set(id, index)
    return index
  }

  /** What stands in the columns of those added is what the sender has, too. */
  beginKnown(): void {
    const lanes = new Int32Array(this.#schema.laneCount)
    for (const index of this.#indexById.values()) {
      collectRow(this.#schema, index, lanes, 0)
      this.#decoder.seed(0, index, KNOWN_TICK, lanes, 0)
    }
  }

  /** A packet of either channel; the two differ in their first byte (LF9, SC1). */
  receive(packet: Uint8Array): void {
    if (packet[0] === 0x11) this.#receiveState(packet)
    else this.#receiveStructure(packet)
  }

  #receiveState(packet: Uint8Array): void {
    const result = this.#decoder.decode(packet)
    if (result !== 'accepted') throw new Error(`CodecReceiver: a packet was ${result}`)
    const { count, index, offset, lanes } = this.#decoder.rows
    for (let row = 0; row < count; row += 1) {
      applyRow(this.#schema, index[row]!, lanes, offset[row]!)
      this.onRow?.(index[row]!)
    }
  }

  #receiveStructure(packet: Uint8Array): void {
    const decoded = decodeControl(packet)
    if (!decoded.ok) throw new Error(`CodecReceiver: ${decoded.reason}`)
    const { body } = decoded.value
    if (body.type === 'Spawn') {
      const index = this.add(body.id)
      const row = readValue(this.#schema, body.components[0]!.data)
      if (row === undefined) throw new Error('CodecReceiver: values of a spawn are malformed')
      applyValue(this.#schema, index, row, noEntities)
      this.#decoder.release(body.id, index, (_component, _source, lanes) => applyRow(this.#schema, index, lanes, 0))
    }
    if (body.type === 'Despawn') for (const id of body.ids) this.#remove(id)
    if (body.type === 'BaselineChunk') {
      this.#world ??= createBaselineReceiver(body)
      if (this.#world && takeChunk(this.#world, body) === 'complete') this.#takeWorld(this.#world)
    }
  }

  #takeWorld({ bytes }: BaselineReceiver): void {
    for (const { id, components } of readBaseline(bytes)!.entities) {
      const row = readValue(this.#schema, components[0]!.data)!
      applyValue(this.#schema, this.add(id), row, noEntities)
    }
  }

  #remove(id: number): void {
    const index = this.#indexById.get(id)
    if (index === undefined) return
    this.#indexById.delete(id)
    this.#gone.add(id)
    this.#free.push(index)
    this.#decoder.forget(index)
  }
}
