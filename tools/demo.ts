/**
 * `pnpm demo`: the lobby and the three.js world in one process, one URL to open in two tabs, and beside it the page
 * on which a visitor kills hosts.
 * `pnpm demo --headless`: the same world as a host and guests in processes of their own over real
 * WebRTC, whose host is killed in the end; prints what each saw and fails when any world differs.
 */
import { fileURLToPath } from 'node:url'
import cac from 'cac'
import { createServer, type InlineConfig, type Plugin, type ViteDevServer } from 'vite'
import { runHeadless } from './demo-headless.ts'

const DEFAULT_PORT = 5173
/** Where the plaza's server shows the other page. */
const SECOND_PATH = '/kill-the-host/'

const cli = cac('demo')
cli.option('--headless', 'no browser: a host and guests as processes')
cli.option('--port <port>', `port of the page (default ${DEFAULT_PORT}, or the next that is free)`)
cli.option('--host <address>', 'address to listen on (default 127.0.0.1; 0.0.0.0 for phones in your network)')
cli.option('--guests <count>', 'headless: guests (default 3)')
cli.option('--seconds <seconds>', 'headless: how long they play (default 20)')
cli.option('--crates <count>', 'headless: crates in the plaza (default 280)')
cli.help()

/** The value of an option as a whole number. @throws Error that says what may be given */
function whole(name: string, fallback: number, least: number, most: number): number {
  const given: unknown = options[name]
  const value = given === undefined ? fallback : Number(given)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`--${name} is ${String(given)}; give a whole number from ${least} to ${most}`)
}

function pageOf(example: string): InlineConfig {
  const root = fileURLToPath(new URL(`../examples/${example}`, import.meta.url))
  // The workspace's plugin is TypeScript, which Vite's usual loader leaves to Node.
  return { root, configLoader: 'runner', logLevel: 'warn' }
}

/** One server for both pages: the second is a guest of the first, and uses its lobby. */
function secondPage(): { readonly plugin: Plugin; start(first: ViteDevServer): Promise<void> } {
  let second: ViteDevServer | undefined
  return {
    plugin: {
      name: 'demo:second-page',
      configureServer(first) {
        first.middlewares.use((request, response, next) => {
          if (second && request.url?.startsWith(SECOND_PATH)) second.middlewares(request, response, next)
          else next()
        })
      },
      // Left hidden where the plaza is served alone.
      transformIndexHtml: (html) => html.replace('id="other-page" hidden', `id="other-page" href="${SECOND_PATH}"`),
    },
    async start(first) {
      const hmr = first.httpServer ? { server: first.httpServer as NonNullable<typeof first.httpServer> } : false
      const server = { middlewareMode: true, hmr } as NonNullable<InlineConfig['server']>
      second = await createServer({ ...pageOf('kill-the-host'), base: SECOND_PATH, server })
    },
  }
}

async function showWorld(): Promise<void> {
  const port = whole('port', DEFAULT_PORT, 1, 65_535)
  const second = secondPage()
  const server = await createServer({
    ...pageOf('world'),
    plugins: [second.plugin],
    server: { port, host: String(options['host'] ?? '127.0.0.1'), strictPort: options['port'] !== undefined },
  })
  await second.start(server)
  await server.listen().catch(async (failure: unknown) => {
    await server.close()
    throw new Error(`port ${port} is not to be had (${String(failure)}); give another --port, or none`)
  })
  const url = server.resolvedUrls?.network[0] ?? server.resolvedUrls?.local[0]
  console.log(
    `\n  ${url}\n\n  Open it in two tabs, walk with WASD, push crates. Close the first tab: the world goes on.\n` +
      `\n  ${new URL(SECOND_PATH, url).href}\n\n  Four players on one page. Kill the host and watch the gap.\n`,
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // Pages keep their connections open; they need not be waited for.
      const end = (): never => process.exit(0)
      server.close().then(end, end)
      setTimeout(end, 1_000)
    })
  }
}

const { options } = cli.parse()
try {
  cli.globalCommand.checkUnknownOptions()
  // With --help it has been printed.
  if (options['help']) process.exit(0)
  if (options['headless']) {
    const passed = await runHeadless({
      guests: whole('guests', 3, 1, 15),
      seconds: whole('seconds', 20, 1, 3_600),
      crates: whole('crates', 280, 0, 2_000),
    })
    process.exit(passed ? 0 : 1)
  } else await showWorld()
} catch (failure) {
  console.error(`demo: ${failure instanceof Error ? failure.message : String(failure)}`)
  process.exit(1)
}
