import { decodeLobby, encodeLobby } from '@baton/schemas/lobby'
import type { LobbyBody } from '@baton/schemas/lobby'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLobby } from './lobby-server.ts'
import type { CreateLobbyOptions, LobbyServer } from './lobby-server.ts'
import { LOBBY_SUBPROTOCOL } from './websocket-listener.ts'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function startLobby(options: CreateLobbyOptions = {}): Promise<LobbyServer> {
  const lobby = await createLobby({ ...options, limits: { socketsPerAddress: 100, ...options.limits } })
  ending.push(() => lobby.close())
  return lobby
}

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

type Text = Record<string, any>

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
  test('LB1: a page that only connects is told its id, then who is there; the others are told of it', async () => {
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
    expect(await a.next()).toEqual({ kind: 'disconnected', id: selfB.id })
  })

  test("LB2: the document's offer and answer, letter by letter", async () => {
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
