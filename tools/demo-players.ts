/**
 * The players of the headless demo as processes: starting them, asking them, waiting no longer than they live.
 *
 * Invariant: every wait has a limit, and a player that dies when it should not ends the wait at once.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { HeadlessAnswer, HeadlessCommand } from '../examples/world/net/headless.ts'

export interface Player {
  readonly name: string
  readonly child: ChildProcess
  tell(command: HeadlessCommand): void
  /** The next answer. Rejects when the player ends, or says nothing for so long. */
  answer(timeoutMs: number): Promise<HeadlessAnswer>
}

const PLAYER = fileURLToPath(new URL('../examples/world/net/headless.ts', import.meta.url))
const ANSWER_TIMEOUT_MS = 20_000
/** After a freeze the last rows arrive, and what was only touched goes back to its owner. */
const SETTLE_MS = 2_500
/** On a busy machine that takes longer: worlds that differ after this are different. */
const SETTLE_TIMEOUT_MS = 15_000

export function startPlayer(name: string, args: readonly string[]): Player {
  const child = fork(PLAYER, args, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  // A command to a player that has just died is not an error of its own: the end is told by `answer`.
  child.on('error', () => {})
  return {
    name,
    child,
    tell(command) {
      if (child.connected) child.send(command)
    },
    answer: (timeoutMs) =>
      new Promise((resolve, reject) => {
        const fail = (reason: string): void => settleUp(() => reject(new Error(`${name} ${reason}`)))
        const onMessage = (message: HeadlessAnswer): void => settleUp(() => resolve(message))
        const onExit = (code: number | null, signal: string | null): void => fail(`ended with ${signal ?? code}`)
        const timer = setTimeout(() => fail(`said nothing for ${timeoutMs / 1_000} s`), timeoutMs)
        const settleUp = (act: () => void): void => {
          clearTimeout(timer)
          child.off('message', onMessage)
          child.off('exit', onExit)
          act()
        }
        child.once('message', onMessage)
        child.once('exit', onExit)
        if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode)
      }),
  }
}

/** The same question to all, one after another; the type of the answers goes by the command. */
export async function askAll<Answer extends HeadlessAnswer>(
  players: readonly Player[],
  command: HeadlessCommand,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const player of players) {
    const answered = player.answer(ANSWER_TIMEOUT_MS)
    player.tell(command)
    answers.push((await answered) as Answer)
  }
  return answers
}

/** Freezes all, and waits until they hold the same world, or for so long that they never will. */
export async function settle(players: readonly Player[]): Promise<readonly number[]> {
  for (const player of players) player.tell('freeze')
  await guarded(players, sleep(SETTLE_MS))
  for (const endMs = performance.now() + SETTLE_TIMEOUT_MS; ; await sleep(500)) {
    const worlds = await askAll<number>(players, 'world')
    if (new Set(worlds).size === 1 || performance.now() > endMs) return worlds
  }
}

/** Waits, but not for longer than all players live. */
export async function guarded<Result>(players: readonly Player[], waited: Promise<Result>): Promise<Result> {
  const stops: (() => void)[] = []
  const ended = new Promise<never>((_, reject) => {
    for (const { name, child } of players) {
      const onExit = (code: number | null, signal: string | null): void =>
        reject(new Error(`${name} ended with ${signal ?? code}`))
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode)
      child.once('exit', onExit)
      stops.push(() => child.off('exit', onExit))
    }
  })
  try {
    return await Promise.race([waited, ended])
  } finally {
    for (const stop of stops) stop()
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
