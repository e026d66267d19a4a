/**
 * Bytes against how old the newest ack is, with and without loss: the strongest lever there is on bandwidth.
 *
 * Invariant: headers, and rows that are sent again until they are acked, are counted.
 */
import { SeededRandom } from '@baton/core/testing'
import { baton } from '../contenders/baton.ts'
import { STATE_HEADER_BYTES } from '../../packages/replication/test/codec-rig.ts'
import { createSynthetic } from '../workloads/synthetic.ts'

export interface AckFigures {
  readonly ackTicks: number
  readonly loss: number
  /** Per entity that moves, and tick. */
  readonly bytes: number
  readonly payloadBytes: number
}

export const ACK_WORLD = { entities: 1_000, moving: 100, churn: 0, seed: 11 } as const
const WARM_UP_TICKS = 60

export function measureAcks(ackTicks: number, loss: number, ticks: number): AckFigures {
  const workload = createSynthetic(ACK_WORLD)
  const sender = baton.createSender(workload, [ackTicks])
  const random = new SeededRandom(`acks ${ackTicks} ${loss}`)
  let [bytes, packets, moved] = [0, 0, 0]
  for (let tick = 1; tick <= WARM_UP_TICKS + ticks; tick += 1) {
    workload.step()
    if (tick <= WARM_UP_TICKS) [bytes, packets, moved] = [0, 0, 0]
    moved += workload.movedCount
    sender.write(workload)
    sender.encode(tick, (_guest, packet) => {
      bytes += packet.length
      packets += 1
      return !random.chance(loss)
    })
  }
  return { ackTicks, loss, bytes: bytes / moved, payloadBytes: (bytes - packets * STATE_HEADER_BYTES) / moved }
}
