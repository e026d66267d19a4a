/** The headless demo: starts the players, lets them play, freezes the world and compares the reports. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createLobby } from '@baton/server'
import type { HeadlessCommand, HeadlessReport, Sample } from '../examples/world/net/headless.ts'

export interface HeadlessOptions {
  readonly guests: number
  readonly seconds: number
  readonly crates: number
}

const PLAYER = fileURLToPath(new URL('../examples/world/net/headless.ts', import.meta.url))
/** After the freeze the last rows must arrive and touched crates go back; then no world may differ. */
const SETTLE_MS = 2_500
/** On a busy machine that takes longer: worlds that still differ after this are different. */
const SETTLE_TIMEOUT_MS = 15_000
const LEAVE_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 20_000
const JOIN_TIMEOUT_MS = 60_000

/** @returns whether every peer held the same world */
export async function runHeadless(options: HeadlessOptions): Promise<boolean> {
  const lobby = await createLobby({ port: 0, host: '127.0.0.1' })
  const players: ChildProcess[] = []
  try {
    const names = ['host', ...Array.from({ length: options.guests }, (_, i) => `guest ${i + 1}`)]
    for (const [index, name] of names.entries()) {
      const args = [lobby.url, 'demo', name, String(index), String(options.crates)]
      const player = fork(PLAYER, args, {
        execArgv: ['--import', 'tsx'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      players.push(player)
      // One after another, so that the first process is the host.
      await nextMessage<'joined'>(player, JOIN_TIMEOUT_MS)
    }
    console.log(
      `${names.length} players, ${options.crates} crates, ${options.seconds} s over WebRTC on this machine ...`,
    )
    await sleep(options.seconds * 1000)
    for (const player of players) player.send('freeze')
    const isSame = await settle(players)
    const reports: HeadlessReport[] = []
    for (const player of players) reports.push(await ask<HeadlessReport>(player, 'report'))
    const ended = players.map((player) => once(player, 'exit'))
    for (const player of players) player.send('leave')
    await Promise.race([Promise.all(ended), sleep(LEAVE_TIMEOUT_MS)])
    return printReports(reports, isSame)
  } finally {
    for (const player of players) player.kill()
    await lobby.close()
  }
}

/** @returns whether all worlds became the same */
async function settle(players: readonly ChildProcess[]): Promise<boolean> {
  await sleep(SETTLE_MS)
  for (const endMs = performance.now() + SETTLE_TIMEOUT_MS; performance.now() < endMs; await sleep(500)) {
    const worlds = new Set<number>()
    for (const player of players) worlds.add(await ask<number>(player, 'world'))
    if (worlds.size === 1) return true
  }
  return false
}

function printReports(reports: readonly HeadlessReport[], isSame: boolean): boolean {
  const exact = samplesByKey(reports.flatMap((report) => report.truth))
  // What guests hear of one another comes by way of the host, under the tick that the host gave it.
  const byWayOfHost = samplesByKey(reports.flatMap((report) => [...report.truth, ...report.passedOn]))
  const truthFor = ({ isHost }: HeadlessReport): Truth => (isHost ? exact : byWayOfHost)
  const rows = reports.map((report) => {
    const { worstM, compared } = worstError(report.heard, truthFor(report))
    return {
      peer: report.name,
      entities: report.entities,
      'worst error m': compared === 0 ? '-' : worstM.toFixed(5),
      'rows compared': compared,
      'moving crates': `${report.movingLeast} to ${report.movingMost}`,
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
  const same = isSame && reports.every((one) => one.fingerprint === reports[0]!.fingerprint)
  const heard = reports.every((one) => worstError(one.heard, truthFor(one)).compared > 0)
  console.log(same ? 'every peer holds the same world' : 'THE WORLDS DIFFER')
  if (!heard) console.log('A PEER HEARD NOTHING')
  return same && heard
}

/** While a claim waits for its answer two peers simulate the same entity at the same tick. */
type Truth = ReadonlyMap<string, readonly Sample[]>

function samplesByKey(samples: readonly Sample[]): Truth {
  const byKey = new Map<string, Sample[]>()
  for (const sample of samples) {
    const key = `${sample[0]}@${sample[1]}`
    const same = byKey.get(key)
    if (same) same.push(sample)
    else byKey.set(key, [sample])
  }
  return byKey
}

/** Largest distance between what a peer decoded and what an authority had at the same tick. */
function worstError(heard: readonly Sample[], truth: Truth): { worstM: number; compared: number } {
  let worstM = 0
  let compared = 0
  for (const [id, tick, x, y, z] of heard) {
    const known = truth.get(`${id}@${tick}`)
    if (!known) continue
    compared += 1
    worstM = Math.max(worstM, Math.min(...known.map((exact) => Math.hypot(x - exact[2], y - exact[3], z - exact[4]))))
  }
  return { worstM, compared }
}

function ask<Answer>(player: ChildProcess, command: HeadlessCommand): Promise<Answer> {
  const answer = nextMessage<Answer>(player, ANSWER_TIMEOUT_MS)
  player.send(command)
  return answer
}

function nextMessage<Message>(player: ChildProcess, timeoutMs: number): Promise<Message> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => settleWith(() => resolve(message as Message))
    const onExit = (code: number | null): void => {
      settleWith(() => reject(new Error(`a player ended with code ${String(code)}`)))
    }
    const timer = setTimeout(() => settleWith(() => reject(new Error('a player did not answer in time'))), timeoutMs)
    const settleWith = (settled: () => void): void => {
      clearTimeout(timer)
      player.off('message', onMessage)
      player.off('exit', onExit)
      settled()
    }
    player.on('message', onMessage)
    player.on('exit', onExit)
  })
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
