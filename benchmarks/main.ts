/**
 * `pnpm bench`: every benchmark of this folder, one after another, as markdown; `--json` for machines.
 *
 * Invariant: figures are medians of one run on one machine. Compare within a run, never between machines.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const BENCHMARKS = ['bytes', 'frame']
const asJson = process.argv.includes('--json')
const results: Record<string, unknown> = {}

for (const name of BENCHMARKS) {
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  const args = ['--expose-gc', '--import', 'tsx', file, ...(asJson ? ['--json'] : [])]
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', asJson ? 'pipe' : 'inherit', 'inherit'],
  })
  if (status !== 0) process.exit(1)
  if (asJson) results[name] = JSON.parse(stdout)
  else console.log()
}
if (asJson) console.log(JSON.stringify(results))
