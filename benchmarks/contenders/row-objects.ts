/**
 * Rows as objects, for serializers of objects (JSON, MessagePack): a list of changed rows, and the ids of
 * entities that went.
 *
 * Invariant: numbers are rounded to a millimeter and a ten-thousandth, as games do that send text.
 */
import { POSE_SIZE } from '../scenes/trajectory.ts'
import { EVERYBODY, type Receiver, type Sender } from './contender.ts'
import { PoseStore, ToldChanges } from './pose-store.ts'
import type { Workload } from '../workloads/workload.ts'

export interface RowObject {
  id: number
  x: number
  y: number
  z: number
  qx: number
  qy: number
  qz: number
  qw: number
}

export interface RowsMessage {
  rows: RowObject[]
  gone: number[]
}

const POSITION_SCALE = 1_000
const ROTATION_SCALE = 10_000

function rounded(value: number, scale: number): number {
  return Math.round(value * scale) / scale
}

function rowOf(poses: Float32Array, id: number): RowObject {
  const at = id * POSE_SIZE
  return {
    id,
    x: rounded(poses[at]!, POSITION_SCALE),
    y: rounded(poses[at + 1]!, POSITION_SCALE),
    z: rounded(poses[at + 2]!, POSITION_SCALE),
    qx: rounded(poses[at + 3]!, ROTATION_SCALE),
    qy: rounded(poses[at + 4]!, ROTATION_SCALE),
    qz: rounded(poses[at + 5]!, ROTATION_SCALE),
    qw: rounded(poses[at + 6]!, ROTATION_SCALE),
  }
}

export function createRowsSender(workload: Workload, pack: (message: RowsMessage) => Uint8Array): Sender {
  const changes = new ToldChanges(workload)
  return {
    write: (from) => changes.write(from),
    encode(_tick, emit) {
      const rows: RowObject[] = []
      for (let at = 0; at < changes.movedCount; at += 1) rows.push(rowOf(changes.poses, changes.moved[at]!))
      emit(EVERYBODY, pack({ rows, gone: changes.gone }))
    },
    join(emit) {
      const slots = [...changes.alive.keys()].filter((slot) => changes.alive[slot] === 1)
      emit(0, pack({ rows: slots.map((slot) => rowOf(changes.poses, slot)), gone: [] }))
    },
  }
}

export function createRowsReceiver({ capacity }: Workload, unpack: (packet: Uint8Array) => RowsMessage): Receiver {
  const store = new PoseStore(capacity)
  return {
    receive(packet) {
      const { rows, gone } = unpack(packet)
      for (const { id, x, y, z, qx, qy, qz, qw } of rows) store.set(id, x, y, z, qx, qy, qz, qw)
      for (const slot of gone) store.remove(slot)
    },
    read: (workload, slot, out) => store.read(workload, slot, out),
    get count() {
      return store.count
    },
  }
}
