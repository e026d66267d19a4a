/** Starts `child-peer.ts` for a test. Invariant: `end` leaves no process behind. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { WrtcName } from '../node/index.ts'

export interface ChildPeer {
  readonly lines: readonly Record<string, unknown>[]
  readonly errors: () => string
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
  kill(): void
}

export function startChild(lobby: string, wrtc: WrtcName, plan: 'stay' | 'leave'): ChildPeer {
  const file = fileURLToPath(new URL('child-peer.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, lobby, wrtc, plan], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: Record<string, unknown>[] = []
  let rest = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!
    for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk))
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal!))
  })
  return { lines, errors: () => errors, exited, kill: () => child.kill('SIGKILL') }
}
