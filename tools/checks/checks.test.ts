// Every check is shown a repository that is right and one with a fault of each kind: one that does nothing fails here.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { difference } from './api-reports.ts'
import { checkDependencyReasons } from './dependency-reasons.ts'
import { anchorsOf, checkDocLinks, linksOf } from './doc-links.ts'
import { checkFileSizes, HARD_LINES, SOFT_LINES } from './file-sizes.ts'
import { checkSizes, measure } from './size-budgets.ts'
import { checkSpecIds, definedIds, titledIds } from './spec-ids.ts'

const trees: string[] = []

function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'baton-checks-'))
  trees.push(root)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

afterEach(() => {
  for (const root of trees.splice(0)) rmSync(root, { recursive: true, force: true })
})

const lines = (count: number): string => 'export {}\n'.repeat(count)

describe('file sizes', () => {
  it('refuses a file over the hard limit and warns over the soft one', () => {
    const result = checkFileSizes(
      tree({
        'packages/a/src/hard.ts': lines(HARD_LINES + 1),
        'packages/a/src/full.ts': lines(HARD_LINES),
        'packages/a/src/soft.ts': lines(SOFT_LINES),
      }),
    )
    expect(result.errors).toEqual([expect.stringMatching(/hard\.ts: 401 lines/)])
    expect(result.warnings).toEqual([expect.stringMatching(/full\.ts: 400 lines/)])
  })

  it('exempts tests and generated code, and does not look into dist', () => {
    const result = checkFileSizes(
      tree({
        'packages/a/src/big.test.ts': lines(900),
        'packages/a/test/rig.ts': lines(900),
        'schemas/generated/big.ts': lines(900),
        'packages/a/dist/big.js': lines(900),
      }),
    )
    expect(result).toEqual({ errors: [], warnings: [], note: '3 files' })
  })

  it('refuses names that say nothing and names that are not kebab-case', () => {
    const { errors } = checkFileSizes(
      tree({
        'packages/a/src/string-utils.ts': '',
        'packages/a/src/common/x.ts': '',
        'packages/a/src/PeerList.ts': '',
        'packages/a/src/uncommon-manageress.ts': '',
      }),
    )
    expect(errors.map((error) => error.split(':')[0])).toEqual([
      'packages/a/src/PeerList.ts',
      'packages/a/src/common/x.ts',
      'packages/a/src/string-utils.ts',
    ])
  })

  it('fails when there is nothing to look at', () => {
    expect(checkFileSizes(tree({ 'readme.md': '' })).errors).toHaveLength(1)
  })
})

describe('spec ids', () => {
  const docs = { 'docs/wire-format.md': '- **DL1** one.\n- **DL2** two.\n', 'docs/behavior.md': '- **BH1** three.\n' }
  const test = (...titles: string[]): string => titles.map((title) => `it('${title}', () => {})\n`).join('')

  it('is content when titles and rules match', () => {
    const root = tree({ ...docs, 'packages/a/src/a.test.ts': test('DL1: x', 'DL2, BH1: y', 'plain: title', 'RTT: z') })
    expect(checkSpecIds(root)).toEqual({ errors: [], warnings: [], note: '3 rules, 1 test files' })
  })

  it('names a rule without a test and a title without a rule', () => {
    const { errors } = checkSpecIds(tree({ ...docs, 'packages/a/src/a.test.ts': test('DL1: x', 'BH1: y', 'DL9: z') }))
    expect(errors).toEqual([
      'packages/a/src/a.test.ts: a title names DL9, which neither document defines',
      'docs/wire-format.md: DL2 has no test whose title starts with it',
    ])
  })

  it('fails without the documents, with an empty one and with a rule defined twice', () => {
    const missing = checkSpecIds(tree({ 'docs/behavior.md': 'nothing' })).errors
    expect(missing).toEqual([expect.stringContaining('missing'), expect.stringContaining('defines no rule')])
    const twice = tree({ ...docs, 'docs/behavior.md': '**DL1** again', 'schemas/test/a.ts': test('DL1: x', 'DL2: y') })
    expect(checkSpecIds(twice).errors).toEqual([expect.stringContaining('defined twice')])
  })

  it('reads titles from the syntax tree only', () => {
    const source = [
      `// AA1: a comment`,
      `const AA2 = 'not a title'`,
      'it.each([1])(`AA3: template ${1}`, () => {})',
      `describe.skipIf(false)("AA4 and AA5: double", () => {})`,
      `const suite = [{ title: 'AA6/AA7: table' }]`,
      `it('UTF-8: AA8', () => {})`,
      `it('AA9 AA10: both', () => {})`,
    ].join('\n')
    expect(titledIds('a.test.ts', source)).toEqual(['AA3', 'AA4', 'AA5', 'AA6', 'AA7', 'AA9', 'AA10'])
  })

  it('does not take code blocks and plain bold words for definitions', () => {
    expect(definedIds('**A1** x\n```md\n**A2** y\n```\n**Bold** **a3** **A4b**')).toEqual(['A1', 'A4b'])
  })
})

describe('doc links', () => {
  it('finds links of every form and none in code', () => {
    const markdown = [
      '[a](a.md) ![b](<b.png> "title") [c][ref] `[d](d.md)`',
      '```md\n[e](e.md)\n```',
      '[ref]: c.md',
      '<img src="f.png">',
    ].join('\n')
    expect(linksOf(markdown).sort()).toEqual(['a.md', 'b.png', 'c.md', 'f.png'])
  })

  it('names headings as code hosts do', () => {
    const anchors = anchorsOf('# Who may `import` whom?\n## Same\n## Same\n```\n# code\n```\n')
    expect([...anchors]).toEqual(['who-may-import-whom', 'same', 'same-1'])
  })

  it('refuses dead files, dead headings and ways out; other sites are not its business', () => {
    const { errors, note } = checkDocLinks(
      tree({
        'README.md':
          '[1](docs/a.md) [2](docs/gone.md) [3](docs/a.md#here) [4](docs/a.md#gone) [5](https://x.example/y)',
        'docs/a.md': '# Here\n[up](../README.md) [out](../../secret.md) [self](#here) [folder](../docs)',
      }),
    )
    expect(errors).toEqual([
      'README.md: docs/gone.md leads to nothing',
      'README.md: docs/a.md#gone names no heading',
      'docs/a.md: ../../secret.md leads out of the repository',
    ])
    expect(note).toBe('8 links in 2 files')
  })
})

describe('dependency reasons', () => {
  const manifest = JSON.stringify({ name: 'root', devDependencies: { tool: '1.0.0', '@baton/core': 'workspace:*' } })
  const table = (rows: string): string => `| package | reason |\n|---|---|\n${rows}`

  it('is content with one row per package', () => {
    const root = tree({
      'package.json': manifest,
      'packages/a/package.json': JSON.stringify({ name: '@baton/a', peerDependencies: { lib: '*' } }),
      'docs/dependencies.md': table('| `tool` | does what we would not write |\n| lib | the thing we build on |\n'),
    })
    expect(checkDependencyReasons(root)).toEqual({ errors: [], warnings: [], note: '2 packages' })
  })

  it('refuses a package without a row, a row without a reason, and a row without a package', () => {
    const rows = '| tool | |\n| gone | was of use once upon a time |\n'
    const root = tree({
      'package.json': manifest,
      'packages/a/package.json': JSON.stringify({ name: '@baton/a', dependencies: { lib: '*' } }),
      'docs/dependencies.md': table(rows),
    })
    expect(checkDependencyReasons(root).errors).toEqual([
      expect.stringContaining('row of tool gives no reason'),
      expect.stringContaining('no row for lib (packages/a/package.json)'),
      expect.stringContaining('gone is in no package.json'),
    ])
  })
})

describe('size budgets', () => {
  const entry = (text: string): Record<string, string> => ({
    'node_modules/lib/package.json': JSON.stringify({ name: 'lib', type: 'module', exports: './index.js' }),
    'node_modules/lib/index.js': text,
  })
  const noise = (count: number): string => {
    // Text that does not compress, the same on every run.
    let state = 1
    let text = ''
    for (let i = 0; i < count; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      text += String.fromCharCode(33 + ((state >>> 16) % 90)).replace(/[`\\$]/, 'x')
    }
    return `export const noise = ${JSON.stringify(text)}`
  }

  it('measures every export of an entry, minified and gzipped', async () => {
    const small = await measure(['lib'], tree(entry(noise(1000))))
    const large = await measure(['lib'], tree(entry(noise(4000))))
    expect(small.sizeBytes).toBeGreaterThan(700)
    expect(large.sizeBytes).toBeGreaterThan(3 * small.sizeBytes)
    expect(small.parts[0]).toMatch(/^lib 1\.\d kB$/)
  })

  it('refuses an entry over its budget and an empty bundle', async () => {
    const root = tree(entry(noise(2000)))
    const budget = (limitBytes: number) => [{ name: 'lib', entries: ['lib'], limitBytes }]
    expect((await checkSizes(root, budget(3000))).errors).toEqual([])
    expect((await checkSizes(root, budget(1000))).errors).toEqual([expect.stringContaining('of 1 kB')])
    expect((await checkSizes(tree(entry('')), budget(1000))).errors).toEqual([expect.stringContaining('empty')])
  })
})

describe('API reports', () => {
  it('shows which lines came and went', () => {
    expect(difference('a\nb\nc', 'a\nc\nd')).toBe('  - b\n  + d')
  })
})
