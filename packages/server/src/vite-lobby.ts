/**
 * Puts the lobby on Vite's own HTTP server.
 *
 * Place in the house: between Vite's plugin hooks and `lobby-server.ts`.
 * Invariant: only upgrades to the lobby's path are touched; Vite's own socket and proxies never see it.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Plugin, PreviewServer, ViteDevServer } from 'vite'
import type { LobbyLimits } from './limits.ts'
import { createLobby, SHARED_PATH } from './lobby-server.ts'
import type { CreateLobbyOptions, SharedServer } from './lobby-server.ts'

export type ViteLobbyOptions = Pick<CreateLobbyOptions, 'path' | 'allowedOrigins' | 'limits' | 'iceServers'>

/** All of a developer's tabs and test browsers are one address; the defaults are for strangers. */
const DEVELOPMENT_LIMITS: Partial<LobbyLimits> = {
  socketsPerAddress: 1_000,
  joinBurstPerAddress: 10_000,
  joinsPerSecondPerAddress: 100,
}

const TRANSPORT = '@baton/transport-webrtc'

export function lobbyPlugin(options: ViteLobbyOptions = {}): Plugin {
  return {
    name: 'baton:lobby',
    config: (config) => ({ optimizeDeps: { include: prebundled(resolve(config.root ?? '.')) } }),
    configureServer: (server) => attach(server, options),
    configurePreviewServer: (server) => attach(server, options),
  }
}

async function attach(server: ViteDevServer | PreviewServer, options: ViteLobbyOptions): Promise<void> {
  // In middleware mode the HTTP server is the application's: it calls createLobby({ server }) itself.
  const httpServer: SharedServer | null = server.httpServer
  if (httpServer === null) return
  const { logger } = server.config
  const lobby = await createLobby({
    ...options,
    server: httpServer,
    limits: { ...DEVELOPMENT_LIMITS, ...options.limits },
    log: (line) => logger.warn(`baton lobby: ${line}`, { timestamp: true }),
  })
  const path = options.path ?? SHARED_PATH
  const printUrls = server.printUrls.bind(server)
  server.printUrls = () => {
    printUrls()
    if (lobby.port !== 0) logger.info(`  ➜  Lobby:   port ${lobby.port}, path ${path}`)
  }
}

/**
 * Vite finds simple-peer by itself when it meets the import; named here it is ready before the first
 * page load, which else would reload once. Only where it is installed: an unknown name is a warning.
 */
function prebundled(root: string): string[] {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', TRANSPORT))) return [`${TRANSPORT} > simple-peer/simplepeer.min.js`]
    if (dirname(folder) === folder) return []
  }
}
