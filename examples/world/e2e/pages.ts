/**
 * Real pages of the plaza: a server for them, players in Chromium, and questions to what they hold.
 *
 * Invariant: every complaint of a page's console is kept, so that a test can say that there was none.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright'
import { build, createServer, preview, type InlineConfig } from 'vite'

declare module 'vitest' {
  interface ProvidedContext {
    chromium: { executablePath: string; args: string[] }
  }
}

export interface Site {
  /** With a slash at the end. */
  readonly url: string
  close(): Promise<void>
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The plaza as `vite` serves it while one develops, or as `vite build` leaves it; with its lobby, on a free port. */
export async function serve(mode: 'dev' | 'build'): Promise<Site> {
  const config: InlineConfig = { root: ROOT, configLoader: 'runner', logLevel: 'error' }
  if (mode === 'dev') {
    // Nothing is to reload because somebody edits a file while tests run.
    const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1', hmr: false, watch: null } })
    await server.listen()
    return { url: server.resolvedUrls!.local[0]!, close: () => server.close() }
  }
  const outDir = await mkdtemp(join(tmpdir(), 'plaza-'))
  await build({ ...config, build: { outDir, emptyOutDir: true } })
  const server = await preview({ ...config, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
  return {
    url: server.resolvedUrls!.local[0]!,
    async close() {
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}

export interface Visitor {
  readonly page: Page
  /** Errors and warnings of the console, uncaught exceptions. */
  readonly complaints: string[]
  leave(): Promise<void>
}

/** Software rendering is slow: the picture is small and rough, the game is whole. */
const SMALL = { width: 320, height: 200 }

/** Opens a page of its own window. @param query of the page's address, beside the picture's quality */
export async function visit(
  browser: Browser,
  site: Site,
  query: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ viewport: SMALL, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // The software renderer warns of its own slowness.
    if (['error', 'warning'].includes(message.type()) && !message.text().includes('GL Driver Message')) {
      complaints.push(message.text())
    }
  })
  await page.goto(`${site.url}?quality=low&${query}`)
  return { page, complaints, leave: () => context.close() }
}

/** As `visit`, and waits until the whole plaza is there. @returns with the milliseconds that took */
export async function enter(
  browser: Browser,
  site: Site,
  query: string,
  options: BrowserContextOptions = {},
): Promise<Visitor & { readonly joinMs: number }> {
  const startMs = performance.now()
  const visitor = await visit(browser, site, query, options)
  await visitor.page.waitForFunction('window.plaza?.session.replication.synced')
  return { ...visitor, joinMs: performance.now() - startMs }
}

/** What a page holds of the room. */
export interface Holding {
  readonly host: string
  readonly isHost: boolean
  readonly players: string[]
  readonly entities: number
  readonly fingerprint: number
  readonly packetsReceived: number
}

const HOLDING = `(() => {
  const { network, replication } = plaza.session
  const players = [network.local, ...network.peers].map((peer) => peer.displayName).sort()
  return { host: network.host?.displayName ?? '', isHost: network.isHost, players, entities: replication.entityCount,
    fingerprint: replication.fingerprint(), packetsReceived: replication.counters.packetsReceived }
})()`

export function holding({ page }: Visitor): Promise<Holding> {
  return page.evaluate<Holding>(HOLDING)
}

/** Waits until an expression over `holding` is true in this page. */
export async function until(visitor: Visitor, condition: string): Promise<void> {
  await visitor.page.waitForFunction(`((now) => ${condition})(${HOLDING})`, undefined, { polling: 100 })
}

/** Waits until all of these hold the same world, to the last quantized bit. */
export async function untilEqual(visitors: readonly Visitor[], timeoutMs = 60_000): Promise<Holding[]> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const all = await Promise.all(visitors.map(holding))
    if (all.every((one) => one.fingerprint === all[0]!.fingerprint && one.entities === all[0]!.entities)) return all
    if (performance.now() > endMs) throw new Error(`the worlds stay different: ${JSON.stringify(all)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

export type Place = readonly [x: number, y: number, z: number]

const PLACE = `(id) => {
  const { x, y, z } = plaza.Transform.translation
  const eid = plaza.session.replication.entityOf(id)
  return eid === 0 ? undefined : [x[eid], y[eid], z[eid]]
}`

export function placeOf({ page }: Visitor, id: number): Promise<Place | undefined> {
  return page.evaluate<Place | undefined>(`(${PLACE})(${id})`)
}

/** Waits until an entity is somewhere: `place` is [x, y, z] in the condition. */
export async function untilPlace({ page }: Visitor, id: number, condition: string): Promise<void> {
  await page.waitForFunction(`((place) => place && (${condition}))((${PLACE})(${id}))`, undefined, { polling: 100 })
}

/** Network id of the page's own avatar. */
export function avatarOf({ page }: Visitor): Promise<number> {
  return page.evaluate<number>('plaza.session.replication.networkId(plaza.session.me)')
}

/** Network id of the nearest crate on the ground to a point. */
export function crateNear({ page }: Visitor, x: number, z: number): Promise<number> {
  return page.evaluate<number>(`(() => {
    const at = plaza.Transform.translation
    const away = (eid) => Math.hypot(at.x[eid] - ${x}, at.z[eid] - ${z}) + Math.abs(at.y[eid] - 0.5) * 10
    const crates = [...plaza.query(plaza.world, [plaza.Transform, plaza.Crate])]
    return plaza.session.replication.networkId(crates.sort((a, b) => away(a) - away(b))[0])
  })()`)
}

/** @returns asks for the display names of all who came to simulate an entity since this call, as this page saw it */
export async function watchAuthority({ page }: Visitor, id: number): Promise<() => Promise<string[]>> {
  await page.evaluate(`(() => {
    window.authorities = []
    plaza.session.replication.on('ownershipchanged', (event) => {
      if (event.id === ${id}) authorities.push(event.authority?.displayName)
    })
  })()`)
  return () => page.evaluate<string[]>('authorities')
}

/** Text of the line at the top of the page. */
export function noticeOf({ page }: Visitor): Promise<string> {
  return page.evaluate<string>(`document.getElementById('notice').innerText`)
}

/**
 * Has the page's player push a crate away from the camera until `condition` holds for its [x, y, z]: by key
 * events, decided anew all the time, because on a slow machine a step sideways is a long one.
 */
export async function push(visitor: Visitor, id: number, condition: string): Promise<void> {
  const { page } = visitor
  await page.evaluate(`(() => {
    const at = plaza.Transform.translation
    const held = new Set()
    const hold = (code, on) => {
      if (held.has(code) === on) return
      if (on) held.add(code)
      else held.delete(code)
      dispatchEvent(new KeyboardEvent(on ? 'keydown' : 'keyup', { code }))
    }
    const timer = setInterval(() => {
      const crate = plaza.session.replication.entityOf(${id})
      const me = plaza.session.me
      const aside = at.x[crate] - at.x[me]
      const ahead = at.z[me] - at.z[crate]
      hold('KeyD', aside > 0.25)
      hold('KeyA', aside < -0.25)
      hold('KeyW', Math.abs(aside) < 0.6 || ahead > 3)
      // Past it: back, and once more.
      hold('KeyS', ahead < 0.8)
    }, 16)
    window.stopPushing = () => {
      clearInterval(timer)
      for (const code of [...held]) hold(code, false)
    }
  })()`)
  await untilPlace(visitor, id, condition)
  await page.evaluate('stopPushing()')
}
