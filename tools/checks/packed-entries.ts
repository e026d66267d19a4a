/**
 * What a user meets: compiled files, the published `exports`, no workspace, no TypeScript sources, no DOM.
 *
 * Each entry is imported in plain Node, which is also the check that importing during server rendering does not throw;
 * a compiler reads the published declarations; publint reads the manifests. Invariant: needs dist (`tsc -b`), and no
 * registry.
 */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { command, tool } from '../steps.ts'
import type { PublicEntry, WorkspacePackage } from '../workspace.ts'
import { listEntries, listPublicPackages } from '../workspace.ts'
import { installPacked, provide, tarballOf } from './packed-install.ts'
import type { CheckResult } from './result.ts'

/** Entries made for one tool need that tool, which is an optional peer of their package. Every other entry needs none. */
const TOOL_ENTRIES: Readonly<Record<string, readonly string[]>> = {
  '@baton/server/vite': ['vite', 'esbuild'],
  '@baton/core/testing/transport-contract': ['vitest'],
}

function needs(entry: PublicEntry): readonly string[] {
  return TOOL_ENTRIES[entry.specifier] ?? []
}

/** Faults that show before anything is packed: an entry that users would not get, or would get elsewhere. */
function unpublished(item: WorkspacePackage): string[] {
  const published = Object.keys(item.manifest.publishConfig?.exports ?? {})
  const entries = Object.keys(item.manifest.exports ?? {})
  const { name } = item.manifest
  return [
    ...entries
      .filter((entry) => !published.includes(entry))
      .map((entry) => `${name}: publishConfig.exports lacks ${entry}`),
    ...published.filter((entry) => !entries.includes(entry)).map((entry) => `${name}: exports lacks ${entry}`),
  ]
}

/** Faults of a packed manifest that users' tools would trip over. */
async function manifestFaults(item: WorkspacePackage, work: string): Promise<string[]> {
  const bytes = readFileSync(tarballOf(item, work))
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true, level: 'warning' })
  return messages.map(
    (message) => `${item.manifest.name}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  )
}

/** Imports one specifier in a process of its own, so that one entry cannot prepare the ground for another. */
const IMPORT = `
const before = new Set(Object.getOwnPropertyNames(globalThis))
const entry = await import(process.argv[2])
if (Object.keys(entry).length === 0) throw new Error('exports nothing')
const leaked = Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name))
if (leaked.length > 0) throw new Error('importing it defined globals: ' + leaked.join(', '))
`

async function importEach(root: string, entries: readonly PublicEntry[], work: string): Promise<string[]> {
  writeFileSync(join(work, 'import.mjs'), IMPORT)
  const errors: string[] = []
  // Entries that need a tool come last, when the others have been imported without it.
  for (const entry of [...entries].sort((a, b) => needs(a).length - needs(b).length)) {
    for (const need of needs(entry)) provide(root, entry.package, work, need)
    const imported = await command(process.execPath, [join(work, 'import.mjs'), entry.specifier], {
      timeoutMs: 20_000,
      env: { NODE_OPTIONS: '' },
    })
    if (imported.code !== 0) errors.push(`${entry.specifier}: does not import in plain Node\n${imported.output}`)
  }
  return errors
}

/** What a user's compiler says of our declarations, strict and without skipping them, in both ways of resolving. */
async function typeFaults(root: string, packages: readonly WorkspacePackage[], work: string): Promise<string[]> {
  const [first] = packages
  if (first === undefined) return []
  for (const name of [
    '@types/node',
    '@types/ws',
    '@types/simple-peer',
    'node-datachannel',
    'vitest',
    'vite',
    'esbuild',
  ]) {
    for (const item of packages) if (provide(root, item, work, name)) break
  }
  const uses = packages
    .flatMap(listEntries)
    .map((entry, index) => `export * as entry${index} from '${entry.specifier}'\n`)
  writeFileSync(join(work, 'use.mts'), uses.join(''))
  const errors: string[] = []
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022', 'dom', 'dom.iterable'],
      types: ['node'],
      module,
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
    }
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.mts'] }))
    const compiled = await tool('tsc', ['-p', work, '--pretty', 'false'])
    // Faults inside other people's declarations are theirs; a line without a file means that nothing was read.
    const ours = compiled.output.split('\n').filter((line) => /^error TS|(use\.mts|@baton\/).*: error TS/.test(line))
    errors.push(...ours.map((line) => `types (${moduleResolution}): ${line}`))
  }
  return errors
}

export async function checkPackedEntries(root: string): Promise<CheckResult> {
  const work = mkdtempSync(join(realpathSync(tmpdir()), 'baton-packed-'))
  try {
    const packages = listPublicPackages(root)
    const entries = packages.flatMap(listEntries)
    const errors = packages.flatMap(unpublished)
    if (entries.length === 0) errors.push('packed entries: no public entry found; the check looked in the wrong place')
    const installed = await installPacked(root, packages, work)
    errors.push(...installed)
    if (installed.length === 0) {
      for (const item of packages) errors.push(...(await manifestFaults(item, work)))
      errors.push(...(await importEach(root, entries, work)), ...(await typeFaults(root, packages, work)))
    }
    return { errors, warnings: [], note: `${entries.length} entries import in plain Node` }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
