// Packs a workspace of one package with a fault planted in each entry but one.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkPackedEntries } from './packed-entries.ts'

const trees: string[] = []

function workspace(entries: Readonly<Record<string, { readonly js: string; readonly dts: string }>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'baton-workspace-')))
  trees.push(root)
  const names = Object.keys(entries)
  const manifest = {
    name: '@baton/sample',
    version: '1.0.0',
    license: 'MIT',
    type: 'module',
    exports: Object.fromEntries(names.map((name) => [`./${name}`, `./src/${name}.ts`])),
    files: ['dist'],
    publishConfig: {
      exports: Object.fromEntries(
        names
          .filter((name) => name !== 'forgotten')
          .map((name) => [`./${name}`, { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` }]),
      ),
    },
  }
  const files: Record<string, string> = {
    'package.json': JSON.stringify({ name: 'root', private: true }),
    'pnpm-workspace.yaml': 'packages: [packages/*]\npmOnFail: ignore\n',
    'packages/sample/package.json': JSON.stringify(manifest),
  }
  for (const [name, { js, dts }] of Object.entries(entries)) {
    files[`packages/sample/dist/${name}.js`] = js
    files[`packages/sample/dist/${name}.d.ts`] = dts
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true })
})

const fine = { js: 'export const fine = 1\n', dts: 'export declare const fine = 1\n' }

describe('packed entries', { timeout: 60_000 }, () => {
  it('names each entry that a user could not use, and why, and only those', async () => {
    const { errors } = await checkPackedEntries(
      workspace({
        fine,
        dom: { ...fine, js: 'export const title = document.title\n' },
        leaky: { ...fine, js: 'globalThis.leak = 1\nexport const leaky = 1\n' },
        silent: { ...fine, js: '\n' },
        untyped: { ...fine, dts: `export * from './nowhere.ts'\n` },
        forgotten: fine,
      }),
    )
    const text = errors.join('\n')
    expect(text).toContain('publishConfig.exports lacks ./forgotten')
    expect(text).toMatch(/sample\/dom: does not import[^]*document is not defined/)
    expect(text).toMatch(/sample\/leaky: does not import[^]*defined globals: leak/)
    expect(text).toMatch(/sample\/silent: does not import[^]*exports nothing/)
    expect(text).toMatch(/types \(nodenext\):.*untyped\.d\.ts/)
    expect(text).toMatch(/types \(bundler\):.*untyped\.d\.ts/)
    expect(text).not.toContain('sample/fine')
  })
})
