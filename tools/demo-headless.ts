/** The headless demo: starts the players, lets them play, freezes the world and compares the reports. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createLobby } from '@baton/server'
import type { HeadlessReport, Sample } from '../examples/world/net/headless.ts'

export interface HeadlessOptions {
  readonly guests: number
  readonly seconds: number
  readonly crates: number
}

const PLAYER = fileURLToPath(new URL('../examples/world/net/headless.ts', import.meta.url))
/** After the freeze the last rows must arrive and be acked; then the worlds are compared. */
const SETTLE_MS = 2_500
const JOIN_TIMEOUT_MS = 60_000

/** @returns whether every peer held the same world */
export async function runHeadless(options: HeadlessOptions): Promise<boolean> {
  const lobby = await createLobby({ port: 0, host: '127.0.0.1' })
  const players: ChildProcess[] = []
  try {
    const names = ['host', ...Array.from({ length: options.guests }, (_, i) => `guest ${i + 1}`)]
    for (const [index, name] of names.entries()) {
      const args = [lobby.url, 'demo', name, String(index), String(options.crates)]
      const player = fork(PLAYER, args, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      players.push(player)
      // One after another, so that the first process is the host.
      await nextMessage<'joined'>(player, JOIN_TIMEOUT_MS)
    }
    console.log(`${names.length} players, ${options.crates} crates, ${options.seconds} s over WebRTC on this machine ...`)
    await sleep(options.seconds * 1000)
    for (const player of players) player.send('freeze')
    await sleep(SETTLE_MS)
    const reports: HeadlessReport[] = []
    for (const player of players) {
      const answer = nextMessage<HeadlessReport>(player, 10_000)
      player.send('report')
      reports.push(await answer)
    }
    return printReports(reports)
  } finally {
    for (const player of players) player.kill()
    await lobby.close()
  }
}

function printReports(reports: readonly HeadlessReport[]): boolean {
  const truth = new Map<string, Sample>()
  for (const { truth: samples } of reports) for (const sample of samples) truth.set(`${sample[0]}@${sample[1]}`, sample)
  const rows = reports.map((report) => {
    const { worstM, compared } = worstError(report.heard, truth)
    return {
      peer: report.name,
      entities: report.entities,
      'worst error m': compared === 0 ? '-' : worstM.toFixed(5),
      'rows compared': compared,
      'moving crates': report.movingCrates,
      'join ms': report.joinMs.toFixed(0),
      'RTT ms': report.rttMs.toFixed(1),
      'up kbit/s': report.upKbps.toFixed(0),
      'down kbit/s': report.downKbps.toFixed(0),
      snapshots: report.snapshotsReceived,
      lost: report.snapshotsLost,
      world: report.fingerprint.toString(16).padStart(8, '0'),
    }
  })
  console.table(rows)
  const [first] = reports
  const same = reports.every((one) => one.fingerprint === first!.fingerprint && one.entities === first!.entities)
  const heard = reports.filter((one) => !one.isHost).every((one) => worstError(one.heard, truth).compared > 0)
  const moving = reports[0]!.movingCrates
  console.log(same ? 'every peer holds the same world' : 'THE WORLDS DIFFER')
  if (!heard) console.log('A GUEST HEARD NOTHING')
  console.log(`at most ${moving} crates moved at once on the host`)
  return same && heard
}

/** Largest distance between what a peer decoded and what the authority had at the same tick. */
function worstError(heard: readonly Sample[], truth: ReadonlyMap<string, Sample>): { worstM: number; compared: number } {
  let worstM = 0
  let compared = 0
  for (const [id, tick, x, y, z] of heard) {
    const exact = truth.get(`${id}@${tick}`)
    if (!exact) continue
    compared += 1
    worstM = Math.max(worstM, Math.hypot(x - exact[2], y - exact[3], z - exact[4]))
  }
  return { worstM, compared }
}

function nextMessage<Message>(player: ChildProcess, timeoutMs: number): Promise<Message> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a player did not answer in time')), timeoutMs)
    player.once('message', (message) => {
      clearTimeout(timer)
      resolve(message as Message)
    })
    player.once('exit', (code) => reject(new Error(`a player ended with code ${String(code)}`)))
  })
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
