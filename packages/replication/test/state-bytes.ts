/**
 * Measures what state costs on the wire and on the processor, through the encoder and decoder of the
 * package: position in steps of 1/512 m over ±512 m, rotation at 10 bits. `benchmarks/bytes.ts` brings
 * the motion and prints it.
 */
import { SeededRandom } from '@baton/core/testing'
import { createRowPolicy } from '../src/interest/priority.ts'
import { createPacketHeader } from '../src/pipeline/packet.ts'
import { PublishedRows, type RowList } from '../src/pipeline/published-rows.ts'
import { collectRow } from '../src/pipeline/snapshot.ts'
import { StateDecoder } from '../src/pipeline/state-decoder.ts'
import { StateEncoder } from '../src/pipeline/state-encoder.ts'
import { defineReplicated } from '../src/schema/define-replicated.ts'
import { quat, vec3 } from '../src/schema/fields.ts'
import { createRegistry } from '../src/schema/registry.ts'

export const ENTITIES = 1_000
export const MOVING = 100
export const PEERS = 8
const WARM_UP_TICKS = 120
export const TICKS = 900
/** An id and seven floats. */
export const UNCOMPRESSED_BYTES = 4 + 7 * 4
/** Header with acks and a term of one byte. */
const HEADER_BYTES = 115 / 8

/** Bodies that move: three meters and a unit quaternion each, one after another. */
export interface Motion {
  readonly position: Float64Array
  readonly rotation: Float64Array
  /** Goes on by one tick. */
  step(): void
}

export type CreateMotion = (count: number, movingCount: number, seed: number) => Motion

/** One sender's world: bodies, the component they are in, and its published rows. */
function createSender(createMotion: CreateMotion, seed: number) {
  const transform = defineReplicated(
    'Transform',
    { translation: vec3({ range: 512, step: 1 / 512 }), rotation: quat({ bits: 10 }) },
    { capacity: ENTITIES },
  )
  const { schemas } = createRegistry([transform])
  const schema = schemas[0]!
  const indices = Int32Array.from({ length: ENTITIES }, (_, index) => index)
  const lists: readonly RowList[] = [{ component: 0, indices, count: ENTITIES }]
  return {
    schemas,
    schema,
    lists,
    transform,
    motion: createMotion(ENTITIES, MOVING, seed),
    rows: { current: new Int32Array(ENTITIES * schema.laneCount), tick: new Uint32Array(ENTITIES) },
    published: new PublishedRows(schemas, ENTITIES),
    ids: Uint32Array.from({ length: ENTITIES }, (_, index) => (1 << 20) + index + 1),
  }
}

type Sender = ReturnType<typeof createSender>

/** Columns to lanes to published rows: what is done once per tick, for all peers. */
function publish({ schema, transform, motion, rows, published, lists }: Sender, tick: number): number {
  copyColumns(motion, transform)
  for (let index = 0; index < ENTITIES; index += 1) {
    collectRow(schema, index, rows.current, index * schema.laneCount)
    rows.tick[index] = tick
  }
  return published.publish(tick, lists, [rows])
}

function copyColumns({ position, rotation }: Motion, { translation, rotation: q }: Sender['transform']): void {
  for (let index = 0; index < ENTITIES; index += 1) {
    translation.x[index] = position[index * 3]!
    translation.y[index] = position[index * 3 + 1]!
    translation.z[index] = position[index * 3 + 2]!
    q.x[index] = rotation[index * 4]!
    q.y[index] = rotation[index * 4 + 1]!
    q.z[index] = rotation[index * 4 + 2]!
    q.w[index] = rotation[index * 4 + 3]!
  }
}

interface Acks {
  readonly tick: number
  readonly hasAck: boolean
  readonly ack: number
  readonly ackBits: number
}

/** One way to one peer, whose acks come back `ackTicks` after the packets they are for. */
function createPath(sender: Sender, ackTicks: number, loss: number, seed: number) {
  const encoder = new StateEncoder(sender.published, createRowPolicy())
  const decoder = new StateDecoder({ schemas: sender.schemas, capacity: ENTITIES, resolve: (id) => (id & 0xfffff) - 1 })
  const random = new SeededRandom(seed)
  const header = createPacketHeader()
  const underWay: Acks[] = []
  const received = new Int32Array(ENTITIES * sender.schema.laneCount)
  const path = { bytes: 0, packets: 0, rows: 0, encodeUs: 0, decodeUs: 0, received, tick }
  const arrived: Uint8Array[] = []
  // An ack in the other direction is always there: the far end answers each packet at once.
  const acks = { hasAck: true, ack: 0, ackBits: 0xffffffff, refresh: 0 }

  function tick(now: number): void {
    while (underWay.length > 0 && now - underWay[0]!.tick >= ackTicks) {
      encoder.acknowledge(Object.assign(header, { sequence: underWay[0]!.tick & 0xffff }, underWay.shift()!))
    }
    arrived.length = 0
    const { ids, lists } = sender
    const request = { tick: now, sessionTag: 1, term: 1, slot: 1, ids, lists, acks }
    const beforeMs = performance.now()
    const packets = encoder.encodeTick({ ...request, budgetBytes: 1e9, maxPackets: 64, sendEmpty: false }, (packet) => {
      if (!random.chance(loss)) arrived.push(packet.slice())
      return true
    })
    const betweenMs = performance.now()
    for (const packet of arrived) take(packet)
    path.decodeUs += (performance.now() - betweenMs) * 1_000
    path.encodeUs += (betweenMs - beforeMs) * 1_000
    path.bytes += encoder.bytesSent
    path.packets += packets
    path.rows += encoder.rowsSent
    const { hasAck, ack, ackBits } = decoder
    if (!random.chance(loss)) underWay.push({ tick: now, hasAck, ack, ackBits })
  }

  function take(packet: Uint8Array): void {
    if (decoder.decode(packet) !== 'accepted') throw new Error('a packet was not accepted: the codec is broken')
    const { rows } = decoder
    const { laneCount } = sender.schema
    for (let row = 0; row < rows.count; row += 1) {
      for (let lane = 0; lane < laneCount; lane += 1) {
        received[rows.index[row]! * laneCount + lane] = rows.lanes[rows.offset[row]! + lane]!
      }
    }
  }
  return path
}

export interface StateBytes {
  readonly ackTicks: number
  readonly loss: number
  readonly bytesPerMoving: number
  readonly payloadBytesPerMoving: number
  readonly packetsPerTick: number
}

/** @param ackTicks how many ticks back acks take effect */
export function measureStateBytes(
  createMotion: CreateMotion,
  ackTicks: number,
  loss: number,
  seed: number,
): StateBytes {
  const sender = createSender(createMotion, seed)
  const path = createPath(sender, ackTicks, loss, seed)
  let moving = 0
  let [bytes, packets] = [0, 0]
  for (let tick = 1; tick <= WARM_UP_TICKS + TICKS; tick += 1) {
    sender.motion.step()
    const changed = publish(sender, tick)
    path.tick(tick)
    if (tick <= WARM_UP_TICKS) [bytes, packets] = [path.bytes, path.packets]
    else moving += changed
  }
  const sentBytes = path.bytes - bytes
  const sentPackets = path.packets - packets
  return {
    ackTicks,
    loss,
    bytesPerMoving: sentBytes / moving,
    payloadBytesPerMoving: (sentBytes - sentPackets * HEADER_BYTES) / moving,
    packetsPerTick: sentPackets / TICKS,
  }
}

/** What state costs the processor: medians over the ticks of one run: publish once, then eight peers with acks 3 to 12 ticks back. */
export function measureStateTime(createMotion: CreateMotion, seed: number) {
  const sender = createSender(createMotion, seed)
  const paths = Array.from({ length: PEERS }, (_, peer) => createPath(sender, 3 + ((peer * 9) >> 3), 0.02, peer))
  const figures = { publishUs: [] as number[], encodeUs: [] as number[], decodeUs: [] as number[] }
  for (let tick = 1; tick <= WARM_UP_TICKS + TICKS; tick += 1) {
    sender.motion.step()
    const startMs = performance.now()
    publish(sender, tick)
    const publishUs = (performance.now() - startMs) * 1_000
    const before = [sum(paths.map((path) => path.encodeUs)), sum(paths.map((path) => path.decodeUs))]
    for (const path of paths) path.tick(tick)
    if (tick <= WARM_UP_TICKS) continue
    figures.publishUs.push(publishUs)
    figures.encodeUs.push(sum(paths.map((path) => path.encodeUs)) - before[0]!)
    figures.decodeUs.push((sum(paths.map((path) => path.decodeUs)) - before[1]!) / PEERS)
  }
  return {
    publishUs: median(figures.publishUs),
    encodeUs: median(figures.encodeUs),
    decodeUs: median(figures.decodeUs),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}
