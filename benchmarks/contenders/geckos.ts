/**
 * geckos.io: a snapshot of everything each tick by snapshot-interpolation, packed by a schema of
 * typed-array-buffer-schema with two decimals for positions and four for rotations.
 *
 * Invariant: what the newest snapshot does not have is gone; nothing is remembered from one to the next.
 */
import { SnapshotInterpolation, type Types } from '@geckos.io/snapshot-interpolation'
import { BufferSchema, Model, int16, int64, string8, uint16 } from '@geckos.io/typed-array-buffer-schema'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import type { Workload } from '../workloads/workload.ts'
import { EVERYBODY, type Contender, type Receiver, type Sender } from './contender.ts'
import { packageVersion } from './package-version.ts'
import { PoseStore } from './pose-store.ts'
import { copyPose } from '../workloads/workload.ts'

interface Entity {
  id: number
  x: number
  y: number
  z: number
  qx: number
  qy: number
  qz: number
  qw: number
}

interface Snapshot {
  id: string
  time: number
  state: { entities: Entity[] }
}

/**
 * Decoding writes into the schema that was registered last, and leaves it unfit for encoding: where both ends
 * are in one process each needs objects of its own, the encoder's made first.
 */
function createSchema(): ReturnType<typeof BufferSchema.schema> {
  const position = (): object => ({ type: int16, digits: 2 })
  const rotation = (): object => ({ type: int16, digits: 4 })
  const entity = BufferSchema.schema('entity', {
    id: uint16,
    x: position(),
    y: position(),
    z: position(),
    qx: rotation(),
    qy: rotation(),
    qz: rotation(),
    qw: rotation(),
  })
  return BufferSchema.schema('snapshot', {
    id: { type: string8, length: 6 },
    time: int64,
    state: { entities: [entity] },
  })
}

/** The buffer is given in units of 1,024 bytes. */
function createModel(capacity: number): Model {
  return new Model(createSchema(), Math.ceil((capacity * 20) / 1024) + 1)
}

function createSender(workload: Workload): Sender {
  const model = createModel(workload.capacity)
  const interpolation = new SnapshotInterpolation()
  const poses = new Float32Array(workload.poses.length)
  const alive = new Uint8Array(workload.capacity)

  function entityOf(id: number): Entity {
    const at = id * POSE_SIZE
    return {
      id,
      x: poses[at]!,
      y: poses[at + 1]!,
      z: poses[at + 2]!,
      qx: poses[at + 3]!,
      qy: poses[at + 4]!,
      qz: poses[at + 5]!,
      qw: poses[at + 6]!,
    }
  }

  function pack(): Uint8Array {
    const entities: Entity[] = []
    for (let slot = 0; slot < alive.length; slot += 1) if (alive[slot] === 1) entities.push(entityOf(slot))
    const snapshot = interpolation.snapshot.create({ entities } as unknown as Types.State)
    return new Uint8Array(model.toBuffer(snapshot))
  }

  return {
    write({ poses: from, moved, movedCount, spawned, despawned }) {
      for (const slot of despawned) alive[slot] = 0
      for (const slot of spawned) alive[slot] = 1
      for (let at = 0; at < movedCount; at += 1) copyPose(from, moved[at]!, poses, moved[at]!)
    },
    encode(_tick, emit) {
      emit(EVERYBODY, pack())
    },
    join(emit) {
      emit(0, pack())
    },
  }
}

function createReceiver({ capacity }: Workload): Receiver {
  const model = createModel(capacity)
  const interpolation = new SnapshotInterpolation()
  const store = new PoseStore(capacity)
  const seen = new Uint8Array(capacity)
  return {
    receive(packet) {
      const snapshot = model.fromBuffer(packet.slice().buffer) as unknown as Snapshot
      interpolation.snapshot.add(snapshot as unknown as Types.Snapshot)
      seen.fill(0)
      for (const { id, x, y, z, qx, qy, qz, qw } of snapshot.state.entities) {
        store.set(id, x, y, z, qx, qy, qz, qw)
        seen[id] = 1
      }
      for (let slot = 0; slot < capacity; slot += 1) if (seen[slot] === 0) store.remove(slot)
    },
    read: (workload, slot, out) => store.read(workload, slot, out),
    get count() {
      return store.count
    },
  }
}

export const geckos: Contender = {
  name: 'geckos.io snapshots',
  version: `${packageVersion('@geckos.io/snapshot-interpolation')} / ${packageVersion('@geckos.io/typed-array-buffer-schema')}`,
  usage: 'a snapshot of everything each tick, packed by a schema',
  precision: '16 bit: 0.01 m, 0.0001',
  sends: 'everything',
  finds: 'does not ask',
  encodes: 'once for all',
  loss: 'next tick has all',
  createSender,
  createReceiver,
}
