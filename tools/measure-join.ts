/**
 * `tsx tools/measure-join.ts`: from click to second tab moving. Opens the plaza in one page of Chromium, then again and
 * again in a second, and prints when that page held the whole world and when its player had taken the first step.
 *
 * Invariant: times are the second page's own, from the start of its navigation; nothing is asserted.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import cac from 'cac'
import { chromium, type Browser } from 'playwright'
import { build, preview } from 'vite'
import { resolveChromium } from './chromium.ts'

const STAGES = ['page loaded', 'world there', 'first step'] as const
type Times = Readonly<Record<(typeof STAGES)[number], number>>

const SMALL = { width: 320, height: 200 }

/** Runs in the page: milliseconds since its navigation began, for each stage. */
const MEASURE = `new Promise((resolve) => {
  let thereMs, from
  const look = () => {
    const session = window.plaza?.session
    if (session?.replication.synced) {
      const { x, z } = plaza.Transform.translation
      if (thereMs === undefined) {
        thereMs = performance.now()
        from = [x[session.me], z[session.me]]
        dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyS' }))
      } else if (Math.hypot(x[session.me] - from[0], z[session.me] - from[1]) > 0.01) {
        const { loadEventEnd } = performance.getEntriesByType('navigation')[0]
        return resolve({ 'page loaded': loadEventEnd, 'world there': thereMs, 'first step': performance.now() })
      }
    }
    setTimeout(look, 4)
  }
  look()
})`

async function openPlaza(browser: Browser, url: string): Promise<{ times: Times; close(): Promise<void> }> {
  const context = await browser.newContext({ viewport: SMALL })
  const page = await context.newPage()
  await page.goto(url)
  const times = await page.evaluate<Times>(MEASURE)
  return { times, close: () => context.close() }
}

const cli = cac('measure-join')
cli.option('--times <count>', 'how often the second page is opened (default 5)')
cli.help()
const { options } = cli.parse()
if (options['help']) process.exit(0)
const count = Number(options['times'] ?? 5)
if (!Number.isInteger(count) || count < 1)
  throw new Error(`--times is ${String(options['times'])}; give a count from 1`)

const root = fileURLToPath(new URL('../examples/world', import.meta.url))
const outDir = await mkdtemp(join(tmpdir(), 'plaza-'))
const config = { root, configLoader: 'runner', logLevel: 'error' } as const
await build({ ...config, build: { outDir, emptyOutDir: true } })
const server = await preview({ ...config, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
const browser = await chromium.launch(await resolveChromium())
try {
  const url = `${server.resolvedUrls!.local[0]!}?quality=low`
  const host = await openPlaza(browser, url)
  console.log(`built page, host and guest in one Chromium, software rendering, 320 crates; ms since the click`)
  const runs: Times[] = []
  for (let i = 0; i < count; i += 1) {
    const guest = await openPlaza(browser, url)
    runs.push(guest.times)
    await guest.close()
  }
  const show = (title: string, pick: (stage: (typeof STAGES)[number]) => number): void =>
    console.log(title.padEnd(10), ...STAGES.map((stage) => `${stage}: ${pick(stage).toFixed(0).padStart(5)}`))
  show('host', (stage) => host.times[stage])
  runs.forEach((times, i) => show(`guest ${i + 1}`, (stage) => times[stage]))
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!
  show('median', (stage) => median(runs.map((times) => times[stage])))
} finally {
  await browser.close()
  await server.close()
  await rm(outDir, { recursive: true, force: true })
}
process.exit(0)
