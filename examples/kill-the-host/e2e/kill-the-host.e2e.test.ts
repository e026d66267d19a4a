/** The page that kills hosts, in a real browser: every button is pressed and the figures are read. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright'
import { build, createServer, preview, type InlineConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    chromium: { executablePath: string; args: string[] }
  }
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BALLS = '8 of 8'

async function serve(mode: 'dev' | 'build'): Promise<{ url: string; close(): Promise<void> }> {
  const config: InlineConfig = { root: ROOT, configLoader: 'runner', logLevel: 'error' }
  if (mode === 'dev') {
    const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1', hmr: false, watch: null } })
    await server.listen()
    return { url: server.resolvedUrls!.local[0]!, close: () => server.close() }
  }
  const outDir = await mkdtemp(join(tmpdir(), 'kill-the-host-'))
  await build({ ...config, build: { outDir, emptyOutDir: true } })
  const server = await preview({ ...config, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
  const url = server.resolvedUrls!.local[0]!
  return { url, close: () => server.close().then(() => rm(outDir, { recursive: true, force: true })) }
}

/** What the page says when it is over, and its table. */
interface Outcome {
  readonly told: string
  readonly rows: readonly Readonly<{ name: string; noticed: string; voted: string; gap: string; balls: string }>[]
}

const READ = `(() => ({
  told: document.getElementById('told').textContent,
  rows: [...document.querySelectorAll('#accounts tr')].map((row) => [...row.children].map((cell) => cell.textContent))
    .filter(([name]) => name !== '–')
    .map(([name, , noticed, voted, , gap, balls]) => ({ name, noticed, voted, gap, balls })),
}))()`

describe.each(['dev', 'build'] as const)('kill the host, %s', (mode) => {
  let browser: Browser
  let site: Awaited<ReturnType<typeof serve>>
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    browser = await chromium.launch(inject('chromium'))
    site = await serve(mode)
    page = await browser.newPage({ viewport: { width: 900, height: 900 } })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(site.url)
    await whenSteady(4)
  })
  afterAll(async () => {
    await browser.close()
    await site.close()
  })

  /** All players on the page hold one world with one host, who has made voters of them. */
  async function whenSteady(count: number): Promise<void> {
    const expression = `(() => {
      const all = window.players?.living() ?? []
      return all.length === ${count} && !document.getElementById('kill').disabled && all.every(({ network, replication }) =>
        network.state === 'stable' && network.host?.displayName === all[0].network.host?.displayName &&
        replication.entityCount === ${8 + count} && network.peers.length === ${count - 1} &&
        network.lower.inspect().voters.length === ${count})
    })()`
    await page.waitForFunction(expression, undefined, { polling: 100, timeout: 60_000 })
  }

  const hostName = (): Promise<string> => page.evaluate<string>('players.hostOf().name')

  /** Presses a button by the name it has for everyone, and waits until the page says what came of it. */
  async function press(name: string): Promise<Outcome> {
    await page.getByRole('button', { name, exact: true }).click()
    const expression = `!document.getElementById('told').textContent.endsWith('had the baton.')`
    await page.waitForFunction(expression, undefined, { polling: 100, timeout: 60_000 })
    return page.evaluate<Outcome>(READ)
  }

  function expectKept({ rows }: Outcome, count: number): void {
    expect(rows.map(({ balls }) => balls)).toEqual(Array.from({ length: count }, () => BALLS))
  }

  test('a killed host is replaced: each survivor notices, votes, and has every ball once', async () => {
    const dead = await hostName()
    const outcome = await press('Kill the host')
    expect(outcome.told).toMatch(/^Killed: \w+ has the baton now, in term \d+. Gap: \d+ to \d+ ms.$/)
    expect(outcome.rows).toHaveLength(3)
    for (const row of outcome.rows) {
      expect(row.name).not.toBe(dead)
      expect(row.noticed).toMatch(/^\d+$/)
      expect(row.gap).toMatch(/^\d+ ms$/)
    }
    // With two others a quorum is there, so the slowest may have had no say.
    expect(outcome.rows.filter(({ voted }) => /^\d+$/.test(voted)).length).toBeGreaterThanOrEqual(2)
    expectKept(outcome, 3)
    await whenSteady(3)
  })

  test('a player can be added, and the baton handed over to one of them', async () => {
    await page.getByRole('button', { name: 'Add a player', exact: true }).click()
    await whenSteady(4)
    const before = await hostName()
    const outcome = await press('Hand over')
    expect(outcome.told).toMatch(/^Handed over: \w+ has the baton now/)
    expect(await hostName()).not.toBe(before)
    expectKept(outcome, 4)
    await whenSteady(4)
  })

  test('a host that is frozen for 3 s is replaced and comes back as a guest', async () => {
    const before = await hostName()
    const outcome = await press('Freeze 3 s')
    expect(outcome.told).toMatch(/^Frozen for 3 s: \w+ has the baton now/)
    expect(await hostName()).not.toBe(before)
    expectKept(outcome, 4)
    await whenSteady(4)
  })

  test('a closed tab says goodbye, and the others go on', async () => {
    const outcome = await press('Close its tab')
    expect(outcome.told).toMatch(/^Tab closed: \w+ has the baton now/)
    expectKept(outcome, 3)
    await whenSteady(3)
  })

  test('a freeze of 400 ms is survived, or at worst costs the baton and nothing else', async () => {
    const outcome = await press('Freeze 400 ms')
    expect(outcome.told).toMatch(/^Frozen for 400 ms: /)
    expectKept(outcome, 3)
    await whenSteady(3)
    expect(complaints).toEqual([])
  })
})
