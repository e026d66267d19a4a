/**
 * What state costs on the wire and on the processor: bytes per moving entity and tick, and µs per tick.
 * Run it with `tsx benchmarks/bytes.ts`; `--json` prints the figures for machines.
 *
 * Position in steps of 1/512 m over ±512 m and rotation at 10 bits, through the encoder and decoder of
 * the package, on made-up motion (`crate-motion.ts`). Acks take effect a given number of ticks back.
 */
import { SeededRandom } from '@baton/core/testing'
import { createRowPolicy } from '../packages/replication/src/interest/priority.ts'
import { createPacketHeader } from '../packages/replication/src/pipeline/packet.ts'
import { PublishedRows, type RowList } from '../packages/replication/src/pipeline/published-rows.ts'
import { collectRow } from '../packages/replication/src/pipeline/snapshot.ts'
import { StateDecoder } from '../packages/replication/src/pipeline/state-decoder.ts'
import { StateEncoder } from '../packages/replication/src/pipeline/state-encoder.ts'
import { defineReplicated } from '../packages/replication/src/schema/define-replicated.ts'
import { quat, vec3 } from '../packages/replication/src/schema/fields.ts'
import { createRegistry } from '../packages/replication/src/schema/registry.ts'
import { createCrates, stepCrates, type Crates } from './crate-motion.ts'

const ENTITIES = 1_000
const MOVING = 100
const PEERS = 8
const WARM_UP_TICKS = 120
const TICKS = 900
/** An id and seven floats. */
const UNCOMPRESSED_BYTES = 4 + 7 * 4
/** Header with acks and a term of one byte. */
const HEADER_BYTES = 115 / 8

/** One sender's world: crates, the component they are in, and its published rows. */
function createSender(seed: number) {
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
    crates: createCrates(ENTITIES, MOVING, seed),
    rows: { current: new Int32Array(ENTITIES * schema.laneCount), tick: new Uint32Array(ENTITIES) },
    published: new PublishedRows(schemas, ENTITIES),
    ids: Uint32Array.from({ length: ENTITIES }, (_, index) => (1 << 20) + index + 1),
  }
}

type Sender = ReturnType<typeof createSender>

/** Columns to lanes to published rows: what is done once per tick, for all peers. */
function publish({ schema, transform, crates, rows, published, lists }: Sender, tick: number): number {
  copyColumns(crates, transform)
  for (let index = 0; index < ENTITIES; index += 1) {
    collectRow(schema, index, rows.current, index * schema.laneCount)
    rows.tick[index] = tick
  }
  return published.publish(tick, lists, [rows])
}

function copyColumns({ position, rotation }: Crates, { translation, rotation: q }: Sender['transform']): void {
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

interface Line {
  readonly ackTicks: number
  readonly loss: number
  readonly bytesPerMoving: number
  readonly payloadBytesPerMoving: number
  readonly packetsPerTick: number
}

function measureBytes(ackTicks: number, loss: number, seed: number): Line {
  const sender = createSender(seed)
  const path = createPath(sender, ackTicks, loss, seed)
  let moving = 0
  let [bytes, packets] = [0, 0]
  for (let tick = 1; tick <= WARM_UP_TICKS + TICKS; tick += 1) {
    stepCrates(sender.crates)
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

/** Medians over the ticks of one run: publish once, then eight peers with acks 3 to 12 ticks back. */
function measureTime(seed: number) {
  const sender = createSender(seed)
  const paths = Array.from({ length: PEERS }, (_, peer) => createPath(sender, 3 + ((peer * 9) >> 3), 0.02, peer))
  const figures = { publishUs: [] as number[], encodeUs: [] as number[], decodeUs: [] as number[] }
  for (let tick = 1; tick <= WARM_UP_TICKS + TICKS; tick += 1) {
    stepCrates(sender.crates)
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

const lines = [1, 3, 6, 12].flatMap((ackTicks) => [0, 0.05].map((loss) => measureBytes(ackTicks, loss, 11)))
const time = measureTime(12)
if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify({ entities: ENTITIES, moving: MOVING, uncompressedBytes: UNCOMPRESSED_BYTES, lines, time }),
  )
} else {
  console.log(`${ENTITIES} entities, ${MOVING} moving, position at 1/512 m and rotation at 10 bits, ${TICKS} ticks`)
  console.log('Bytes per moving entity and tick; rows resent until acked are in them.\n')
  console.log('| acks back | loss | uncompressed | ours | without headers | packets per tick |')
  console.log('|---|---|---|---|---|---|')
  for (const { ackTicks, loss, bytesPerMoving, payloadBytesPerMoving, packetsPerTick } of lines) {
    console.log(
      `| ${ackTicks} | ${loss * 100} % | ${UNCOMPRESSED_BYTES} | ${bytesPerMoving.toFixed(2)} | ${payloadBytesPerMoving.toFixed(2)} | ${packetsPerTick.toFixed(2)} |`,
    )
  }
  console.log(`\nMedian µs per tick: collect and publish ${time.publishUs.toFixed(0)} (once), `)
  console.log(`encode for ${PEERS} peers ${time.encodeUs.toFixed(0)}, decode for one ${time.decodeUs.toFixed(0)}`)
}
