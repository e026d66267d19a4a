// Plants forbidden edges in a small tree of the same shape, each in a file of its own, and expects the rule that names it.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImportReport } from './import-rules.ts'
import { checkImports } from './import-rules.ts'

const FOREIGN = ['bitecs', 'ws', 'simple-peer', 'three', 'flatbuffers', 'eventemitter3', 'fflate', 'node-datachannel']

const CLEAN: Readonly<Record<string, string>> = {
  'schemas/package.json': JSON.stringify({ name: '@baton/schemas', exports: { '.': './codec/index.ts' } }),
  'schemas/codec/index.ts': `import 'flatbuffers'\nimport { inner } from './inner.ts'\nexport const decode = inner\n`,
  'schemas/codec/inner.ts': `export const inner = 1\n`,
  'packages/core/package.json': JSON.stringify({
    name: '@baton/core',
    exports: { '.': './src/index.ts', './bytes': './src/bytes/index.ts', './testing': './src/testing/index.ts' },
  }),
  'packages/core/src/index.ts': `import { decode } from '@baton/schemas'\nimport 'eventemitter3'\nexport const core = decode\n`,
  'packages/core/src/bytes/index.ts': `import 'fflate'\nexport const bytes = 1\n`,
  'packages/core/src/testing/index.ts': `export { core } from '../index.ts'\n`,
  'packages/core/src/testing/memory.test.ts': `import { core } from './index.ts'\nconsole.log(core)\n`,
  'packages/replication/package.json': JSON.stringify({
    name: '@baton/replication',
    exports: { '.': './src/index.ts' },
  }),
  'packages/replication/src/index.ts': `export * from './replication.ts'\n`,
  'packages/replication/src/replication.ts':
    `import { core } from '@baton/core'\nimport type { World } from 'bitecs'\nimport { row } from './pipeline/snapshot.ts'\n` +
    `import { grid } from './interest/grid.ts'\nexport const replication = [core, row, grid]\n`,
  'packages/replication/src/schema/schema.ts': `export interface Schema { name: string }\n`,
  'packages/replication/src/pipeline/snapshot.ts': `import type { Schema } from '../schema/schema.ts'\nexport const row: Schema = { name: 'row' }\n`,
  'packages/replication/src/interest/grid.ts': `export const grid = 1\n`,
  'packages/replication/test/rig.ts': `import { core } from '@baton/core/testing'\nexport const rig = core\n`,
  'packages/transport-webrtc/package.json': JSON.stringify({
    name: '@baton/transport-webrtc',
    exports: { '.': './src/index.ts', './node': './src/node/index.ts' },
  }),
  'packages/transport-webrtc/src/index.ts': `export * from './peer-connection.ts'\n`,
  'packages/transport-webrtc/src/peer-connection.ts': `import 'simple-peer'\nimport { core } from '@baton/core'\nexport const join = core\n`,
  'packages/transport-webrtc/src/node/index.ts': `import 'node-datachannel'\nexport const node = 1\n`,
  'packages/server/package.json': JSON.stringify({ name: '@baton/server', exports: { '.': './src/index.ts' } }),
  'packages/server/src/index.ts': `import { listen } from './websocket-listener.ts'\nexport const server = listen\n`,
  'packages/server/src/websocket-listener.ts': `import 'ws'\nimport 'node:http'\nexport const listen = 1\n`,
  'examples/world/package.json': JSON.stringify({ name: '@baton/example-world', private: true }),
  'examples/world/sim/move.ts': `import { replication } from '@baton/replication'\nexport const move = replication\n`,
  'examples/world/net/session.ts': `import { join } from '@baton/transport-webrtc'\nexport const session = join\n`,
  'examples/world/view/scene.ts': `import 'three'\nimport { move } from '../sim/move.ts'\nexport const scene = move\n`,
}

const PLANTED: readonly (readonly [rule: string, folder: string, source: string])[] = [
  ['room-schemas', 'schemas/codec', `import '@baton/core'`],
  ['room-core', 'packages/core/src', `import '@baton/replication'`],
  ['room-core', 'packages/core/src', `import 'node:fs'`],
  ['room-core', 'packages/core/src', `import 'fflate'`],
  ['room-core', 'packages/core/src', `export async function f() { return import('node:fs') }`],
  ['room-core-bytes', 'packages/core/src/bytes', `import 'ws'`],
  ['room-core-tests', 'packages/core/src/*.test.ts', `import '@baton/replication'`],
  ['room-replication', 'packages/replication/src', `import '@baton/transport-webrtc'`],
  ['room-replication', 'packages/replication/src', `import 'node:crypto'`],
  ['room-replication-tests', 'packages/replication/test', `import '@baton/server'`],
  ['room-transport-webrtc', 'packages/transport-webrtc/src', `import '@baton/replication'`],
  ['room-transport-webrtc', 'packages/transport-webrtc/src', `import '@baton/server'`],
  ['room-server', 'packages/server/src', `import '@baton/transport-webrtc'`],
  ['door-simple-peer', 'packages/transport-webrtc/src', `import 'simple-peer'`],
  ['door-simple-peer', 'packages/transport-webrtc/src', `import type { Instance } from 'simple-peer'`],
  ['door-ws', 'packages/server/src', `import 'ws'`],
  ['door-node-datachannel', 'packages/transport-webrtc/src', `import('node-datachannel')`],
  ['door-flatbuffers', 'packages/core/src', `import 'flatbuffers'`],
  ['door-bitecs', 'packages/replication/src/pipeline', `import type { World } from 'bitecs'`],
  ['bitecs-called-once', 'packages/replication/src/pipeline', `import { query } from 'bitecs'`],
  ['door-bitecs', 'packages/replication/src/interest', `import 'bitecs'`],
  ['policies-apart', 'packages/replication/src/interest', `import '../pipeline/snapshot.ts'`],
  ['spines-on-top', 'packages/replication/src/interest', `import '../replication.ts'`],
  ['no-testing-in-product', 'packages/replication/src', `import '@baton/core/testing'`],
  ['three-in-view', 'examples/world/sim', `import 'three'`],
  ['three-in-view', 'packages/server/src', `import 'three'`],
  ['network-in-net', 'examples/world/view', `import '@baton/transport-webrtc'`],
  ['network-in-net', 'examples/world', `import '@baton/core'`],
  ['sim-alone', 'examples/world/sim', `import '../net/session.ts'`],
  ['sim-alone', 'examples/world/sim', `import '../view/scene.ts'`],
  ['no-cycles', 'packages/replication/src/interest', `import type { Loop } from './loop.ts'`],
  ['resolvable', 'packages/server/src', `import './nowhere.ts'`],
  ['no-dead-files', 'packages/core/src/clock', `export const clock = 1`],
  ['nobody-imports-tests', 'packages/core/src', `import './testing/memory.test.ts'`],
  ['tools-through-entries', 'tools', `import '../schemas/codec/inner.ts'`],
  ['public-entries-only', 'packages/server/src', `import '../../../schemas/codec/inner.ts'`],
]

/** Every planted edge sits in a file of its own, so one cruise answers for all of them. */
const FILES = PLANTED.map(([, folder], index) =>
  folder.includes('*') ? folder.replace('*', `bad-${index}`) : `${folder}/bad-${index}.ts`,
)
const CYCLE = PLANTED.findIndex(([rule]) => rule === 'no-cycles')

const trees: string[] = []

function makeTree(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'baton-imports-')))
  trees.push(root)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  for (const name of FOREIGN) {
    mkdirSync(join(root, 'node_modules', name), { recursive: true })
    writeFileSync(join(root, 'node_modules', name, 'package.json'), JSON.stringify({ name, main: 'index.js' }))
    writeFileSync(join(root, 'node_modules', name, 'index.js'), '')
  }
  mkdirSync(join(root, 'node_modules/@baton'))
  symlinkSync(join(root, 'schemas'), join(root, 'node_modules/@baton/schemas'))
  for (const name of ['core', 'replication', 'transport-webrtc', 'server']) {
    symlinkSync(join(root, 'packages', name), join(root, 'node_modules/@baton', name))
  }
  return root
}

afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true })
})

describe('import rules', () => {
  it('accepts the tree that keeps them, and has seen its modules', async () => {
    const report = await checkImports(makeTree(CLEAN))
    expect(report.errors).toEqual([])
    expect(report.moduleCount).toBe(Object.keys(CLEAN).filter((path) => path.endsWith('.ts')).length)
    expect(report.edgeCount).toBeGreaterThan(20)
  })

  it('fails when it cruised nothing', async () => {
    expect((await checkImports(makeTree({ 'packages/readme.md': '' }))).errors).toEqual([
      expect.stringContaining('0 modules'),
    ])
  })

  describe('with planted edges', () => {
    let report: ImportReport
    beforeAll(async () => {
      const files: Record<string, string> = { ...CLEAN }
      PLANTED.forEach(([, , source], index) => (files[FILES[index]!] = `${source}\n`))
      files['packages/replication/src/interest/loop.ts'] = `import './bad-${CYCLE}.ts'\nexport type Loop = number\n`
      report = await checkImports(makeTree(files))
    })

    it.each(PLANTED.map(([rule, , source], index) => [rule, FILES[index]!, source] as const))(
      '%s: refuses %s with %s',
      (rule, path) => {
        const rules = report.errors
          .filter((error) => error.includes(`: ${path} →`) || error.includes(`→ ${path} `))
          .map((error) => error.split(':')[0])
        expect(rules).toContain(rule)
      },
    )
  })
})
