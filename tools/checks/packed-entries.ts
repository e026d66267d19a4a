/**
 * Packs every public package as npm would, installs the tarballs side by side and imports each entry in plain Node.
 *
 * This is what a user meets: compiled files, the published `exports`, no workspace, no TypeScript, no DOM. It is also
 * the check that importing during server rendering does not throw. Optional peers are left out on purpose.
 * Invariant: needs dist (`tsc -b`), and no registry.
 */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { CommandResult } from '../steps.ts'
import { command } from '../steps.ts'
import type { PublicEntry, WorkspacePackage } from '../workspace.ts'
import { listEntries, listPublicPackages } from '../workspace.ts'
import type { CheckResult } from './result.ts'

/** Entries made for one tool need that tool, which is an optional peer of their package. Every other entry needs none. */
const TOOL_ENTRIES: Readonly<Record<string, readonly string[]>> = {
  '@baton/server/vite': ['vite', 'esbuild'],
  '@baton/core/testing/transport-contract': ['vitest'],
}

function needs(entry: PublicEntry): readonly string[] {
  return TOOL_ENTRIES[entry.specifier] ?? []
}

interface OptionalPeers {
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** Dependencies a user has for certain: the package's own and its required peers. */
function certainDependencies(item: WorkspacePackage): string[] {
  const meta = (item.manifest as OptionalPeers).peerDependenciesMeta ?? {}
  const peers = Object.keys(item.manifest.peerDependencies ?? {}).filter((name) => meta[name]?.optional !== true)
  return [...Object.keys(item.manifest.dependencies ?? {}), ...peers].filter((name) => !name.startsWith('@baton/'))
}

function pnpm(args: readonly string[]): Promise<CommandResult> {
  // `pnpm <script>` leaves the path of the pnpm that runs it; a call without one goes through npx.
  const own = process.env['npm_execpath']
  if (own !== undefined && /pnpm/.test(own)) {
    return /\.[cm]?js$/.test(own) ? command(process.execPath, [own, ...args]) : command(own, args)
  }
  return command('npx', ['-y', 'pnpm@12.21.0', ...args])
}

/** Unpacks a package's tarball where Node looks for it, and its dependencies beside it. */
async function install(root: string, item: WorkspacePackage, work: string): Promise<string | undefined> {
  const { name, version } = item.manifest
  const target = join(work, 'node_modules', name)
  const tarball = join(work, `${name.replace('@', '').replace('/', '-')}-${version ?? ''}.tgz`)
  if (!existsSync(tarball)) return `${name}: pnpm pack wrote no ${basename(tarball)}`
  mkdirSync(target, { recursive: true })
  const unpacked = await command('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
  if (unpacked.code !== 0) return `${name}: the tarball does not unpack\n${unpacked.output}`
  const missing = certainDependencies(item).filter((dependency) => !provide(root, item, work, dependency))
  return missing.length === 0 ? undefined : `${name}: ${missing.join(', ')} not installed; run pnpm install`
}

function provide(root: string, item: WorkspacePackage, work: string, dependency: string): boolean {
  const link = join(work, 'node_modules', dependency)
  const installed = [item.folder, ''].map((folder) => join(root, folder, 'node_modules', dependency)).find(existsSync)
  if (installed === undefined) return false
  mkdirSync(dirname(link), { recursive: true })
  if (!existsSync(link)) symlinkSync(realpathSync(installed), link)
  return true
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

/** Imports one specifier in a process of its own, so that one entry cannot prepare the ground for another. */
const IMPORT = `
const before = new Set(Object.getOwnPropertyNames(globalThis))
const entry = await import(process.argv[2])
if (Object.keys(entry).length === 0 && process.argv[3] !== 'types') throw new Error('exports nothing')
const leaked = Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name))
if (leaked.length > 0) throw new Error('importing it defined globals: ' + leaked.join(', '))
`

export async function checkPackedEntries(root: string): Promise<CheckResult> {
  const work = mkdtempSync(join(realpathSync(tmpdir()), 'baton-packed-'))
  const errors: string[] = []
  let entryCount = 0
  try {
    const packages = listPublicPackages(root)
    errors.push(...packages.flatMap(unpublished))
    const filters = packages.flatMap((item) => ['--filter', item.manifest.name])
    const packed = await pnpm(['--dir', root, '--recursive', ...filters, 'pack', '--pack-destination', work])
    if (packed.code !== 0) errors.push(`pnpm pack failed\n${packed.output}`)
    for (const item of packages) {
      const error = await install(root, item, work)
      if (error !== undefined) errors.push(error)
    }
    writeFileSync(join(work, 'import.mjs'), IMPORT)
    const entries = packages.flatMap(listEntries)
    // Entries that need a tool come last, when the others have been imported without it.
    for (const entry of [...entries].sort((a, b) => needs(a).length - needs(b).length)) {
      entryCount++
      for (const need of needs(entry)) provide(root, entry.package, work, need)
      const imported = await command(process.execPath, [join(work, 'import.mjs'), entry.specifier], {
        timeoutMs: 20_000,
        env: { NODE_OPTIONS: '' },
      })
      if (imported.code !== 0) errors.push(`${entry.specifier}: does not import in plain Node\n${imported.output}`)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  if (entryCount === 0) errors.push('packed entries: no public entry found; the check looked in the wrong place')
  return { errors, warnings: [], note: `${entryCount} entries import in plain Node` }
}
