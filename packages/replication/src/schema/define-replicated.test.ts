import { addComponent, addEntity, createWorld, query } from 'bitecs'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { QuatColumns, Vec3Columns } from './component-schema.ts'
import { defineReplicated, definitionOf, enumIndex, enumValue } from './define-replicated.ts'
import { bool, bytes, entity, enumeration, f32, int, quantized, quat, text, uint, vec3 } from './fields.ts'

const small = { capacity: 16 }

describe('DC5: one definition gives the exact types of its columns', () => {
  const Transform = defineReplicated('Transform', {
    translation: vec3({ range: 512, step: 1 / 512 }),
    rotation: quat({ bits: 10 }),
  })
  const Mixed = defineReplicated(
    'Mixed',
    {
      byte: uint(8),
      bit: uint(1),
      short: uint(9),
      word: uint(17),
      tiny: int(8),
      near: int(16),
      far: int(32),
      float: f32(),
      heat: quantized({ min: 0, max: 1, step: 0.1 }),
      on: bool(),
      mood: enumeration(['calm', 'cross']),
      target: entity(),
      label: text({ maxBytes: 8 }),
      blob: bytes({ maxBytes: 8 }),
    },
    { delivery: 'reliable', capacity: 16 },
  )

  test('in the compiler', () => {
    expectTypeOf(Transform.translation).toEqualTypeOf<Vec3Columns>()
    expectTypeOf(Transform.translation.x).toEqualTypeOf<Float32Array>()
    expectTypeOf(Transform.rotation).toEqualTypeOf<QuatColumns>()
    expectTypeOf(Mixed.byte).toEqualTypeOf<Uint8Array>()
    expectTypeOf(Mixed.bit).toEqualTypeOf<Uint8Array>()
    expectTypeOf(Mixed.short).toEqualTypeOf<Uint16Array>()
    expectTypeOf(Mixed.word).toEqualTypeOf<Uint32Array>()
    expectTypeOf(Mixed.tiny).toEqualTypeOf<Int8Array>()
    expectTypeOf(Mixed.near).toEqualTypeOf<Int16Array>()
    expectTypeOf(Mixed.far).toEqualTypeOf<Int32Array>()
    expectTypeOf(Mixed.float).toEqualTypeOf<Float32Array>()
    expectTypeOf(Mixed.heat).toEqualTypeOf<Float32Array>()
    expectTypeOf(Mixed.on).toEqualTypeOf<Uint8Array>()
    expectTypeOf(Mixed.mood).toEqualTypeOf<Uint8Array>()
    expectTypeOf(Mixed.target).toEqualTypeOf<Uint32Array>()
    expectTypeOf(Mixed.label).toEqualTypeOf<string[]>()
    expectTypeOf(Mixed.blob).toEqualTypeOf<Uint8Array[]>()
    expectTypeOf(enumValue(Mixed, 'mood', 0)).toEqualTypeOf<'calm' | 'cross'>()
    // A width that is not known to the compiler leaves the kind.
    expectTypeOf(defineReplicated('Any', { n: uint(4 as number) }, small).n).toEqualTypeOf<
      Uint8Array | Uint16Array | Uint32Array
    >()
    // @ts-expect-error: no such value
    expect(() => enumIndex(Mixed, 'mood', 'fey')).toThrow(/'fey' is not one of calm, cross/)
    // @ts-expect-error: no such column
    expect(Transform.velocity).toBeUndefined()
  })

  test('and at run time', () => {
    expect(Transform.translation.z).toBeInstanceOf(Float32Array)
    expect(Transform.translation.z).toHaveLength(65_536)
    const kinds = Object.entries(Mixed).map(([name, column]) => `${name} ${(column as object).constructor.name}`)
    expect(kinds).toEqual([
      'byte Uint8Array',
      'bit Uint8Array',
      'short Uint16Array',
      'word Uint32Array',
      'tiny Int8Array',
      'near Int16Array',
      'far Int32Array',
      'float Float32Array',
      'heat Float32Array',
      'on Uint8Array',
      'mood Uint8Array',
      'target Uint32Array',
      'label Array',
      'blob Array',
    ])
    expect([Transform.rotation.x[9], Transform.rotation.w[9], Mixed.label[3], Mixed.blob[3]]).toEqual([
      0,
      1,
      '',
      new Uint8Array(0),
    ])
  })

  test('an enumeration is read and written by name', () => {
    Mixed.mood[3] = enumIndex(Mixed, 'mood', 'cross')
    expect(Mixed.mood[3]).toBe(1)
    expect(enumValue(Mixed, 'mood', 3)).toBe('cross')
    Mixed.mood[3] = 9
    expect(() => enumValue(Mixed, 'mood', 3)).toThrow(/mood\[3\] is 9, which names none of calm, cross/)
    expect(() => enumValue(Mixed, 'on', 3)).toThrow(/Mixed.on: is bool, not an enumeration/)
  })
})

test('DC5: groups follow each other without holes, in the order of the fields', () => {
  const fields = fc.array(
    fc.constantFrom(
      vec3({ range: 8, step: 0.25 }),
      quat({ bits: 9 }),
      uint(5),
      bool(),
      f32(),
      entity(),
      text({ maxBytes: 9 }),
      bytes({ maxBytes: 7 }),
    ),
    { minLength: 1, maxLength: 20 },
  )
  fc.assert(
    fc.property(fields, (specs) => {
      const named = Object.fromEntries(specs.map((spec, at) => [`f${at}`, spec]))
      const {
        groups,
        laneCount,
        rowBits,
        fields: schema,
      } = definitionOf(defineReplicated('Any', named, { delivery: 'once', ...small }))!
      let lane = 0
      let bits = 0
      for (const group of groups) {
        expect(group.offset).toBe(lane)
        lane += group.count
        bits += group.kind === 'rotation' ? 2 + 27 : group.count * group.bits
      }
      expect([laneCount, rowBits]).toEqual([lane, bits])
      expect(schema.map((field) => field.name)).toEqual(specs.map((_, at) => `f${at}`))
      expect(schema.flatMap((field) => field.group ?? [])).toEqual(groups)
    }),
  )
})

test('DC6: a tag has no columns and travels by presence', () => {
  const Frozen = defineReplicated('Frozen', {})
  expect(Object.keys(Frozen)).toEqual([])
  expect(definitionOf(Frozen)).toMatchObject({ isTag: true, laneCount: 0, delivery: 'once', summary: 'tag' })
  const world = createWorld()
  const eid = addEntity(world)
  addComponent(world, eid, Frozen)
  expect([...query(world, [Frozen])]).toEqual([eid])
})

test('DC6: the definition is not among the columns, and two definitions of one name share nothing', () => {
  const first = defineReplicated('Health', { points: uint(8) }, small)
  const second = defineReplicated('Health', { points: uint(8) }, small)
  expect(Object.keys(first)).toEqual(['points'])
  first.points[1] = 5
  expect(second.points[1]).toBe(0)
  expect(definitionOf(first)!.hash).toBe(definitionOf(second)!.hash)
  expect(definitionOf({})).toBeUndefined()
})

describe('DC7: what cannot be replicated is refused where it is defined', () => {
  const cases: [string, () => unknown, RegExp][] = [
    [
      'bitECS reads data',
      () => defineReplicated('A', { data: uint(8) }, small),
      /replicated A: a column named 'data' is taken by bitECS/,
    ],
    [
      'bitECS reads component',
      () => defineReplicated('A', { component: uint(8) }, small),
      /column named 'component' is taken/,
    ],
    [
      'a name with a space',
      () => defineReplicated('My Health', { points: uint(8) }, small),
      /'My Health': not a name to compare builds by/,
    ],
    [
      'a field with a space',
      () => defineReplicated('A', { 'my points': uint(8) }, small),
      /column 'my points'; give it an identifier/,
    ],
    [
      'text in snapshots',
      () => defineReplicated('A', { label: text({ maxBytes: 8 }) }, small),
      /field 'label' is string, which snapshots do not carry/,
    ],
    [
      'bytes in snapshots',
      () => defineReplicated('A', { blob: bytes({ maxBytes: 8 }) }, small),
      /field 'blob' is bytes, which snapshots/,
    ],
    [
      'another delivery',
      () => defineReplicated('A', { n: uint(8) }, { delivery: 'often' as 'once', ...small }),
      /delivery is 'often'/,
    ],
    [
      'a rate for what is no snapshot',
      () => defineReplicated('A', { n: uint(8) }, { delivery: 'once', rateHz: 5, ...small }),
      /rateHz is 5 with delivery 'once'/,
    ],
    [
      'too small a capacity',
      () => defineReplicated('A', { n: uint(8) }, { capacity: 1 }),
      /capacity 1; give the number of rows/,
    ],
    [
      'too much text',
      () =>
        defineReplicated(
          'A',
          { a: text({ maxBytes: 8000 }), b: text({ maxBytes: 200 }) },
          { delivery: 'once', ...small },
        ),
      /may take 8200 bytes, over 8192/,
    ],
    [
      'too long a row',
      () =>
        defineReplicated(
          'A',
          Object.fromEntries(Array.from({ length: 58 }, (_, at) => [`p${at}`, vec3({ range: 4096, step: 1 / 1024 })])),
          small,
        ),
      /a row takes 4176 bits, over 4096/,
    ],
    ['no range', () => vec3({ range: 0, step: 1 }), /vec3: range 0 m and step 1 m/],
    ['a step over the range', () => vec3({ range: 1, step: 2 }), /no larger than the range/],
    [
      'a step too fine for a float',
      () => vec3({ range: 1e6, step: 1e-3 }),
      /finer than a Float32Array column keeps; make the step at least 0\.238/,
    ],
    [
      'Hermite for a number',
      () => f32({ interpolate: 'hermite' as 'linear' }),
      /interpolate is 'hermite'; give 'linear' or 'none'/,
    ],
    ['a teleport of nothing', () => vec3({ range: 1, step: 0.1, teleportM: 0 }), /teleportM is 0/],
    ['too few bits', () => quat({ bits: 1 }), /quat: 1 bits; give an integer from 2 to 15/],
    ['too many bits', () => uint(33), /uint: 33 bits; give an integer from 1 to 32/],
    ['half a bit', () => int(7.5), /int: 7.5 bits/],
    ['a maximum below the minimum', () => quantized({ min: 1, max: 0, step: 0.1 }), /quantized: min 1, max 0/],
    ['an enumeration of nothing', () => enumeration([]), /give 1 to 256 values/],
    ['the same value twice', () => enumeration(['a', 'a']), /\[a, a\]; give 1 to 256 values, each once/],
    ['text of any length', () => text({ maxBytes: Infinity }), /maxBytes is Infinity/],
  ]
  test.each(cases)('%s', (_, define, message) => {
    expect(define).toThrow(message)
  })
})
