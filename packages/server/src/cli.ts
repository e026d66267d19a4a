#!/usr/bin/env node
/**
 * The command `baton-lobby`: one lobby on one port until it is told to stop.
 *
 * Place in the house: reads arguments and signals, and leaves the rest to `lobby-server.ts`.
 * Invariant: standard output gets exactly one line, the URL; everything else goes to standard error.
 */
import type { IncomingMessage } from 'node:http'
import { cac } from 'cac'
import { createLobby } from './lobby-server.ts'
import type { CreateLobbyOptions, LobbyServer } from './lobby-server.ts'

const DEFAULT_PORT = 7777

/** As cac hands them over: a number when it looks like one, an array when given more than once. */
type Flag = string | number | (string | number)[]
interface Flags {
  port: Flag
  host: Flag
  origin?: Flag
  ice?: Flag
  path?: Flag
  socketsPerAddress?: Flag
  trustProxy?: boolean
}

const cli = cac('baton-lobby')
cli
  .command('', 'Bring peers together: rooms and signaling over WebSocket')
  .option('--port <port>', 'Port to listen on; 0 takes a free one', { default: DEFAULT_PORT })
  .option('--host <host>', 'Address to listen on; 0.0.0.0 for everybody', { default: '127.0.0.1' })
  .option('--origin <origin>', 'Page origin that may connect, such as https://game.example; repeat for more, * for all')
  .option('--path <path>', 'Answer only this path')
  .option('--ice <url>', 'STUN server told to every peer, such as stun:stun.example:3478; repeat for more')
  .option('--sockets-per-address <count>', 'Open sockets one address may have (default 10)')
  .option('--trust-proxy', 'Take the client address from the last entry of X-Forwarded-For')
  .example('  baton-lobby --port 7777 --host 0.0.0.0 --origin https://game.example')
  .action(run)
cli.help()

try {
  cli.parse(process.argv, { run: false })
  await cli.runMatchedCommand()
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}

async function run(flags: Flags): Promise<void> {
  const options = readOptions(flags)
  let lobby: LobbyServer
  try {
    lobby = await createLobby(options)
  } catch (error) {
    return fail(explain(error, options))
  }
  process.stdout.write(`baton-lobby: ${lobby.url}\n`)
  const stop = (): void => {
    // A second signal ends the process the usual way.
    process.off('SIGINT', stop).off('SIGTERM', stop)
    void lobby.close()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
}

function readOptions(flags: Flags): CreateLobbyOptions {
  const port = Number(flags.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port is ${String(flags.port)}; give a whole number from 0 to 65535`)
  }
  const origins = listOf(flags.origin)
  const urls = listOf(flags.ice)
  const perAddress = flags.socketsPerAddress === undefined ? undefined : Number(flags.socketsPerAddress)
  return {
    port,
    host: String(flags.host),
    log: (line) => void process.stderr.write(`baton-lobby: ${line}\n`),
    ...(flags.path === undefined ? {} : { path: String(flags.path) }),
    ...(origins.length === 0 ? {} : { allowedOrigins: origins }),
    ...(urls.length === 0 ? {} : { iceServers: [{ urls }] }),
    ...(perAddress === undefined ? {} : { limits: { socketsPerAddress: perAddress } }),
    ...(flags.trustProxy === true ? { clientAddress: forwardedAddress } : {}),
  }
}

/** The last entry is the one our own proxy wrote; those before it are whatever the client sent. */
function forwardedAddress(request: IncomingMessage): string {
  const header = request.headers['x-forwarded-for']
  const last = (Array.isArray(header) ? header.at(-1) : header)?.split(',').at(-1)?.trim()
  return last || (request.socket.remoteAddress ?? '')
}

function listOf(value: Flag | undefined): string[] {
  if (value === undefined) return []
  return (Array.isArray(value) ? value : [value]).map(String)
}

function explain(error: unknown, options: CreateLobbyOptions): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const where = `${options.host}:${options.port}`
  if (code === 'EADDRINUSE')
    return `port ${options.port} is taken on ${options.host}; stop what listens there, or pass another --port`
  if (code === 'EACCES') return `no right to listen on ${where}; take a port above 1023`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${options.host} is no address of this machine; pass another --host`
  return error instanceof Error ? error.message : String(error)
}

function fail(message: string): void {
  process.stderr.write(`baton-lobby: ${message}\n`)
  process.exitCode = 1
}
