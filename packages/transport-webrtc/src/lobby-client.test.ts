import { createServer } from 'node:net'
import { NetworkError } from '@baton/core'
import { encodeLobby, encodeLobbyText, type LobbyBody } from '@baton/schemas/lobby'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer, WebSocket, type WebSocket as Socket } from 'ws'
import { joinLobby, type LobbyClient, type WebSocketLike } from './lobby-client.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

const WELCOME: LobbyBody = { type: 'SelfConnected', id: 'me', room: 'r', members: ['other', 'me'], iceServers: [] }

/** A server that does as it is told with each socket. */
async function serve(greet: (socket: Socket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  ends.push(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  server.on('connection', greet)
  await new Promise((resolve) => server.once('listening', resolve))
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`
}

async function join(url: string, timeoutMs?: number): Promise<LobbyClient> {
  const client = await joinLobby({
    url,
    ...(timeoutMs !== undefined && { timeoutMs }),
    room: 'r',
    displayName: undefined,
    identity: undefined,
    capacity: undefined,
    signal: undefined,
    webSocket: (address, protocol) => new WebSocket(address, protocol) as unknown as WebSocketLike,
  })
  ends.push(() => client.leave())
  return client
}

const codeOf = (error: unknown): string => (error instanceof NetworkError ? error.code : String(error))
const waitFor = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe('LobbyClient', () => {
  it('WT12: hands over what came before it was listened to, and then the end, once', async () => {
    const url = await serve((socket) => {
      socket.once('message', () => {
        for (const body of [
          WELCOME,
          { type: 'Connected', id: 'a' },
          { type: 'Disconnected', id: 'a', left: false },
        ] as LobbyBody[])
          socket.send(encodeLobby({ body }))
        socket.close()
      })
    })
    const client = await join(url)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const log: string[] = []
    client.attach({ message: (body) => log.push(body.type), closed: (error) => log.push(error.code) })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(log).toEqual(['Connected', 'Disconnected', 'lobby/closed'])
    expect([client.id, client.members]).toEqual(['me', ['other', 'me']])
    expect(client.send({ type: 'Leave' })).toBe(false)
  })

  it('WT12: frames that are none are counted and change nothing; a message too long is not sent', async () => {
    let server: Socket | undefined
    const url = await serve((socket) => {
      server = socket
      socket.once('message', () => {
        socket.send(encodeLobby({ body: WELCOME }))
        for (const garbage of ['', 'text', '{"type":"Connected"}', Buffer.alloc(0), Buffer.alloc(16, 255)])
          socket.send(garbage)
        socket.send(encodeLobbyText({ body: { type: 'Connected', id: 'text is fine too' } }))
      })
    })
    const client = await join(url)
    const log: LobbyBody[] = []
    client.attach({ message: (body) => log.push(body), closed: () => expect.unreachable() })
    await waitFor(() => log.length > 0)
    expect(log).toEqual([{ type: 'Connected', id: 'text is fine too' }])
    expect(client.malformedCount).toBe(5)
    expect(client.send({ type: 'Offer', toId: 'a', attempt: 1, sdp: 'x'.repeat(20_000) })).toBe(false)
    expect(client.send({ type: 'ConnectRequest', toId: 'a' })).toBe(true)
    client.leave()
    client.leave()
    await waitFor(() => server!.readyState === WebSocket.CLOSED)
  })

  it('WT19: a lobby that never answers, and a port that never opens a socket', async () => {
    const mute = await serve(() => {})
    expect(codeOf(await join(mute, 100).catch((error: unknown) => error))).toBe('lobby/timeout')
    const deaf = createServer(() => {}).listen(0, '127.0.0.1')
    ends.push(() => deaf.close())
    await new Promise((resolve) => deaf.once('listening', resolve))
    const url = `ws://127.0.0.1:${(deaf.address() as { port: number }).port}`
    expect(codeOf(await join(url, 100).catch((error: unknown) => error))).toBe('lobby/unreachable')
  })

  it.each([
    ['lobby/room-full', 'lobby/room-full'],
    ['lobby/replaced', 'lobby/replaced'],
    ['peer/slow', 'lobby/closed'],
    ['something of the future', 'lobby/closed'],
  ])('WT12: a refusal %s, before or after the join, is reported as %s', async (code, reported) => {
    const refusal = encodeLobby({ body: { type: 'LobbyError', code, message: 'because' } })
    const before = await serve((socket) => socket.send(refusal))
    expect(codeOf(await join(before).catch((error: unknown) => error))).toBe(reported)
    const after = await serve((socket) => {
      socket.once('message', () => {
        socket.send(encodeLobby({ body: WELCOME }))
        socket.send(refusal)
        socket.close()
      })
    })
    const client = await join(after)
    const error = await new Promise<NetworkError>((closed) => client.attach({ message: () => {}, closed }))
    expect(error.code).toBe(reported)
    expect(error.message).toContain('because')
  })
})
