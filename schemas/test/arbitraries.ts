/**
 * Random messages of any layout, for property tests.
 *
 * Invariant: everything drawn here fits the layout and the default limits, so a writer that refuses it is wrong.
 */
import fc from 'fast-check'
import { SCALARS, type Field, type Layout, type ScalarKind } from '../codec/layout.ts'

export type Plain = Record<string, unknown>

// Half surrogates are left out (no UTF-8 has them), and short lists keep a message far below its limit.
const text = fc.string({ unit: 'binary', maxLength: 24 })

/** Zero has no sign on the wire, so a negative zero would not come back as it went. */
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)

function scalar(kind: ScalarKind): fc.Arbitrary<number | boolean> {
  if (kind === 'bool') return fc.boolean()
  if (kind === 'f64') return finite
  const [, least, greatest] = SCALARS[kind]
  return fc.oneof(fc.integer({ min: least, max: greatest }), fc.constantFrom(least, greatest))
}

function element(layout: Layout, { of, ref }: Field): fc.Arbitrary<unknown> {
  if (of === 'string') return text
  return of === 'table' ? table(layout, ref!) : scalar(of as ScalarKind)
}

function value(layout: Layout, field: Field): fc.Arbitrary<unknown> {
  const { kind, ref } = field
  const optional = (some: fc.Arbitrary<unknown>) => (field.required ? some : fc.option(some, { nil: undefined }))
  if (kind === 'string') return optional(text)
  if (kind === 'table') return optional(table(layout, ref!))
  if (kind === 'enum') return fc.constantFrom(...layout.enums[ref!]!)
  if (kind === 'union') {
    return fc.oneof(...layout.unions[ref!]!.map((type) => table(layout, type).map((body) => ({ type, ...body }))))
  }
  if (kind !== 'vector') return scalar(kind)
  return field.of === 'u8' ? fc.uint8Array({ maxLength: 40 }) : fc.array(element(layout, field), { maxLength: 6 })
}

/** Objects as the reader gives them: an optional value that is absent has no key. */
export function table(layout: Layout, name: string): fc.Arbitrary<Plain> {
  const fields = layout.tables[name]!
  return fc
    .tuple(...fields.map((field) => value(layout, field)))
    .map((values) =>
      Object.fromEntries(fields.map((field, i) => [field.name, values[i]] as const).filter(([, v]) => v !== undefined)),
    )
}

export function message(layout: Layout): fc.Arbitrary<Plain> {
  return table(layout, layout.root)
}

/** Messages whose body is one kind only. */
export function messageOf(layout: Layout, type: string): fc.Arbitrary<Plain> {
  const root = layout.tables[layout.root]!
  const union = root.find(({ kind }) => kind === 'union')!
  return fc
    .tuple(message(layout), table(layout, type))
    .map(([envelope, body]) => ({ ...envelope, [union.name]: { type, ...body } }))
}
