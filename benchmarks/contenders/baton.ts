/**
 * Baton's codec: rows quantized once per tick, then for each guest differences from what that guest has
 * acked. Entities that come and go cost their log entries, on the reliable channel.
 *
 * Invariant: this file and the rig it uses are all that a further coder needs to stand in the table.
 */
import { POSE_SIZE } from '../scenes/trajectory.ts'
import {
  CodecReceiver,
  CodecSender,
  codecId,
  type CodecColumns,
  type CodecOptions,
} from '../../packages/replication/test/codec-rig.ts'
import type { Workload } from '../workloads/workload.ts'
import { type Contender, type Receiver, type Sender } from './contender.ts'
import { packageVersion } from './package-version.ts'

type Precision = Omit<CodecOptions, 'capacity'>

function writeColumns({ translation, rotation }: CodecColumns, index: number, poses: Float32Array, at: number): void {
  translation.x[index] = poses[at]!
  translation.y[index] = poses[at + 1]!
  translation.z[index] = poses[at + 2]!
  rotation.x[index] = poses[at + 3]!
  rotation.y[index] = poses[at + 4]!
  rotation.z[index] = poses[at + 5]!
  rotation.w[index] = poses[at + 6]!
}

/** In order of their ids, as the codec wants them. */
function aliveSlots({ alive, serial }: Workload): readonly number[] {
  const slots = [...alive.keys()].filter((slot) => alive[slot] === 1)
  return slots.sort((a, b) => serial[a]! - serial[b]!)
}

function createSender(known: Workload, precision: Precision, ackTicks: readonly number[]): Sender {
  const codec = new CodecSender({ capacity: known.capacity, ...precision }, ackTicks)
  const gone: number[] = []
  const come: number[] = []
  for (const slot of aliveSlots(known)) {
    codec.add(slot, codecId(known.serial[slot]!))
    writeColumns(codec.columns, slot, known.poses, slot * POSE_SIZE)
  }
  codec.beginKnown()
  let isFirst = true
  let lastTick = 0
  return {
    write({ poses, moved, movedCount, spawned, despawned, serial }) {
      gone.length = 0
      come.length = 0
      for (const slot of despawned) gone.push(codec.idOf(slot))
      codec.remove(new Set(despawned))
      // The first tick's are those that both ends know.
      for (const slot of isFirst ? [] : spawned) {
        codec.add(slot, codecId(serial[slot]!))
        come.push(slot)
      }
      for (let at = 0; at < movedCount; at += 1) {
        const slot = moved[at]!
        writeColumns(codec.columns, slot, poses, slot * POSE_SIZE)
        if (precision.isMarked === true) codec.mark(slot)
      }
      isFirst = false
    },
    encode(tick, emit) {
      const structure = come.map((slot) => codec.spawnMessage(slot, tick))
      if (gone.length > 0) structure.push(codec.despawnMessage(gone))
      for (let guest = 0; guest < ackTicks.length; guest += 1) {
        for (const message of structure) emit(guest, message, true)
      }
      codec.encode(tick, emit)
      lastTick = tick
    },
    join(emit) {
      for (const message of codec.worldMessages(lastTick)) emit(0, message, true)
    },
  }
}

function createReceiver(known: Workload, precision: Precision): Receiver {
  const codec = new CodecReceiver({ capacity: known.capacity, ...precision })
  for (const slot of aliveSlots(known)) {
    writeColumns(codec.columns, codec.add(codecId(known.serial[slot]!)), known.poses, slot * POSE_SIZE)
  }
  codec.beginKnown()
  const { translation, rotation } = codec.columns
  return {
    receive: (packet) => codec.receive(packet),
    read(workload, slot, out) {
      const index = codec.indexOf(codecId(workload.serial[slot]!))
      if (index === undefined) return false
      out[0] = translation.x[index]!
      out[1] = translation.y[index]!
      out[2] = translation.z[index]!
      out[3] = rotation.x[index]!
      out[4] = rotation.y[index]!
      out[5] = rotation.z[index]!
      out[6] = rotation.w[index]!
      return true
    },
    get count() {
      return codec.count
    },
  }
}

function contender(name: string, words: string, precision: Precision): Contender {
  return {
    name,
    version: packageVersion('@baton/replication'),
    usage: 'quantized once per tick; per guest differences from what it acked',
    precision: words,
    sends: 'changed rows',
    finds: 'itself',
    encodes: 'per guest',
    loss: 'mends itself',
    createSender: (workload, ackTicks) => createSender(workload, precision, ackTicks),
    createReceiver: (workload) => createReceiver(workload, precision),
  }
}

/** As the guides recommend for crates and the like. */
export const baton = contender('Baton', '1/512 m, rotation of 10 bits', {
  rangeM: 512,
  stepM: 1 / 512,
  rotationBits: 10,
})
/** The same, told which rows were written: `changes: 'marked'`. */
export const batonMarked = contender('Baton, marked', '1/512 m, rotation of 10 bits', {
  rangeM: 512,
  stepM: 1 / 512,
  rotationBits: 10,
  isMarked: true,
})
/** No less exact in anything than 16-bit numbers over 512 m and four components of a quaternion. */
export const batonExact = contender('Baton, exact', '1/512 m, rotation of 15 bits', {
  rangeM: 512,
  stepM: 1 / 512,
  rotationBits: 15,
})
/** Fiedler's quantization, for the pile. */
export const batonFiedler = contender('Baton', '1/512 m, rotation of 9 bits', {
  rangeM: 256,
  stepM: 1 / 512,
  rotationBits: 9,
})
