/**
 * Which Chromium the browser tests drive, and with what arguments.
 *
 * Order: CHROMIUM_PATH, Debian's own, Playwright's. A whole browser: the small ones inside npm packages end a page that is
 * closed before it can say goodbye. Invariant: a browser that was named or found is one that starts; nothing is skipped
 * in silence.
 */
import { existsSync } from 'node:fs'

export interface ChromiumLaunch {
  readonly executablePath: string
  readonly args: string[]
}

// No sandbox: CI runs as root in containers. The rest keeps the browser off the network and gives it a software GPU.
const ARGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-swiftshader',
]

const SYSTEM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable']

/**
 * Path of the browser for tests; `undefined` where there is none.
 *
 * @throws Error when the one that was named is not there
 */
export async function findChromium(): Promise<string | undefined> {
  const named = process.env['CHROMIUM_PATH']
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`chromium: CHROMIUM_PATH=${named} does not exist; correct or unset it`)
    return named
  }
  const { chromium } = await import('playwright')
  return [...SYSTEM_PATHS, chromium.executablePath()].find((path) => existsSync(path))
}

/** @throws Error when there is none; the message says what to install */
export async function resolveChromium(): Promise<ChromiumLaunch> {
  const executablePath = await findChromium()
  if (executablePath !== undefined) return { executablePath, args: [...ARGS] }
  throw new Error('chromium: none found; run `apt-get install chromium`, or set CHROMIUM_PATH to a browser')
}
