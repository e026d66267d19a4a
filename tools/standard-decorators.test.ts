// This file holds decorators itself, so it does not even parse unless the plugin has lowered them.
import { expect, it } from 'vitest'

function named(name: string) {
  return (_value: unknown, context: DecoratorContext): void => {
    if (context.kind === 'class') context.addInitializer(() => seen.push(`${name}:${String(context.name)}`))
    else seen.push(`${name}:${String(context.name)}:${context.kind === 'field' && context.static ? 'static' : ''}`)
  }
}

const seen: string[] = []

@named('class')
class Decorated {
  @named('field') static column = new Float32Array(1)
}

it('lowers standard decorators on classes and static fields', () => {
  expect(Decorated.column).toHaveLength(1)
  expect(seen).toEqual(['field:column:static', 'class:Decorated'])
})
