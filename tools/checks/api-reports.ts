/**
 * One report per public entry, in the repository, so that a change of the public surface shows in the diff.
 *
 * Reads the declarations that `tsc -b` wrote to dist; run that first. Invariant: each entry of each public package has
 * a report, and no report outlives its entry.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { IConfigFile } from '@microsoft/api-extractor'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import type { PublicEntry } from '../workspace.ts'
import { listEntries, listPublicPackages } from '../workspace.ts'
import type { CheckResult } from './result.ts'

const COMPILER_OPTIONS = {
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
  types: [],
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

function configFor(root: string, entry: PublicEntry, declarations: string, work: string): IConfigFile {
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
      reportTempFolder: work,
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

function entryReport(root: string, entry: PublicEntry, update: boolean): string | undefined {
  const declarations = declarationsOf(root, entry)
  if (declarations === undefined) return `${entry.specifier}: publishConfig.exports does not name its types`
  if (!existsSync(declarations))
    return `${entry.specifier}: no declarations; is ${entry.source} there and does it compile?`
  const folder = join(root, entry.package.folder)
  const work = join(folder, 'dist', '.api')
  mkdirSync(work, { recursive: true })
  mkdirSync(join(folder, 'api'), { recursive: true })
  const problems: string[] = []
  const result = Extractor.invoke(
    ExtractorConfig.prepare({
      configObject: configFor(root, entry, declarations, work),
      configObjectFullPath: join(folder, 'api-extractor.json'),
      packageJsonFullPath: join(folder, 'package.json'),
    }),
    {
      localBuild: update,
      messageCallback(message) {
        message.handled = true
        if (message.logLevel === ExtractorLogLevel.Error) problems.push(message.text)
      },
    },
  )
  const report = join(folder, 'api', `${entry.stem}.api.md`)
  if (problems.length > 0) return `${entry.specifier}: ${problems.join('; ')}`
  if (!update && !existsSync(report)) return `${entry.specifier}: no report; run \`pnpm api\` and commit it`
  if (update || !result.apiReportChanged) return undefined
  const drift = difference(readFileSync(report, 'utf8'), readFileSync(join(work, `${entry.stem}.api.md`), 'utf8'))
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
  let entryCount = 0
  for (const item of packages) {
    const entries = listEntries(item)
    for (const entry of entries) {
      entryCount++
      const error = entryReport(root, entry, update)
      if (error !== undefined) errors.push(error)
    }
    const folder = join(root, item.folder, 'api')
    const wanted = new Set(entries.map((entry) => `${entry.stem}.api.md`))
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      if (wanted.has(file)) continue
      if (update) rmSync(join(folder, file))
      else errors.push(`${item.folder}/api/${file}: belongs to no entry; run \`pnpm api\``)
    }
  }
  if (entryCount === 0) errors.push('API reports: no public entry found; the check looked in the wrong place')
  return { errors, warnings: [], note: `${entryCount} entries` }
}
