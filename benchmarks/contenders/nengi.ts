/**
 * nengi 2: an instance with one channel that every user hears, and the library's own client. Its network
 * adapter is replaced by one that hands buffers over, so that no socket is measured.
 *
 * Invariant: the client side applies what its network read, as nengi's interpolator would.
 */
import { Binary, Channel, Client, Context, Instance, User, defineSchema, type IServerNetworkAdapter } from 'nengi'
import { BufferReader, BufferWriter } from 'nengi-buffers'
import { POSE_SIZE } from '../scenes/trajectory.ts'
import type { Workload } from '../workloads/workload.ts'
import type { Contender, Emit, Receiver, Sender } from './contender.ts'
import { packageVersion } from './package-version.ts'

interface Entity {
  nid: number
  ntype: number
  slot: number
  x: number
  y: number
  z: number
  qx: number
  qy: number
  qz: number
  qw: number
}

/** One field of an entity, as the client reads it. */
interface Update {
  readonly nid: number
  readonly prop: string
  readonly value: number
}

const ENTITY_TYPE = 1

function createContext(): Context {
  const context = new Context()
  const { Float32, UInt16 } = Binary
  const fields = { x: Float32, y: Float32, z: Float32, qx: Float32, qy: Float32, qz: Float32, qw: Float32 }
  context.register(ENTITY_TYPE, defineSchema({ slot: UInt16, ...fields }))
  return context
}

/** Takes the place of a socket: what is sent to a user goes to `emit` at once. */
class HandOver implements IServerNetworkAdapter {
  emit: Emit = () => true

  send(user: User, buffer: Buffer | ArrayBuffer): void {
    this.emit(user.id - 1, new Uint8Array(buffer instanceof ArrayBuffer ? buffer : buffer))
  }

  createBuffer(size: number): Buffer {
    return Buffer.allocUnsafe(size)
  }

  createBufferWriter(size: number): BufferWriter {
    return BufferWriter.create(size)
  }

  createBufferReader(buffer: Buffer | ArrayBuffer): BufferReader {
    return new BufferReader(buffer as Buffer)
  }

  listen(): void {}
  disconnect(): void {}
}

function writePose(entity: Entity, poses: Float32Array, at: number): void {
  entity.x = poses[at]!
  entity.y = poses[at + 1]!
  entity.z = poses[at + 2]!
  entity.qx = poses[at + 3]!
  entity.qy = poses[at + 4]!
  entity.qz = poses[at + 5]!
  entity.qw = poses[at + 6]!
}

function createSender(workload: Workload, guests: number): Sender {
  const instance = new Instance(createContext())
  const adapter = new HandOver()
  const channel = new Channel(instance.localState)
  instance.registerChannel(channel)
  const entities: (Entity | undefined)[] = Array.from({ length: workload.capacity })

  function addUser(): void {
    const user = new User(undefined, adapter)
    instance.network.onOpen(user)
    // A client has sent its first tick by the time it hears anything.
    user.lastReceivedClientTick = 1
    user.instance = instance
    instance.network.onConnectionAccepted(user, undefined)
    channel.subscribe(user)
  }
  for (let guest = 0; guest < guests; guest += 1) addUser()

  return {
    write({ poses, moved, movedCount, spawned, despawned }) {
      for (const slot of despawned) {
        channel.removeEntity(entities[slot]!)
        entities[slot] = undefined
      }
      for (const slot of spawned) {
        const entity = { nid: 0, ntype: ENTITY_TYPE, slot, x: 0, y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1 }
        writePose(entity, poses, slot * POSE_SIZE)
        entities[slot] = entity
        channel.addEntity(entity)
      }
      for (let at = 0; at < movedCount; at += 1) writePose(entities[moved[at]!]!, poses, moved[at]! * POSE_SIZE)
    },
    encode(_tick, emit) {
      adapter.emit = emit
      instance.step()
    },
    join(emit) {
      adapter.emit = (guest, packet) => guest !== guests || emit(0, packet)
      addUser()
      instance.step()
    },
  }
}

/** The client wants an adapter's class; nothing of it is used here. */
class NoSocket {}

function createReceiver(): Receiver {
  const client = new Client(createContext(), NoSocket, 60)
  const { network } = client
  const bySlot = new Map<number, Entity>()
  return {
    receive(packet) {
      network.readSnapshot(new BufferReader(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)))
      for (const snapshot of network.snapshots) {
        for (const created of snapshot.createEntities)
          bySlot.set((created as unknown as Entity).slot, created as unknown as Entity)
        for (const { nid, prop, value } of snapshot.updateEntities as readonly Update[]) {
          const entity = network.entities.get(nid) as unknown as Record<string, number>
          entity[prop] = value
        }
        for (const nid of snapshot.deleteEntities) {
          const entity = network.entities.get(nid) as unknown as Entity | undefined
          if (entity === undefined) continue
          network.entities.delete(nid)
          if (bySlot.get(entity.slot) === entity) bySlot.delete(entity.slot)
        }
      }
      network.snapshots.length = 0
    },
    read(_workload, slot, out) {
      const entity = bySlot.get(slot)
      if (entity === undefined) return false
      out.set([entity.x, entity.y, entity.z, entity.qx, entity.qy, entity.qz, entity.qw])
      return true
    },
    get count() {
      return bySlot.size
    },
  }
}

export const nengi: Contender = {
  name: 'nengi 2',
  version: `${packageVersion('nengi')} / buffers ${packageVersion('nengi-buffers')}`,
  usage: 'one channel that every user hears; float fields',
  precision: 'float 32',
  sends: 'changed fields',
  finds: 'itself',
  encodes: 'per guest',
  loss: 'needs a reliable channel',
  createSender: (workload, ackTicks) => createSender(workload, ackTicks.length),
  createReceiver,
}
