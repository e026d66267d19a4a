/**
 * The peer's side of the lobby: join a room, hear who comes and goes, pass signals on.
 *
 * Invariant: a lobby that goes away ends nothing but itself. It is reported once and not joined again:
 * it would give this peer a new id, under which no link and no roster knows it (docs/behavior.md WT12).
 */
import { NetworkError, type ErrorCode, type PeerId } from '@baton/core'
import { decodeLobby, decodeLobbyText, encodeLobby, type IceServer, type LobbyBody } from '@baton/schemas/lobby'

/** What of the WebSocket interface is used here; a browser's, Node 22's and the `ws` package's all fit. */
export interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  onerror: ((event: never) => void) | null
  send(data: Uint8Array<ArrayBuffer>): void
  close(): void
}

/** Opens a socket to a lobby, asking for a subprotocol. */
export type WebSocketFactory = (url: string, protocol: string) => WebSocketLike

export interface LobbyJoinOptions {
  readonly url: string
  readonly room: string
  readonly displayName: string | undefined
  readonly identity: string | undefined
  readonly capacity: number | undefined
  readonly webSocket: WebSocketFactory
  readonly signal: AbortSignal | undefined
  readonly onOpen?: () => void
  /** For opening the socket, and for the lobby's answer. Default `LOBBY_TIMEOUT_MS`. */
  readonly timeoutMs?: number
}

export interface LobbyHandlers {
  message(body: LobbyBody): void
  /** Once, when the lobby ended the connection or lost it. Never after `leave`. */
  closed(error: NetworkError): void
}

/** Opening the socket, and then being let in, may each take this long. */
export const LOBBY_TIMEOUT_MS = 10_000
/** No lobby takes a room name of this length; the message could grow over what it reads at all. */
const MAX_ROOM_NAME_CHARACTERS = 256
/** What the lobby has to say is for a log or a dialog, not for a novel. */
const MAX_LOBBY_TEXT_CHARACTERS = 300
/** Asks the lobby to wait for `Join`; without it the socket is taken for a plain page that speaks JSON. */
const LOBBY_SUBPROTOCOL = 'baton-lobby'
const OPEN = 1

const LOBBY_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'lobby/closed',
  'lobby/room-name',
  'lobby/room-full',
  'lobby/replaced',
  'lobby/bad-message',
  'lobby/limit',
  'lobby/timeout',
])

/** Membership in a lobby's room. Made by `joinLobby`. */
export class LobbyClient {
  readonly id: PeerId
  /** In order of joining, this peer last. What changes afterwards comes as messages. */
  readonly members: readonly PeerId[]
  readonly iceServers: readonly IceServer[]
  /** Frames that were no lobby message. */
  malformedCount = 0
  #socket: WebSocketLike
  #handlers: LobbyHandlers | undefined
  #backlog: LobbyBody[] = []
  #refusal: NetworkError | undefined
  #closed: NetworkError | undefined
  #left = false

  constructor(socket: WebSocketLike, welcome: Extract<LobbyBody, { type: 'SelfConnected' }>) {
    this.#socket = socket
    this.id = welcome.id
    this.members = welcome.members
    this.iceServers = welcome.iceServers
    socket.onmessage = ({ data }) => this.#hear(data)
    socket.onerror = null // a close follows
    socket.onclose = ({ code }) => this.#end(code)
  }

  /** Hands over what has been heard since the join, then everything as it comes. */
  attach(handlers: LobbyHandlers): void {
    this.#handlers = handlers
    const backlog = this.#backlog
    this.#backlog = []
    for (const body of backlog) handlers.message(body)
    if (this.#closed) handlers.closed(this.#closed)
  }

  /** @returns `false` when the lobby is not there to hear it */
  send(body: LobbyBody): boolean {
    if (this.#left || this.#socket.readyState !== OPEN) return false
    try {
      this.#socket.send(encodeLobby({ body }))
      return true
    } catch {
      return false // longer than a lobby message may be, or the socket is just closing
    }
  }

  /** Says something to the lobby as a witness. @returns as `send` does */
  witness(data: Uint8Array): boolean {
    return this.send({ type: 'Witness', data })
  }

  /** Asks the lobby to let those of `members` go on that it still sees. @returns as `send` does */
  requestGeneration(generation: number, members: readonly PeerId[], voters: number): boolean {
    return this.send({ type: 'GenerationRequest', generation, members: [...members], voters })
  }

  /** Leaves the room and closes the socket. Idempotent; no handler is called any more. */
  leave(): void {
    if (this.#left) return
    this.send({ type: 'Leave' })
    this.#left = true
    this.#handlers = undefined
    silence(this.#socket)
  }

  #hear(data: unknown): void {
    if (this.#left) return
    const body = readLobbyFrame(data)
    if (!body) {
      this.malformedCount++
      return
    }
    if (body.type === 'LobbyError') this.#refusal = toNetworkError(body)
    else if (this.#handlers) this.#handlers.message(body)
    else this.#backlog.push(body)
  }

  #end(code: number): void {
    if (this.#left || this.#closed) return
    this.#closed =
      this.#refusal ??
      new NetworkError(
        'lobby/closed',
        `lobby: the connection closed (code ${code}); links that are up stay up, newcomers cannot reach this peer`,
      )
    this.#handlers?.closed(this.#closed)
  }
}

/**
 * Opens a WebSocket and joins a room.
 * @throws NetworkError `lobby/unreachable`, `lobby/timeout`, or what the lobby refused with
 */
export function joinLobby(options: LobbyJoinOptions): Promise<LobbyClient> {
  const { url, room, signal, timeoutMs = LOBBY_TIMEOUT_MS } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    if (room.length > MAX_ROOM_NAME_CHARACTERS) {
      const message = `joinRoom: a room name of ${room.length} characters; no lobby takes more than ${MAX_ROOM_NAME_CHARACTERS}`
      return reject(new NetworkError('lobby/room-name', message))
    }
    let socket: WebSocketLike
    try {
      socket = options.webSocket(url, LOBBY_SUBPROTOCOL)
    } catch (cause) {
      return reject(unreachable(url, 'is no address of a lobby', cause))
    }
    socket.binaryType = 'arraybuffer'
    let opened = false
    let refusal: NetworkError | undefined

    const timer = setTimeout(() => {
      fail(
        opened
          ? new NetworkError(
              'lobby/timeout',
              `joinRoom: the lobby ${url} did not answer within ${timeoutMs} ms; try again`,
            )
          : unreachable(url, `did not open within ${timeoutMs} ms`),
      )
    }, timeoutMs)
    const abort = (): void => fail(signal!.reason as Error)
    signal?.addEventListener('abort', abort, { once: true })
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const fail = (error: Error): void => {
      settle()
      silence(socket)
      reject(error)
    }

    socket.onopen = () => {
      opened = true
      options.onOpen?.()
      const { displayName, identity, capacity = 0 } = options
      socket.send(encodeLobby({ body: { type: 'Join', room, displayName, identity, capacity } }))
    }
    socket.onmessage = ({ data }) => {
      const body = readLobbyFrame(data)
      if (body?.type === 'SelfConnected') {
        settle()
        resolve(new LobbyClient(socket, body))
      } else if (body?.type === 'LobbyError') {
        refusal = toNetworkError(body)
        fail(refusal)
      } else if (!body) {
        fail(
          new NetworkError('lobby/bad-message', `joinRoom: ${url} does not speak as a lobby does; check the address`),
        )
      }
    }
    socket.onerror = () => fail(unreachable(url, opened ? 'broke off' : 'does not answer'))
    socket.onclose = ({ code }) => fail(refusal ?? unreachable(url, `closed the connection (code ${code})`))
  })
}

/** The lobby answers in the form it was spoken to, which is bytes here; before that it has only text. */
function readLobbyFrame(data: unknown): LobbyBody | undefined {
  if (typeof data === 'string') {
    const decoded = decodeLobbyText(data)
    return decoded.ok ? decoded.value.body : undefined
  }
  if (Object.prototype.toString.call(data) !== '[object ArrayBuffer]') return undefined
  const decoded = decodeLobby(new Uint8Array(data as ArrayBuffer))
  return decoded.ok ? decoded.value.body : undefined
}

function toNetworkError({ code, message }: { code: string; message: string }): NetworkError {
  const text = message.slice(0, MAX_LOBBY_TEXT_CHARACTERS)
  if (LOBBY_CODES.has(code)) return new NetworkError(code as ErrorCode, text)
  return new NetworkError('lobby/closed', `lobby: refused with ${code.slice(0, 64)}: ${text}`)
}

function unreachable(url: string, what: string, cause?: unknown): NetworkError {
  const message = `joinRoom: ${url} ${what}; check the address and whether the lobby runs`
  return new NetworkError('lobby/unreachable', message, { cause })
}

function silence(socket: WebSocketLike): void {
  socket.onopen = socket.onmessage = socket.onclose = null
  // `ws` throws an error without a listener, and one comes when a socket is closed before it has opened.
  socket.onerror = () => {}
  socket.close()
}
