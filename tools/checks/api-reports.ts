/**
 * One report per public entry, in the repository, so that a change of the public surface shows in the diff.
 *
 * Reads the declarations that `tsc -b` wrote to dist; run that first. Invariant: each entry of each public package has
 * a report, and no report outlives its entry.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { IConfigFile } from '@microsoft/api-extractor'
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import type { PublicEntry, WorkspacePackage } from '../workspace.ts'
import { listEntries, listPublicPackages } from '../workspace.ts'
import type { CheckResult } from './result.ts'

const COMPILER_OPTIONS = {
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
  types: ['node'],
  module: 'esnext',
  moduleResolution: 'bundler',
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
}

/** Where `tsc -b` puts an entry's declarations, as the package publishes them. */
function declarationsOf(root: string, entry: PublicEntry): string | undefined {
  const { manifest, folder } = entry.package
  const subpath = Object.keys(manifest.exports ?? {}).find((key) => join(manifest.name, key) === entry.specifier)
  const published = manifest.publishConfig?.exports?.[subpath ?? '.']
  return published === undefined ? undefined : join(root, folder, published.types)
}

function configFor(root: string, entry: PublicEntry, declarations: string): IConfigFile {
  const folder = join(root, entry.package.folder)
  const silent = { logLevel: ExtractorLogLevel.None }
  return {
    projectFolder: folder,
    mainEntryPointFilePath: declarations,
    newlineKind: 'lf',
    compiler: { overrideTsconfig: { compilerOptions: COMPILER_OPTIONS, include: [declarations] } },
    apiReport: {
      enabled: true,
      reportFileName: `${entry.stem}.api.md`,
      reportFolder: join(folder, 'api'),
      reportTempFolder: freshFolder(root, entry),
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      // The compiler has its own step. A type that is used and not exported stays visible in the report.
      compilerMessageReporting: { default: silent },
      tsdocMessageReporting: { default: silent },
      extractorMessageReporting: {
        default: silent,
        'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
      },
    },
  }
}

/** Where the report is written before it is compared. */
function freshFolder(root: string, entry: PublicEntry): string {
  return join(root, 'node_modules', '.cache', 'api', entry.package.folder)
}

interface Prepared {
  readonly entry: PublicEntry
  readonly config: ExtractorConfig
}

function prepare(root: string, entry: PublicEntry): Prepared | string {
  const declarations = declarationsOf(root, entry)
  if (declarations === undefined) return `${entry.specifier}: publishConfig.exports does not name its types`
  if (!existsSync(declarations)) return `${entry.specifier}: no declarations; does ${entry.source} compile?`
  const folder = join(root, entry.package.folder)
  mkdirSync(freshFolder(root, entry), { recursive: true })
  mkdirSync(join(folder, 'api'), { recursive: true })
  const config = ExtractorConfig.prepare({
    configObject: configFor(root, entry, declarations),
    configObjectFullPath: join(folder, 'api-extractor.json'),
    packageJsonFullPath: join(folder, 'package.json'),
  })
  return { entry, config }
}

function entryReport(
  root: string,
  { entry, config }: Prepared,
  compilerState: CompilerState,
  update: boolean,
): string | undefined {
  const problems: string[] = []
  const result = Extractor.invoke(config, {
    localBuild: update,
    compilerState,
    messageCallback(message) {
      message.handled = true
      if (message.logLevel === ExtractorLogLevel.Error) problems.push(message.text)
    },
  })
  const name = `${entry.stem}.api.md`
  const report = join(root, entry.package.folder, 'api', name)
  if (problems.length > 0) return `${entry.specifier}: ${problems.join('; ')}`
  if (!update && !existsSync(report)) return `${entry.specifier}: no report; run \`pnpm api\` and commit it`
  if (update || !result.apiReportChanged) return undefined
  const drift = difference(readFileSync(report, 'utf8'), readFileSync(join(freshFolder(root, entry), name), 'utf8'))
  return `${entry.specifier}: the public surface changed; run \`pnpm api\` and commit the report\n${drift}`
}

/** Lines that only one of the texts has; enough to see which name changed. */
export function difference(before: string, after: string): string {
  const old = new Set(before.split('\n'))
  const fresh = new Set(after.split('\n'))
  const gone = [...old].filter((line) => !fresh.has(line)).map((line) => `  - ${line}`)
  return [...gone, ...[...fresh].filter((line) => !old.has(line)).map((line) => `  + ${line}`)].join('\n')
}

/** @param update writes the reports instead of comparing with them */
export function checkApiReports(root: string, update = false): CheckResult {
  const errors: string[] = []
  const packages = listPublicPackages(root)
  const entries = packages.flatMap(listEntries)
  const prepared: Prepared[] = []
  for (const entry of entries) {
    const result = prepare(root, entry)
    if (typeof result === 'string') errors.push(result)
    else prepared.push(result)
  }
  const [first] = prepared
  if (first !== undefined) {
    // One program for all entries: they share most of their files, and the libraries are read once.
    const additionalEntryPoints = prepared.map(({ config }) => config.mainEntryPointFilePath)
    const compilerState = CompilerState.create(first.config, { additionalEntryPoints })
    for (const item of prepared) {
      try {
        const error = entryReport(root, item, compilerState, update)
        if (error !== undefined) errors.push(error)
      } catch (error) {
        errors.push(`${item.entry.specifier}: API Extractor gave up: ${String(error)}`)
      }
    }
  }
  for (const item of packages) errors.push(...strayReports(root, item, update))
  if (entries.length === 0) errors.push('API reports: no public entry found; the check looked in the wrong place')
  return { errors, warnings: [], note: `${entries.length} entries` }
}

/** Reports whose entry is gone: removed by an update, else errors. */
function strayReports(root: string, item: WorkspacePackage, update: boolean): string[] {
  const folder = join(root, item.folder, 'api')
  const wanted = new Set(listEntries(item).map((entry) => `${entry.stem}.api.md`))
  const stray = (existsSync(folder) ? readdirSync(folder) : []).filter((file) => !wanted.has(file))
  if (update) for (const file of stray) rmSync(join(folder, file))
  return update ? [] : stray.map((file) => `${item.folder}/api/${file}: belongs to no entry; run \`pnpm api\``)
}
