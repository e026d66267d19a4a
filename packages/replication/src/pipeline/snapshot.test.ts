import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineReplicated } from '../schema/define-replicated.ts'
import { bool, bytes, entity, enumeration, f32, int, quantized, quat, text, uint, vec3 } from '../schema/fields.ts'
import { createRegistry } from '../schema/registry.ts'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { explainRow } from './bad-value.ts'
import {
  applyRow,
  applyValue,
  checkRow,
  collectRow,
  collectValue,
  encodeValue,
  readValue,
  writeValue,
} from './snapshot.ts'

const CAPACITY = 32

/** Every kind there is, at widths that straddle bytes. */
function everything() {
  const component = defineReplicated(
    'Everything',
    {
      place: vec3({ range: 100, step: 0.01 }),
      turn: quat({ bits: 9 }),
      weight: f32(),
      heat: quantized({ min: -40, max: 120, step: 0.5 }),
      small: uint(5),
      wide: uint(32),
      signed: int(11),
      deep: int(32),
      on: bool(),
      mood: enumeration(['calm', 'cross', 'fey']),
      target: entity(),
      label: text({ maxBytes: 20 }),
      blob: bytes({ maxBytes: 9 }),
    },
    { delivery: 'reliable', capacity: CAPACITY },
  )
  return { component, schema: schemaOf(component) }
}

function schemaOf(component: object): ComponentSchema {
  return createRegistry([component]).byComponent(component)!
}

// Ids of the session are local eids plus a thousand here, so that mixing the two up shows.
const toId = (eid: number): number => eid + 1000
const toEid = (id: number): number => (id > 1000 && id < 1000 + CAPACITY ? id - 1000 : 0)

const finite = (limit: number) => fc.float({ min: Math.fround(-limit), max: Math.fround(limit), noNaN: true })
const unit = fc.double({ min: -1, max: 1, noNaN: true })

const values = fc.record({
  place: fc.tuple(finite(200), finite(200), finite(200)),
  turn: fc.tuple(unit, unit, unit, unit).filter((q) => Math.hypot(...q) > 1e-3),
  weight: fc.float({ noNaN: true, noDefaultInfinity: true }),
  heat: finite(300),
  small: fc.integer({ min: 0, max: 31 }),
  wide: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  signed: fc.integer({ min: -1024, max: 1023 }),
  deep: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  on: fc.integer({ min: 0, max: 255 }),
  mood: fc.integer({ min: 0, max: 2 }),
  target: fc.integer({ min: 0, max: CAPACITY - 1 }),
  label: fc.string({ unit: 'grapheme', maxLength: 20 }).filter((s) => new TextEncoder().encode(s).length <= 20),
  blob: fc.uint8Array({ maxLength: 9 }),
})
type Values = typeof values extends fc.Arbitrary<infer T> ? T : never

function fill(component: ReturnType<typeof everything>['component'], eid: number, v: Values): void {
  ;[component.place.x[eid], component.place.y[eid], component.place.z[eid]] = v.place
  ;[component.turn.x[eid], component.turn.y[eid], component.turn.z[eid], component.turn.w[eid]] = v.turn
  component.weight[eid] = v.weight
  component.heat[eid] = v.heat
  component.small[eid] = v.small
  component.wide[eid] = v.wide
  component.signed[eid] = v.signed
  component.deep[eid] = v.deep
  component.on[eid] = v.on
  component.mood[eid] = v.mood
  component.target[eid] = v.target
  component.label[eid] = v.label
  component.blob[eid] = v.blob
}

test('RV1: what is collected passes the check, and after apply is collected again bit for bit', () => {
  const { component, schema } = everything()
  fc.assert(
    fc.property(values, (v) => {
      fill(component, 3, v)
      const first = new Int32Array(schema.laneCount + 4).fill(-1)
      const second = new Int32Array(schema.laneCount)
      expect(collectRow(schema, 3, first, 2, toId)).toBe(true)
      expect([first[0], first[1], first.at(-1), first.at(-2)]).toEqual([-1, -1, -1, -1])
      expect(checkRow(schema, first, 2)).toBe(true)
      expect(applyRow(schema, 4, first, 2, toEid)).toBe(true)
      expect(collectRow(schema, 4, second, 0, toId)).toBe(true)
      expect([...second]).toEqual([...first.subarray(2, 2 + schema.laneCount)])
      expect(explainRow(schema, 3)).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
})

test('QZ5: integers are counted from the smallest, the others are their number', () => {
  const component = defineReplicated(
    'Numbers',
    { u: uint(5), i: int(5), wide: int(32), on: bool(), mood: enumeration(['a', 'b', 'c']), one: enumeration(['a']) },
    { capacity: 4 },
  )
  const schema = schemaOf(component)
  expect(schema.groups.map((group) => group.bits)).toEqual([5, 5, 32, 1, 2, 1])
  const lanes = new Int32Array(schema.laneCount)
  const collect = (u: number, i: number, wide: number, on: number, mood: number): number[] => {
    component.u[1] = u
    component.i[1] = i
    component.wide[1] = wide
    component.on[1] = on
    component.mood[1] = mood
    expect(collectRow(schema, 1, lanes, 0)).toBe(true)
    return Array.from(lanes, (lane) => lane >>> 0)
  }
  expect(collect(31, -16, -(2 ** 31), 7, 2)).toEqual([31, 0, 0, 1, 2, 0])
  expect(collect(0, 15, 2 ** 31 - 1, 0, 0)).toEqual([0, 31, 2 ** 32 - 1, 0, 0, 0])
  expect(collect(1, 0, 0, 1, 1)).toEqual([1, 16, 2 ** 31, 1, 1, 0])
})

test('RV1: lanes hold what the columns said', () => {
  const { component, schema } = everything()
  fc.assert(
    fc.property(values, (v) => {
      fill(component, 3, v)
      const lanes = new Int32Array(schema.laneCount)
      collectRow(schema, 3, lanes, 0, toId)
      applyRow(schema, 5, lanes, 0, toEid)
      const clamp = (x: number, min: number, max: number) => Math.min(max, Math.max(min, x))
      expect(Math.abs(component.place.y[5]! - clamp(v.place[1], -100, 100))).toBeLessThan(0.005 + 1e-5)
      expect(Math.abs(component.heat[5]! - clamp(v.heat, -40, 120))).toBeLessThan(0.25 + 1e-5)
      expect(component.weight[5]).toBe(v.weight === 0 ? 0 : v.weight)
      expect(component.small[5]).toBe(v.small)
      expect(component.wide[5]).toBe(v.wide)
      expect(component.signed[5]).toBe(v.signed)
      expect(component.deep[5]).toBe(v.deep)
      expect(component.on[5]).toBe(v.on === 0 ? 0 : 1)
      expect(component.mood[5]).toBe(v.mood)
      expect(component.target[5]).toBe(v.target)
    }),
    { numRuns: 500 },
  )
})

test('RV2: a value comes back from its bytes, strings and bytes included', () => {
  const { component, schema } = everything()
  fc.assert(
    fc.property(values, (v) => {
      fill(component, 6, v)
      const written = writeValue(schema, 6, toId)!
      const row = readValue(schema, written)!
      expect(row).toBeDefined()
      const lanes = new Int32Array(schema.laneCount)
      collectRow(schema, 6, lanes, 0, toId)
      expect([...row.lanes]).toEqual([...lanes])
      expect(applyValue(schema, 7, row, toEid)).toBe(true)
      expect(component.label[7]).toBe(v.label)
      expect([...component.blob[7]!]).toEqual([...v.blob])
      expect([...encodeValue(schema, row)]).toEqual([...written])
      expect([...writeValue(schema, 7, toId)!]).toEqual([...written])
    }),
    { numRuns: 1000 },
  )
})

test('RV3: no bytes of a stranger throw, and what is accepted has exactly one form', () => {
  const { component, schema } = everything()
  fill(component, 6, fc.sample(values, { numRuns: 1, seed: 7 })[0]!)
  const honest = writeValue(schema, 6, toId)!
  let accepted = 0
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 120 }),
        fc.tuple(fc.nat({ max: honest.length * 8 - 1 }), fc.nat({ max: honest.length * 8 - 1 })).map(([a, b]) => {
          const flipped = honest.slice()
          flipped[a >> 3]! ^= 1 << (a & 7)
          flipped[b >> 3]! ^= 1 << (b & 7)
          return flipped
        }),
      ),
      (input) => {
        const row = readValue(schema, input)
        if (row === undefined) return
        accepted++
        expect([...encodeValue(schema, row)]).toEqual([...input])
        // And the next host would say the same.
        applyRow(schema, 8, row.lanes, 0, (id) => id)
        const again = new Int32Array(schema.laneCount)
        expect(collectRow(schema, 8, again, 0, (eid) => eid)).toBe(true)
        expect([...again]).toEqual([...row.lanes])
      },
    ),
    { numRuns: 6_000 },
  )
  expect(accepted).toBeGreaterThan(300)
})

test('RV3: too short, too long, and dirty padding are malformed', () => {
  const component = defineReplicated('Small', { value: uint(5) }, { capacity: 8, delivery: 'reliable' })
  const schema = schemaOf(component)
  expect(readValue(schema, Uint8Array.of(17))!.lanes[0]).toBe(17)
  expect(readValue(schema, Uint8Array.of())).toBeUndefined()
  expect(readValue(schema, Uint8Array.of(17, 0))).toBeUndefined()
  expect(readValue(schema, Uint8Array.of(17 | 0x20))).toBeUndefined()
})

test('RV3: values outside of the field are malformed', () => {
  const one = (fields: Parameters<typeof defineReplicated>[1]) =>
    schemaOf(defineReplicated('One', fields, { capacity: 8, delivery: 'reliable' }))
  // Lengths come first, in as many bits as maxBytes needs: 4 bits for 10.
  const label = one({ label: text({ maxBytes: 10 }) })
  expect(readValue(label, Uint8Array.of(0x11, 0x04))!.plain[0]).toBe('A')
  expect(readValue(label, Uint8Array.of(0xfb, ...new Uint8Array(15)))).toBeUndefined()
  expect(readValue(label, Uint8Array.of(0xf1, 0x0f))).toBeUndefined() // not UTF-8
  expect(readValue(one({ mood: enumeration(['a', 'b', 'c']) }), Uint8Array.of(3))).toBeUndefined()
  expect(readValue(one({ at: quantized({ min: 0, max: 10, step: 1 }) }), Uint8Array.of(11))).toBeUndefined()
  expect(readValue(one({ at: quantized({ min: 0, max: 10, step: 1 }) }), Uint8Array.of(10))).toBeDefined()
  expect(readValue(one({ w: f32() }), new Uint8Array(new Float32Array([NaN]).buffer))).toBeUndefined()
  expect(readValue(one({ w: f32() }), new Uint8Array(new Float32Array([1.5]).buffer))!.lanes[0]).toBe(0x3fc00000)
  expect(readValue(one({ turn: quat({ bits: 2 }) }), Uint8Array.of(0xff))).toBeUndefined() // all at their largest
})

test('RV4: a byte order mark is part of a text, and a lone surrogate becomes the replacement character', () => {
  const component = defineReplicated('Label', { text: text({ maxBytes: 10 }) }, { capacity: 4, delivery: 'once' })
  const schema = schemaOf(component)
  component.text[1] = '\ufeffhi'
  expect(readValue(schema, writeValue(schema, 1, toId)!)!.plain[0]).toBe('\ufeffhi')
  component.text[1] = 'a\ud800'
  expect(readValue(schema, writeValue(schema, 1, toId)!)!.plain[0]).toBe('a\ufffd')
})

test('RV4: limits of text count bytes of UTF-8', () => {
  const component = defineReplicated('Label', { text: text({ maxBytes: 6 }) }, { capacity: 4, delivery: 'once' })
  const schema = schemaOf(component)
  for (const [value, fits] of [
    ['aaaaaa', true],
    ['aaaaaaa', false],
    ['ééé', true],
    ['éééé', false],
    ['€€', true],
    ['€€a', false],
  ] as const) {
    component.text[1] = value
    expect([value, writeValue(schema, 1, toId) !== undefined]).toEqual([value, fits])
    expect([value, explainRow(schema, 1) === undefined]).toEqual([value, fits])
  }
})

test('RV5: a value that cannot travel leaves the lanes alone and is explained', () => {
  const { component, schema } = everything()
  const good = fc.sample(values, { numRuns: 1, seed: 3 })[0]!
  const cases: [(eid: number) => void, RegExp][] = [
    [(eid) => (component.place.y[eid] = NaN), /^Everything\.place\.y\[9\] is NaN; write finite/],
    [(eid) => (component.place.z[eid] = Infinity), /^Everything\.place\.z\[9\] is Infinity/],
    [(eid) => (component.turn.w[eid] = NaN), /^Everything\.turn\.w\[9\] is NaN/],
    [
      (eid) => [component.turn.x, component.turn.y, component.turn.z, component.turn.w].forEach((c) => (c[eid] = 0)),
      /^Everything\.turn\[9\] is a quaternion of length 0/,
    ],
    [(eid) => (component.weight[eid] = -Infinity), /^Everything\.weight\[9\] is -Infinity/],
    [(eid) => (component.heat[eid] = NaN), /^Everything\.heat\[9\] is NaN/],
    [(eid) => (component.small[eid] = 32), /^Everything\.small\[9\] is 32; write integers from 0 to 31/],
    [(eid) => (component.signed[eid] = -1025), /^Everything\.signed\[9\] is -1025; write integers from -1024 to 1023/],
    [(eid) => (component.signed[eid] = 1024), /^Everything\.signed\[9\] is 1024/],
    [(eid) => (component.mood[eid] = 3), /^Everything\.mood\[9\] is 3; write integers from 0 to 2/],
  ]
  for (const [spoil, message] of cases) {
    fill(component, 9, good)
    spoil(9)
    const lanes = new Int32Array(schema.laneCount).fill(-7)
    expect(collectRow(schema, 9, lanes, 0, toId)).toBe(false)
    expect(lanes.every((lane) => lane === -7)).toBe(true)
    expect(writeValue(schema, 9, toId)).toBeUndefined()
    expect(explainRow(schema, 9)).toMatch(message)
  }
  fill(component, 9, good)
  component.label[9] = 'x'.repeat(21)
  expect(collectValue(schema, 9, toId)).toBeUndefined()
  expect(explainRow(schema, 9)).toMatch(/^Everything\.label\[9\] is 21 long; write string of at most 20 bytes/)
})

test('RV5: an eid over the capacity is refused both ways, and explained', () => {
  const { schema } = everything()
  const lanes = new Int32Array(schema.laneCount)
  expect(collectRow(schema, CAPACITY, lanes, 0, toId)).toBe(false)
  expect(applyRow(schema, CAPACITY, lanes, 0, toEid)).toBe(false)
  expect(explainRow(schema, CAPACITY)).toMatch(/over the columns' capacity of 32/)
  expect(collectRow(schema, NaN, lanes, 0, toId)).toBe(false)
})

test('RV6: entities travel as network ids; those that are not networked or not here are 0', () => {
  const component = defineReplicated('Grip', { held: entity() }, { capacity: 8 })
  const schema = schemaOf(component)
  const lanes = new Int32Array(1)
  component.held[1] = 5
  collectRow(schema, 1, lanes, 0, (eid) => (eid === 5 ? 0xfff0_0001 : 0))
  expect(lanes[0]! >>> 0).toBe(0xfff0_0001)
  applyRow(schema, 2, lanes, 0, (id) => (id === 0xfff0_0001 ? 6 : 0))
  expect(component.held[2]).toBe(6)
  applyRow(schema, 2, lanes, 0, () => 0)
  expect(component.held[2]).toBe(0)
  component.held[1] = 0
  // Nobody is asked about nobody.
  collectRow(schema, 1, lanes, 0, () => 99)
  expect(lanes[0]).toBe(0)
  expect(() => collectRow(schema, 1, lanes, 0)).toThrow(/Grip: has entity fields; pass a resolver/)
})

test('RV2: a tag is no bytes, and only no bytes', () => {
  const schema = schemaOf(defineReplicated('Frozen', {}))
  expect(writeValue(schema, 70_000, toId)).toHaveLength(0)
  expect(readValue(schema, new Uint8Array(0))).toEqual({ lanes: new Int32Array(0), plain: [] })
  expect(readValue(schema, Uint8Array.of(0))).toBeUndefined()
})

test('RV2: collected byte arrays are copies', () => {
  const { component, schema } = everything()
  component.blob[1] = Uint8Array.of(1, 2, 3)
  const row = collectValue(schema, 1, toId)!
  component.blob[1]![0] = 9
  expect(row.plain[12]).toEqual(Uint8Array.of(1, 2, 3))
})
