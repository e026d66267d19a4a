import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createLobby } from './lobby-server.ts'

// Generous, since a busy machine is no failure: nothing here waits for a time to pass.
vi.setConfig({ testTimeout: 30_000 })

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

interface Run {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

/** The command as its own process, from the sources. */
function start(...flags: string[]) {
  const cli = fileURLToPath(new URL('./cli.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), cli, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  ending.push(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  const line = new Promise<string>((resolve) => {
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
      if (stdout.includes('\n')) resolve(stdout)
    })
    child.on('close', () => resolve(stdout))
  })
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const ended = new Promise<Run>((resolve) => child.on('close', (code) => resolve({ stdout, stderr, code })))
  return { child, line, ended }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'LB27: prints its URL as one line, serves, and on %s closes gracefully and exits 0',
  async (signal) => {
    const { child, line, ended } = start(
      '--port',
      '0',
      '--ice',
      'stun:stun.example:3478',
      '--origin',
      'https://game.example',
    )
    const url = /^baton-lobby: (ws:\/\/127\.0\.0\.1:\d+)\n$/.exec(await line)?.[1]
    expect(url).toBeDefined()
    const socket = new WebSocket(`${url}/?room=plaza`, { origin: 'https://game.example' })
    ending.push(() => socket.terminate())
    const hello = await new Promise<string>((resolve) =>
      socket.once('message', (data: Buffer) => resolve(data.toString())),
    )
    expect(JSON.parse(hello)).toMatchObject({
      kind: 'self-connected',
      room: 'plaza',
      iceServers: [{ urls: ['stun:stun.example:3478'] }],
    })
    const closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve([code, reason.toString()])))
    child.kill(signal)
    expect(await closed).toEqual([1001, 'lobby/closed'])
    const run = await ended
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout.trim().split('\n')).toHaveLength(1)
  },
  30_000,
)

test('LB27: a port that is taken, a port that is none and an unknown flag each end in one clear line and exit 1', async () => {
  const lobby = await createLobby()
  ending.push(() => lobby.close())
  const [taken, wrong, unknown, origin] = await Promise.all([
    start('--port', String(lobby.port)).ended,
    start('--port', 'seven').ended,
    start('--prot', '1').ended,
    start('--port', '0', '--origin', 'game.example').ended,
  ])
  expect(taken).toMatchObject({ code: 1, stdout: '' })
  expect(taken.stderr).toBe(
    `baton-lobby: port ${lobby.port} is taken on 127.0.0.1; stop what listens there, or pass another --port\n`,
  )
  expect(wrong).toEqual({
    code: 1,
    stdout: '',
    stderr: 'baton-lobby: --port is seven; give a whole number from 0 to 65535\n',
  })
  expect(unknown.code).toBe(1)
  expect(unknown.stderr).toMatch(/^baton-lobby: .*--prot.*\n$/)
  expect(origin.code).toBe(1)
  expect(origin.stderr).toMatch(/is no origin/)
})

test('LB18: with --trust-proxy the address is what our own proxy wrote, the last entry, not what the client claims', async () => {
  const { line } = start('--port', '0', '--trust-proxy', '--sockets-per-address', '1')
  const url = (await line).replace('baton-lobby: ', '').trim()
  const hear = (forwarded: string): Promise<unknown> => {
    const socket = new WebSocket(url, { headers: { 'x-forwarded-for': forwarded } })
    ending.push(() => socket.terminate())
    return new Promise((resolve) => socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString()))))
  }
  expect(await hear('203.0.113.1')).toMatchObject({ kind: 'self-connected' })
  expect(await hear('198.51.100.7, 203.0.113.1')).toMatchObject({ kind: 'error', code: 'lobby/limit' })
  expect(await hear('203.0.113.1, 198.51.100.7')).toMatchObject({ kind: 'self-connected' })
})
