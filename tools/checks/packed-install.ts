/**
 * Packs every public package as npm would and installs the tarballs side by side: what a user has, without a registry.
 *
 * Invariant: nothing of the workspace shows through: packages come from their tarballs, and of their dependencies only
 * those that a user has for certain are beside them.
 */
import { existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { CommandResult } from '../steps.ts'
import { command } from '../steps.ts'
import type { WorkspacePackage } from '../workspace.ts'
import { ROOT } from '../workspace.ts'

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
  const { name } = item.manifest
  const target = join(work, 'node_modules', name)
  const tarball = tarballOf(item, work)
  if (!existsSync(tarball)) return `${name}: pnpm pack wrote no ${basename(tarball)}`
  mkdirSync(target, { recursive: true })
  const unpacked = await command('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
  if (unpacked.code !== 0) return `${name}: the tarball does not unpack\n${unpacked.output}`
  const missing = certainDependencies(item).filter((dependency) => !provide(root, item, work, dependency))
  return missing.length === 0 ? undefined : `${name}: ${missing.join(', ')} not installed; run pnpm install`
}

/** Puts one more dependency beside the packages; false when the workspace does not have it. */
export function provide(root: string, item: WorkspacePackage, work: string, dependency: string): boolean {
  const link = join(work, 'node_modules', dependency)
  const folders = [join(root, item.folder), root, ROOT]
  const installed = folders.map((folder) => join(folder, 'node_modules', dependency)).find(existsSync)
  if (installed === undefined) return false
  mkdirSync(dirname(link), { recursive: true })
  if (!existsSync(link)) symlinkSync(realpathSync(installed), link)
  return true
}

export function tarballOf(item: WorkspacePackage, work: string): string {
  const { name, version } = item.manifest
  return join(work, `${name.replace('@', '').replace('/', '-')}-${version ?? ''}.tgz`)
}

/** Fills `work` with tarballs and a node_modules of them. Returns what went wrong. */
export async function installPacked(
  root: string,
  packages: readonly WorkspacePackage[],
  work: string,
): Promise<string[]> {
  const filters = packages.flatMap((item) => ['--filter', item.manifest.name])
  const packed = await pnpm(['--dir', root, '--recursive', ...filters, 'pack', '--pack-destination', work])
  if (packed.code !== 0) return [`pnpm pack failed\n${packed.output}`]
  const errors = await Promise.all(packages.map((item) => install(root, item, work)))
  return errors.filter((error) => error !== undefined)
}
