/**
 * What the tools know of the repository: its root, its packages, their public entries and its source files.
 *
 * Invariant: every path handed out is relative to the root and uses forward slashes, so that it can be shown,
 * matched and compared on any system.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Absolute path of the repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

export interface PackageManifest {
  readonly name: string
  readonly version?: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly publishConfig?: {
    readonly exports?: Readonly<Record<string, { readonly types: string; readonly default: string }>>
  }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface WorkspacePackage {
  /** Folder relative to the root, `''` for the root itself. */
  readonly folder: string
  readonly manifest: PackageManifest
}

export interface PublicEntry {
  readonly package: WorkspacePackage
  /** As users import it: `@baton/core/bytes`. */
  readonly specifier: string
  /** Source file relative to the root: `packages/core/src/bytes/index.ts`. */
  readonly source: string
  /** File stem for reports: `index` for the package itself, else the subpath with dashes. */
  readonly stem: string
}

const UNSEEN = new Set(['node_modules', 'dist', '.git', '.cache', 'coverage', 'test-results'])

/** All files under `folder` with one of the extensions, sorted; dependencies, output and caches are not entered. */
export function listFiles(root: string, folder: string, extensions: readonly string[]): string[] {
  const found: string[] = []
  const visit = (relative: string): void => {
    const absolute = join(root, relative)
    if (!existsSync(absolute)) return
    for (const item of readdirSync(absolute, { withFileTypes: true })) {
      const path = relative === '' ? item.name : `${relative}/${item.name}`
      if (item.isDirectory()) {
        if (!UNSEEN.has(item.name)) visit(path)
      } else if (extensions.some((extension) => item.name.endsWith(extension))) found.push(path)
    }
  }
  visit(folder)
  return found.sort()
}

export function readManifest(root: string, folder: string): PackageManifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as PackageManifest
}

/** The workspace's packages by the folders of `pnpm-workspace.yaml`; the root is not among them. */
export function listPackages(root: string): WorkspacePackage[] {
  const folders = ['schemas', 'benchmarks', 'simulation', 'tools']
  for (const parent of ['packages', 'examples']) {
    if (!existsSync(join(root, parent))) continue
    for (const item of readdirSync(join(root, parent), { withFileTypes: true })) {
      if (item.isDirectory()) folders.push(`${parent}/${item.name}`)
    }
  }
  return folders
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .sort()
    .map((folder) => ({ folder, manifest: readManifest(root, folder) }))
}

/** The packages that users install: everything that is not marked private. */
export function listPublicPackages(root: string): WorkspacePackage[] {
  return listPackages(root).filter((item) => item.manifest.private !== true)
}

/** Every entry of a package's `exports`, which in the repository points at TypeScript sources. */
export function listEntries(item: WorkspacePackage): PublicEntry[] {
  return Object.entries(item.manifest.exports ?? {}).map(([subpath, target]) => ({
    package: item,
    specifier: subpath === '.' ? item.manifest.name : `${item.manifest.name}/${subpath.slice(2)}`,
    source: `${item.folder}/${target.replace(/^\.\//, '')}`,
    stem: subpath === '.' ? 'index' : subpath.slice(2).replaceAll('/', '-'),
  }))
}

export function isTest(path: string): boolean {
  return /\.test(-d)?\.ts$/.test(path) || /(^|\/)(test|e2e)\//.test(path)
}

export function isGenerated(path: string): boolean {
  return /(^|\/)generated\//.test(path)
}
