import { addComponent, addEntity, createWorld, hasComponent, query, removeComponent } from 'bitecs'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  bool,
  enumeration,
  f32,
  position,
  quat,
  replicated,
  rotation,
  str,
  text,
  u16,
  u8,
  uint,
  vec3,
  type ColumnDecorator,
} from './decorators.ts'
import { definitionOf, enumIndex, enumValue } from './schema/define-replicated.ts'
import { createRegistry } from './schema/registry.ts'

@replicated()
class Transform {
  @position({ range: 512, step: 1 / 512 }) static translation = vec3()
  @rotation({ bits: 10 }) static rotation = quat()
}

test('DC1: a decorated class is the bitECS component', () => {
  const world = createWorld()
  const first = addEntity(world)
  const second = addEntity(world)
  addComponent(world, second, Transform)
  expect([...query(world, [Transform])]).toEqual([second])
  expect(hasComponent(world, first, Transform)).toBe(false)
  Transform.translation.x[second] = 1.5
  expect(Transform.translation.x[second]).toBe(1.5)
  removeComponent(world, second, Transform)
  expect([...query(world, [Transform])]).toEqual([])
})

test('DC1: its statics have the types of their columns', () => {
  expectTypeOf(Transform.translation.x).toEqualTypeOf<Float32Array>()
  expectTypeOf(Transform.rotation.w).toEqualTypeOf<Float32Array>()
})

test('DC1: its summary is what a developer wrote', () => {
  const { fingerprints } = createRegistry([Transform])
  expect(fingerprints[0]!.name).toBe('Transform')
  expect(fingerprints[0]!.summary).toBe(
    'translation: position(range 512 m, step 0.001953125 m); rotation: rotation(10 bits)',
  )
})

test('DC1: enumerations are read and written by name', () => {
  @replicated({ delivery: 'reliable' })
  class Mood {
    @enumeration(['calm', 'cross']) static state = u8(8)
  }
  Mood.state[3] = enumIndex(Mood, 'state', 'cross')
  expect(enumValue(Mood, 'state', 3)).toBe('cross')
})

test('DC1: a subclass is not its base class', () => {
  class Local extends Transform {}
  expect(definitionOf(Local)).toBeUndefined()
  expect(() => createRegistry([Local])).toThrow(/component 0 is not replicated/)
})

describe('DC4: mistakes are told where the class is defined', () => {
  test('a column without a decorator', () => {
    expect(() => {
      @replicated()
      class Body {
        @position({ range: 8, step: 0.5 }) static at = vec3(8)
        static speed = f32(8)
      }
      return Body
    }).toThrow("replicated Body: column 'speed' has no decorator; say how it travels")
  })
  test('no columns', () => {
    expect(() => {
      @replicated()
      class Frozen {}
      return Frozen
    }).toThrow("replicated Frozen: no columns to replicate; for a tag write defineReplicated('Frozen', {})")
  })
  test('a decorator that does not fit', () => {
    expect(() => {
      @replicated()
      class Ammo {
        @uint(12) static shots = u8(8)
      }
      return Ammo
    }).toThrow("replicated Ammo: column 'shots' cannot hold uint values; initialize it with u16()")
    expect(() => {
      @replicated()
      class At {
        // As the older form would let it through.
        @(position({ range: 8, step: 0.5 }) as unknown as ColumnDecorator<Uint16Array>) static place = u16(8)
      }
      return At
    }).toThrow("replicated At: column 'place' cannot hold position values; initialize it with vec3()")
  })
  test('two decorators on one column', () => {
    expect(() => {
      @replicated()
      class Twice {
        @bool() @uint(8) static on = u8(8)
      }
      return Twice
    }).toThrow("column 'on' has two decorators")
  })
  test('names that bitECS takes for its own', () => {
    expect(() => {
      @replicated()
      class Blob {
        @uint(8) static data = u8(8)
      }
      return Blob
    }).toThrow("replicated Blob: a column named 'data' is taken by bitECS for set(component, value); rename it")
    expect(() => {
      @replicated()
      class Part {
        @uint(8) static component = u8(8)
      }
      return Part
    }).toThrow("column named 'component' is taken by bitECS")
  })
  test('a class without a name of its own', () => {
    class Nameless {
      @uint(8) static points = u8(8)
    }
    Object.defineProperty(Nameless, 'name', { value: '' })
    expect(() => replicated()(Nameless)).toThrow(/the class has no name to go by/)
    // A column may hide the class's name from the older form, but not from this one.
    @replicated({ delivery: 'once' })
    class Title {
      @text({ maxBytes: 8 }) static name = str(8)
    }
    expect(definitionOf(Title)!.name).toBe('Title')
  })
  test('text in snapshots', () => {
    expect(() => {
      @replicated()
      class Label {
        @text({ maxBytes: 8 }) static words = str(8)
      }
      return Label
    }).toThrow(/field 'words' is string, which snapshots do not carry; use delivery 'reliable' or 'once'/)
  })
  test('an instance field', () => {
    expect(() => {
      @replicated()
      class Wrong {
        @(uint(8) as unknown as (value: undefined, context: ClassFieldDecoratorContext) => void) points = u8(8)
      }
      return Wrong
    }).toThrow("'points' is no public static field with columns")
  })
})
