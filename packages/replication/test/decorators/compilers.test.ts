import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, transform, type BuildOptions } from 'esbuild'
import ts from 'typescript'
import { afterAll, describe, expect, test } from 'vitest'
import type { ComponentDefinition } from '../../src/schema/component-schema.ts'
import { defineReplicated, definitionOf } from '../../src/schema/define-replicated.ts'
import * as f from '../../src/schema/fields.ts'

const here = dirname(fileURLToPath(import.meta.url))
const source = readFileSync(join(here, 'components.ts'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'decorators-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Compiled {
  Transform: { translation: { x: Float32Array }; rotation: { w: Float32Array } }
  Health: { points: Uint8Array; describe(entity: number): string }
  Renamed: object
  Ghost: object
  definitionOf(component: object): ComponentDefinition | undefined
}

const LIBRARY = '@baton/replication/decorators'
const TSCONFIG = (experimentalDecorators: boolean) => ({ compilerOptions: { experimentalDecorators } })

/** Runs compiled code as it is, beside a build of the library. */
async function run(name: string, code: string): Promise<Compiled> {
  const library = join(folder, 'library.mjs')
  await build({
    stdin: {
      contents: `export * from '${LIBRARY}'\nexport { definitionOf } from '../../src/schema/define-replicated.ts'`,
      resolveDir: here,
    },
    bundle: true,
    format: 'esm',
    outfile: library,
  })
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, `${code.replace(LIBRARY, './library.mjs')}\nexport { definitionOf } from './library.mjs'\n`)
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Compiled
}

/** Runs one bundle of code and library, as a user's build makes it. */
async function runBundle(name: string, code: string, options: BuildOptions): Promise<Compiled> {
  const contents = `${code}\nexport { definitionOf } from '../../src/schema/define-replicated.ts'\n`
  const file = join(folder, `${name}.mjs`)
  await build({
    stdin: { contents, loader: 'ts', resolveDir: here },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    supported: { decorators: false },
    outfile: file,
    ...options,
  })
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Compiled
}

async function esbuilt(experimentalDecorators: boolean): Promise<string> {
  const result = await transform(source, {
    loader: 'ts',
    target: 'es2022',
    supported: { decorators: false },
    tsconfigRaw: TSCONFIG(experimentalDecorators),
  })
  return result.code
}

function lower(experimentalDecorators: boolean, useDefineForClassFields: boolean): string {
  return ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators,
      useDefineForClassFields,
    },
  }).outputText
}

const expected = {
  Transform: defineReplicated('Transform', {
    translation: f.vec3({ range: 512, step: 1 / 512 }),
    rotation: f.quat({ bits: 10 }),
  }),
  Health: defineReplicated('Health', { points: f.uint(8) }, { delivery: 'reliable', capacity: 128 }),
  Renamed: defineReplicated(
    'Everything',
    {
      weight: f.f32(),
      lean: f.quantized({ min: -1, max: 1, step: 0.25 }),
      ammo: f.uint(12),
      slope: f.int(9),
      on: f.bool(),
      mood: f.enumeration(['calm', 'cross']),
      target: f.entity(),
      label: f.text({ maxBytes: 24 }),
      extra: f.bytes({ maxBytes: 8 }),
    },
    { delivery: 'once', capacity: 64 },
  ),
  Ghost: defineReplicated(
    'Ghost',
    { trail: f.vec3({ range: 64, step: 0.5, interpolate: 'hermite' }) },
    { rateHz: 10, capacity: 64 },
  ),
} as const

const without = ({ component, ...rest }: ComponentDefinition): unknown => ({ ...rest, is: typeof component })

function expectSame(compiled: Compiled): void {
  for (const name of ['Transform', 'Health', 'Renamed', 'Ghost'] as const) {
    const definition = compiled.definitionOf(compiled[name])
    expect(definition!.component).toBe(compiled[name])
    expect(without(definition!)).toEqual({ ...(without(definitionOf(expected[name])!) as object), is: 'function' })
  }
  // The class is the component: its columns are where a game writes.
  compiled.Health.points[5] = 7
  expect(compiled.Health.describe(5)).toBe('7 of 200')
  expect(compiled.Transform.translation.x).toHaveLength(65_536)
  expect(compiled.Transform.rotation.w[9]).toBe(1)
}

describe('DC2: decorated classes equal what defineReplicated gives', { timeout: 60_000 }, () => {
  test('esbuild, standard decorators', async () => {
    const code = await esbuilt(false)
    expect(code).toContain('__decoratorStart')
    expectSame(await run('esbuild-standard', code))
  })
  test('esbuild, experimentalDecorators', async () => {
    const code = await esbuilt(true)
    expect(code).toContain('__decorateClass')
    expectSame(await run('esbuild-experimental', code))
  })
  test('tsc, standard decorators', async () => {
    const code = lower(false, true)
    expect(code).toContain('__esDecorate')
    expectSame(await run('tsc-standard', code))
  })
  test('tsc, experimentalDecorators, fields defined or assigned', async () => {
    for (const define of [true, false]) {
      const code = lower(true, define)
      expect(code).toContain('__decorate(')
      expectSame(await run(`tsc-experimental-${define}`, code))
    }
  })
  test('bundled and minified, standard decorators', async () => {
    expectSame(await runBundle('minified', source, { minify: true }))
  })
  test('bundled and minified, experimentalDecorators: only a name that is given survives', async () => {
    const compiled = await runBundle('minified-experimental', source, { minify: true, tsconfigRaw: TSCONFIG(true) })
    expect(compiled.definitionOf(compiled.Renamed)!.name).toBe('Everything')
    expect(compiled.definitionOf(compiled.Transform)!.name).not.toBe('Transform')
    expectSame(await runBundle('kept', source, { minify: true, keepNames: true, tsconfigRaw: TSCONFIG(true) }))
  })
})

const WRONG = `
import { bool, f32, position, quat, replicated, str, u8, uint, vec3 } from '@baton/replication/decorators'
@replicated() export class A { @position({ range: 1, step: 0.5 }) static at = f32() }
@replicated() export class B { @uint(8) static points = vec3() }
@replicated() export class C { @bool() static on = str() }
@replicated() export class D { @bool() on = u8() }
@replicated() export class E { @position({ range: 1 }) static at = vec3() }
@replicated({ delivery: 'sometimes' }) export class F { @bool() static on = u8() }
A; B; C; D; E; F; quat
`

/** Lines (from 1) with errors, as the compiler of the workspace sees them. */
function errorLines(code: string, experimentalDecorators: boolean): { lines: number[]; output: string } {
  const root = join(here, '../../../..')
  const source = join(root, 'packages/replication/src')
  const work = mkdtempSync(join(folder, 'types-'))
  writeFileSync(join(work, 'game.ts'), code)
  writeFileSync(
    join(work, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        experimentalDecorators,
        noEmit: true,
        composite: false,
        incremental: false,
        paths: { [LIBRARY]: [join(source, 'decorators.ts')] },
      },
      files: ['game.ts', join(source, 'globals.d.ts')],
    }),
  )
  const tsc = join(dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')), 'bin/tsc')
  const { stdout } = spawnSync(execPath, [tsc, '-p', work], { cwd: work, encoding: 'utf8' })
  const found = [...stdout.matchAll(/^game\.ts\((\d+),/gm)].map((match) => Number(match[1]))
  return { lines: [...new Set(found)], output: stdout }
}

// Each starts a compiler, which takes its time on a busy machine.
describe('DC3: the compiler knows the columns', { timeout: 60_000 }, () => {
  test('what a game writes compiles, in both forms', () => {
    expect(errorLines(source, false).output).toBe('')
    expect(errorLines(source, true).output).toBe('')
  })
  test('a spec on the wrong column, an instance field, a missing or a wrong option do not', () => {
    expect(errorLines(WRONG, false).lines).toEqual([3, 4, 5, 6, 7, 8])
    // The older form does not show a decorator the field's type; the run-time check does it there.
    expect(errorLines(WRONG, true).lines).toEqual([7, 8])
  })
})
