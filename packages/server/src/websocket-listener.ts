/**
 * The WebSocket door: the only file that knows `ws`.
 *
 * Place in the house: turns sockets into `LobbyEvent`s and `LobbyEffect`s into frames.
 * Invariant: what a socket may cost before the lobby hears of it is bounded here (origin, address,
 * frame size, fragments, unsent bytes, time to close), and no error of a socket escapes.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { ServerOptions, WebSocket } from 'ws'
import type { LobbyLimits } from './limits.ts'
import type { LobbyEffect, LobbyEvent, SocketId } from './lobby-events.ts'
import { addressGroup, isAllowedOrigin } from './origin.ts'
import type { OriginPolicy } from './origin.ts'

/** A client that asks for this subprotocol says `Join` itself; one that does not is a plain page. */
export const LOBBY_SUBPROTOCOL = 'baton-lobby'
/** The room of a plain page that names none. */
export const DEFAULT_ROOM = 'lobby'
/** How long a closing socket may take over the handshake before it is cut. */
const CLOSE_TIMEOUT_MS = 2_000

/** What `http.Server`, `https.Server` and Vite's server have in common. */
export interface UpgradeSource {
  on(event: 'upgrade', listener: UpgradeListener): unknown
  off(event: 'upgrade', listener: UpgradeListener): unknown
}
type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface WebSocketListenerOptions {
  readonly server: UpgradeSource
  /** Only this path is answered. Undefined: every path. */
  readonly path: string | undefined
  /** The server is ours alone: what is not for us is refused instead of left to other listeners. */
  readonly exclusive: boolean
  readonly origins: OriginPolicy
  readonly limits: LobbyLimits
  readonly clientAddress: (request: IncomingMessage) => string
  /** False: too many sockets of this address, not even worth a handshake. */
  readonly admit: (address: string) => boolean
  readonly emit: (event: LobbyEvent) => void
  readonly log: (line: string) => void
}

export interface ListenerCounters {
  originsRefused: number
  addressesRefused: number
  /** Relayed messages not sent because the receiver was slow. */
  relaysDropped: number
}

/** Of `ws` 8.21 and later; the published types do not have them yet. */
interface HardenedServerOptions extends ServerOptions {
  maxFragments: number
  closeTimeout: number
}

export class WebSocketListener {
  readonly counters: ListenerCounters = { originsRefused: 0, addressesRefused: 0, relaysDropped: 0 }
  readonly #options: WebSocketListenerOptions
  readonly #wss: WebSocketServer
  readonly #sockets = new Map<SocketId, WebSocket>()
  #nextSocket: SocketId = 1

  constructor(options: WebSocketListenerOptions) {
    this.#options = options
    const hardened: HardenedServerOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Twice the limit: the lobby answers what is a little too long with an error that says so, `ws` cuts the rest.
      maxPayload: options.limits.payloadBytes * 2,
      maxFragments: options.limits.fragments,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered) => (offered.has(LOBBY_SUBPROTOCOL) ? LOBBY_SUBPROTOCOL : false),
    }
    this.#wss = new WebSocketServer(hardened)
    options.server.on('upgrade', this.#upgrade)
  }

  apply(effect: LobbyEffect): void {
    const socket = this.#sockets.get(effect.socket)
    if (socket === undefined) return
    if (effect.kind === 'terminate') socket.terminate()
    else if (socket.readyState !== socket.OPEN) return
    else if (effect.kind === 'close') socket.close(effect.code, effect.reason)
    else if (effect.kind === 'ping') socket.ping()
    else this.#send(effect.socket, socket, effect.data, effect.relayed)
  }

  /** Takes no more sockets and cuts those that are left. */
  close(): void {
    this.#options.server.off('upgrade', this.#upgrade)
    for (const socket of this.#sockets.values()) socket.terminate()
  }

  get openCount(): number {
    return this.#sockets.size
  }

  #send(id: SocketId, socket: WebSocket, data: Uint8Array | string, relayed: boolean): void {
    const { limits, emit } = this.#options
    if (relayed && socket.bufferedAmount > limits.relayBufferBytes) {
      this.counters.relaysDropped++
      return
    }
    socket.send(data)
    if (socket.bufferedAmount > limits.bufferBytes) {
      const message = `${socket.bufferedAmount} bytes wait for you to read them; read faster, or join again`
      emit({ kind: 'breached', socket: id, message })
    }
  }

  #upgrade = (request: IncomingMessage, duplex: Duplex, head: Buffer): void => {
    const { path, exclusive, origins, clientAddress, admit, log } = this.#options
    const url = URL.canParse(request.url ?? '', 'ws://lobby') ? new URL(request.url ?? '', 'ws://lobby') : undefined
    if (url === undefined || (path !== undefined && url.pathname !== path)) {
      if (exclusive) refuse(duplex, '404 Not Found', `The lobby is at ${path ?? '/'}`)
      return
    }
    const { origin, host } = request.headers
    if (!isAllowedOrigin(origins, origin, host, request.socket.remoteAddress ?? '')) {
      this.counters.originsRefused++
      log(`refused a page of ${JSON.stringify(String(origin).slice(0, 128))}: allow it with --origin or allowedOrigins`)
      return refuse(duplex, '403 Forbidden', 'This page may not use this lobby')
    }
    const address = addressGroup(clientAddress(request))
    if (!admit(address)) {
      this.counters.addressesRefused++
      return refuse(duplex, '429 Too Many Requests', 'Too many sockets from your address')
    }
    this.#wss.handleUpgrade(request, duplex, head, (socket) => this.#accept(socket, address, url))
  }

  #accept(socket: WebSocket, address: string, url: URL): void {
    const { emit } = this.#options
    const id = this.#nextSocket++
    this.#sockets.set(id, socket)
    socket.on('message', (data: Buffer, isBinary) => {
      emit({ kind: 'message', socket: id, data: isBinary ? bytesOf(data) : data.toString() })
    })
    socket.on('ping', () => emit({ kind: 'heartbeat', socket: id }))
    socket.on('pong', () => emit({ kind: 'heartbeat', socket: id }))
    // `ws` has sent its own close frame by then (1009 for too long, 1002 or 1007 for not WebSocket).
    socket.on('error', (error) => emit({ kind: 'breached', socket: id, message: error.message }))
    socket.on('close', (code) => {
      this.#sockets.delete(id)
      emit({ kind: 'closed', socket: id, code })
    })
    const plain = socket.protocol !== LOBBY_SUBPROTOCOL
    emit({
      kind: 'opened',
      socket: id,
      address,
      room: plain ? (url.searchParams.get('room') ?? DEFAULT_ROOM) : undefined,
    })
  }
}

function refuse(duplex: Duplex, status: string, body: string): void {
  duplex.on('error', () => duplex.destroy())
  duplex.once('finish', () => duplex.destroy())
  duplex.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}

/** A plain array over the same memory: `Buffer` answers differently to `slice` and friends. */
function bytesOf(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
