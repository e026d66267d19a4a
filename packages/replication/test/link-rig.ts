/**
 * One direction of a link, encoder to decoder, with acks on the way back, over a wire that loses,
 * repeats and reorders; and a record of the truth to compare with.
 */
import { BitReader } from '@baton/core/bytes'
import { SeededRandom } from '@baton/core/testing'
import { createRowPolicy } from '../src/interest/priority.ts'
import type { EncodeRequest } from '../src/pipeline/encode-request.ts'
import { createPacketHeader, readHeader, MAX_PACKET_BYTES } from '../src/pipeline/packet.ts'
import { PacketReader } from '../src/pipeline/packet-reader.ts'
import type { RowList } from '../src/pipeline/published-component.ts'
import { PublishedRows } from '../src/pipeline/published-rows.ts'
import { MAX_LINE_TICKS } from '../src/pipeline/row-header.ts'
import { ID_GONE, ID_UNKNOWN, StateDecoder } from '../src/pipeline/state-decoder.ts'
import { StateEncoder } from '../src/pipeline/state-encoder.ts'
import type { ComponentSchema, LaneGroup } from '../src/schema/component-schema.ts'

export type GroupShape = Omit<LaneGroup, 'offset'>

/** A snapshot component of these groups; every lane value within its bits passes its check. */
export function schemaOf(index: number, shapes: readonly GroupShape[]): ComponentSchema {
  let laneCount = 0
  const groups = shapes.map((shape) => {
    const group = { ...shape, offset: laneCount }
    laneCount += shape.count
    return group
  })
  return {
    name: `component${index}`,
    index,
    delivery: 'snapshot',
    fields: [],
    groups,
    laneCount,
    rowBits: 0,
    hasEntities: false,
    isTag: false,
    capacity: 65_536,
    rateHz: undefined,
    summary: '',
    hash: 0,
    component: {},
    door: { check: () => true } as unknown as ComponentSchema['door'],
  }
}

export const TRANSFORM: readonly GroupShape[] = [
  { kind: 'vector', count: 3, bits: 20 },
  { kind: 'rotation', count: 4, bits: 10 },
]

export function laneMask(group: LaneGroup, lane: number): number {
  const bits = group.kind === 'rotation' && lane === 0 ? 2 : group.bits
  return bits === 32 ? -1 : 2 ** bits - 1
}

export interface Wire {
  readonly loss: number
  readonly duplicate: number
  /** Ticks under way: at least, and at most so many more. */
  readonly delay: number
  readonly jitter: number
}

export interface LinkRigOptions {
  readonly schemas: readonly ComponentSchema[]
  readonly rows: number
  readonly seed: number
  readonly wire: Wire
  readonly firstTick?: number
  readonly firstSequence?: number
  readonly budgetBytes?: number
  readonly maxPackets?: number
  /** Look into every packet whether it refers to what was not acked. Costs time. */
  readonly audit?: boolean
}

interface Flight<T> {
  readonly due: number
  readonly load: T
}

/** What an ack back says. */
interface Acks {
  readonly hasAck: boolean
  readonly ack: number
  readonly ackBits: number
  readonly refresh: number
  readonly sequence: number
}

export class LinkRig {
  readonly schemas: readonly ComponentSchema[]
  readonly rows: number
  readonly random: SeededRandom
  readonly published: PublishedRows
  readonly encoder: StateEncoder
  readonly decoder: StateDecoder
  readonly current: { current: Int32Array; tick: Uint32Array }[]
  /** NetworkId by entity index, rising; 0 while the receiver must not know it. */
  readonly ids: Uint32Array
  readonly known: Uint8Array
  /** Rows whose entities the receiver has seen end. */
  readonly gone = new Set<number>()
  lists: RowList[]
  wire: Wire
  tick: number
  /** How each packet that arrived ended. */
  readonly results = { accepted: 0, duplicate: 0, malformed: 0, unresolved: 0 }
  bytes = 0
  packets = 0
  largestPacket = 0
  /** Set to refuse packets at the sender. */
  isLinkStale = false
  readonly faults: string[] = []
  readonly budgetBytes: number
  readonly maxPackets: number
  readonly audit: boolean
  /** Newest lanes and source tick the receiver has, per component. */
  readonly received: { lanes: Int32Array; source: Uint32Array; tick: Float64Array }[]
  /** Lanes and source ticks as they were, by tick. */
  readonly #truth = new Map<number, { lanes: Int32Array[]; source: Uint32Array[] }>()
  #nextId = 2 ** 31
  readonly #indexById: Map<number, number>
  #packetsUnderWay: Flight<Uint8Array>[] = []
  #acksUnderWay: Flight<Acks>[] = []
  #ackSequence = 0
  readonly #sentRows = new Map<number, string[]>()
  readonly #acked = new Set<string>()
  readonly #inspector: PacketReader

  constructor(options: LinkRigOptions) {
    const { schemas, rows } = options
    this.schemas = schemas
    this.rows = rows
    this.random = new SeededRandom(options.seed)
    this.wire = options.wire
    this.tick = (options.firstTick ?? 1) >>> 0
    this.budgetBytes = options.budgetBytes ?? 1e9
    this.maxPackets = options.maxPackets ?? 64
    this.audit = options.audit ?? false
    this.published = new PublishedRows(schemas, rows)
    this.encoder = new StateEncoder(this.published, createRowPolicy(), options.firstSequence)
    this.ids = new Uint32Array(rows)
    let id = 1
    for (let row = 0; row < rows; row += 1) {
      this.ids[row] = id
      id += this.random.chance(0.02) ? 1_048_576 * this.random.integer(1, 3) : this.random.integer(1, 12)
    }
    this.#indexById = new Map([...this.ids].map((value, row) => [value, row]))
    this.known = new Uint8Array(rows).fill(1)
    this.decoder = new StateDecoder({
      schemas,
      capacity: rows,
      resolve: (value) => {
        const row = this.#indexById.get(value)
        if (row === undefined || this.gone.has(row)) return ID_GONE
        return this.known[row] === 1 ? row : ID_UNKNOWN
      },
    })
    this.current = schemas.map((schema) => ({
      current: new Int32Array(rows * schema.laneCount),
      tick: new Uint32Array(rows).fill(this.tick),
    }))
    this.received = schemas.map((schema) => ({
      lanes: new Int32Array(rows * schema.laneCount),
      source: new Uint32Array(rows),
      tick: new Float64Array(rows).fill(-1),
    }))
    const all = Int32Array.from({ length: rows }, (_, row) => row)
    this.lists = schemas.map((_, component) => ({ component, indices: all, count: rows }))
    this.#inspector = new PacketReader(schemas)
  }

  /** One tick: `change` writes rows, then both ends do their part. */
  step(change?: () => void): void {
    change?.()
    this.published.publish(this.tick, this.lists, this.current)
    this.#truth.set(this.tick, {
      lanes: this.current.map((rows) => rows.current.slice()),
      source: this.current.map((rows) => rows.tick.slice()),
    })
    this.#truth.delete((this.tick - 200) >>> 0)
    const acks = { hasAck: true, ack: 0, ackBits: 0xffffffff, refresh: 0 }
    const request: EncodeRequest = {
      tick: this.tick,
      sessionTag: 0xbeef,
      term: 1,
      slot: 7,
      ids: this.ids,
      lists: this.lists,
      acks,
      budgetBytes: this.budgetBytes,
      maxPackets: this.maxPackets,
      sendEmpty: false,
    }
    this.encoder.encodeTick(request, (packet) => this.#send(packet))
    this.#deliverPackets()
    this.decoder.expire(this.tick)
    this.#launch(this.#acksUnderWay, {
      hasAck: this.decoder.hasAck,
      ack: this.decoder.ack,
      ackBits: this.decoder.ackBits,
      refresh: this.decoder.refresh,
      sequence: this.#ackSequence++ & 0xffff,
    })
    this.#deliverAcks()
    this.tick = (this.tick + 1) >>> 0
  }

  /** Random lanes for one row: near the old ones, or anywhere. */
  shake(component: number, row: number, far: boolean): void {
    const schema = this.schemas[component]!
    const { current, tick } = this.current[component]!
    tick[row] = this.tick
    for (const group of schema.groups) {
      for (let lane = 0; lane < group.count; lane += 1) {
        const at = row * schema.laneCount + group.offset + lane
        const value = far ? this.random.uint32() : current[at]! + this.random.integer(-9, 9)
        current[at] = value & laneMask(group, lane)
      }
    }
  }

  /** The spawn of a row's entity arrives. Returns how many components' rows had waited for it. */
  spawn(row: number): number {
    let waited = 0
    this.known[row] = 1
    this.decoder.release(this.ids[row]!, row, (component, source, lanes) => {
      this.received[component]!.lanes.set(lanes, row * lanes.length)
      this.received[component]!.source[row] = source
      // Older packets may still come after this: what waited stands for the last tick with its state.
      for (const [tick, truth] of this.#truth) {
        const isIt = lanes.every((lane, at) => lane === truth.lanes[component]![row * lanes.length + at])
        if (isIt && truth.source[component]![row] === source) this.received[component]!.tick[row] = tick
      }
      waited += 1
    })
    return waited
  }

  /** Another entity stands at this index from now on. */
  renew(row: number): void {
    this.#indexById.delete(this.ids[row]!)
    // Never an id that was used before.
    this.ids[row] = this.#nextId++
    this.#indexById.set(this.ids[row]!, row)
    const order = [...this.ids.keys()].sort((a, b) => this.ids[a]! - this.ids[b]!)
    this.lists = this.lists.map((list) => ({ ...list, indices: Int32Array.from(order) }))
    for (const received of this.received) received.tick[row] = -1
  }

  /** Rows whose newest received state is not the present one. */
  staleRows(): number {
    let stale = 0
    this.schemas.forEach(({ laneCount }, component) => {
      const { lanes } = this.received[component]!
      const { current } = this.current[component]!
      for (let row = 0; row < this.rows; row += 1) {
        for (let lane = 0; lane < laneCount; lane += 1) {
          if (lanes[row * laneCount + lane] === current[row * laneCount + lane]) continue
          stale += 1
          break
        }
      }
    })
    return stale
  }

  receiveRow(component: number, row: number, source: number, lanes: Int32Array, offset: number, tick: number): void {
    const { laneCount } = this.schemas[component]!
    const truth = this.#truth.get(tick)
    if (truth === undefined) return void this.faults.push(`a row of tick ${tick}, which was never published`)
    if (truth.source[component]![row] !== source) this.faults.push(`source tick ${source} of row ${row}`)
    for (let lane = 0; lane < laneCount; lane += 1) {
      if (truth.lanes[component]![row * laneCount + lane] !== lanes[offset + lane]) {
        this.faults.push(`tick ${tick}: lane ${lane} of row ${row}, component ${component}`)
        break
      }
    }
    const received = this.received[component]!
    const before = received.tick[row]!
    if (before >= 0 && ((tick - before) | 0) <= 0) return
    received.tick[row] = tick
    received.source[row] = source
    received.lanes.set(lanes.subarray(offset, offset + laneCount), row * laneCount)
  }

  #send(packet: Uint8Array): boolean {
    this.bytes += packet.length
    this.packets += 1
    this.largestPacket = Math.max(this.largestPacket, packet.length)
    if (packet.length > MAX_PACKET_BYTES) this.faults.push(`a packet of ${packet.length} bytes`)
    if (this.audit) this.#inspect(packet)
    if (this.isLinkStale) return false
    this.#launch(this.#packetsUnderWay, packet.slice())
    return true
  }

  #launch<T>(line: Flight<T>[], load: T): void {
    const { loss, duplicate, delay, jitter } = this.wire
    for (let copy = 0; copy < (this.random.chance(duplicate) ? 2 : 1); copy += 1) {
      if (!this.random.chance(loss)) line.push({ due: this.#ticks + delay + this.random.integer(0, jitter), load })
    }
  }

  #ticks = 0

  #deliverPackets(): void {
    this.#ticks += 1
    const arrived = this.#packetsUnderWay.filter(({ due }) => due <= this.#ticks)
    this.#packetsUnderWay = this.#packetsUnderWay.filter(({ due }) => due > this.#ticks)
    for (const { load } of arrived) this.deliver(load)
  }

  deliver(packet: Uint8Array): void {
    const result = this.decoder.decode(packet)
    this.results[result] += 1
    if (result !== 'accepted') return
    const { rows, header } = this.decoder
    for (let row = 0; row < rows.count; row += 1) {
      this.receiveRow(
        rows.component[row]!,
        rows.index[row]!,
        rows.source[row]!,
        rows.lanes,
        rows.offset[row]!,
        header.tick,
      )
    }
  }

  #deliverAcks(): void {
    const arrived = this.#acksUnderWay.filter(({ due }) => due <= this.#ticks)
    this.#acksUnderWay = this.#acksUnderWay.filter(({ due }) => due > this.#ticks)
    for (const { load } of arrived) {
      this.encoder.acknowledge({ ...createPacketHeader(), ...load })
      if (this.audit && load.hasAck) this.#noteAcked(load)
    }
  }

  #noteAcked({ ack, ackBits }: Acks): void {
    for (let bit = -1; bit < 32; bit += 1) {
      if (bit >= 0 && (ackBits & (1 << bit)) === 0) continue
      for (const key of this.#sentRows.get((ack - 1 - bit) & 0xffff) ?? []) this.#acked.add(key)
    }
  }

  /** Notes what a packet carries, and finds faults with what it refers to (BL2). */
  #inspect(packet: Uint8Array): void {
    const header = createPacketHeader()
    const reader = new BitReader(packet)
    if (!readHeader(reader, header) || !this.#inspector.read(reader, header.tick)) {
      this.faults.push('a packet that its own reader refuses')
      return
    }
    const { rowCount, component, id, age, spacing } = this.#inspector
    const keys: string[] = []
    for (let row = 0; row < rowCount; row += 1) {
      const name = `${component[row]}/${id[row]}`
      keys.push(`${name}@${header.tick}`)
      if (age[row] === 0) continue
      const baseline = (header.tick - age[row]!) >>> 0
      if (!this.#acked.has(`${name}@${baseline}`)) this.faults.push(`${name} refers to ${baseline}, not acked`)
      if (spacing[row] === 0 || age[row]! > MAX_LINE_TICKS) continue
      const older = (baseline - spacing[row]!) >>> 0
      if (!this.#acked.has(`${name}@${older}`)) this.faults.push(`${name} refers to ${older}, not acked`)
    }
    this.#sentRows.set(header.sequence, keys)
  }
}
