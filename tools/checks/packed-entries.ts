/**
 * Packs every public package as npm would, installs the tarballs side by side and imports each entry in plain Node.
 *
 * This is what a user meets: compiled files, the published `exports`, no workspace, no TypeScript, no DOM. It is also
 * the check that importing during server rendering does not throw. Optional peers are left out on purpose.
 * Invariant: needs dist (`tsc -b`), and no registry.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CommandResult } from '../steps.ts'
import { command } from '../steps.ts'
import type { WorkspacePackage } from '../workspace.ts'
import { listEntries, listPublicPackages } from '../workspace.ts'
import type { CheckResult } from './result.ts'

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

async function install(root: string, item: WorkspacePackage, work: string): Promise<string | undefined> {
  const target = join(work, 'node_modules', item.manifest.name)
  const tarballs = join(work, 'tarballs', item.manifest.name)
  mkdirSync(tarballs, { recursive: true })
  const packed = await pnpm(['--dir', join(root, item.folder), 'pack', '--pack-destination', tarballs])
  const tarball = existsSync(tarballs) ? readdirSync(tarballs).find((name) => name.endsWith('.tgz')) : undefined
  if (tarball === undefined) return `${item.manifest.name}: pnpm pack failed\n${packed.output}`
  mkdirSync(target, { recursive: true })
  const unpacked = await command('tar', ['-xzf', join(tarballs, tarball), '-C', target, '--strip-components=1'])
  if (unpacked.code !== 0) return `${item.manifest.name}: the tarball does not unpack\n${unpacked.output}`
  for (const name of certainDependencies(item)) {
    const link = join(work, 'node_modules', name)
    const installed = join(root, item.folder, 'node_modules', name)
    if (!existsSync(installed)) return `${item.manifest.name}: ${name} is not installed; run pnpm install`
    mkdirSync(dirname(link), { recursive: true })
    if (!existsSync(link)) symlinkSync(realpathSync(installed), link)
  }
  return undefined
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
    for (const item of packages) {
      const error = await install(root, item, work)
      if (error !== undefined) errors.push(error)
    }
    writeFileSync(join(work, 'import.mjs'), IMPORT)
    for (const entry of packages.flatMap(listEntries)) {
      entryCount++
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
