/**
 * An app as a newcomer has it: a page, a module, Vite's defaults and no plugin.
 *
 * Invariant: its folder is its own and goes with `end`; it sees this package as any app sees one that is installed.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLobby, type LobbyServer } from '@baton/server'
import { build, createServer, preview, type InlineConfig } from 'vite'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

const PAGE = `<!doctype html>
<html>
  <head><link rel="icon" href="data:," /></head>
  <body><script type="module" src="/main.ts"></script></body>
</html>
`

/**
 * Joins as the address says and shows what happens in \`window.seen\`. \`?transport\`: without a network over it, and with
 * twenty last words to everybody when the page goes.
 */
const MODULE = `
import { connectTransport, joinRoom } from '@baton/transport-webrtc'

const seen = {
  state: 'starting', peers: 0, isHost: false,
  texts: [] as unknown[], log: [] as string[], changes: [] as unknown[], bad: '',
}
Object.assign(window, { seen })
const query = new URLSearchParams(location.search)
const room = query.get('room') ?? 'page'

async function play(): Promise<void> {
  const network = await joinRoom({ room, iceServers: [], peerTimeoutMs: 60_000 })
  network.on('message', ({ data }) => seen.texts.push(data))
  network.on('hostchanged', (_, { reason, gapMs }) => seen.changes.push({ reason, gapMs }))
  Object.assign(window, { say: (text: string) => network.broadcast(text), leave: () => network.close() })
  setInterval(() => {
    const nowMs = performance.now()
    network.receive(nowMs)
    network.flush(nowMs)
    Object.assign(seen, { state: network.state, peers: network.peers.length, isHost: network.isHost })
  }, 10)
}

async function listen(): Promise<void> {
  const transport = await connectTransport({ room, iceServers: [] })
  const linked: string[] = []
  const words = (from: string) => Array.from({ length: 20 }, (_, index) => new TextEncoder().encode(from + index))
  transport.onpagehide = () => {
    for (const peer of linked) for (const word of words('last ')) transport.send(peer, 0, word)
  }
  setInterval(() => {
    transport.poll(performance.now(), (event) => {
      if (event.kind === 'connected') linked.push(event.peer)
      if (event.kind === 'message') seen.texts.push(new TextDecoder().decode(event.data))
      else seen.log.push(event.kind === 'disconnected' ? 'disconnected ' + event.reason : event.kind)
    })
  }, 10)
}

const start = query.has('transport') ? listen : play
start().catch((error: unknown) => (seen.bad = String(error)))
`

export interface ViteApp {
  readonly url: string
  end(): Promise<void>
}

/** @param mode `dev`: Vite's server over the sources. `build`: the bundle, served as it is */
export async function openViteApp(mode: 'dev' | 'build'): Promise<ViteApp> {
  // Inside the workspace, so that Vite's server may hand out the linked sources.
  const cache = join(PACKAGE, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const root = await mkdtemp(join(cache, 'vite-app-'))
  await mkdir(join(root, 'node_modules', '@baton'), { recursive: true })
  await symlink(PACKAGE, join(root, 'node_modules', '@baton', 'transport-webrtc'), 'dir')
  await writeFile(join(root, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  await writeFile(join(root, 'index.html'), PAGE)
  await writeFile(join(root, 'main.ts'), MODULE)

  const config: InlineConfig = { root, configFile: false, logLevel: 'error', cacheDir: join(root, '.vite') }
  const server = await (mode === 'dev' ? startDev(config) : startBuilt(config))
  const lobby: LobbyServer = await createLobby({ server: server.httpServer, limits: { socketsPerAddress: 100 } })
  return {
    url: server.url,
    async end() {
      await lobby.close()
      await server.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

interface Serving {
  readonly url: string
  readonly httpServer: NonNullable<Parameters<typeof createLobby>[0]>['server'] & object
  close(): Promise<void>
}

async function startDev(config: InlineConfig): Promise<Serving> {
  const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1' } })
  await server.listen()
  return { url: server.resolvedUrls!.local[0]!, httpServer: server.httpServer!, close: () => server.close() }
}

async function startBuilt(config: InlineConfig): Promise<Serving> {
  await build(config)
  const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } })
  return { url: server.resolvedUrls!.local[0]!, httpServer: server.httpServer, close: () => server.close() }
}
