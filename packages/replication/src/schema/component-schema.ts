/**
 * The shape of a replicated component, as every other part of the package sees it: its fields, the
 * integer lanes they become, and the door to its bitECS columns.
 *
 * Invariant: two peers with the same `hash` agree on every bit a row of this component can have.
 */

/** Shared by every peer of a session; 0 is nobody. Local bitECS ids never travel. */
export type NetworkId = number

/**
 * How a component's values travel.
 * - `snapshot`: quantized, unreliable, every tick, newest wins.
 * - `reliable`: in order, when it changes.
 * - `once`: with the spawn or the adding of the component, then never again.
 */
export type Delivery = 'snapshot' | 'reliable' | 'once'

/** How `present` fills the time between two samples. Discrete kinds always take the older sample. */
export type Interpolation = 'linear' | 'hermite' | 'none'

/**
 * Lanes of a row that change together. A lane is one quantized integer, unsigned, of `bits` bits,
 * stored in an `Int32Array` (take `>>> 0` of lanes of 32 bits).
 * - `vector`: `count` lanes of `bits` each (a position has 3).
 * - `rotation`: 4 lanes: index of the largest component (2 bits), then the three others of `bits` each.
 * - `scalar`: one lane.
 */
export interface LaneGroup {
  readonly kind: 'vector' | 'rotation' | 'scalar'
  /** First lane, counted from the start of the component's row. */
  readonly offset: number
  readonly count: number
  readonly bits: number
}

interface LanedField {
  readonly name: string
  readonly group: LaneGroup
}

interface PlainField {
  readonly name: string
  /** No lanes: a string or bytes value travels only in the exact form (RV rules). */
  readonly group: undefined
}

export interface PositionField extends LanedField {
  readonly kind: 'position'
  /** Meters; a coordinate is clamped to [-range, range]. */
  readonly range: number
  /** Meters between two neighboring lane values. */
  readonly step: number
  readonly bits: number
  /** Largest valid lane value; half of it stands for 0 m. */
  readonly laneMax: number
  readonly interpolate: Interpolation
  /** Meters per tick; two samples farther apart than this are a teleport. */
  readonly teleportM: number
}

export interface RotationField extends LanedField {
  readonly kind: 'rotation'
  readonly bits: number
  readonly interpolate: Interpolation
}

export interface Float32Field extends LanedField {
  readonly kind: 'f32'
  readonly bits: number
  readonly interpolate: Interpolation
}

export interface QuantizedField extends LanedField {
  readonly kind: 'quantized'
  readonly min: number
  readonly max: number
  readonly step: number
  readonly bits: number
  readonly laneMax: number
  readonly interpolate: Interpolation
}

export interface IntegerField extends LanedField {
  readonly kind: 'uint' | 'int'
  readonly bits: number
}

export interface BoolField extends LanedField {
  readonly kind: 'bool'
  readonly bits: number
}

export interface EnumField extends LanedField {
  readonly kind: 'enum'
  readonly values: readonly string[]
  readonly bits: number
}

export interface EntityField extends LanedField {
  readonly kind: 'entity'
  readonly bits: number
}

export interface StringField extends PlainField {
  readonly kind: 'string'
  /** UTF-8 bytes, not characters. */
  readonly maxBytes: number
}

export interface BytesField extends PlainField {
  readonly kind: 'bytes'
  readonly maxBytes: number
}

export type FieldSchema =
  | PositionField
  | RotationField
  | Float32Field
  | QuantizedField
  | IntegerField
  | BoolField
  | EnumField
  | EntityField
  | StringField
  | BytesField

export type FieldKind = FieldSchema['kind']

/** Local entity to shared id; 0 for an entity that is not networked. */
export type ResolveNetworkId = (eid: number) => NetworkId
/** Shared id to local entity; 0 for one that is not here (yet). */
export type ResolveEid = (id: NetworkId) => number

/** One component's values, exact and checked, on their way between bytes and columns. */
export interface ComponentValueRow {
  /** `laneCount` lanes; entity fields hold network ids. */
  readonly lanes: Int32Array
  /** One per field; a value only where the field is a string or bytes. */
  readonly plain: readonly (string | Uint8Array | undefined)[]
}

/** What `defineReplicated` and `@replicated` leave on a component; belongs to no registry yet. */
export interface ComponentDefinition {
  readonly name: string
  readonly delivery: Delivery
  readonly fields: readonly FieldSchema[]
  /** The fields' groups in order, without holes: group n starts where group n - 1 ends. */
  readonly groups: readonly LaneGroup[]
  readonly laneCount: number
  /** Bits of a whole row of lanes, sent absolutely. */
  readonly rowBits: number
  /** True when a field refers to an entity, so that collect and apply need a resolver. */
  readonly hasEntities: boolean
  /** No fields: replicated by presence alone. */
  readonly isTag: boolean
  /** Rows in the shortest column; an eid at or beyond this does not fit. `Infinity` for a tag. */
  readonly capacity: number
  /** How often snapshots of it are sent; undefined follows the tick. */
  readonly rateHz: number | undefined
  /** The fields in words, as a refusal shows them to a developer. */
  readonly summary: string
  /** 32 bits over name, delivery and summary (PH rules). */
  readonly hash: number
  /** The bitECS component: an object of columns, or the decorated class. */
  readonly component: object
}

/** A definition with its place in a registry. */
export interface ComponentSchema extends ComponentDefinition {
  /** Position in the registry, the same on every peer of a session. */
  readonly index: number
  /** The only way in and out of the component's columns; used through `pipeline/snapshot.ts`. */
  readonly door: ColumnDoor
}

/**
 * Closures over one component's columns, compiled once. Lane offsets are where the row begins. A row of
 * values has one number where a row of lanes has one lane: x, y, z of a position; x, y, z, w of a
 * rotation; the lane's meaning for a scalar, which is a network id for an entity.
 */
export interface ColumnDoor {
  /** Numbers that a row has in its columns; strings and bytes are none. */
  readonly valueCount: number
  /** Copies a row's numbers out of the columns. True when they are not all what stood in `values` before. */
  takeValues(eid: number, values: Float64Array, offset: number): boolean
  /** Columns to lanes; false, with `out` untouched, when a value cannot travel. */
  collect(eid: number, out: Int32Array, offset: number, resolve: ResolveNetworkId | undefined): boolean
  /** Whether lanes from a stranger are such as `collect` can give. */
  check(lanes: Int32Array, offset: number): boolean
  /** Lanes to values, no column touched. */
  dequantize(lanes: Int32Array, offset: number, values: Float64Array): void
  /** Lanes to columns; false, with nothing written, for an eid over the capacity. */
  apply(eid: number, lanes: Int32Array, offset: number, resolve: ResolveEid | undefined): boolean
  /** Values, which may lie between lanes, to columns; false as `apply`. */
  applyValues(eid: number, values: Float64Array, resolve: ResolveEid | undefined): boolean
  /** The columns of each field, in the order of `fields`. */
  readonly columns: readonly FieldColumns[]
}

export type NumberColumn = Float32Array | Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array

export interface Vec3Columns {
  readonly x: Float32Array
  readonly y: Float32Array
  readonly z: Float32Array
}

export interface QuatColumns {
  readonly x: Float32Array
  readonly y: Float32Array
  readonly z: Float32Array
  readonly w: Float32Array
}

/** What one field is on the bitECS component. */
export type FieldColumns = Vec3Columns | QuatColumns | NumberColumn | string[] | Uint8Array[]
