/**
 * The values a prefab's components take at spawn, as types: read off the columns they end up in.
 *
 * Invariant: types only; the run-time check is in `lifecycle/initial-values.ts`.
 */
import type { Prefab } from './lifecycle/prefab.ts'
import type { NumberColumn, QuatColumns, Vec3Columns } from './schema/component-schema.ts'

type ValueOf<Columns> = Columns extends QuatColumns
  ? readonly [x: number, y: number, z: number, w: number] | Float32Array
  : Columns extends Vec3Columns
    ? readonly [x: number, y: number, z: number] | Float32Array
    : Columns extends NumberColumn
      ? number | boolean | string
      : Columns extends readonly string[]
        ? string
        : Columns extends readonly Uint8Array[]
          ? Uint8Array
          : never

type FieldsOf<Component> = {
  readonly [
    Name in keyof Component as Name extends string ? ([ValueOf<Component[Name]>] extends [never] ? never : Name) : never
  ]?: ValueOf<Component[Name]>
}

type Intersect<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never

/**
 * Values by field name. Where two components share a field's name, give them under the component's
 * name: `{ Body: { size: 1 }, Hat: { size: 2 } }`.
 */
export type SpawnValuesOf<P extends Prefab> =
  P extends Prefab<infer Components>
    ? Intersect<FieldsOf<Components[number]>> & {
        readonly [ComponentName in Capitalize<string>]?: Readonly<Record<string, unknown>>
      }
    : never
