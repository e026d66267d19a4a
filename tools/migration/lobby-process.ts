/** A lobby as a process of its own, which a test may kill, and start again where it was. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))

export interface LobbyProcess {
  readonly url: string
  /** No goodbye. Resolves when the process is gone; what is gone already stays so. */
  kill(): Promise<void>
}

/** @param port 0 takes a free one. @param host to listen on. @param prefix a command to start it with, such as `ip netns exec` */
export async function startLobby(port = 0, host = '127.0.0.1', prefix: readonly string[] = []): Promise<LobbyProcess> {
  const args = [CLI, '--port', String(port), '--host', host, '--sockets-per-address', '100']
  const [file, ...rest] = [...prefix, process.execPath, '--import', 'tsx', ...args]
  const child = spawn(file!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const url = await Promise.race([addressOf(child), exited.then(([code]) => Promise.reject(new Error(`code ${code}`)))])
  return {
    url,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The one line that a lobby prints: `baton-lobby: ws://host:port`. */
async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line.slice(line.indexOf('ws'))
  throw new Error('a lobby said nothing and ended')
}
