import { createServer } from 'node:net'
import { InvariantError, NetworkError, type Network } from '@baton/core'
import { createLobby, type LobbyServer } from '@baton/server'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { joinRoom as joinAnywhere } from './index.ts'
import { connectTransport, joinRoom, type InNode, type JoinOptions, type JoinStage } from './node/index.ts'
import { observe, until } from './testing/observer.ts'
import { startChild, type ChildPeer } from './testing/start-child.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function openLobby(options: Parameters<typeof createLobby>[0] = {}): Promise<LobbyServer> {
  const lobby = await createLobby({ limits: { socketsPerAddress: 100 }, ...options })
  ends.push(() => lobby.close())
  return lobby
}

interface Player {
  readonly network: Network
  readonly errors: NetworkError[]
  readonly texts: unknown[]
  readonly log: string[]
}

/** Joins, and runs the frames of a game. */
async function play(lobby: LobbyServer | string, options: Partial<InNode<JoinOptions>> = {}): Promise<Player> {
  const url = typeof lobby === 'string' ? lobby : lobby.url
  const network = await joinRoom({ lobby: url, room: 'test', iceServers: [], ...options })
  const player: Player = { network, errors: [], texts: [], log: [] }
  network.on('error', (error) => player.errors.push(error))
  network.on('message', ({ data }) => player.texts.push(data))
  network.on('peerexited', () => player.log.push('peerexited'))
  network.on('closed', () => player.log.push('closed'))
  const timer = setInterval(() => {
    const nowMs = performance.now()
    network.receive(nowMs)
    network.flush(nowMs)
  }, 10)
  ends.push(() => {
    clearInterval(timer)
    network.close()
  })
  return player
}

async function waitFor(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** All of them know that all of them vote, and that it is committed: before that, those from before decide. */
function allVote(...networks: Network[]): boolean {
  return networks.every((network) => {
    const log = network.lower.inspect()
    return log?.voters.length === networks.length && log.commitIndex === log.length
  })
}

async function refused(options: Partial<InNode<JoinOptions>> & { lobby: string }): Promise<NetworkError> {
  const error: unknown = await joinRoom({ room: 'test', iceServers: [], ...options }).then(
    (network) => {
      network.close()
      return new Error('joined')
    },
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(NetworkError)
  return error as NetworkError
}

describe('joinRoom', () => {
  it('WT19: who may host, how soon a host is replaced and what a lost quorum means reach the network', async () => {
    const lobby = await openLobby()
    for (const [options, complaint] of [
      [{ leaseMs: 99 }, 'leaseMs is 99'],
      [{ leaseMs: 10_001 }, 'leaseMs is 10001'],
    ] as const) {
      await expect(joinRoom({ lobby: lobby.url, room: 'test', iceServers: [], ...options })).rejects.toThrow(complaint)
    }
    const host = await play(lobby, { leaseMs: 300, quorumLoss: 'wait' })
    const shy = await play(lobby, { canHost: false })
    const willing = await play(lobby)
    await waitFor('all have a vote', () => allVote(host.network, shy.network, willing.network))
    // The shy one came first, and yet is not whom the baton goes to.
    host.network.close()
    await waitFor('the willing one hosts', () => willing.network.isHost)
    expect(shy.network.isHost).toBe(false)
  })

  it('WT23: of two players the one that is left goes on, with the vote of the lobby', async () => {
    const lobby = await openLobby()
    const host = await joinRoom({ lobby: lobby.url, room: 'test', iceServers: [] })
    const frames = setInterval(() => {
      const nowMs = performance.now()
      host.receive(nowMs)
      host.flush(nowMs)
    }, 10)
    ends.push(() => {
      clearInterval(frames)
      host.close()
    })
    const guest = await play(lobby)
    const reasons: string[] = []
    guest.network.on('hostchanged', (_, { reason }) => reasons.push(reason))
    await waitFor('both have a vote', () => allVote(host, guest.network))
    // It hangs: its links and its socket stay up, and nothing comes over them.
    clearInterval(frames)
    await waitFor('the other hosts', () => reasons.length > 0 && guest.network.state === 'stable')
    expect(reasons).toEqual(['lost'])
    expect(guest.network.lower.inspect()).toMatchObject({ generation: 0, isActing: true })
    const { witnessed, forked } = lobby.stats()
    expect([witnessed > 0, forked]).toEqual([true, 0])
  })

  it('WT19: tells its stages in order; the first hosts, the second is let in, and they talk', async () => {
    const lobby = await openLobby()
    const stages: JoinStage[][] = [[], []]
    const a = await play(lobby, { onProgress: (stage) => stages[0]!.push(stage), displayName: 'Ada' })
    const b = await play(lobby, { onProgress: (stage) => stages[1]!.push(stage), wrtc: 'roamhq' })
    expect(stages[0]).toEqual(['connecting-to-lobby', 'joining', 'entering'])
    expect(stages[1]).toEqual(['connecting-to-lobby', 'joining', 'connecting-to-peers', 'entering'])
    expect([a.network.isHost, b.network.isHost]).toEqual([true, false])
    expect([a.network.state, b.network.state]).toEqual(['stable', 'stable'])
    expect(b.network.host!.displayName).toBe('Ada')
    await waitFor('a knows b', () => a.network.peers.length === 1)
    a.network.broadcast('hello')
    b.network.broadcast('hello back', false)
    await waitFor('both heard', () => a.texts.length === 1 && b.texts.length === 1)
    expect([a.texts, b.texts]).toEqual([['hello back'], ['hello']])
  })

  it('WT19: no lobby, a wrong room name, a full room: each its own error, and nobody else is hurt', async () => {
    const lobby = await openLobby()
    const a = await play(lobby, { capacity: 2 })
    const b = await play(lobby)
    expect((await refused({ lobby: lobby.url })).code).toBe('lobby/room-full')
    expect((await refused({ lobby: lobby.url, room: 'no room!' })).code).toBe('lobby/room-name')
    expect((await refused({ lobby: lobby.url, room: 'x'.repeat(100_000) })).code).toBe('lobby/room-name')
    expect((await refused({ lobby: lobby.url, room: '' })).code).toBe('lobby/room-name')
    expect((await refused({ lobby: await closedPort() })).code).toBe('lobby/unreachable')
    expect([...a.errors, ...b.errors]).toEqual([])
    a.network.broadcast('unhurt')
    await waitFor('b heard', () => b.texts.length === 1)
  })

  it('WT19: a server that is no lobby, and one that hangs up', async () => {
    const garbage = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    ends.push(() => garbage.close())
    garbage.on('connection', (socket) => socket.send(Buffer.from([1, 2, 3])))
    await new Promise((resolve) => garbage.once('listening', resolve))
    const url = (server: WebSocketServer): string => `ws://127.0.0.1:${(server.address() as { port: number }).port}`
    expect((await refused({ lobby: url(garbage) })).code).toBe('lobby/bad-message')
    const rude = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    ends.push(() => rude.close())
    rude.on('connection', (socket) => socket.close())
    await new Promise((resolve) => rude.once('listening', resolve))
    expect((await refused({ lobby: url(rude) })).code).toBe('lobby/unreachable')
  })

  it('WT19: an aborted join leaves nothing behind', async () => {
    const lobby = await openLobby()
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    ends.push(() => silent.close())
    await new Promise((resolve) => silent.once('listening', resolve))
    const silentUrl = `ws://127.0.0.1:${(silent.address() as { port: number }).port}`
    const reason = new Error('the player changed his mind')

    await expect(joinRoom({ lobby: silentUrl, room: 'test', signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const later = new AbortController()
    const waiting = joinRoom({ lobby: silentUrl, room: 'test', signal: later.signal })
    setTimeout(() => later.abort(reason), 50)
    await expect(waiting).rejects.toBe(reason)

    // A host that is in the lobby's room but never plays: the join is stuck with it until it is aborted.
    const idle = await connectTransport({ lobby: lobby.url, room: 'test', iceServers: [] })
    ends.push(() => idle.close())
    const stuck = new AbortController()
    const joining = joinRoom({
      lobby: lobby.url,
      room: 'test',
      iceServers: [],
      signal: stuck.signal,
      onProgress: (stage) => stage === 'entering' && stuck.abort(reason),
    })
    await expect(joining).rejects.toBe(reason)
    await waitFor('the lobby has one member', () => lobby.stats().members === 1)
  })

  it('WT19: a host that never lets anybody in ends in a join time-out', async () => {
    const lobby = await openLobby()
    const idle = observe(await connectTransport({ lobby: lobby.url, room: 'test', iceServers: [] }))
    ends.push(() => idle.transport.close())
    const timer = setInterval(() => idle.transport.poll(performance.now(), () => {}), 10)
    ends.push(() => clearInterval(timer))
    expect((await refused({ lobby: lobby.url, joinTimeoutMs: 1_500 })).code).toBe('network/join-timeout')
    await waitFor('the lobby has one member', () => lobby.stats().members === 1)
  })

  it("WT19: the caller's mistakes throw, and leave nothing behind", async () => {
    const lobby = await openLobby()
    for (const bad of [{ lobby: 'not an address' }, { lobby: 'ftp://x' }, { lobby: lobby.url, capacity: 0 }]) {
      await expect(joinRoom({ room: 'test', ...bad })).rejects.toBeInstanceOf(InvariantError)
    }
    await expect(joinRoom({ room: 'test', lobby: lobby.url, tickRateHz: 0 })).rejects.toBeInstanceOf(InvariantError)
    await expect(joinRoom({ room: 'test' })).rejects.toThrow(/no lobby given/)
    await waitFor('the lobby is empty', () => lobby.stats().members === 0)
  })

  it('WT18: without WebRTC joining says what to do', async () => {
    const error: unknown = await joinAnywhere({ lobby: 'ws://127.0.0.1:9', room: 'test' }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(NetworkError)
    expect((error as NetworkError).code).toBe('peer/unsupported')
    expect((error as NetworkError).message).toContain('@baton/transport-webrtc/node')
  })

  it('WT12: the lobby dies and comes back on its port: the game goes on, and new players meet anew', async () => {
    const lobby = await openLobby()
    const a = await play(lobby)
    const b = await play(lobby)
    const { port } = lobby
    await lobby.close()
    await waitFor('both heard', () => a.errors.length === 1 && b.errors.length === 1)
    const again = await openLobby({ port })
    a.network.broadcast('still here')
    await waitFor('b heard', () => b.texts.length === 1)
    expect([...a.errors, ...b.errors].map((error) => error.code)).toEqual(['lobby/closed', 'lobby/closed'])
    expect(again.stats().members).toBe(0)
    expect([a.network.peers.length, b.network.peers.length]).toEqual([1, 1])
    const c = await play(again)
    expect(c.network.isHost).toBe(true)
  })

  it('WT13: a second join as the same player ends the first with lobby/replaced, and no other', async () => {
    const lobby = await openLobby()
    const identity = 'the-same-player-0123456789'
    const host = await play(lobby)
    const first = await play(lobby, { identity })
    await waitFor('the host knows the first', () => host.network.peers.length === 1)
    const second = await play(lobby, { identity })
    await waitFor('the first has closed', () => first.network.state === 'closed')
    expect(first.errors.map((error) => error.code)).toEqual(['lobby/replaced'])
    await waitFor('the host has only the second', () => host.network.peers[0]?.id === second.network.local.id)
    expect(host.errors).toEqual([])
    expect([host.network.state, second.network.state]).toEqual(['stable', 'stable'])
    expect(host.network.peers).toHaveLength(1)
  })
})

describe('peers in processes of their own', () => {
  function start(lobby: LobbyServer, wrtc: 'node-datachannel' | 'roamhq', plan: 'stay' | 'leave'): ChildPeer {
    const child = startChild(lobby.url, wrtc, plan)
    ends.push(async () => {
      child.kill()
      await child.exited
    })
    return child
  }

  it.each(['node-datachannel', 'roamhq'] as const)(
    'WT8: %s leaves, is gone at once, and its process ends by itself',
    async (wrtc) => {
      const lobby = await openLobby()
      const a = await play(lobby, { wrtc, peerTimeoutMs: 60_000 })
      const child = start(lobby, wrtc, 'leave')
      await waitFor('it has exited', () => a.log.includes('peerexited'))
      expect([await child.exited, child.errors()]).toEqual([0, ''])
      expect(a.errors).toEqual([])
    },
  )

  it.each(['node-datachannel', 'roamhq'] as const)('WT9: %s is killed, and core hears the silence', async (wrtc) => {
    const lobby = await openLobby()
    const a = await play(lobby, { wrtc, peerTimeoutMs: 1_500 })
    const b = await play(lobby, { wrtc, peerTimeoutMs: 1_500 })
    const child = start(lobby, wrtc, 'stay')
    await waitFor('all three are in', () => [a, b].every(({ network }) => network.peers.length === 2))
    child.kill()
    await waitFor('both have noticed', () => [a, b].every(({ log }) => log.includes('peerexited')))
    a.network.broadcast('on we go')
    await waitFor('b heard', () => b.texts.length === 1)
  })

  it('WT9: what is killed is lost to the transport as well, when ICE gives up', async () => {
    const lobby = await openLobby()
    const a = observe(await connectTransport({ lobby: lobby.url, room: 'test', wrtc: 'roamhq', iceServers: [] }))
    ends.push(() => a.transport.close())
    const child = start(lobby, 'roamhq', 'stay')
    await until([a], 'linked', () => a.all('connected').length === 1)
    child.kill()
    await until([a], 'it is lost', () => a.all('disconnected').length === 1, 50_000)
    expect(a.all('disconnected').map((event) => event.reason)).toEqual(['lost'])
    expect(a.all('failed').map(({ error }) => error.code)).toEqual(['peer/ice-failed'])
  })
})

async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return `ws://127.0.0.1:${port}`
}
