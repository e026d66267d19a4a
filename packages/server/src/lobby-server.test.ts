import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { decodeControl, encodeControl, type ControlBody } from '@baton/schemas'
import { decodeLobby, encodeLobby } from '@baton/schemas/lobby'
import type { LobbyBody } from '@baton/schemas/lobby'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createLobby } from './lobby-server.ts'
import type { CreateLobbyOptions, LobbyServer } from './lobby-server.ts'
import { LOBBY_SUBPROTOCOL } from './websocket-listener.ts'

// Generous, since a busy machine is no failure: nothing here waits for a time to pass.
vi.setConfig({ testTimeout: 30_000 })

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function startLobby(options: CreateLobbyOptions = {}): Promise<LobbyServer> {
  const lobby = await createLobby({ ...options, limits: { socketsPerAddress: 100, ...options.limits } })
  ending.push(() => lobby.close())
  return lobby
}

const PATIENCE = { timeout: 20_000 }

/** A client that keeps what it hears, and can wait for it. */
interface Client<T> {
  readonly socket: WebSocket
  readonly heard: T[]
  readonly closed: Promise<{ code: number; reason: string }>
  next(): Promise<T>
}

function open<T>(
  url: string,
  parse: (data: Buffer, isBinary: boolean) => T,
  protocols: string[],
  options = {},
): Client<T> {
  const socket = new WebSocket(url, protocols, options)
  ending.push(() => socket.terminate())
  const heard: T[] = []
  const waiting: ((message: T) => void)[] = []
  socket.on('message', (data: Buffer, isBinary) => {
    const message = parse(data, isBinary)
    const waiter = waiting.shift()
    if (waiter) waiter(message)
    else heard.push(message)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    socket.on('error', () => {})
  })
  const next = (): Promise<T> => {
    const first = heard.shift()
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first)
  }
  return { socket, heard, closed, next }
}

type Text = Record<string, unknown>

/** What the document's page does: connect, and read JSON. */
function openPlain(url: string, options = {}): Client<Text> {
  return open(
    url,
    (data, isBinary) => (isBinary ? { binary: true } : (JSON.parse(data.toString()) as Text)),
    [],
    options,
  )
}

function openBinary(url: string): Client<LobbyBody> & { say(body: LobbyBody): void } {
  const client = open<LobbyBody>(
    url,
    (data, isBinary) => {
      if (!isBinary) throw new Error('a binary socket was answered in text')
      const decoded = decodeLobby(new Uint8Array(data))
      if (!decoded.ok) throw new Error(decoded.reason)
      return decoded.value.body
    },
    [LOBBY_SUBPROTOCOL],
  )
  const opened = new Promise<void>((resolve) => client.socket.once('open', () => resolve()))
  return { ...client, say: (body) => void opened.then(() => client.socket.send(encodeLobby({ body }))) }
}

async function join(url: string, room: string, more: Partial<Extract<LobbyBody, { type: 'Join' }>> = {}) {
  const client = openBinary(url)
  client.say({ type: 'Join', room, capacity: 0, ...more })
  const self = (await client.next()) as Extract<LobbyBody, { type: 'SelfConnected' }>
  expect(self.type).toBe('SelfConnected')
  for (let index = 0; index + 1 < self.members.length; index++) expect((await client.next()).type).toBe('Connected')
  return { ...client, id: self.id, members: self.members }
}

describe('the document: plain pages', () => {
  test('LB1 LB2: a page that only connects is told its id, then who is there; the others are told of it', async () => {
    const { url } = await startLobby()
    const a = openPlain(url)
    const selfA = await a.next()
    expect(selfA).toMatchObject({ kind: 'self-connected', room: 'lobby' })
    const b = openPlain(`${url}/`)
    const selfB = await b.next()
    expect(await b.next()).toEqual({ kind: 'connected', id: selfA.id })
    expect(await a.next()).toEqual({ kind: 'connected', id: selfB.id })
    expect(selfB.members).toEqual([selfA.id, selfB.id])
    b.socket.close()
    expect(await a.next()).toEqual({ kind: 'disconnected', id: selfB.id, left: false })
  })

  test("LB4: the document's offer and answer, letter by letter", async () => {
    const { url } = await startLobby()
    const a = openPlain(`${url}/?room=plaza`)
    const idA = (await a.next()).id as string
    const b = openPlain(`${url}/?room=plaza`)
    const idB = (await b.next()).id as string
    await b.next()
    await a.next()
    const offer = { type: 'offer', sdp: 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n' }
    a.socket.send(JSON.stringify({ toId: idB, fromId: idA, offer }))
    expect(await b.next()).toMatchObject({ toId: idB, fromId: idA, offer })
    const answer = { type: 'answer', sdp: 'v=0\r\no=- 3 4 IN IP4 127.0.0.1\r\n' }
    // A lie about the sender changes nothing: the lobby says who it was.
    b.socket.send(JSON.stringify({ toId: idA, fromId: 'somebody-else', answer }))
    expect(await a.next()).toMatchObject({ toId: idA, fromId: idB, answer })
  })

  test('LB3: a page in text and a client in bytes meet in one room', async () => {
    const { url } = await startLobby()
    const page = openPlain(`${url}/?room=mixed`)
    const pageId = (await page.next()).id as string
    const client = await join(url, 'mixed')
    expect(client.members).toEqual([pageId, client.id])
    expect(await page.next()).toEqual({ kind: 'connected', id: client.id })
    client.say({ type: 'ConnectRequest', toId: pageId })
    expect(await page.next()).toMatchObject({ kind: 'connect-request', fromId: client.id })
    page.socket.send(JSON.stringify({ toId: client.id, offer: { type: 'offer', sdp: 'v=0\r\n' } }))
    expect(await client.next()).toMatchObject({ type: 'Offer', fromId: pageId, toId: client.id, sdp: 'v=0\r\n' })
  })
})

/** The status line's number when the upgrade is refused, 101 when it is not. */
function upgradeStatus(url: string, options: object = {}): Promise<number> {
  const socket = new WebSocket(url, [], options)
  ending.push(() => socket.terminate())
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', reject)
  })
}

/** A TCP connection that says anything, to be ended by the far side. */
function openRaw(port: number, text: string): { socket: Socket; ended: Promise<string> } {
  const socket = connect(port, '127.0.0.1')
  ending.push(() => socket.destroy())
  const ended = new Promise<string>((resolve) => {
    let heard = ''
    socket.on('data', (data) => (heard += data.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard))
  })
  socket.write(text)
  return { socket, ended }
}

/** A client frame, masked with zeros: `ws` would not send what is sent here. */
function frame(opcode: number, payload: Uint8Array, isLast = true): Buffer {
  const size = payload.length
  const head =
    size < 126
      ? [size | 0x80]
      : size < 65_536
        ? [126 | 0x80, size >> 8, size & 255]
        : [127 | 0x80, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 255, size & 255]
  return Buffer.concat([Buffer.from([opcode | (isLast ? 0x80 : 0), ...head, 0, 0, 0, 0]), payload])
}

const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

describe('the door', () => {
  test('LB24: a page of a foreign origin gets no socket, and the operator is told which', async () => {
    const lines: string[] = []
    const lobby = await startLobby({ log: (line) => lines.push(line) })
    expect(await upgradeStatus(lobby.url, { origin: 'https://evil.example' })).toBe(403)
    expect(await upgradeStatus(lobby.url, { origin: 'null' })).toBe(403)
    expect(lines[0]).toContain('https://evil.example')
    expect(lobby.stats()).toMatchObject({ originsRefused: 2, sockets: 0 })
    expect(await upgradeStatus(lobby.url, { origin: 'http://localhost:5173' })).toBe(101)
    const listed = await startLobby({ allowedOrigins: ['https://game.example'] })
    expect(await upgradeStatus(listed.url, { origin: 'https://game.example' })).toBe(101)
    expect(await upgradeStatus(listed.url, { origin: 'http://localhost:5173' })).toBe(403)
  })

  test('LB14: a message a little over 16 KiB is refused with words, one far over is cut; both are counted', async () => {
    const lobby = await startLobby()
    const witness = await join(lobby.url, 'plaza')
    const long = openPlain(`${lobby.url}/?room=plaza`)
    await long.next()
    await long.next()
    long.socket.send('x'.repeat(20_000))
    expect(await long.next()).toMatchObject({ kind: 'error', code: 'lobby/limit' })
    expect(await long.closed).toEqual({ code: 4008, reason: 'lobby/limit' })
    const huge = openBinary(lobby.url)
    await new Promise((resolve) => huge.socket.once('open', resolve))
    huge.socket.send(new Uint8Array(1_000_000))
    expect((await huge.closed).code).toBe(1009)
    expect(lobby.stats().errors['lobby/limit']).toBe(2)
    expect(witness.socket.readyState).toBe(WebSocket.OPEN)
  })

  test('LB14: more than 32 frames to one message, compressed frames and broken frames end only that socket', async () => {
    const lobby = await startLobby()
    const witness = await join(lobby.url, 'plaza')
    const attacks = [
      Buffer.concat([
        frame(1, Buffer.from('{'), false),
        ...Array.from({ length: 40 }, () => frame(0, Buffer.from(' '), false)),
      ]),
      frame(1 | 0x40, Buffer.from('{}')), // RSV1: compressed, though never agreed
      frame(1, Buffer.from([0xc3, 0x28])), // not UTF-8
      frame(3, Buffer.from('x')), // no such opcode
      frame(9, new Uint8Array(126)), // a ping longer than a ping may be
      Buffer.from([0x81, 0x02, 0x7b, 0x7d]), // not masked
    ]
    for (const attack of attacks) {
      const { socket, ended } = openRaw(lobby.port, HANDSHAKE)
      await new Promise((resolve) => socket.once('data', resolve))
      socket.write(attack)
      expect(await ended).toContain('101 Switching Protocols')
    }
    expect(lobby.stats().errors['lobby/limit']).toBe(attacks.length)
    expect(witness.socket.readyState).toBe(WebSocket.OPEN)
    await vi.waitFor(() => expect(lobby.stats().sockets).toBe(1), PATIENCE)
  })

  test('LB11: a socket that says nothing is closed, and so is a request that never ends', async () => {
    const lobby = await startLobby({ limits: { helloTimeoutMs: 500 } })
    const silent = openBinary(lobby.url)
    expect(await silent.next()).toMatchObject({ type: 'LobbyError', code: 'lobby/timeout' })
    expect(await silent.closed).toEqual({ code: 4005, reason: 'lobby/timeout' })
    const loris = openRaw(lobby.port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    expect(await loris.ended).toContain('408')
  })

  test('LB18: too many sockets of one address are told so, and far too many are not even answered', async () => {
    const lobby = await startLobby({ limits: { socketsPerAddress: 2 } })
    const first = openPlain(lobby.url)
    await first.next()
    const second = openPlain(lobby.url)
    await second.next()
    // Two more that do not answer the close frame, so that they still count.
    const raw = [openRaw(lobby.port, HANDSHAKE), openRaw(lobby.port, HANDSHAKE)]
    await vi.waitFor(() => expect(lobby.stats().errors['lobby/limit']).toBe(2), PATIENCE)
    expect(await upgradeStatus(lobby.url)).toBe(429)
    expect(lobby.stats().addressesRefused).toBe(1)
    for (const { socket } of raw) socket.destroy()
    first.socket.close()
    await vi.waitFor(() => expect(lobby.stats().sockets).toBe(1), PATIENCE)
    expect(await openPlain(lobby.url).next()).toMatchObject({ kind: 'self-connected' })
  })

  test('LB18: behind a proxy the address is where clientAddress finds it', async () => {
    const lobby = await startLobby({
      limits: { socketsPerAddress: 1 },
      clientAddress: (request) => String(request.headers['x-forwarded-for']),
    })
    const from = (address: string) => openPlain(lobby.url, { headers: { 'x-forwarded-for': address } })
    expect(await from('203.0.113.1').next()).toMatchObject({ kind: 'self-connected' })
    expect(await from('203.0.113.2').next()).toMatchObject({ kind: 'self-connected' })
    expect(await from('203.0.113.1').next()).toMatchObject({ kind: 'error', code: 'lobby/limit' })
  })

  test('LB9: a second tab with the same identity replaces the first', async () => {
    const { url } = await startLobby()
    const identity = 'the-same-player-in-two-tabs'
    const friend = await join(url, 'plaza')
    const first = await join(url, 'plaza', { identity })
    expect(await friend.next()).toEqual({ type: 'Connected', id: first.id })
    const second = await join(url, 'plaza', { identity })
    expect(await first.next()).toMatchObject({ type: 'LobbyError', code: 'lobby/replaced' })
    expect(await first.closed).toEqual({ code: 4003, reason: 'lobby/replaced' })
    expect(await friend.next()).toEqual({ type: 'Disconnected', id: first.id, left: false })
    expect(await friend.next()).toEqual({ type: 'Connected', id: second.id })
  })

  test('LB7 LB8: a wrong room name and a full room are told apart, to the newcomer alone', async () => {
    const { url } = await startLobby()
    const a = await join(url, 'plaza', { capacity: 1 })
    const late = openPlain(`${url}/?room=plaza`)
    expect(await late.next()).toMatchObject({ kind: 'error', code: 'lobby/room-full' })
    expect(await late.closed).toEqual({ code: 4002, reason: 'lobby/room-full' })
    const lost = openPlain(`${url}/?room=the%20plaza`)
    expect(await lost.next()).toMatchObject({ kind: 'error', code: 'lobby/room-name' })
    expect(await lost.closed).toEqual({ code: 4001, reason: 'lobby/room-name' })
    expect(a.heard).toEqual([])
  })

  test('LB20: a reader too slow for its messages loses what others send it, not its place', async () => {
    const lobby = await startLobby({
      limits: { relayBufferBytes: 20_000, descriptionBurst: 10_000, messageBurst: 10_000, byteBurst: 1e9 },
    })
    const slow = await join(lobby.url, 'plaza')
    const sender = await join(lobby.url, 'plaza')
    slow.socket.pause()
    const offer: LobbyBody = { type: 'Offer', toId: slow.id, attempt: 0, sdp: 'x'.repeat(15_000) }
    await vi.waitFor(() => {
      for (let turn = 0; turn < 100; turn++) sender.say(offer)
      expect(lobby.stats().relaysDropped).toBeGreaterThan(0)
    }, PATIENCE)
    expect(lobby.stats()).toMatchObject({ sockets: 2, members: 2 })
    slow.socket.resume()
    sender.say({ type: 'ConnectRequest', toId: slow.id })
    await vi.waitFor(() => expect(slow.heard.some((body) => body.type === 'Offer')).toBe(true), PATIENCE)
    expect(slow.socket.readyState).toBe(WebSocket.OPEN)
  })

  test('LB20: a reader that lets a whole megabyte pile up is closed', async () => {
    const lobby = await startLobby({
      limits: {
        bufferBytes: 40_000,
        relayBufferBytes: 1e9,
        descriptionBurst: 10_000,
        messageBurst: 10_000,
        byteBurst: 1e9,
      },
    })
    const slow = await join(lobby.url, 'plaza')
    const sender = await join(lobby.url, 'plaza')
    slow.socket.pause()
    await vi.waitFor(() => {
      for (let turn = 0; turn < 100; turn++)
        sender.say({ type: 'Offer', toId: slow.id, attempt: 0, sdp: 'x'.repeat(15_000) })
      expect(lobby.stats().members).toBe(1)
    }, PATIENCE)
    expect(sender.socket.readyState).toBe(WebSocket.OPEN)
  })

  test('LB19: a socket that answers no ping is given up, and the others are told', async () => {
    const lobby = await startLobby({ limits: { pingIntervalMs: 300 } })
    const alive = await join(lobby.url, 'plaza')
    const dead = openRaw(lobby.port, HANDSHAKE.replace('GET /', 'GET /?room=plaza'))
    expect((await alive.next()).type).toBe('Connected')
    expect((await alive.next()).type).toBe('Disconnected')
    await dead.ended
    expect(lobby.stats()).toMatchObject({ dead: 1, members: 1 })
  })

  test('LB21: when the lobby closes, every socket is told lobby/closed; what the peers have between them is theirs', async () => {
    const lobby = await startLobby()
    const member = await join(lobby.url, 'plaza')
    const page = openPlain(lobby.url)
    await page.next()
    const { port } = lobby
    await Promise.all([lobby.close(), lobby.close()])
    expect(await member.next()).toMatchObject({ type: 'LobbyError', code: 'lobby/closed' })
    expect(await member.closed).toEqual({ code: 1001, reason: 'lobby/closed' })
    expect(await page.closed).toEqual({ code: 1001, reason: 'lobby/closed' })
    await lobby.close()
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed')
  })
})

describe('http', () => {
  test('LB25: GET /healthz answers ok, other requests are told what this is', async () => {
    const { port } = await startLobby()
    const health = await fetch(`http://127.0.0.1:${port}/healthz`)
    expect([health.status, await health.text()]).toEqual([200, 'ok\n'])
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(426)
    expect((await fetch(`http://127.0.0.1:${port}/healthz`, { method: 'POST' })).status).toBe(426)
  })

  test('LB25: with a path, only that path is answered', async () => {
    const lobby = await startLobby({ path: '/rooms' })
    expect(lobby.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/rooms$/)
    expect(await upgradeStatus(lobby.url)).toBe(101)
    expect(await upgradeStatus(lobby.url.replace('/rooms', '/else'))).toBe(404)
    expect((await openRaw(lobby.port, HANDSHAKE.replace('GET /', 'GET //[:::')).ended).slice(0, 12)).toBe(
      'HTTP/1.1 404',
    )
  })

  test("LB26: on a shared server only /baton-lobby is the lobby's, and closing it leaves the server open", async () => {
    const server: Server = createServer((_request, response) => response.end('the app'))
    const elsewhere: string[] = []
    server.on('upgrade', (request, socket) => {
      if (request.url?.startsWith('/baton-lobby')) return
      elsewhere.push(request.url ?? '')
      socket.end('HTTP/1.1 418 Elsewhere\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ending.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
    const lobby = await startLobby({ server })
    const { port } = server.address() as AddressInfo
    expect(lobby.url).toBe(`ws://127.0.0.1:${port}/baton-lobby`)
    const page = openPlain(`${lobby.url}?room=plaza`)
    expect(await page.next()).toMatchObject({ kind: 'self-connected', room: 'plaza' })
    expect(await upgradeStatus(`ws://127.0.0.1:${port}/hmr`)).toBe(418)
    expect(elsewhere).toEqual(['/hmr'])
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('the app')
    await lobby.close()
    expect(await page.closed).toEqual({ code: 1001, reason: 'lobby/closed' })
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the app')
    await expect(createLobby({ server, port: 1 })).rejects.toThrow(/server together with port/)
  })

  test("a port that is taken rejects with the system's own code", async () => {
    const { port } = await startLobby()
    await expect(createLobby({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('who went, and the witness', () => {
  test('LB28: close codes 1000 and 1001 mean gone for good; no code, no close frame, or another code do not', async () => {
    const { url } = await startLobby()
    const staying = await join(url, 'attic')
    for (const [left, end] of [
      [true, (socket: WebSocket) => socket.close(1000)],
      [true, (socket: WebSocket) => socket.close(1001)],
      [false, (socket: WebSocket) => socket.close()],
      [false, (socket: WebSocket) => socket.close(4_000)],
      [false, (socket: WebSocket) => socket.terminate()],
    ] as const) {
      const going = await join(url, 'attic')
      expect(await staying.next()).toEqual({ type: 'Connected', id: going.id })
      end(going.socket)
      expect(await staying.next()).toEqual({ type: 'Disconnected', id: going.id, left })
    }
  })

  test('LB29 LB30: a vote that has to wait comes by itself, to everybody in the room', async () => {
    const lobby = await startLobby()
    const { url } = lobby
    const [host, guest] = [await join(url, 'attic'), await join(url, 'attic')]
    await host.next()
    const say = (client: { say(body: LobbyBody): void }, body: ControlBody, term = 0): void =>
      client.say({ type: 'Witness', data: encodeControl({ term, index: 0, body }) })
    const hear = async (client: { next(): Promise<LobbyBody> }): Promise<ControlBody> => {
      const body = await client.next()
      const decoded = decodeControl((body as Extract<LobbyBody, { type: 'Witness' }>).data)
      if (!decoded.ok) throw new Error(decoded.reason)
      return decoded.value.body
    }
    // The lobby is new, so its witness abstains at first, and the host goes on beating.
    const beat: ControlBody = { type: 'WitnessBeat', sequence: 1, entryTerm: 1, index: 5, leaseMs: 400 }
    const beats = setInterval(() => say(host, beat, 1), 50)
    expect(await hear(host)).toEqual({ type: 'WitnessAck', sequence: 1, entryTerm: 1, index: 5 })
    clearInterval(beats)
    // Asked once, within the time that a request is kept; nothing else happens in this lobby but its alarm.
    say(guest, { type: 'VoteRequest', term: 2, candidate: 2, lastTerm: 1, length: 5, commit: 5, leaseMs: 400 })
    const vote = { type: 'Vote', term: 2, candidate: 2, lastTerm: 1, length: 5, commit: 0, tick: 0 }
    expect(await hear(guest)).toEqual(vote)
    let heard = await hear(host)
    while (heard.type === 'WitnessAck') heard = await hear(host)
    expect(heard).toEqual(vote)
    expect(lobby.stats().witnessed).toBeGreaterThan(2)
  })
})
