/**
 * `@baton/replication`: entities of a bitECS world, the same on every peer. See docs/behavior.md.
 */
export type { HostStateInfo, HostStateOptions } from './host-state.ts'
export { createReplication, type Replication } from './replication.ts'
export type { ReplicationOptions } from './create-state.ts'
export type { ReplicationCounters, ReplicationEvents, ReplicationLimits } from './state.ts'
export type { SpawnValuesOf } from './spawn-values.ts'
export { definePrefab, type Prefab, type PrefabOptions } from './lifecycle/prefab.ts'
export type { ClaimPolicy, DepartPolicy } from './schema/policies.ts'
export { Authority, ChildOf, Networked, Owned } from './lifecycle/ecs.ts'
export {
  defineReplicated,
  enumIndex,
  enumValue,
  type DefineOptions,
  type Replicated,
} from './schema/define-replicated.ts'
export { bool, bytes, entity, enumeration, f32, int, quantized, quat, text, uint, vec3 } from './schema/fields.ts'
export type {
  ComponentSchema,
  Delivery,
  FieldKind,
  FieldSchema,
  Interpolation,
  NetworkId,
  QuatColumns,
  Vec3Columns,
} from './schema/component-schema.ts'
export { positionOfRow, type RowTap, type Tap } from './tap.ts'
