/**
 * From an address and a room's name to a transport: finds the lobby, joins, starts the links.
 *
 * Invariant: what this place lacks (WebRTC, WebSocket) is said by a `NetworkError` when somebody wants
 * to join, never by an import that throws.
 */
import { invariant, NetworkError } from '@baton/core'
import { joinLobby, type LobbyJoinOptions, type WebSocketFactory, type WebSocketLike } from './lobby-client.ts'
import type { WebRtcImplementation } from './peer-connection.ts'
import { LobbyTransport, type WebRtcTransport } from './webrtc-transport.ts'

/** Where `@baton/server` answers on a server it shares, such as Vite's. */
const LOBBY_PATH = '/baton-lobby'

/** As core admits; what a lobby allows may be less. */
const MAX_CAPACITY = 96

/** How far a join has come, in this order. */
export type JoinStage = 'connecting-to-lobby' | 'joining' | 'connecting-to-peers' | 'entering'

/** Which room of which lobby to join, and with what. */
export interface ConnectOptions {
  /** `ws:`, `wss:` or a path of this page's server. Default in a page: `/baton-lobby` of its own server. */
  readonly lobby?: string | URL | undefined
  /** 1 to 64 of `A-Z a-z 0-9 _ -`. Whoever comes first opens it. */
  readonly room: string
  /** What others call this player; shortened by lobby and host. */
  readonly displayName?: string | undefined
  /** A secret of this player, 16 to 128 characters. A second join with it takes the place of the first. */
  readonly identity?: string | undefined
  /** Most members, when this join opens the room. */
  readonly capacity?: number | undefined
  /** WebRTC where the platform has none. `@baton/transport-webrtc/node` brings it for Node. */
  readonly wrtc?: WebRtcImplementation | undefined
  /** STUN and TURN servers. Default: those the lobby names, which may be none; then only near peers are reached. */
  readonly iceServers?: readonly RTCIceServer[] | undefined
  /** Opens the socket to the lobby. Default: the platform's WebSocket. */
  readonly webSocket?: WebSocketFactory | undefined
  /** Gives up and leaves; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Told of each stage as it begins. */
  readonly onProgress?: ((stage: JoinStage) => void) | undefined
}

/**
 * Joins a room and returns its transport, whose links come up as it is polled. For a network of one's
 * own making; a game calls `joinRoom`.
 *
 * @throws NetworkError `peer/unsupported`, `lobby/unreachable`, `lobby/timeout`, `lobby/room-name`,
 *   `lobby/room-full`, `lobby/limit`, `lobby/bad-message`
 * @throws InvariantError when `lobby` is no address or `capacity` no number of members
 */
export async function connectTransport(options: ConnectOptions): Promise<WebRtcTransport> {
  const url = lobbyUrl(options.lobby)
  const { wrtc, room, displayName, identity, capacity, signal, onProgress } = options
  invariant(
    capacity === undefined || (Number.isInteger(capacity) && capacity >= 1 && capacity <= MAX_CAPACITY),
    `joinRoom: capacity is ${capacity}; give an integer from 1 to ${MAX_CAPACITY}`,
  )
  if (!wrtc && typeof globalThis.RTCPeerConnection !== 'function') {
    const message =
      'joinRoom: there is no WebRTC here; in Node import joinRoom from @baton/transport-webrtc/node, or pass wrtc'
    throw new NetworkError('peer/unsupported', message)
  }
  onProgress?.('connecting-to-lobby')
  const join: LobbyJoinOptions = {
    url,
    room,
    displayName,
    identity,
    capacity,
    signal,
    webSocket: options.webSocket ?? platformWebSocket,
    onOpen: () => onProgress?.('joining'),
  }
  const lobby = await joinLobby(join)
  const iceServers = options.iceServers ?? lobby.iceServers.map(toRtcIceServer)
  return new LobbyTransport({ lobby, wrtc, iceServers, nowMs: performance.now() })
}

function lobbyUrl(lobby: string | URL | undefined): string {
  const page = globalThis.location as Location | undefined
  invariant(
    lobby !== undefined || page !== undefined,
    'joinRoom: no lobby given, and no page to take it from; pass lobby: "ws://host:port"',
  )
  const text = String(lobby ?? LOBBY_PATH)
  let url: URL
  try {
    url = new URL(text, page?.href)
  } catch {
    invariant(false, `joinRoom: lobby is ${JSON.stringify(text)}, which is no address; pass "ws://host:port"`)
  }
  const protocol = { 'ws:': 'ws:', 'wss:': 'wss:', 'http:': 'ws:', 'https:': 'wss:' }[url.protocol]
  invariant(protocol !== undefined, `joinRoom: lobby is ${text}; its address must begin with ws: or wss:`)
  url.protocol = protocol
  url.hash = '' // a WebSocket refuses one
  return url.href
}

function platformWebSocket(url: string, protocol: string): WebSocketLike {
  const WebSocket = globalThis.WebSocket as typeof globalThis.WebSocket | undefined
  if (!WebSocket) {
    const message =
      'joinRoom: there is no WebSocket here; in Node import joinRoom from @baton/transport-webrtc/node, or pass webSocket'
    throw new NetworkError('peer/unsupported', message)
  }
  return new WebSocket(url, protocol) as unknown as WebSocketLike
}

function toRtcIceServer(server: {
  readonly urls: readonly string[]
  readonly username?: string | undefined
  readonly credential?: string | undefined
}): RTCIceServer {
  const { urls, username, credential } = server
  return {
    urls: [...urls],
    ...(username !== undefined && { username }),
    ...(credential !== undefined && { credential }),
  }
}
