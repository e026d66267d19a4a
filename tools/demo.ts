/**
 * `pnpm demo`: the lobby and the three.js world in one process, one URL to open in two tabs.
 * `pnpm demo --headless`: the same world as a host and guests in processes of their own over real
 * WebRTC; prints what each saw and fails when any world differs.
 */
import { fileURLToPath } from 'node:url'
import cac from 'cac'
import { createServer } from 'vite'
import { runHeadless } from './demo-headless.ts'

const cli = cac('demo')
cli.option('--headless', 'no browser: a host and guests as processes')
cli.option('--port <port>', 'port of the page (default 5173)')
cli.option('--guests <count>', 'headless: guests (default 3)')
cli.option('--seconds <seconds>', 'headless: how long they play (default 20)')
cli.option('--crates <count>', 'headless: crates in the plaza (default 260)')
cli.help()
const { options } = cli.parse()

if (options.help) process.exit(0)
if (options.headless) {
  const passed = await runHeadless({
    guests: Number(options.guests ?? 3),
    seconds: Number(options.seconds ?? 20),
    crates: Number(options.crates ?? 260),
  })
  process.exit(passed ? 0 : 1)
}

const server = await createServer({
  root: fileURLToPath(new URL('../examples/world', import.meta.url)),
  server: { port: Number(options.port ?? 5173), host: '127.0.0.1' },
  logLevel: 'warn',
})
await server.listen()
const url = server.resolvedUrls?.local[0] ?? ''
console.log(
  `\n  Baton plaza: ${url}\n\n  Open it in two tabs, walk with WASD, push crates. Close the first tab: the world goes on.\n`,
)
