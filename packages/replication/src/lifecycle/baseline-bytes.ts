/**
 * A whole world as bytes, for a peer that joins or was away for too long: every live entity with its
 * ownership and all its component values, and all else that following the log from there takes.
 *
 * Invariant: reading is checked to the last bit; bytes that do not parse yield `undefined`, never a
 * partial world. Layout: docs/wire-format.md, BS rules.
 */
import { BitReader, BitWriter } from '@baton/core'
import type { NetworkId } from '../pipeline/network-id.ts'
import type { DepartPolicy } from '../schema/policies.ts'

export interface BaselineComponent {
  readonly component: number
  /** Source tick of the values, u32. */
  readonly tick: number
  /** The values as row-value bytes (RV rules). */
  readonly data: Uint8Array
}

export interface BaselineEntity {
  readonly id: NetworkId
  readonly prefab: number
  readonly owner: number
  readonly authority: number
  readonly ownershipSequence: number
  readonly authoritySequence: number
  readonly parent: NetworkId
  readonly policy: DepartPolicy
  readonly components: readonly BaselineComponent[]
}

export interface Baseline {
  /** Members by the committed roster, the host's slot first; empty where none has been committed. */
  readonly members: readonly number[]
  /** Per slot: the highest counter it has spawned, and its highest request in the log. */
  readonly slots: readonly { readonly slot: number; readonly counter: number; readonly request: number }[]
  /** [id, tick at which the wait for its owner ends] */
  readonly held: readonly (readonly [NetworkId, number])[]
  readonly entities: readonly BaselineEntity[]
}

/** A baseline over this is refused by the receiver (threat table, row 10). */
export const MAX_BASELINE_BYTES = 4 * 1024 * 1024

const POLICIES = ['transfer', 'despawn', 'hold'] as const
const ENTITY_BITS = 32 + 16 + 12 + 12 + 16 + 16 + 32 + 2 + 8
const COMPONENT_BITS = 8 + 32 + 16
const SLOT_BITS = 12 + 20 + 32
const HELD_BITS = 32 + 32

export function writeBaseline(baseline: Baseline): Uint8Array {
  let bits = 16 + baseline.members.length * 12 + 16 + baseline.slots.length * SLOT_BITS
  bits += 32 + baseline.held.length * HELD_BITS + 32
  for (const entity of baseline.entities) {
    bits += ENTITY_BITS
    for (const component of entity.components) bits += COMPONENT_BITS + component.data.length * 8
  }
  const writer = new BitWriter(new Uint8Array(Math.ceil(bits / 8)))
  writer.write(baseline.members.length, 16)
  for (const slot of baseline.members) writer.write(slot, 12)
  writer.write(baseline.slots.length, 16)
  for (const { slot, counter, request } of baseline.slots) {
    writer.write(slot, 12)
    writer.write(counter, 20)
    writer.write(request, 32)
  }
  writer.write(baseline.held.length, 32)
  for (const [id, dueTick] of baseline.held) {
    writer.write(id, 32)
    writer.write(dueTick, 32)
  }
  writer.write(baseline.entities.length, 32)
  for (const entity of baseline.entities) writeEntity(writer, entity)
  return writer.finish()
}

export function readBaseline(bytes: Uint8Array): Baseline | undefined {
  const reader = new BitReader(bytes)
  const members = readMany(reader, 16, 12, () => reader.read(12))
  const slots = readMany(reader, 16, SLOT_BITS, () => ({
    slot: reader.read(12),
    counter: reader.read(20),
    request: reader.read(32),
  }))
  const held = readMany(reader, 32, HELD_BITS, () => [reader.read(32), reader.read(32)] as const)
  if (members === undefined || slots === undefined || held === undefined) return undefined
  const count = reader.read(32)
  if (count * ENTITY_BITS > reader.remainingBits) return undefined
  const entities: BaselineEntity[] = []
  for (let i = 0; i < count; i += 1) {
    const entity = readEntity(reader)
    if (entity === undefined) return undefined
    entities.push(entity)
  }
  return reader.failed || reader.remainingBits >= 8 ? undefined : { members, slots, held, entities }
}

/** @returns `undefined` when it claims more than is there */
function readMany<T>(reader: BitReader, countBits: number, itemBits: number, readOne: () => T): T[] | undefined {
  const count = reader.read(countBits)
  return count * itemBits > reader.remainingBits ? undefined : Array.from({ length: count }, readOne)
}

function writeEntity(writer: BitWriter, entity: BaselineEntity): void {
  writer.write(entity.id, 32)
  writer.write(entity.prefab, 16)
  writer.write(entity.owner, 12)
  writer.write(entity.authority, 12)
  writer.write(entity.ownershipSequence, 16)
  writer.write(entity.authoritySequence, 16)
  writer.write(entity.parent, 32)
  writer.write(POLICIES.indexOf(entity.policy), 2)
  writer.write(entity.components.length, 8)
  for (const component of entity.components) {
    writer.write(component.component, 8)
    writer.write(component.tick, 32)
    writer.write(component.data.length, 16)
    writer.writeBytes(component.data)
  }
}

function readEntity(reader: BitReader): BaselineEntity | undefined {
  const id = reader.read(32)
  const prefab = reader.read(16)
  const owner = reader.read(12)
  const authority = reader.read(12)
  const ownershipSequence = reader.read(16)
  const authoritySequence = reader.read(16)
  const parent = reader.read(32)
  const policy = POLICIES[reader.read(2)]
  const count = reader.read(8)
  if (policy === undefined || id === 0) return undefined
  const components: BaselineComponent[] = []
  for (let i = 0; i < count; i += 1) {
    const component = reader.read(8)
    const tick = reader.read(32)
    const size = reader.read(16)
    if (reader.failed || size * 8 > reader.remainingBits) return undefined
    components.push({ component, tick, data: reader.readBytes(size) })
  }
  if (reader.failed) return undefined
  return { id, prefab, owner, authority, ownershipSequence, authoritySequence, parent, policy, components }
}
