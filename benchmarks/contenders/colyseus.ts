/**
 * `@colyseus/schema`: a map of entities whose setters note what changed; once for all, and per client with
 * views; with 32-bit floats, and with 16-bit numbers that the game scales.
 *
 * Invariant: the shared buffer is sized to the workload before an encoder is made.
 */
import { Decoder, Encoder, StateView, schema, t, type SchemaType } from '@colyseus/schema'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import type { Workload } from '../workloads/workload.ts'
import { EVERYBODY, type Contender, type Emit, type Receiver, type Sender } from './contender.ts'
import { packageVersion } from './package-version.ts'
import { POSITION_SCALE_16, ROTATION_SCALE_16 } from './scaled-16.ts'

const FloatEntity = schema(
  {
    x: t.float32(),
    y: t.float32(),
    z: t.float32(),
    qx: t.float32(),
    qy: t.float32(),
    qz: t.float32(),
    qw: t.float32(),
  },
  'FloatEntity',
)
const FloatState = schema({ entities: t.map(FloatEntity) }, 'FloatState')
const FloatViewState = schema({ entities: t.map(FloatEntity).view() }, 'FloatViewState')

const ShortEntity = schema(
  { x: t.int16(), y: t.int16(), z: t.int16(), qx: t.int16(), qy: t.int16(), qz: t.int16(), qw: t.int16() },
  'ShortEntity',
)
const ShortState = schema({ entities: t.map(ShortEntity) }, 'ShortState')
const ShortViewState = schema({ entities: t.map(ShortEntity).view() }, 'ShortViewState')

type Entity = SchemaType<typeof FloatEntity>
type State = SchemaType<typeof FloatState>

/** A kind of numbers: the classes that hold them, and how a pose becomes them. */
interface Numbers {
  readonly precision: string
  readonly positionScale: number
  readonly rotationScale: number
  readonly isRounded: boolean
  createEntity(): Entity
  createState(isViewed: boolean): State
}

// Both kinds have the same fields, so the types of one stand for both.
const FLOATS: Numbers = {
  precision: 'float 32',
  positionScale: 1,
  rotationScale: 1,
  isRounded: false,
  createEntity: () => new FloatEntity(),
  createState: (isViewed) => (isViewed ? new FloatViewState() : new FloatState()),
}

const SHORTS: Numbers = {
  precision: '16 bit: 1/64 m, 1/32767',
  positionScale: POSITION_SCALE_16,
  rotationScale: ROTATION_SCALE_16,
  isRounded: true,
  createEntity: () => new ShortEntity(),
  createState: (isViewed) => (isViewed ? new ShortViewState() : new ShortState()),
}

function writePose(entity: Entity, poses: Float32Array, at: number, numbers: Numbers): void {
  const { positionScale: p, rotationScale: r } = numbers
  if (numbers.isRounded) {
    entity.x = Math.round(poses[at]! * p)
    entity.y = Math.round(poses[at + 1]! * p)
    entity.z = Math.round(poses[at + 2]! * p)
    entity.qx = Math.round(poses[at + 3]! * r)
    entity.qy = Math.round(poses[at + 4]! * r)
    entity.qz = Math.round(poses[at + 5]! * r)
    entity.qw = Math.round(poses[at + 6]! * r)
    return
  }
  entity.x = poses[at]!
  entity.y = poses[at + 1]!
  entity.z = poses[at + 2]!
  entity.qx = poses[at + 3]!
  entity.qy = poses[at + 4]!
  entity.qz = poses[at + 5]!
  entity.qw = poses[at + 6]!
}

function createSender(workload: Workload, numbers: Numbers, guests: number, isViewed: boolean): Sender {
  const { capacity } = workload
  Encoder.BUFFER_SIZE = capacity * 64 * (isViewed ? 2 : 1) + 4_096
  const state = numbers.createState(isViewed)
  const encoder = new Encoder(state)
  const views = isViewed ? Array.from({ length: guests }, () => new StateView()) : []
  const entities: (Entity | undefined)[] = Array.from({ length: capacity })

  function encodeViews(emit: Emit): void {
    const it = { offset: 0 }
    encoder.encode(it)
    const shared = it.offset
    views.forEach((view, guest) => emit(guest, encoder.encodeView(view, shared, it)))
  }

  return {
    write({ poses, moved, movedCount, spawned, despawned }) {
      for (const slot of despawned) {
        const entity = entities[slot]!
        for (const view of views) view.remove(entity)
        state.entities.delete(String(slot))
        entities[slot] = undefined
      }
      for (const slot of spawned) {
        const entity = numbers.createEntity()
        writePose(entity, poses, slot * POSE_SIZE, numbers)
        entities[slot] = entity
        state.entities.set(String(slot), entity)
        for (const view of views) view.add(entity)
      }
      for (let at = 0; at < movedCount; at += 1)
        writePose(entities[moved[at]!]!, poses, moved[at]! * POSE_SIZE, numbers)
    },
    encode(_tick, emit) {
      if (isViewed) encodeViews(emit)
      else emit(EVERYBODY, encoder.encode())
      encoder.discardChanges()
    },
    join(emit) {
      const it = { offset: 0 }
      const all = encoder.encodeAll(it)
      emit(0, isViewed ? encoder.encodeAllView(views[0]!, it.offset, it) : all)
    },
  }
}

function createReceiver(numbers: Numbers, isViewed: boolean): Receiver {
  const state = numbers.createState(isViewed)
  const decoder = new Decoder(state)
  return {
    receive(packet) {
      decoder.decode(packet)
    },
    read(_workload, slot, out) {
      const entity = state.entities.get(String(slot))
      if (entity === undefined) return false
      const { positionScale: p, rotationScale: r } = numbers
      out.set([entity.x / p, entity.y / p, entity.z / p, entity.qx / r, entity.qy / r, entity.qz / r, entity.qw / r])
      return true
    },
    get count() {
      return state.entities.size
    },
  }
}

function contender(name: string, numbers: Numbers, isViewed: boolean): Contender {
  return {
    name,
    version: packageVersion('@colyseus/schema'),
    usage: isViewed ? 'a view per client with every entity added' : 'one encoder for all, no views',
    precision: numbers.precision,
    sends: 'changed fields',
    finds: 'by setters',
    encodes: isViewed ? 'per guest' : 'once for all',
    loss: 'needs a reliable channel',
    createSender: (workload, ackTicks) => createSender(workload, numbers, ackTicks.length, isViewed),
    createReceiver: () => createReceiver(numbers, isViewed),
  }
}

export const colyseusFloats = contender('Colyseus schema, floats', FLOATS, false)
export const colyseusShorts = contender('Colyseus schema, 16 bit', SHORTS, false)
export const colyseusViews = contender('Colyseus views, 16 bit', SHORTS, true)
export const colyseusFloatViews = contender('Colyseus views, floats', FLOATS, true)
