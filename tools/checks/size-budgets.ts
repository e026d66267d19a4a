/**
 * What a game pays for the network: entries bundled, minified and gzipped, against a budget.
 *
 * Invariant: everything an entry pulls in is counted, its npm packages too, but bitECS and simple-peer, which the
 * budgets leave out.
 */
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { CheckResult } from './result.ts'

export interface Budget {
  readonly name: string
  /** Public entries, as a user imports them. */
  readonly entries: readonly string[]
  /** Minified and gzipped; a kB is 1,000 bytes. */
  readonly limitBytes: number
}

export const BUDGETS: readonly Budget[] = [
  { name: 'core', entries: ['@baton/core'], limitBytes: 34_500 },
  { name: 'core + replication', entries: ['@baton/core', '@baton/replication'], limitBytes: 79_000 },
]

const EXTERNAL = ['bitecs', 'simple-peer', 'node-datachannel']

export interface Measure {
  /** Gzipped. */
  readonly sizeBytes: number
  /** Minified bytes by where they come from, largest first: `packages/core 29.1 kB`. */
  readonly parts: readonly string[]
}

/** Measures a bundle that keeps every export of the entries. */
export async function measure(entries: readonly string[], resolveFolder: string): Promise<Measure> {
  // Namespaces, so that nothing an entry exports is dropped and equal names do not hide each other.
  const contents = entries.map((entry, index) => `export * as entry${index} from '${entry}'`).join('\n')
  const result = await build({
    stdin: { contents, resolveDir: resolveFolder, loader: 'ts' },
    absWorkingDir: resolveFolder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: EXTERNAL,
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const sizeBytes = gzipSync(result.outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).byteLength
  const inputs = Object.values(result.metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  return { sizeBytes, parts: partsOf(inputs.map(([path, { bytesInOutput }]) => [path, bytesInOutput])) }
}

function partsOf(inputs: readonly (readonly [path: string, bytes: number])[]): string[] {
  const sums = new Map<string, number>()
  for (const [path, bytes] of inputs) {
    const part =
      /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? /(packages\/[^/]+|schemas)\//.exec(path)?.[1] ?? path
    sums.set(part, (sums.get(part) ?? 0) + bytes)
  }
  return [...sums].sort((a, b) => b[1] - a[1]).map(([part, bytes]) => `${part} ${(bytes / 1000).toFixed(1)} kB`)
}

/** @param resolveFolder a folder whose node_modules holds the packages */
export async function checkSizes(resolveFolder: string, budgets = BUDGETS): Promise<CheckResult> {
  const errors: string[] = []
  const figures: string[] = []
  for (const budget of budgets) {
    const { sizeBytes, parts } = await measure(budget.entries, resolveFolder)
    const figure = `${budget.name} ${(sizeBytes / 1000).toFixed(1)} of ${budget.limitBytes / 1000} kB`
    figures.push(figure)
    if (sizeBytes < 200) errors.push(`size budgets: ${budget.name} is ${sizeBytes} bytes; the bundle is empty`)
    if (sizeBytes > budget.limitBytes) {
      const minified = parts.slice(0, 8).join(', ')
      errors.push(`size budgets: ${figure}; find what came in, or argue for a new budget. Minified: ${minified}`)
    }
  }
  return { errors, warnings: [], note: figures.join(', ') }
}
