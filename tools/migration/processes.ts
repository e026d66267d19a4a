/**
 * Players in processes of their own: starting them, asking them, and what the system can do to them.
 *
 * Invariant: no answer is waited for longer than its process lives, and `end` leaves none behind.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { Account } from './account.ts'
import type { Answer, Command, ProcessOptions, Question } from './process.ts'
import type { Seat } from './seat.ts'

const SOURCE = fileURLToPath(new URL('process.ts', import.meta.url))
/** What stays outside of the bundle: it is native, or loads what is. */
const NATIVE = /^(node-datachannel|ws|@roamhq\/wrtc)(\/|$)/

export interface ProcessSeat extends Seat {
  /** Only with a relay. @param addresses of the relays of others; none heals */
  cutFrom(addresses: readonly string[]): Promise<void>
  /** `SIGSTOP`: it stands still with all its threads until `SIGCONT`. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** SIGKILL: it says goodbye to nobody. Resolves when it is gone. */
  kill(): Promise<void>
}

let program: Promise<string> | undefined

/** One file for all players, made once: a process that compiles each module for itself takes seconds to start. */
async function bundle(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'baton-player-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'process.mjs')
  await build({
    entryPoints: [SOURCE],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    // simple-peer asks for Node's modules as CommonJS does.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    plugins: [
      {
        name: 'native-by-path',
        setup(builder) {
          builder.onResolve({ filter: NATIVE }, async ({ path, resolveDir, kind, pluginData }) => {
            if (pluginData === NATIVE) return undefined
            const found = await builder.resolve(path, { resolveDir, kind, pluginData: NATIVE })
            return found.errors.length > 0 ? found : { path: pathToFileURL(found.path).href, external: true }
          })
        },
      },
    ],
  })
  return file
}

/** Starts a player and waits until it has joined. @param prefix a command to start it with, such as `ip netns exec` */
export async function startProcess(options: ProcessOptions, prefix: readonly string[] = []): Promise<ProcessSeat> {
  const { name } = options
  program ??= bundle()
  const [file, ...rest] = [...prefix, process.execPath, await program, JSON.stringify(options)]
  const child = spawn(file!, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  const exited = once(child, 'exit')
  let lastNumber = 0
  const wait = (number: number): Promise<Answer> =>
    new Promise((resolve, reject) => waiting.set(number, { resolve, reject }))
  child.on('message', (answer: Answer) => {
    const one = waiting.get(answer.number)
    waiting.delete(answer.number)
    if (answer.fault === undefined) one?.resolve(answer)
    else one?.reject(new Error(answer.fault))
  })
  void exited.then(([code, signal]) => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended with ${signal ?? code}`))
  })

  function ask(command: Command): Promise<Answer> {
    if (!child.connected) return Promise.reject(new Error(`${name} has ended`))
    const number = (lastNumber += 1)
    const answered = wait(number)
    child.send({ number, command } satisfies Question)
    return answered
  }
  const tell = (command: Command): Promise<void> => ask(command).then(() => {})

  await wait(0)
  return {
    name,
    account: async () => (await ask({ do: 'account' })).account as Account,
    play: () => tell({ do: 'play' }),
    rest: () => tell({ do: 'rest' }),
    handOver: (to) => tell({ do: 'hand over', to }),
    cutFrom: (addresses) => tell({ do: 'cut', from: addresses }),
    signal: (which) => void child.kill(which),
    async kill() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await exited
    },
  }
}
