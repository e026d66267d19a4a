import { chromium, type Browser, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { openViteApp, type ViteApp } from './testing/vite-app.ts'

declare module 'vitest' {
  interface ProvidedContext {
    chromium: { executablePath: string; args: string[] }
  }
}

let browser: Browser
beforeAll(async () => {
  browser = await chromium.launch({ ...inject('chromium'), headless: true })
})
afterAll(() => browser.close())

describe.each(['build', 'dev'] as const)('a default Vite app, %s', (mode) => {
  let app: ViteApp
  let room = 0
  const pages: Page[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    app = await openViteApp(mode)
  })
  afterAll(() => app.end())
  afterEach(async () => {
    room++
    for (const page of pages.splice(0)) await page.close()
    const said = complaints.splice(0)
    if (said.length > 0) throw new Error(`the console said: ${said.join(' | ')}`)
  })

  /** Pages of one test share a room; those of the last one may still be about to leave theirs. */
  async function open(query = '?'): Promise<Page> {
    const page = await browser.newPage()
    pages.push(page)
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    await page.goto(`${app.url}${query}&room=room-${room}`)
    await see(page, "seen.state === 'stable' || seen.log.length > 0 || seen.bad")
    expect(await page.evaluate('seen.bad')).toBe('')
    return page
  }

  it('WT18: needs no plugin and no polyfill, and finds the lobby on its own server', async () => {
    const first = await open()
    const second = await open()
    for (const page of [first, second]) await see(page, 'seen.peers === 1')
    await first.evaluate("say('hello')")
    await see(second, 'seen.texts.length === 1')
    expect(await second.evaluate('seen.texts')).toEqual(['hello'])
  })

  it('WT17: a tab that closes says goodbye', async () => {
    const staying = await open('?transport')
    const leaving = await open('?transport')
    for (const page of [staying, leaving]) await see(page, "seen.log.includes('connected')")
    await leaving.close()
    await see(staying, "seen.log.some((line) => line.startsWith('disconnected'))")
    expect(await staying.evaluate('seen.log.filter((line) => /disconnected|failed/.test(line))')).toEqual([
      'disconnected left',
    ])
  })

  it.each([
    ['is closed', 'disconnected left', 20, (page: Page) => page.close()],
    ['is closed by its browser window', 'disconnected left', 20, (page: Page) => page.context().close()],
    ['goes to another page', 'disconnected left', 20, (page: Page) => page.goto('about:blank')],
    ['is loaded again', 'disconnected left', 20, (page: Page) => page.reload()],
    ['crashes', undefined, 0, crash],
  ] as const)('WT20: a tab that %s has left for good, as the lobby says', async (_, end, wordCount, leave) => {
    const staying = await open('?transport')
    const leaving = await open('?transport')
    for (const page of [staying, leaving]) await see(page, "seen.log.includes('connected')")
    await leave(leaving)
    await see(staying, "seen.log.includes('departed')")
    // What it said in its last event handler has come, too; of a page that crashed the link only falls silent.
    if (end !== undefined) await see(staying, `seen.log.includes('${end}')`)
    expect(await staying.evaluate("seen.texts.filter((text) => text.startsWith('last '))")).toHaveLength(wordCount)
  })

  it('WT21: when the page of the host is closed, another hosts without waiting for silence', async () => {
    const host = await open()
    await see(host, 'seen.isHost')
    const guests = [await open(), await open()]
    for (const page of [host, ...guests]) await see(page, 'seen.peers === 2')
    await host.close()
    for (const page of guests) await see(page, "seen.peers === 1 && seen.state === 'stable' && seen.changes.length > 0")
    const hosts = await Promise.all(guests.map((page) => page.evaluate('seen.isHost')))
    expect(hosts.filter(Boolean)).toHaveLength(1)
    for (const page of guests) {
      const changes = (await page.evaluate('seen.changes')) as { reason: string; gapMs: number }[]
      expect(['left', 'handed-over']).toContain(changes.at(-1)!.reason)
    }
  })

  it('WT17: a page that is kept and shown again knows that it has left', async () => {
    const page = await open()
    const other = await open()
    await see(other, 'seen.peers === 1')
    // What the browser does to a page that it keeps; whether it keeps this one is its own affair.
    await page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    await see(other, 'seen.peers === 0')
    await see(page, "seen.state === 'closed'")
    await see(other, "seen.state === 'stable'")
  })

  it('WT17: a tab that goes to another page says goodbye', async () => {
    const staying = await open('?transport')
    const leaving = await open('?transport')
    for (const page of [staying, leaving]) await see(page, "seen.log.includes('connected')")
    await leaving.goto('about:blank')
    await see(staying, "seen.log.includes('disconnected left')")
  })
})

/** Ends the page's process as a crash would; no handler of the page runs. */
async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  // Never answered: whoever could is gone.
  session.send('Page.crash').catch(() => {})
}

/** Waits until an expression is true in a page. */
async function see(page: Page, expression: string): Promise<void> {
  await page.waitForFunction(`window.seen && (${expression})`, undefined, { timeout: 20_000, polling: 20 })
}
