import { describe, expect, test } from 'vitest'
import { layoutOf, layoutSource } from './layout-source.ts'
import type { Schema, SchemaField } from './reflection.ts'

function field(base: string, changes: Partial<SchemaField> = {}, element = 'none', index = -1): SchemaField {
  return {
    name: 'some_field',
    id: 0,
    type: { base, element, index },
    defaultInteger: 0,
    defaultReal: 0,
    deprecated: false,
    required: false,
    optional: false,
    documentation: [],
    ...changes,
  }
}

function schemaOf(...fields: SchemaField[]): Schema {
  return {
    identifier: 'TEST',
    root: 'Root',
    tables: [
      { name: 'Root', isStruct: false, fields, documentation: ['The root.'] },
      { name: 'Vec', isStruct: true, fields: [], documentation: [] },
    ],
    enums: [{ name: 'Mood', isUnion: false, values: [{ name: 'GoodMood', value: 0 }], documentation: [] }],
  }
}

describe('layouts', () => {
  test('SC18: names turn to camel and kebab case, defaults and requirements are kept', () => {
    const schema = schemaOf(
      field('ushort', { name: 'sdp_m_line_index', defaultInteger: 7 }),
      field('string', { name: 'peer', id: 1, required: true }),
      field('ubyte', { name: 'mood', id: 2 }, 'none', 0),
      field('uint', { name: 'gone', id: 3, deprecated: true }),
    )
    const layout = layoutOf(schema)
    expect(layout.tables['Root']).toEqual([
      { name: 'sdpMLineIndex', slot: 0, kind: 'u16', default: 7 },
      { name: 'peer', slot: 1, kind: 'string', required: true },
      { name: 'mood', slot: 2, kind: 'enum', ref: 'Mood' },
    ])
    expect(layout.enums).toEqual({ Mood: ['good-mood'] })
    const source = layoutSource('some', schema)
    expect(source).toContain("export type Mood = 'good-mood'")
    expect(source).toContain(
      '/** The root. */\nexport interface Root {\n  sdpMLineIndex: number\n  peer: string\n  mood: Mood\n}',
    )
  })

  test.each<[string, SchemaField]>([
    ['is a float; teach schemas/codec/layout.ts first', field('float')],
    ['is a ulong; teach schemas/codec/layout.ts first', field('ulong')],
    ['is a vector of double; teach schemas/codec/layout.ts first', field('vector', {}, 'double')],
    ['is a vector of enums', field('vector', {}, 'ubyte', 0)],
    ['is a struct; use a table', field('table', {}, 'none', 1)],
    ['is a vector of structs; use tables', field('vector', {}, 'table', 1)],
    ['is an optional scalar; give it a default', field('uint', { optional: true })],
    ['is an enum of ushort; use ubyte', field('ushort', {}, 'none', 0)],
    ['is a union that may be absent; mark it (required)', field('union', {}, 'none', 0)],
  ])('SC18: what the codec cannot carry stops the generator: %s', (complaint, bad) => {
    expect(() => layoutOf(schemaOf(bad))).toThrow(`codegen: Root.some_field ${complaint}`)
  })

  test('SC18: an enum with gaps stops the generator', () => {
    const schema = schemaOf()
    schema.enums[0]!.values.push({ name: 'BadMood', value: 2 })
    expect(() => layoutOf(schema)).toThrow('codegen: Mood has gaps or does not start at 0')
  })

  test('SC18: a union member with a field named type stops the generator', () => {
    const schema = schemaOf(field('uint', { name: 'type' }))
    const values = ['NONE', 'Root'].map((name, value) => ({ name, value }))
    schema.enums.push({ name: 'Body', isUnion: true, values, documentation: [] })
    expect(() => layoutOf(schema)).toThrow('codegen: Root is in a union and has a field "type"')
  })
})
