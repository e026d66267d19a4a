/**
 * The serializers of bitECS: SoA in diff mode with the observer for structure, as its guide recommends for
 * network state; SoA of rows that the game names; and whole snapshots.
 *
 * Invariant: buffers are sized to the workload; by default each serializer takes 100 MB.
 */
import { addComponent, addEntity, createWorld, query, removeEntity, type World } from 'bitecs'
import {
  createObserverDeserializer,
  createObserverSerializer,
  createSnapshotDeserializer,
  createSnapshotSerializer,
  createSoADeserializer,
  createSoASerializer,
} from 'bitecs/serialization'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import type { Workload } from '../workloads/workload.ts'
import { EVERYBODY, type Contender, type Receiver, type Sender } from './contender.ts'
import { packageVersion } from './package-version.ts'

interface Game {
  readonly world: World
  readonly Networked: object
  readonly position: Readonly<Record<'x' | 'y' | 'z', Float32Array>>
  readonly rotation: Readonly<Record<'x' | 'y' | 'z' | 'w', Float32Array>>
  /** Row of typed columns in the order of a pose. */
  readonly columns: readonly Float32Array[]
  readonly components: object[]
}

/** A world with entity ids up to `capacity`; ids start at 1. */
function createGame(capacity: number): Game {
  const column = (): Float32Array => new Float32Array(capacity + 1)
  const position = { x: column(), y: column(), z: column() }
  const rotation = { x: column(), y: column(), z: column(), w: column() }
  const columns = [...Object.values(position), ...Object.values(rotation)]
  return { world: createWorld(), Networked: {}, position, rotation, columns, components: [position, rotation] }
}

/** The workload's entities as entities of a world. */
class Mirror {
  readonly game: Game
  /** Entity by slot; 0 for none. */
  readonly eid: Int32Array
  readonly moved: number[] = []
  readonly #isTagged: boolean

  constructor({ capacity }: Workload, isTagged: boolean) {
    this.game = createGame(capacity)
    this.eid = new Int32Array(capacity)
    this.#isTagged = isTagged
  }

  write({ poses, moved, movedCount, spawned, despawned }: Workload): void {
    const { world, Networked, components, columns } = this.game
    for (const slot of despawned) {
      removeEntity(world, this.eid[slot]!)
      this.eid[slot] = 0
    }
    for (const slot of spawned) {
      const eid = addEntity(world)
      this.eid[slot] = eid
      if (this.#isTagged) addComponent(world, eid, Networked)
      for (const component of components) addComponent(world, eid, component)
    }
    this.moved.length = 0
    for (let at = 0; at < movedCount; at += 1) {
      const eid = this.eid[moved[at]!]!
      for (let part = 0; part < POSE_SIZE; part += 1) columns[part]![eid] = poses[moved[at]! * POSE_SIZE + part]!
      this.moved.push(eid)
    }
  }
}

/**
 * Deserializers map the sender's entity ids to local ones. Which entity is in which slot is in the sender's
 * mirror; a game would send an id of its own.
 */
interface MirroredSender extends Sender {
  readonly mirror: Mirror
}

/** Reads by way of a map from the sender's ids to local ones. */
function readEntity(mirror: Mirror, slot: number, out: Float32Array, game: Game, ids: Map<number, number>): boolean {
  const eid = ids.get(mirror.eid[slot]!)
  if (eid === undefined) return false
  for (let part = 0; part < POSE_SIZE; part += 1) out[part] = game.columns[part]![eid]!
  return true
}

function bufferFor(workload: Workload): ArrayBuffer {
  return new ArrayBuffer(workload.capacity * 80 + 4_096)
}

const STRUCTURE = 0
const VALUES = 1

/** One byte in front says whether structure or values follow. */
function framed(kind: number, body: ArrayBuffer): Uint8Array {
  const packet = new Uint8Array(body.byteLength + 1)
  packet[0] = kind
  packet.set(new Uint8Array(body), 1)
  return packet
}

function createDiffSender(workload: Workload): MirroredSender {
  const mirror = new Mirror(workload, true)
  const { world, Networked, components } = mirror.game
  const structure = createObserverSerializer(world, Networked, components, { buffer: bufferFor(workload) })
  const values = createSoASerializer(components, { diff: true, buffer: bufferFor(workload) })
  return {
    mirror,
    write: (from) => mirror.write(from),
    encode(_tick, emit) {
      const changes = structure()
      if (changes.byteLength > 0) emit(EVERYBODY, framed(STRUCTURE, changes), true)
      emit(EVERYBODY, framed(VALUES, values(query(world, [Networked]) as unknown as number[])))
    },
  }
}

/** @param isDiff values come as differences, as the sender was made */
function createSoAReceiver(workload: Workload, sender: Sender, isDiff: boolean): Receiver {
  const { mirror } = sender as MirroredSender
  const game = createGame(workload.capacity)
  const { world, Networked, components } = game
  const structure = createObserverDeserializer(world, Networked, components)
  const values = createSoADeserializer(components, isDiff ? { diff: true } : undefined)
  let ids = new Map<number, number>()
  return {
    receive(packet) {
      const body = packet.slice(1).buffer
      if (packet[0] === STRUCTURE) ids = structure(body)
      else values(body, ids)
    },
    read: (_workload, slot, out) => readEntity(mirror, slot, out, game, ids),
    get count() {
      return query(world, [Networked]).length
    },
  }
}

function createToldSender(workload: Workload): MirroredSender {
  const mirror = new Mirror(workload, true)
  const { world, Networked, components } = mirror.game
  const structure = createObserverSerializer(world, Networked, components, { buffer: bufferFor(workload) })
  const values = createSoASerializer(components, { buffer: bufferFor(workload) })
  return {
    mirror,
    write: (from) => mirror.write(from),
    encode(_tick, emit) {
      const changes = structure()
      if (changes.byteLength > 0) emit(EVERYBODY, framed(STRUCTURE, changes), true)
      emit(EVERYBODY, framed(VALUES, values(mirror.moved)))
    },
  }
}

function createSnapshotSender(workload: Workload): MirroredSender {
  const mirror = new Mirror(workload, false)
  const { world, components } = mirror.game
  const snapshot = createSnapshotSerializer(world, components, bufferFor(workload))
  return {
    mirror,
    write: (from) => mirror.write(from),
    encode(_tick, emit) {
      emit(EVERYBODY, new Uint8Array(snapshot()))
    },
    join(emit) {
      emit(0, new Uint8Array(snapshot()))
    },
  }
}

function createSnapshotReceiver(workload: Workload, sender: Sender): Receiver {
  const { mirror } = sender as MirroredSender
  const game = createGame(workload.capacity)
  const { world, components, position } = game
  const snapshot = createSnapshotDeserializer(world, components)
  let ids = new Map<number, number>()
  return {
    receive(packet) {
      ids = snapshot(packet.slice().buffer)
    },
    read: (_workload, slot, out) => readEntity(mirror, slot, out, game, ids),
    get count() {
      return query(world, [position]).length
    },
  }
}

const TRAITS = { version: packageVersion('bitecs'), precision: 'float 32', encodes: 'once for all' } as const

export const bitecsDiff: Contender = {
  ...TRAITS,
  name: 'bitECS SoA diff + observer',
  usage: 'observer for structure, SoA with diff: true for values, sized buffers',
  sends: 'changed fields',
  finds: 'itself',
  loss: 'needs a reliable channel',
  createSender: createDiffSender,
  createReceiver: (workload, sender) => createSoAReceiver(workload, sender, true),
}

export const bitecsTold: Contender = {
  ...TRAITS,
  name: 'bitECS SoA + observer',
  usage: 'observer for structure, SoA of the rows the game names, sized buffers',
  sends: 'changed rows',
  finds: 'is told',
  loss: 'needs a reliable channel',
  createSender: createToldSender,
  createReceiver: (workload, sender) => createSoAReceiver(workload, sender, false),
}

export const bitecsSnapshot: Contender = {
  ...TRAITS,
  name: 'bitECS snapshot',
  usage: 'the whole world each tick, sized buffer',
  sends: 'everything',
  finds: 'does not ask',
  loss: 'next tick has all',
  createSender: createSnapshotSender,
  createReceiver: createSnapshotReceiver,
}
