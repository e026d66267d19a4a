import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineReplicated, type FieldSpecs, type DefineOptions } from './define-replicated.ts'
import { bool, bytes, entity, enumeration, f32, int, quantized, quat, text, uint, vec3 } from './fields.ts'
import { createRegistry, MAX_COMPONENTS } from './registry.ts'

const define = (name: string, fields: FieldSpecs, options: DefineOptions = {}): object =>
  defineReplicated(name, fields, { capacity: 4, ...options })

test('PH1: components are numbered by name, in whatever order they are given', () => {
  const made = ['Zebra', 'Ant', 'ant', 'Emu'].map((name) => define(name, { n: uint(8) }))
  fc.assert(
    fc.property(fc.shuffledSubarray(made, { minLength: 4 }), (components) => {
      const registry = createRegistry(components)
      expect(registry.schemas.map(({ name, index }) => [name, index])).toEqual([
        ['Ant', 0],
        ['Emu', 1],
        ['Zebra', 2],
        ['ant', 3],
      ])
      expect(registry.hash).toBe(createRegistry(made).hash)
      for (const component of made) expect(registry.byComponent(component)!.component).toBe(component)
      expect(registry.byName('Emu')!.component).toBe(made[3])
      expect(registry.byComponent({})).toBeUndefined()
    }),
  )
})

test('PH1: one component may be in several registries, under different numbers', () => {
  const health = define('Health', { points: uint(8) })
  const alone = createRegistry([health])
  const second = createRegistry([define('Age', { years: uint(8) }), health])
  expect([alone.byComponent(health)!.index, second.byComponent(health)!.index]).toEqual([0, 1])
  expect(alone.byComponent(health)!.hash).toBe(second.byComponent(health)!.hash)
})

describe('PH2: builds that would read each other wrongly have different hashes', () => {
  const base: FieldSpecs = { at: vec3({ range: 512, step: 1 / 512 }), turn: quat({ bits: 10 }), points: uint(8) }
  const hashOf = (name: string, fields: FieldSpecs, options?: DefineOptions): number =>
    createRegistry([define(name, fields, options)]).hash
  const variants: [string, () => number][] = [
    ['the same', () => hashOf('Body', base)],
    ['a name', () => hashOf('Bodies', base)],
    ['a field name', () => hashOf('Body', { ...base, points: uint(8), extra: bool() })],
    ['a field renamed', () => hashOf('Body', { at: base['at']!, turn: base['turn']!, score: uint(8) })],
    ['the order', () => hashOf('Body', { turn: base['turn']!, at: base['at']!, points: uint(8) })],
    ['range', () => hashOf('Body', { ...base, at: vec3({ range: 256, step: 1 / 512 }) })],
    ['step', () => hashOf('Body', { ...base, at: vec3({ range: 512, step: 1 / 256 }) })],
    ['rotation bits', () => hashOf('Body', { ...base, turn: quat({ bits: 11 }) })],
    ['integer bits', () => hashOf('Body', { ...base, points: uint(9) })],
    ['sign', () => hashOf('Body', { ...base, points: int(8) })],
    ['bool', () => hashOf('Body', { ...base, points: bool() })],
    ['entity', () => hashOf('Body', { ...base, points: entity() })],
    ['f32', () => hashOf('Body', { ...base, points: f32() })],
    ['quantized', () => hashOf('Body', { ...base, points: quantized({ min: 0, max: 1, step: 0.25 }) })],
    ['min', () => hashOf('Body', { ...base, points: quantized({ min: -1, max: 0, step: 0.25 }) })],
    ['enum', () => hashOf('Body', { ...base, points: enumeration(['a', 'b']) })],
    ['enum order', () => hashOf('Body', { ...base, points: enumeration(['b', 'a']) })],
    ['enum values that look like two', () => hashOf('Body', { ...base, points: enumeration(['a", "b']) })],
    ['reliable', () => hashOf('Body', base, { delivery: 'reliable' })],
    ['once', () => hashOf('Body', base, { delivery: 'once' })],
    ['text', () => hashOf('Body', { ...base, points: text({ maxBytes: 8 }) }, { delivery: 'once' })],
    ['longer text', () => hashOf('Body', { ...base, points: text({ maxBytes: 9 }) }, { delivery: 'once' })],
    ['bytes', () => hashOf('Body', { ...base, points: bytes({ maxBytes: 8 }) }, { delivery: 'once' })],
    ['a tag', () => hashOf('Body', {})],
  ]
  test('one hash each', () => {
    const hashes = variants.map(([, hash]) => hash())
    expect(new Set(hashes).size).toBe(variants.length)
    expect(hashes.every((hash) => Number.isInteger(hash) && hash > 0 && hash < 2 ** 32)).toBe(true)
  })
  test('and what changes no bit on the wire changes no hash', () => {
    expect(hashOf('Body', base, { capacity: 9, rateHz: 20 })).toBe(hashOf('Body', base))
    const shown = vec3({ range: 512, step: 1 / 512, interpolate: 'hermite', teleportM: 1 })
    expect(hashOf('Body', { ...base, at: shown })).toBe(hashOf('Body', base))
  })
})

test('PH3: the hash is the CRC-32 of the names and summaries, so that it stays what it is', () => {
  const Transform = define('Transform', {
    translation: vec3({ range: 512, step: 1 / 512 }),
    rotation: quat({ bits: 10 }),
  })
  const Health = define('Health', { points: uint(8) }, { delivery: 'reliable' })
  const registry = createRegistry([Transform, Health])
  // Checked against zlib's crc32 over the same UTF-8.
  expect(registry.fingerprints).toEqual([
    { name: 'Health', hash: 0x27d4939a, summary: 'points: uint(8 bits); delivery: reliable' },
    {
      name: 'Transform',
      hash: 0xc7c08f14,
      summary: 'translation: position(range 512 m, step 0.001953125 m); rotation: rotation(10 bits)',
    },
  ])
  expect(registry.hash).toBe(0x934af41)
})

test('PH4: summaries say every parameter in words', () => {
  const component = define(
    'All',
    {
      a: quantized({ min: -1, max: 1, step: 0.5 }),
      b: int(5),
      c: bool(),
      d: enumeration(['calm', 'a "b"']),
      e: text({ maxBytes: 20 }),
      f: bytes({ maxBytes: 9 }),
      g: entity(),
      h: f32(),
    },
    { delivery: 'once' },
  )
  expect(createRegistry([component]).fingerprints[0]!.summary).toBe(
    'a: quantized(-1 to 1, step 0.5); b: int(5 bits); c: bool; d: enum("calm", "a \\"b\\""); ' +
      'e: string(at most 20 bytes); f: bytes(at most 9 bytes); g: entity; h: f32; delivery: once',
  )
})

test('PH1: what is no replicated component, or there twice, is refused', () => {
  expect(() => createRegistry([{}])).toThrow(/component 0 is not replicated; define it with defineReplicated/)
  const twice = [define('Same', { n: uint(8) }), define('Same', { n: uint(8) })]
  expect(() => createRegistry(twice)).toThrow(/two components are named 'Same'/)
  expect(() => createRegistry([twice[0]!, twice[0]!])).toThrow(/two components are named 'Same'/)
  const many = Array.from({ length: MAX_COMPONENTS + 1 }, (_, at) => define(`C${at}`, {}))
  expect(() => createRegistry(many)).toThrow(/257 components; a session has at most 256/)
  expect(createRegistry([]).hash).toBe(1)
})
