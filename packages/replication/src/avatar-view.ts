/**
 * Where avatars keep their place and turn, found out once for all frames.
 *
 * Invariant: data only; `show-avatars.ts` reads it.
 */
import type { PrefabRegistry } from './lifecycle/prefab.ts'
import type { ComponentSchema, FieldSchema, QuatColumns, Vec3Columns } from './schema/component-schema.ts'

/** Where avatars keep what is shown, found out once. */
export interface AvatarView {
  /** By number of the prefab: 1 for avatars. */
  readonly isAvatar: Uint8Array
  readonly hasAvatars: boolean
  readonly places: readonly AvatarPlace[]
  /** Slots that have been shown this frame. */
  readonly shown: number[]
}

interface AvatarPlace {
  readonly component: number
  readonly position: Vec3Columns | undefined
  readonly rotation: QuatColumns | undefined
}

export function createAvatarView(schemas: readonly ComponentSchema[], prefabs: PrefabRegistry): AvatarView {
  const isAvatar = Uint8Array.from(prefabs.all, ({ prefab }) => (prefab.avatar ? 1 : 0))
  const places = schemas
    .map((schema) => ({
      component: schema.index,
      position: columnsOf<Vec3Columns>(schema, 'position'),
      rotation: columnsOf<QuatColumns>(schema, 'rotation'),
    }))
    .filter(({ position, rotation }) => position || rotation)
  return { isAvatar, hasAvatars: isAvatar.includes(1), places, shown: [] }
}

function columnsOf<Columns>(schema: ComponentSchema, kind: FieldSchema['kind']): Columns | undefined {
  const at = schema.fields.findIndex((field) => field.kind === kind)
  return at < 0 ? undefined : (schema.door.columns[at] as Columns)
}
