/**
 * A link that is too thin for all that moves: what is sent of the budget, how old rows get, and what choosing
 * among them costs.
 *
 * Invariant: all rows have the same priority, so that their ages say how fair the choice is.
 */
import { CodecReceiver, CodecSender, codecId, type CodecOptions } from '../../packages/replication/test/codec-rig.ts'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import { createSynthetic } from '../workloads/synthetic.ts'
import { mean, median } from './statistics.ts'

export interface BudgetFigures {
  readonly budgetBytesPerSecond: number
  /** Of the budget, in the seconds with the least and the most. */
  readonly leastShare: number
  readonly mostShare: number
  readonly packetsPerTick: number
  readonly bytesPerPacket: number
  readonly rowsPerTick: number
  /** Ticks since a row was sent last, over all rows and ticks. */
  readonly meanAge: number
  readonly oldestAge: number
  readonly encodeUs: number
}

export const BUDGET_ENTITIES = 1_000
const TICKS_PER_SECOND = 60
const WARM_UP_TICKS = 120
const SECONDS = 4
const ACK_TICKS = 6

export function measureBudget(budgetBytesPerSecond: number): BudgetFigures {
  const workload = createSynthetic({ entities: BUDGET_ENTITIES, moving: BUDGET_ENTITIES, churn: 0 })
  const precision = { rangeM: 512, stepM: 1 / 512, rotationBits: 10 }
  const budgetBytesPerTick = Math.ceil(budgetBytesPerSecond / TICKS_PER_SECOND)
  const options: CodecOptions = { capacity: BUDGET_ENTITIES, ...precision, budgetBytesPerTick }
  const sender = new CodecSender(options, [ACK_TICKS])
  const receiver = new CodecReceiver(options)
  const lastSent = new Int32Array(BUDGET_ENTITIES)
  for (let slot = 0; slot < BUDGET_ENTITIES; slot += 1) {
    sender.add(slot, codecId(slot + 1))
    show(sender, workload.poses, slot)
    show(receiver, workload.poses, receiver.add(codecId(slot + 1)))
  }
  sender.beginKnown()
  receiver.beginKnown()
  const [encodeUs, ages]: [number[], number[]] = [[], []]
  const bytesOfSecond = Array.from({ length: SECONDS }, () => 0)
  let [packets, rows] = [0, 0]

  for (let tick = 1; tick <= WARM_UP_TICKS + SECONDS * TICKS_PER_SECOND; tick += 1) {
    workload.step()
    for (let slot = 0; slot < BUDGET_ENTITIES; slot += 1) show(sender, workload.poses, slot)
    const isCounted = tick > WARM_UP_TICKS
    const second = Math.floor((tick - WARM_UP_TICKS - 1) / TICKS_PER_SECOND)
    const arrived: Uint8Array[] = []
    receiver.onRow = (index) => {
      lastSent[index] = tick
      if (isCounted) rows += 1
    }
    const startMs = performance.now()
    sender.encode(tick, (_guest, packet) => arrived.push(packet.slice()) > 0)
    const spentMs = performance.now() - startMs
    for (const packet of arrived) receiver.receive(packet)
    if (!isCounted) continue
    encodeUs.push(spentMs * 1_000)
    packets += arrived.length
    bytesOfSecond[second]! += arrived.reduce((total, packet) => total + packet.length, 0)
    for (const last of lastSent) ages.push(tick - last)
  }
  const bytes = bytesOfSecond.reduce((total, one) => total + one, 0)
  const ticks = SECONDS * TICKS_PER_SECOND
  return {
    budgetBytesPerSecond,
    leastShare: Math.min(...bytesOfSecond) / budgetBytesPerSecond,
    mostShare: Math.max(...bytesOfSecond) / budgetBytesPerSecond,
    packetsPerTick: packets / ticks,
    bytesPerPacket: bytes / packets,
    rowsPerTick: rows / ticks,
    meanAge: mean(ages),
    oldestAge: ages.reduce((oldest, age) => Math.max(oldest, age), 0),
    encodeUs: median(encodeUs),
  }
}

function show(
  { columns: { translation, rotation } }: CodecSender | CodecReceiver,
  poses: Float32Array,
  slot: number,
): void {
  const at = slot * POSE_SIZE
  translation.x[slot] = poses[at]!
  translation.y[slot] = poses[at + 1]!
  translation.z[slot] = poses[at + 2]!
  rotation.x[slot] = poses[at + 3]!
  rotation.y[slot] = poses[at + 4]!
  rotation.z[slot] = poses[at + 5]!
  rotation.w[slot] = poses[at + 6]!
}
