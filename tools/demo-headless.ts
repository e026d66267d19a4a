/**
 * The headless demo: starts the players as processes, lets them play, freezes the world and compares what
 * they report; then the baton is handed on, and at last whoever holds it is killed.
 *
 * Invariant: it ends by itself: every wait has a limit, a player that dies unasked ends it at once, and no player
 * outlives it.
 */
import { once } from 'node:events'
import { createLobby } from '@baton/server'
import type { HeadlessReport } from '../examples/world/net/headless.ts'
import { changeHosts } from './demo-changes.ts'
import { askAll, guarded, settle, sleep, startPlayer, type Player } from './demo-players.ts'
import { judgeReports, type Verdict } from './demo-verdict.ts'

export interface HeadlessOptions {
  readonly guests: number
  readonly seconds: number
  readonly crates: number
  /** Told of the players' processes when they begin to play. */
  readonly onPlay?: (pids: readonly number[]) => void
}

const JOIN_TIMEOUT_MS = 60_000
const LEAVE_TIMEOUT_MS = 5_000

/** @returns whether every peer held the same world, all the way; tables and reasons have been printed */
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
    await settle(players)
    let passed = print(judgeReports(await askAll<HeadlessReport>(players, 'report'), crates))
    if (passed) console.log('every peer holds the same world')

    const survivors = await changeHosts(players, crates, (title, verdict) => {
      console.log(`\n${title}`)
      passed = print(verdict) && passed
    })
    const ended = survivors.map(({ child }) => once(child, 'exit'))
    for (const player of survivors) player.tell('leave')
    await Promise.race([Promise.all(ended), sleep(LEAVE_TIMEOUT_MS)])
    if (passed) console.log('nothing was lost, nothing doubled')
    return passed
  } catch (failure) {
    console.error(`demo: ${failure instanceof Error ? failure.message : String(failure)}`)
    return false
  } finally {
    for (const { child } of players) child.kill('SIGKILL')
    await lobby.close()
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
  return faults.length === 0
}
