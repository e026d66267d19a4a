/**
 * `pnpm bench`: every part of this folder, one after another, as markdown.
 *
 *   --quick         fewer workloads and ticks: within a minute
 *   --only a,b      these parts: scenes, contenders, loss, curves, budget, join, frames
 *   --json          the figures for machines instead
 *   --save          keeps both under benchmarks/results/, named by the version
 *
 * Invariant: figures are medians of one run on one machine. Compare within a run, never between machines.
 */
import { fork } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { renderAims } from './aims.ts'
import { PARTS, type PartName, type Results } from './parts/parts.ts'
import type { Part } from './parts/part.ts'

const NAMES = Object.keys(PARTS) as readonly PartName[]

function measure(name: PartName, isQuick: boolean): Promise<unknown> {
  const file = fileURLToPath(new URL('./run-part.ts', import.meta.url))
  return new Promise((resolve, reject) => {
    const child = fork(file, [name, ...(isQuick ? ['--quick'] : [])], {
      execArgv: ['--expose-gc', '--import', 'tsx'],
      // What libraries say on the console goes nowhere; what went wrong is seen.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Keeps NaN, which stands for what was not measured.
      serialization: 'advanced',
    })
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`bench: part ${name} ended with ${code} and no result`)))
  })
}

function render(name: PartName, result: unknown): string {
  return (PARTS[name] as Part<unknown>).render(result)
}

function version(): string {
  const manifest = fileURLToPath(new URL('../packages/replication/package.json', import.meta.url))
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    only: { type: 'string', default: NAMES.join(',') },
  },
})
const chosen = values.only.split(',').map((name) => {
  const known = NAMES.find((one) => one === name)
  if (known === undefined) throw new Error(`bench: no part named ${name}; there are ${NAMES.join(', ')}`)
  return known
})
const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`
// Other work on the machine lengthens all times; ratios within the run stay.
const load = `load ${loadavg()[0]!.toFixed(1)} when it began`
const printed = [`# Baton ${version()}, measured`, '', `${machine}, ${load}${values.quick ? ', quick run' : ''}.`]
const results: Record<string, unknown> = {}
if (!values.json) console.log(printed.join('\n'))
for (const name of chosen) {
  results[name] = await measure(name, values.quick)
  const text = render(name, results[name])
  printed.push('', text)
  if (!values.json) console.log(`\n${text}`)
}
const aims = renderAims(results as Results)
printed.push('', aims)
if (!values.json) console.log(`\n${aims}`)
const asJson = JSON.stringify({ version: version(), machine, load: loadavg()[0], quick: values.quick, ...results })
if (values.json) console.log(asJson)
if (values.save) {
  const folder = fileURLToPath(new URL('./results/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}${version()}.json`, `${asJson}\n`)
  writeFileSync(`${folder}${version()}.md`, `${printed.join('\n')}\n`)
}
