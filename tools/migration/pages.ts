/**
 * Players in pages: a site for them, a lobby, and Chromium with a process for each.
 *
 * Invariant: `end` closes everything that was opened here, whatever a test has killed before.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createLobby } from '@baton/server'
import { build } from 'esbuild'
import { chromium, type Browser, type BrowserContext, type LaunchOptions, type Page } from 'playwright'
import type { Account } from './account.ts'
import type { Seat } from './seat.ts'

const ENTRY = fileURLToPath(new URL('page.ts', import.meta.url))

export interface PageSeat extends Seat {
  readonly page: Page
  /** Computes in its page, and returns at once. */
  stall(ms: number): Promise<void>
  /** As a person closes a tab: the page's own handlers run. */
  close(): Promise<void>
  /** Ends the process of the page; no handler of it runs. */
  crash(): Promise<void>
}

export interface Pages {
  /** Address of the lobby that all meet in. */
  readonly lobby: string
  readonly browser: Browser
  /** Where the page of a player is. @param room of the lobby */
  address(name: string, room: string, lobby?: string): string
  /** Opens a page in a window of its own and waits until it plays. @param browser another one than `browser` */
  open(name: string, room: string, options?: { lobby?: string; browser?: Browser }): Promise<PageSeat>
  /** Members of all rooms of the lobby. */
  memberCount(): number
  end(): Promise<void>
}

export async function openPages(launch: LaunchOptions): Promise<Pages> {
  const [script, lobby, browser] = await Promise.all([
    bundle(),
    createLobby({ limits: { socketsPerAddress: 500 } }),
    chromium.launch(launch),
  ])
  const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'
  const site = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : html)
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  const { port } = site.address() as AddressInfo
  const contexts = new Set<BrowserContext>()
  const address = (name: string, room: string, at = lobby.url): string =>
    `http://127.0.0.1:${port}/?${new URLSearchParams({ name, room, lobby: at }).toString()}`
  return {
    lobby: lobby.url,
    browser,
    address,
    memberCount: () => lobby.stats().members,
    async open(name, room, options = {}) {
      const context = await (options.browser ?? browser).newContext({ viewport: { width: 160, height: 120 } })
      contexts.add(context)
      const page = await context.newPage()
      const seat = seatOf(name, page)
      await page.goto(address(name, room, options.lobby))
      const failed = new Promise<never>((_, reject) => page.once('pageerror', reject))
      const joined = page.waitForFunction('window.player', undefined, { polling: 50, timeout: 60_000 })
      await Promise.race([joined, failed])
      failed.catch(() => {})
      return seat
    },
    async end() {
      // A context of a browser that was killed has nothing left to close.
      await Promise.all([...contexts].map((context) => context.close().catch(() => {})))
      await browser.close()
      await new Promise((resolve) => site.close(resolve))
      await lobby.close()
    },
  }
}

function seatOf(name: string, page: Page): PageSeat {
  return {
    name,
    page,
    account: () => page.evaluate<Account>('player.account()'),
    play: () => page.evaluate<void>('player.play()'),
    rest: () => page.evaluate<void>('player.rest()'),
    stall: (ms) => page.evaluate<void>(`void setTimeout(() => player.stall(${ms}))`),
    handOver: (to) => page.evaluate<void>(`player.handOver(${JSON.stringify(to)})`),
    close: () => page.close({ runBeforeUnload: false }),
    async crash() {
      const session = await page.context().newCDPSession(page)
      const crashed = new Promise((resolve) => page.once('crash', resolve))
      // Never answered: whoever could is gone.
      session.send('Page.crash').catch(() => {})
      await crashed
    },
  }
}

/** One module with everything in it: fetched at once, however many pages there are. */
async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  return outputFiles[0]!.contents
}
