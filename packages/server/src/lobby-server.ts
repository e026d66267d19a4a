/**
 * The lobby with real sockets and a real clock.
 *
 * Place in the house: pumps `lobby.ts` from `websocket-listener.ts` and a timer.
 * Invariant: one event is carried out in full before the next is looked at, whatever sockets do meanwhile.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { invariant } from '@baton/core'
import type { IceServer } from '@baton/schemas/lobby'
import type { LobbyLimits } from './limits.ts'
import { Lobby } from './lobby.ts'
import type { LobbyCounters, LobbyEffect, LobbyEvent } from './lobby-events.ts'
import { createOriginPolicy } from './origin.ts'
import { WebSocketListener } from './websocket-listener.ts'
import type { ListenerCounters, UpgradeSource } from './websocket-listener.ts'

/** Where the lobby sits on a server it shares, such as Vite's. */
export const SHARED_PATH = '/baton-lobby'
/** Hello and ping time-outs are seconds; a quarter of one is fine enough and costs nothing. */
const TICK_MS = 250
/** A witness's answer may be this late: many rooms share one alarm. */
const MIN_ALARM_MS = 5
/** A browser that has read the close frame answers at once; the rest are cut. */
const CLOSE_GRACE_MS = 500

/** A server to share: `http.Server`, `https.Server`, or Vite's. */
export type SharedServer = UpgradeSource & {
  address(): AddressInfo | string | null
  once(event: 'close', listener: () => void): unknown
}

export interface CreateLobbyOptions {
  /** 0, the default, takes a free one. Not with `server`. */
  readonly port?: number
  /** Default `127.0.0.1`: only this machine. `0.0.0.0` or `::` for everybody. Not with `server`. */
  readonly host?: string
  /** An HTTP server to share instead of an own one. Closing the lobby leaves it open. */
  readonly server?: SharedServer
  /** Only this path is answered. Default: every path of an own server, `/baton-lobby` of a shared one. */
  readonly path?: string
  /** Origins of pages that may connect. Default: same host name, and pages of this machine. `*`: all. */
  readonly allowedOrigins?: readonly string[]
  /** Bounds to change; see `LobbyLimits` for all of them, with units and reasons. */
  readonly limits?: Partial<LobbyLimits>
  /** STUN and TURN servers that every member is told of. */
  readonly iceServers?: readonly IceServer[]
  /** Behind a proxy every socket has the proxy's address; this says where the true one is. */
  readonly clientAddress?: (request: IncomingMessage) => string
  /** One line per thing an operator wants to know, such as a refused origin. Default: silence. */
  readonly log?: (line: string) => void
}

export interface LobbyStats extends LobbyCounters, ListenerCounters {
  readonly sockets: number
  readonly rooms: number
  readonly members: number
}

export interface LobbyServer {
  /** Of the server the lobby listens on; 0 while a shared one is not listening yet. */
  readonly port: number
  /** `ws://host:port`, with the path when only one is answered. */
  readonly url: string
  stats(): LobbyStats
  /** Tells every socket `lobby/closed` and ends them, the timer, and an own server. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a lobby: rooms over WebSocket, and signaling between their members.
 *
 * Peers that are connected need it no more: it may close, and their game goes on.
 *
 * @returns once the port is open
 * @throws the system's error (`EADDRINUSE`, `EACCES`) when the port cannot be had
 * @see docs/behavior.md, LB rules
 */
export async function createLobby(options: CreateLobbyOptions = {}): Promise<LobbyServer> {
  invariant(
    options.server === undefined || (options.port === undefined && options.host === undefined),
    'createLobby: server together with port or host; give a server to share, or a port for an own one',
  )
  const lobby = new Lobby({
    random: secureRandom,
    limits: options.limits,
    iceServers: options.iceServers,
    bootMs: performance.now(),
  })
  const own = options.server === undefined ? createOwnServer(lobby.limits) : undefined
  const server: SharedServer = options.server ?? own!
  const path = options.path ?? (own ? undefined : SHARED_PATH)
  const { emit, stop } = createPump(lobby, (effect) => listener.apply(effect))
  const listener = new WebSocketListener({
    server,
    path,
    exclusive: own !== undefined,
    origins: createOriginPolicy(options.allowedOrigins),
    limits: lobby.limits,
    clientAddress: options.clientAddress ?? ((request) => request.socket.remoteAddress ?? ''),
    // The lobby itself answers the first ones too many with an error; beyond twice as many nobody is answered.
    admit: (address) => lobby.socketsOf(address) < 2 * lobby.limits.socketsPerAddress,
    emit,
    log: options.log ?? (() => {}),
  })
  if (own) await listen(own, options.port ?? 0, options.host ?? '127.0.0.1')
  const timer = setInterval(() => emit({ kind: 'tick' }), TICK_MS)
  timer.unref()

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    emit({ kind: 'shutdown' })
    const deadlineMs = performance.now() + CLOSE_GRACE_MS
    while (listener.openCount > 0 && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 5))
    clearInterval(timer)
    stop()
    listener.close()
    if (own) await new Promise<void>((resolve) => own.close(() => resolve()).closeAllConnections())
  }
  if (!own) server.once('close', () => void (closing ??= close()))
  return {
    get port() {
      return portOf(server)
    },
    get url() {
      return urlOf(server, options.host, path)
    },
    stats: () => ({ ...describe(lobby), ...listener.counters }),
    close: () => (closing ??= close()),
  }
}

/**
 * Runs events one at a time: what an effect causes waits until the effects before it are done. Wakes the lobby
 * when one of its witnesses has something to say, and not otherwise.
 */
function createPump(lobby: Lobby, apply: (effect: LobbyEffect) => void) {
  const waiting: LobbyEvent[] = []
  let running = false
  let alarm: { readonly atMs: number; readonly timer: NodeJS.Timeout } | undefined

  function emit(event: LobbyEvent): void {
    waiting.push(event)
    if (running) return
    running = true
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        for (const effect of lobby.step(next, performance.now())) apply(effect)
      }
    } finally {
      running = false
      setAlarm()
    }
  }

  function setAlarm(): void {
    const atMs = lobby.alarmMs
    if (alarm?.atMs === atMs) return
    stop()
    if (atMs === undefined) return
    const timer = setTimeout(
      () => {
        alarm = undefined
        emit({ kind: 'alarm' })
      },
      Math.max(MIN_ALARM_MS, atMs - performance.now()),
    )
    timer.unref()
    alarm = { atMs, timer }
  }

  function stop(): void {
    clearTimeout(alarm?.timer)
    alarm = undefined
  }

  return { emit, stop }
}

/** A request has as long as a hello: a slow-loris holds a connection no longer than that. */
function createOwnServer({ helloTimeoutMs, sockets }: LobbyLimits): Server {
  const server = createServer(
    {
      headersTimeout: helloTimeoutMs,
      requestTimeout: helloTimeoutMs,
      keepAliveTimeout: helloTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, helloTimeoutMs),
      maxHeaderSize: 8_192,
    },
    answerHttp,
  )
  // Those that are still shaking hands, or only ask for /healthz, are connections too.
  server.maxConnections = 2 * sockets
  return server
}

function answerHttp(request: IncomingMessage, response: ServerResponse): void {
  const healthy = request.method === 'GET' && request.url === '/healthz'
  response.writeHead(healthy ? 200 : 426, {
    'content-type': 'text/plain',
    ...(healthy ? {} : { upgrade: 'websocket' }),
  })
  response.end(healthy ? 'ok\n' : 'This is a Baton lobby. Connect with a WebSocket.\n')
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function portOf(server: SharedServer): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function urlOf(server: SharedServer, host: string | undefined, path: string | undefined): string {
  const address = server.address()
  const bound = host ?? (typeof address === 'object' && address !== null ? address.address : 'localhost')
  const name = bound === '0.0.0.0' || bound === '::' ? 'localhost' : bound.includes(':') ? `[${bound}]` : bound
  const scheme = 'setSecureContext' in server ? 'wss' : 'ws'
  return `${scheme}://${name}:${portOf(server)}${path ?? ''}`
}

function describe(lobby: Lobby): LobbyCounters & { sockets: number; rooms: number; members: number } {
  let members = 0
  for (const room of lobby.rooms.values()) members += room.members.size
  const { counters } = lobby
  return { ...counters, errors: { ...counters.errors }, sockets: lobby.socketCount, rooms: lobby.rooms.size, members }
}

function secureRandom(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!
}
