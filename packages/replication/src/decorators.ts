/**
 * `@baton/replication/decorators`: the same definitions as `defineReplicated`, written on classes with
 * static columns. The class itself is the bitECS component: `Transform.translation.x[eid]`.
 *
 * Invariant: one code for standard decorators and for TypeScript's `experimentalDecorators`; nothing
 * here depends on `Symbol.metadata`, and both forms give the schema that `defineReplicated` gives.
 */

import { invariant } from '@baton/core'
import { isColumns } from './schema/columns.ts'
import type { QuatColumns, Vec3Columns } from './schema/component-schema.ts'
import { attachDefinition, type ReplicatedOptions } from './schema/define-replicated.ts'
import * as fields from './schema/fields.ts'
import type { FieldSpec, PositionOptions } from './schema/fields.ts'

export { blob, eid, f32, i16, i32, i8, quat, str, u16, u32, u8, vec3 } from './schema/columns.ts'

/** Works on a static field whose columns are a `Column`, in both forms of decorators. */
export interface ColumnDecorator<Column> {
  <This, Value extends Column>(
    value: undefined,
    context: ClassFieldDecoratorContext<This, Value> & { readonly static: true; readonly private: false },
  ): (this: This, columns: Value) => Value
  (target: object, fieldName: string): void
}

/** Works on a class, in both forms of decorators. */
export interface ComponentDecorator {
  (target: abstract new (...args: never) => unknown, context?: ClassDecoratorContext): void
}

export interface ComponentOptions extends ReplicatedOptions {
  /**
   * Instead of the class's own name. Needed where a bundler or minifier may rename the class before it
   * runs: always with `experimentalDecorators`, and after tsc; not with esbuild's standard decorators.
   */
  readonly name?: string
}

type Specs = [fieldName: string, spec: FieldSpec][]

/** Where a class keeps its specs from its fields' decorators to its own. */
const PENDING = Symbol('baton.pending')

/**
 * Makes a class with static, decorated columns a replicated component, under the class's name.
 *
 * @throws InvariantError, while the class is being defined, for a column without a decorator, a
 *   decorator that does not fit its column, no columns at all, or a name bitECS or the wire cannot take
 */
export function replicated(options: ComponentOptions = {}): ComponentDecorator {
  return (target: abstract new (...args: never) => unknown, context?: ClassDecoratorContext) => {
    if (context === undefined) {
      // The older form: static fields have run, and so have their decorators.
      define(target, options, target.name)
      return
    }
    // The standard form: static fields run after this, and initializers of the class after them.
    context.addInitializer(function () {
      define(this, options, context.name)
    })
  }
}

/** A place in the world, on `vec3()`. */
export function position(options: PositionOptions): ColumnDecorator<Vec3Columns> {
  return column(fields.vec3(options))
}

/** A rotation, on `quat()`. */
export function rotation(options: Parameters<typeof fields.quat>[0]): ColumnDecorator<QuatColumns> {
  return column(fields.quat(options))
}

/** A 32-bit float as it is, on `f32()`. */
export function float32(options?: Parameters<typeof fields.f32>[0]): ColumnDecorator<Float32Array> {
  return column(fields.f32(options))
}

/** A float in steps, on `f32()`. */
export function quantized(options: Parameters<typeof fields.quantized>[0]): ColumnDecorator<Float32Array> {
  return column(fields.quantized(options))
}

/** An integer from 0 to 2^bits - 1, on `u8()`, `u16()` or `u32()`. */
export function uint(bits: number): ColumnDecorator<Uint8Array | Uint16Array | Uint32Array> {
  return column(fields.uint(bits))
}

/** A signed integer, on `i8()`, `i16()` or `i32()`. */
export function int(bits: number): ColumnDecorator<Int8Array | Int16Array | Int32Array> {
  return column(fields.int(bits))
}

/** True or false, on `u8()`. */
export function bool(): ColumnDecorator<Uint8Array> {
  return column(fields.bool())
}

/** One of some names, kept as its index, on `u8()`. */
export function enumeration(values: readonly string[]): ColumnDecorator<Uint8Array> {
  return column(fields.enumeration(values))
}

/** A string of at most `maxBytes` bytes of UTF-8, on `str()`. */
export function text(options: { readonly maxBytes: number }): ColumnDecorator<string[]> {
  return column(fields.text(options))
}

/** At most `maxBytes` bytes, on `blob()`. */
export function bytes(options: { readonly maxBytes: number }): ColumnDecorator<Uint8Array[]> {
  return column(fields.bytes(options))
}

/** A networked entity, on `eid()`. */
export function entity(): ColumnDecorator<Uint32Array> {
  return column(fields.entity())
}

function column<Column>(spec: FieldSpec): ColumnDecorator<Column> {
  return ((target: unknown, context: string | symbol | ClassFieldDecoratorContext) => {
    if (typeof context !== 'object') {
      note(target, context, spec)
      return
    }
    checkStatic(context.kind === 'field' && context.static && !context.private, context.name)
    // Run when the field gets its value, with the class as `this`: the first moment both are known.
    return function (this: unknown, columns: unknown) {
      note(this, context.name, spec)
      return columns
    }
  }) as ColumnDecorator<Column>
}

function note(target: unknown, fieldName: string | symbol, spec: FieldSpec): void {
  checkStatic(typeof target === 'function' && typeof fieldName === 'string', fieldName)
  // Own: the class it extends may wait for its own decorator still.
  if (!Object.hasOwn(target, PENDING)) {
    Object.defineProperty(target, PENDING, { value: [], configurable: true })
  }
  const specs = (target as unknown as { [PENDING]: Specs })[PENDING]
  invariant(
    !specs.some(([name]) => name === fieldName),
    `replicated: column '${fieldName}' has two decorators; it travels in one way, so keep one`,
  )
  specs.push([fieldName, spec])
}

function checkStatic(condition: boolean, fieldName: string | symbol): asserts condition {
  invariant(
    condition,
    `replicated: '${String(fieldName)}' is no public static field with columns; write 'static ${String(fieldName)} = vec3()' or the like`,
  )
}

function define(component: object, options: ComponentOptions, className: unknown): void {
  const name = options.name ?? className
  invariant(
    typeof name === 'string' && name !== '',
    "replicated: the class has no name to go by; give it one, or write @replicated({ name: 'Health' })",
  )
  const specs = Object.hasOwn(component, PENDING) ? (component as { [PENDING]: Specs })[PENDING] : []
  for (const key of Object.keys(component)) {
    invariant(
      specs.some(([fieldName]) => fieldName === key) || !isColumns((component as Record<string, unknown>)[key]),
      `replicated ${name}: column '${key}' has no decorator; say how it travels, or move it out of the class`,
    )
  }
  invariant(
    specs.length > 0,
    `replicated ${name}: no columns to replicate; for a tag write defineReplicated('${name}', {})`,
  )
  attachDefinition(component, name, specs, options)
  delete (component as { [PENDING]?: Specs })[PENDING]
}
