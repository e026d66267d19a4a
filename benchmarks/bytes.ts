/**
 * What state costs: bytes per moving entity and tick on the wire, uncompressed beside ours, and µs per
 * tick. Run it with `tsx benchmarks/bytes.ts`; `--json` prints the figures for machines.
 */
import {
  ENTITIES,
  MOVING,
  PEERS,
  TICKS,
  UNCOMPRESSED_BYTES,
  measureStateBytes,
  measureStateTime,
  type Motion,
} from '../packages/replication/test/state-bytes.ts'
import { createCrates, stepCrates } from './crate-motion.ts'

function createMotion(count: number, movingCount: number, seed: number): Motion {
  const crates = createCrates(count, movingCount, seed)
  return { position: crates.position, rotation: crates.rotation, step: () => stepCrates(crates) }
}

const lines = [1, 3, 6, 12].flatMap((ackTicks) =>
  [0, 0.05].map((loss) => measureStateBytes(createMotion, ackTicks, loss, 11)),
)
const time = measureStateTime(createMotion, 12)
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
