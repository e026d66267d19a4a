/**
 * Coders on recorded scenes: Fiedler's packing and a context-modeling coder with whole snapshots as he sends
 * them, Baton with its packets, all with the baseline as many ticks back.
 *
 * Invariant: every snapshot that is decoded is compared bit for bit with the one that was encoded; Baton's
 * receiver is compared with the sender's own quantized rows by their values.
 */
import { batonFiedler } from '../contenders/baton.ts'
import { BODY_INTS, quantizeTrajectory } from '../coders/quantized-trace.ts'
import { ContextCoder } from '../coders/context-coder.ts'
import { FiedlerPacking } from '../coders/fiedler-packing.ts'
import type { SnapshotCoder } from '../coders/snapshot-coder.ts'
import { STATE_HEADER_BYTES } from '../../packages/replication/test/codec-rig.ts'
import type { SceneName } from '../scenes/scenes.ts'
import type { Trajectory } from '../scenes/trajectory.ts'
import { createReplay } from '../workloads/replay.ts'
import { measureWorkload } from './measure-workload.ts'
import { mean, median } from './statistics.ts'

export interface CoderFigures {
  readonly coder: string
  /** Ticks between a snapshot and its baseline. */
  readonly ackTicks: number
  readonly bytesPerTick: number
  /** Without Baton's packet headers; the others have none. */
  readonly payloadBytesPerTick: number
  readonly worstBytes: number
  /** Payload per body that differs from its baseline. */
  readonly bytesPerMoving: number
  readonly encodeUs: number
  readonly decodeUs: number
}

export interface SceneFigures {
  readonly scene: SceneName
  readonly seed: number
  readonly bodies: number
  readonly ticks: number
  /** Bodies that differ from their baseline, mean. */
  readonly moving: readonly { readonly ackTicks: number; readonly count: number }[]
  readonly coders: readonly CoderFigures[]
}

/** Before anything is counted: adaptive coders have learned, acks have come back. */
const WARM_UP_TICKS = 60

const SNAPSHOT_CODERS: readonly (readonly [name: string, create: (count: number) => SnapshotCoder])[] = [
  ['Fiedler’s packing', (count) => new FiedlerPacking(count)],
  ['context modeling, as Giesen', (count) => new ContextCoder(count)],
]

export function measureScene(
  scene: SceneName,
  seed: number,
  trajectory: Trajectory,
  ackDelays: readonly number[],
): SceneFigures {
  const snapshots = quantizeTrajectory(trajectory)
  const moving = ackDelays.map((ackTicks) => ({ ackTicks, count: meanChanged(snapshots, ackTicks) }))
  const coders = moving.flatMap(({ ackTicks, count }) => [
    measureBaton(scene, trajectory, ackTicks, count),
    ...SNAPSHOT_CODERS.map(([name, create]) => measureCoder(name, create, snapshots, ackTicks, count)),
  ])
  return { scene, seed, bodies: trajectory.count, ticks: trajectory.ticks, moving, coders }
}

function meanChanged(snapshots: readonly Int32Array[], ackTicks: number): number {
  let changed = 0
  for (let tick = WARM_UP_TICKS; tick < snapshots.length; tick += 1) {
    const [now, before] = [snapshots[tick]!, snapshots[tick - ackTicks]!]
    for (let at = 0; at < now.length; at += BODY_INTS) if (isChanged(now, before, at)) changed += 1
  }
  return changed / (snapshots.length - WARM_UP_TICKS)
}

function isChanged(a: Int32Array, b: Int32Array, from: number): boolean {
  for (let at = from; at < from + BODY_INTS; at += 1) if (a[at] !== b[at]) return true
  return false
}

function measureCoder(
  coder: string,
  create: (count: number) => SnapshotCoder,
  snapshots: readonly Int32Array[],
  ackTicks: number,
  moving: number,
): CoderFigures {
  const count = snapshots[0]!.length / BODY_INTS
  const [sender, receiver] = [create(count), create(count)]
  const [sizes, encodeUs, decodeUs]: [number[], number[], number[]] = [[], [], []]
  const arrived = new Uint8Array(count * 64)
  snapshots.forEach((values, tick) => {
    const baseline = tick >= ackTicks ? tick - ackTicks : -1
    const startMs = performance.now()
    const packet = sender.encode(tick, values, baseline)
    const encodedMs = performance.now()
    arrived.set(packet)
    const bytes = arrived.subarray(0, packet.length)
    const sentMs = performance.now()
    const decoded = receiver.decode(tick, bytes, baseline)
    const decodedMs = performance.now()
    if (!decoded.every((value, at) => value === values[at])) throw new Error(`${coder}: tick ${tick} came out wrong`)
    if (tick < WARM_UP_TICKS) return
    sizes.push(packet.length)
    encodeUs.push((encodedMs - startMs) * 1_000)
    decodeUs.push((decodedMs - sentMs) * 1_000)
  })
  return {
    coder,
    ackTicks,
    bytesPerTick: mean(sizes),
    payloadBytesPerTick: mean(sizes),
    worstBytes: Math.max(...sizes),
    bytesPerMoving: mean(sizes) / moving,
    encodeUs: median(encodeUs),
    decodeUs: median(decodeUs),
  }
}

function measureBaton(scene: SceneName, trajectory: Trajectory, ackTicks: number, moving: number): CoderFigures {
  // The recording is as long as it is: what the harness takes to warm up and compare is part of it.
  const ticks = trajectory.ticks - WARM_UP_TICKS
  const options = { ackTicks: [ackTicks], loss: 0, ticks, budgetMs: Infinity, allocations: false }
  const [figures] = measureWorkload(createReplay(scene, trajectory), [batonFiedler], options)
  const { name, bytesPerTick, packetsPerTick, worstBytes, encodeUs, decodeUs, fault } = figures!
  if (fault !== undefined) throw new Error(`${name} on ${scene}: ${fault}`)
  const payloadBytesPerTick = bytesPerTick - packetsPerTick * STATE_HEADER_BYTES
  return {
    coder: name,
    ackTicks,
    bytesPerTick,
    payloadBytesPerTick,
    worstBytes,
    bytesPerMoving: payloadBytesPerTick / moving,
    encodeUs,
    decodeUs,
  }
}
