/**
 * The headless demo: starts the players as processes, lets them play, freezes the world and compares what
 * they report.
 *
 * Invariant: it ends by itself: every wait has a limit, a player that dies ends it at once, and no player
 * outlives it.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createLobby } from '@baton/server'
import type { HeadlessAnswer, HeadlessCommand, HeadlessReport } from '../examples/world/net/headless.ts'
import { judgeReports, type Verdict } from './demo-verdict.ts'

export interface HeadlessOptions {
  readonly guests: number
  readonly seconds: number
  readonly crates: number
  /** Told of the players' processes when they begin to play. */
  readonly onPlay?: (pids: readonly number[]) => void
}

const PLAYER = fileURLToPath(new URL('../examples/world/net/headless.ts', import.meta.url))
const JOIN_TIMEOUT_MS = 60_000
const ANSWER_TIMEOUT_MS = 20_000
/** After the freeze the last rows arrive, and what was only touched goes back to its owner. */
const SETTLE_MS = 2_500
/** On a busy machine that takes longer: worlds that differ after this are different. */
const SETTLE_TIMEOUT_MS = 15_000
const LEAVE_TIMEOUT_MS = 5_000

interface Player {
  readonly name: string
  readonly child: ChildProcess
  tell(command: HeadlessCommand): void
  /** The next answer. Rejects when the player ends, or says nothing for so long. */
  answer(timeoutMs: number): Promise<HeadlessAnswer>
}

/** @returns whether every peer held the same world; a table and the reasons have been printed */
export async function runHeadless({ guests, seconds, crates, onPlay }: HeadlessOptions): Promise<boolean> {
  const lobby = await createLobby({ port: 0, host: '127.0.0.1' })
  const players: Player[] = []
  try {
    for (let index = 0; index <= guests; index += 1) {
      const name = index === 0 ? 'host' : `guest ${index}`
      const player = startPlayer(name, [lobby.url, 'demo', name, String(index), String(crates)])
      players.push(player)
      // One after another, so that the first process is the host.
      await guarded(players, player.answer(JOIN_TIMEOUT_MS))
    }
    console.log(
      `1 host and ${guests} ${guests === 1 ? 'guest' : 'guests'}, ${crates} crates, ${seconds} s over WebRTC on this machine …`,
    )
    for (const player of players) player.tell('play')
    onPlay?.(players.map(({ child }) => child.pid!))
    await guarded(players, sleep(seconds * 1_000))
    for (const player of players) player.tell('freeze')
    await settle(players)
    const reports = (await askAll(players, 'report')) as HeadlessReport[]
    const ended = players.map(({ child }) => once(child, 'exit'))
    for (const player of players) player.tell('leave')
    await Promise.race([Promise.all(ended), sleep(LEAVE_TIMEOUT_MS)])
    return print(judgeReports(reports, crates))
  } catch (failure) {
    console.error(`demo: ${failure instanceof Error ? failure.message : String(failure)}`)
    return false
  } finally {
    for (const { child } of players) child.kill('SIGKILL')
    await lobby.close()
  }
}

/** Waits until all hold the same world, or for so long that they never will. */
async function settle(players: readonly Player[]): Promise<void> {
  await guarded(players, sleep(SETTLE_MS))
  for (const endMs = performance.now() + SETTLE_TIMEOUT_MS; performance.now() < endMs; await sleep(500)) {
    if (new Set(await askAll(players, 'world')).size === 1) return
  }
}

async function askAll(players: readonly Player[], command: HeadlessCommand): Promise<HeadlessAnswer[]> {
  const answers: HeadlessAnswer[] = []
  for (const player of players) {
    const answered = player.answer(ANSWER_TIMEOUT_MS)
    player.tell(command)
    answers.push(await answered)
  }
  return answers
}

function startPlayer(name: string, args: readonly string[]): Player {
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
        const fail = (reason: string): void => settle(() => reject(new Error(`${name} ${reason}`)))
        const onMessage = (message: HeadlessAnswer): void => settle(() => resolve(message))
        const onExit = (code: number | null, signal: string | null): void => fail(`ended with ${signal ?? code}`)
        const timer = setTimeout(() => fail(`said nothing for ${timeoutMs / 1_000} s`), timeoutMs)
        const settle = (act: () => void): void => {
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

/** Waits, but not for longer than all players live. */
async function guarded<Result>(players: readonly Player[], waited: Promise<Result>): Promise<Result> {
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

function print({ rows, faults, notes }: Verdict): boolean {
  const heads = Object.keys(rows[0]!)
  const cells = [heads, ...rows.map((row) => heads.map((head) => row[head]!))]
  const widths = heads.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)))
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`
  console.log(format(heads))
  console.log(
    `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`,
  )
  for (const line of cells.slice(1)) console.log(format(line))
  for (const note of notes) console.log(note)
  for (const fault of faults) console.log(`FAILED: ${fault}`)
  if (faults.length === 0) console.log('every peer holds the same world')
  return faults.length === 0
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
