/**
 * FlatBuffers: a table with a vector of row structs, as flatc's generated code builds and reads them; with
 * 32-bit floats, and with 16-bit numbers that the game scales.
 *
 * Invariant: a struct has no gaps; readers take numbers straight out of the bytes.
 */
import { Builder, ByteBuffer } from 'flatbuffers'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import type { Workload } from '../workloads/workload.ts'
import { EVERYBODY, type Contender, type Receiver, type Sender } from './contender.ts'
import { packageVersion } from './package-version.ts'
import { PoseStore, ToldChanges } from './pose-store.ts'
import { POSITION_SCALE_16, ROTATION_SCALE_16 } from './scaled-16.ts'

/** How one row is written, last field first as the builder wants it, and read. */
interface RowStruct {
  readonly size: number
  readonly align: number
  write(builder: Builder, slot: number, poses: Float32Array): void
  read(bytes: ByteBuffer, at: number, store: PoseStore): void
}

const FLOATS: RowStruct = {
  size: 32,
  align: 4,
  write(builder, slot, poses) {
    builder.prep(4, 32)
    for (let part = POSE_SIZE - 1; part >= 0; part -= 1) builder.writeFloat32(poses[slot * POSE_SIZE + part]!)
    builder.writeInt32(slot)
  },
  read(bytes, at, store) {
    store.set(
      bytes.readInt32(at),
      bytes.readFloat32(at + 4),
      bytes.readFloat32(at + 8),
      bytes.readFloat32(at + 12),
      bytes.readFloat32(at + 16),
      bytes.readFloat32(at + 20),
      bytes.readFloat32(at + 24),
      bytes.readFloat32(at + 28),
    )
  },
}

const SHORTS: RowStruct = {
  size: 16,
  align: 2,
  write(builder, slot, poses) {
    builder.prep(2, 16)
    const at = slot * POSE_SIZE
    for (let part = POSE_SIZE - 1; part >= 3; part -= 1) {
      builder.writeInt16(Math.round(poses[at + part]! * ROTATION_SCALE_16))
    }
    for (let axis = 2; axis >= 0; axis -= 1) builder.writeInt16(Math.round(poses[at + axis]! * POSITION_SCALE_16))
    builder.writeInt16(slot)
  },
  read(bytes, at, store) {
    store.set(
      bytes.readUint16(at),
      bytes.readInt16(at + 2) / POSITION_SCALE_16,
      bytes.readInt16(at + 4) / POSITION_SCALE_16,
      bytes.readInt16(at + 6) / POSITION_SCALE_16,
      bytes.readInt16(at + 8) / ROTATION_SCALE_16,
      bytes.readInt16(at + 10) / ROTATION_SCALE_16,
      bytes.readInt16(at + 12) / ROTATION_SCALE_16,
      bytes.readInt16(at + 14) / ROTATION_SCALE_16,
    )
  },
}

/** Offsets of the two fields in the table's vtable. */
const ROWS_FIELD = 4
const GONE_FIELD = 6

function createSender(workload: Workload, struct: RowStruct): Sender {
  const changes = new ToldChanges(workload)
  const builder = new Builder(workload.capacity * (struct.size + 4) + 64)

  function build(slots: ArrayLike<number>, count: number, gone: readonly number[]): Uint8Array {
    builder.clear()
    builder.startVector(struct.size, count, struct.align)
    for (let row = count - 1; row >= 0; row -= 1) struct.write(builder, slots[row]!, changes.poses)
    const rows = builder.endVector()
    builder.startVector(4, gone.length, 4)
    for (let row = gone.length - 1; row >= 0; row -= 1) builder.addInt32(gone[row]!)
    const goneVector = builder.endVector()
    builder.startObject(2)
    builder.addFieldOffset(0, rows, 0)
    if (gone.length > 0) builder.addFieldOffset(1, goneVector, 0)
    builder.finish(builder.endObject())
    return builder.asUint8Array()
  }

  return {
    write: (from) => changes.write(from),
    encode(_tick, emit) {
      emit(EVERYBODY, build(changes.moved, changes.movedCount, changes.gone))
    },
    join(emit) {
      const slots = [...changes.alive.keys()].filter((slot) => changes.alive[slot] === 1)
      emit(0, build(slots, slots.length, []))
    },
  }
}

function createReceiver({ capacity }: Workload, struct: RowStruct): Receiver {
  const store = new PoseStore(capacity)
  return {
    receive(packet) {
      const bytes = new ByteBuffer(packet)
      const table = bytes.readInt32(bytes.position()) + bytes.position()
      const rowsField = bytes.__offset(table, ROWS_FIELD)
      const count = bytes.__vector_len(table + rowsField)
      const first = bytes.__vector(table + rowsField)
      for (let row = 0; row < count; row += 1) struct.read(bytes, first + row * struct.size, store)
      const goneField = bytes.__offset(table, GONE_FIELD)
      if (goneField === 0) return
      const gone = bytes.__vector(table + goneField)
      const goneCount = bytes.__vector_len(table + goneField)
      for (let row = 0; row < goneCount; row += 1) store.remove(bytes.readInt32(gone + row * 4))
    },
    read: (workload, slot, out) => store.read(workload, slot, out),
    get count() {
      return store.count
    },
  }
}

const TRAITS = {
  version: packageVersion('flatbuffers'),
  sends: 'changed rows',
  finds: 'is told',
  encodes: 'once for all',
  loss: 'needs a reliable channel',
} as const

export const flatBufferFloats: Contender = {
  ...TRAITS,
  name: 'FlatBuffers structs, floats',
  usage: 'a vector of structs; changed rows',
  precision: 'float 32',
  createSender: (workload) => createSender(workload, FLOATS),
  createReceiver: (workload) => createReceiver(workload, FLOATS),
}

export const flatBufferShorts: Contender = {
  ...TRAITS,
  name: 'FlatBuffers structs, 16 bit',
  usage: 'a vector of structs of shorts that the game scales; changed rows',
  precision: '16 bit: 1/64 m, 1/32767',
  createSender: (workload) => createSender(workload, SHORTS),
  createReceiver: (workload) => createReceiver(workload, SHORTS),
}
