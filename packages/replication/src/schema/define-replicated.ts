/**
 * One definition gives three things: the bitECS component (typed columns), its layout on the wire and
 * its part of the protocol hash.
 *
 * Invariant: whatever `definitionOf` returns has passed every check; later stages ask nothing again.
 */

import { invariant } from '@baton/core'
import { capacityFor, createColumns, DEFAULT_CAPACITY, makerNames } from './columns.ts'
import type { ComponentDefinition, Delivery, FieldSchema, LaneGroup } from './component-schema.ts'
import { MAX_PLAIN_BYTES, type FieldSpec } from './fields.ts'
import { groupBits } from './lane-layout.ts'
import { hashComponent, summarize } from './protocol-hash.ts'

export type FieldSpecs = Readonly<Record<string, FieldSpec>>

export interface ReplicatedOptions {
  /** 'snapshot' when left out. A tag's presence always travels reliably, whatever is said here. */
  readonly delivery?: Delivery
  /** Highest rate at which snapshots of this component are sent; every tick when left out. */
  readonly rateHz?: number
}

export interface DefineOptions extends ReplicatedOptions {
  /** Rows per column: entity ids below this fit. 65,536 when left out. */
  readonly capacity?: number
}

declare const SPECS: unique symbol

/** A bitECS component: each field's columns under its name, as `Transform.translation.x[eid]`. */
export type Replicated<Specs extends FieldSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends FieldSpec<infer Column> ? Column : never
} & {
  /** Carries types only; there is no such property. */
  readonly [SPECS]?: Specs
}

/** Where a component keeps its definition: on itself, so that no table outlives it. */
const DEFINITION = Symbol('baton.replicated')

/** bitECS takes a component with one of these for a `set(component, value)` pair. */
const FORBIDDEN_NAMES = ['data', 'component']
const NAME = /^[A-Za-z_$][\w$]*$/
const MAX_NAME_LENGTH = 64
const MAX_FIELDS = 64
/** A row must fit a datagram of 1,100 bytes beside the packet's own header. */
const MAX_ROW_BITS = 4096

/**
 * Defines a component whose columns know how to travel.
 *
 * @param name    the same in every build; peers compare it
 * @param fields  by name, in the order they travel; none makes a tag, replicated by presence alone
 * @returns the bitECS component. Its columns are shared by all worlds that use it: give such worlds one
 *   entity index, or define the component once per world
 * @throws InvariantError for a name or field that cannot be replicated, saying which and why
 */
export function defineReplicated<const Specs extends FieldSpecs>(
  name: string,
  fields: Specs,
  options: DefineOptions = {},
): Replicated<Specs> {
  const { capacity = DEFAULT_CAPACITY } = options
  const component: Record<string, unknown> = {}
  for (const [fieldName, spec] of Object.entries(fields)) {
    component[fieldName] = createColumns(spec.field, capacity)
  }
  attachDefinition(component, name, Object.entries(fields), options)
  return component as Replicated<Specs>
}

/**
 * Checks specs against the columns a component already has and makes it replicated.
 * The way in for the decorators; games use `defineReplicated` or `@replicated`.
 */
export function attachDefinition(
  component: object,
  name: string,
  specs: readonly (readonly [string, FieldSpec])[],
  options: ReplicatedOptions,
): void {
  const place = `replicated ${name}`
  invariant(
    NAME.test(name) && name.length <= MAX_NAME_LENGTH,
    `replicated '${name}': not a name to compare builds by; give an identifier of at most ${MAX_NAME_LENGTH} characters`,
  )
  invariant(!Object.hasOwn(component, DEFINITION), `${place}: is replicated already; define each component once`)
  invariant(specs.length <= MAX_FIELDS, `${place}: ${specs.length} fields; split it into components of ${MAX_FIELDS}`)
  const { delivery = 'snapshot', rateHz } = options
  invariant(
    delivery === 'snapshot' || delivery === 'reliable' || delivery === 'once',
    `${place}: delivery is '${String(delivery)}'; give 'snapshot', 'reliable' or 'once'`,
  )
  invariant(
    rateHz === undefined || (delivery === 'snapshot' && rateHz > 0),
    `${place}: rateHz is ${rateHz} with delivery '${delivery}'; give a rate above 0, and only to snapshots`,
  )

  const isTag = specs.length === 0
  const fields: FieldSchema[] = []
  const groups: LaneGroup[] = []
  let laneCount = 0
  let rowBits = 0
  let plainBytes = 0
  let capacity = Infinity
  for (const [fieldName, spec] of specs) {
    const { field } = spec
    checkFieldName(place, fieldName)
    const rows = capacityFor(field, (component as Record<string, unknown>)[fieldName])
    invariant(
      rows >= 0,
      `${place}: column '${fieldName}' cannot hold ${field.kind} values; initialize it with ${makerNames(field)}`,
    )
    capacity = Math.min(capacity, rows)
    if (spec.group === undefined) {
      const { kind, maxBytes } = field as { kind: string; maxBytes: number }
      invariant(
        delivery !== 'snapshot',
        `${place}: field '${fieldName}' is ${kind}, which snapshots do not carry; use delivery 'reliable' or 'once'`,
      )
      plainBytes += maxBytes
      fields.push({ ...field, name: fieldName, group: undefined } as FieldSchema)
      continue
    }
    const group = { ...spec.group, offset: laneCount, bits: (field as { bits: number }).bits }
    laneCount += group.count
    rowBits += groupBits(group)
    groups.push(group)
    fields.push({ ...field, name: fieldName, group } as FieldSchema)
  }
  invariant(rowBits <= MAX_ROW_BITS, `${place}: a row takes ${rowBits} bits, over ${MAX_ROW_BITS}; split the component`)
  invariant(
    plainBytes <= MAX_PLAIN_BYTES,
    `${place}: strings and bytes may take ${plainBytes} bytes, over ${MAX_PLAIN_BYTES}; lower maxBytes`,
  )

  // A tag has no values that could be late or lost: it is said once, with the entity or the adding.
  const deliveryOnWire: Delivery = isTag ? 'once' : delivery
  const summary = summarize({ delivery: deliveryOnWire, fields })
  const definition: ComponentDefinition = {
    name,
    delivery: deliveryOnWire,
    fields,
    groups,
    laneCount,
    rowBits,
    hasEntities: fields.some((field) => field.kind === 'entity'),
    isTag,
    capacity,
    rateHz,
    summary,
    hash: hashComponent(name, summary),
    component,
  }
  // Not enumerable, so that nobody who walks the columns meets it.
  Object.defineProperty(component, DEFINITION, { value: definition })
}

/** What `defineReplicated` or `@replicated` said about a component; undefined for any other. */
export function definitionOf(component: object): ComponentDefinition | undefined {
  // Own only: a subclass of a replicated class has no columns of its own.
  if (!Object.hasOwn(component, DEFINITION)) return undefined
  return (component as { readonly [DEFINITION]?: ComponentDefinition })[DEFINITION]
}

function checkFieldName(place: string, fieldName: string): void {
  invariant(
    !FORBIDDEN_NAMES.includes(fieldName),
    `${place}: a column named '${fieldName}' is taken by bitECS for set(component, value); rename it`,
  )
  invariant(
    NAME.test(fieldName) && fieldName.length <= MAX_NAME_LENGTH,
    `${place}: column '${fieldName}'; give it an identifier of at most ${MAX_NAME_LENGTH} characters`,
  )
}

type EnumNames<Component, Name> =
  Component extends Replicated<infer Specs>
    ? Name extends keyof Specs
      ? Specs[Name] extends FieldSpec<unknown, infer Values>
        ? Values
        : string
      : string
    : string

/** The name behind an enumeration's index in the column: `enumValue(Mood, 'state', eid)`. */
export function enumValue<Component extends object, Name extends keyof Component & string>(
  component: Component,
  fieldName: Name,
  eid: number,
): EnumNames<Component, Name> {
  const { values } = enumField(component, fieldName)
  const index = (component[fieldName] as Uint8Array)[eid] ?? -1
  const value = values[index]
  invariant(
    value !== undefined,
    `enumValue: ${fieldName}[${eid}] is ${index}, which names none of ${values.join(', ')}; write enumIndex(...)`,
  )
  return value as EnumNames<Component, Name>
}

/** The index to write into an enumeration's column: `Mood.state[eid] = enumIndex(Mood, 'state', 'calm')`. */
export function enumIndex<Component extends object, Name extends keyof Component & string>(
  component: Component,
  fieldName: Name,
  value: EnumNames<Component, Name>,
): number {
  const { values } = enumField(component, fieldName)
  const index = values.indexOf(value)
  invariant(index >= 0, `enumIndex: '${value}' is not one of ${values.join(', ')} in field '${fieldName}'`)
  return index
}

function enumField(component: object, fieldName: string): { readonly values: readonly string[] } {
  const definition = definitionOf(component)
  invariant(definition !== undefined, `enum '${fieldName}': the component is not replicated; define it first`)
  const field = definition.fields.find(({ name }) => name === fieldName)
  invariant(
    field !== undefined && field.kind === 'enum',
    `${definition.name}.${fieldName}: is ${field?.kind ?? 'no field'}, not an enumeration`,
  )
  return field
}
