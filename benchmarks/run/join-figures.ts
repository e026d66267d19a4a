/**
 * What a newcomer costs: all that it needs, in bytes, and the time to make and to read it.
 *
 * Invariant: the newcomer's world is compared with the workload before its figures count.
 */
import type { Contender } from '../contenders/contender.ts'
import { createSynthetic } from '../workloads/synthetic.ts'
import { compareWorlds } from './compare-worlds.ts'
import { median } from './statistics.ts'

export interface JoinFigures {
  readonly name: string
  readonly bytes: number
  readonly encodeUs: number
  readonly decodeUs: number
  readonly fault?: string
}

const ROUNDS = 9
const WARM_UP_ENTITIES = 200
const TICKS_BEFORE = 8

/** @returns undefined where the contender has no way to bring a newcomer up to date */
export function measureJoin(contender: Contender, entities: number): JoinFigures | undefined {
  // A first time for the code; what it says is not kept.
  if (joinRounds(contender, WARM_UP_ENTITIES) === undefined) return undefined
  return joinRounds(contender, entities)
}

function joinRounds(contender: Contender, entities: number): JoinFigures | undefined {
  const [encodeUs, decodeUs]: [number[], number[]] = [[], []]
  let [bytes, fault]: [number, string | undefined] = [0, undefined]
  for (let round = 0; round < ROUNDS; round += 1) {
    const workload = createSynthetic({ entities, moving: entities / 10, churn: 0 })
    const sender = contender.createSender(workload, [3])
    if (sender.join === undefined) return undefined
    for (let tick = 1; tick <= TICKS_BEFORE; tick += 1) {
      sender.write(workload)
      sender.encode(tick, () => true)
      // After the last tick nothing moves any more: what a newcomer gets is the world of that tick.
      if (tick < TICKS_BEFORE) workload.step()
    }
    const packets: Uint8Array[] = []
    const startMs = performance.now()
    sender.join((_guest, packet) => packets.push(packet.slice()) > 0)
    encodeUs.push((performance.now() - startMs) * 1_000)
    const empty = { ...workload, alive: new Uint8Array(workload.capacity) }
    const receiver = contender.createReceiver(empty, sender)
    const decodeMs = performance.now()
    for (const packet of packets) receiver.receive(packet)
    decodeUs.push((performance.now() - decodeMs) * 1_000)
    bytes = packets.reduce((total, packet) => total + packet.length, 0)
    const { stale, missing, ghosts } = compareWorlds(workload, receiver)
    if (stale + missing + ghosts > 0) fault = `${stale} wrong, ${missing} missing, ${ghosts} too many`
  }
  const figures = { name: contender.name, bytes, encodeUs: median(encodeUs), decodeUs: median(decodeUs) }
  return fault === undefined ? figures : { ...figures, fault }
}
