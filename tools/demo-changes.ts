/**
 * The second half of the headless demo: the baton is handed on and back while all play, and then whoever holds it is
 * killed by the system, so that it can say goodbye to nobody.
 *
 * Invariant: the killed process is the one that hosts by the account of all, and nobody else dies.
 */
import { once } from 'node:events'
import type { Standing } from '../examples/world/net/host-watch.ts'
import { judgeCrash, judgeHandOver } from './demo-change-verdict.ts'
import { askAll, guarded, settle, sleep, type Player } from './demo-players.ts'
import type { Verdict } from './demo-verdict.ts'

/** How long they play before a change and after it. */
const PLAY_MS = 2_500
/** More than a lost quorum needs to go on by itself, on a busy machine. */
const CHANGE_TIMEOUT_MS = 30_000

/** @param players the host first; @returns those that are left */
export async function changeHosts(
  players: readonly Player[],
  crates: number,
  onVerdict: (title: string, verdict: Verdict) => void,
): Promise<readonly Player[]> {
  for (const player of players) player.tell('play')
  await guarded(players, sleep(PLAY_MS))
  const [host, guest] = players as [Player, Player]
  let standings = await askAll<Standing>(players, 'standing')
  // There and back again: so the killed one is host, and owner of the crates.
  for (const [from, to] of [
    [host, guest],
    [guest, host],
  ] as const) {
    const before = standings
    from.tell(`hand on to ${to.name}`)
    await follow(players, to.name)
    await guarded(players, sleep(PLAY_MS))
    standings = await askAll<Standing>(players, 'standing')
    onVerdict(`${from.name} hands the baton on to ${to.name}`, judgeHandOver(before, standings))
  }

  const [dead, ...before] = standings as [Standing, ...Standing[]]
  const ended = once(host.child, 'exit')
  host.child.kill('SIGKILL')
  await ended
  const survivors = players.slice(1)
  await follow(survivors)
  // Counted anew: what moved while the old host was there does not count.
  for (const player of survivors) player.tell('freeze')
  for (const player of survivors) player.tell('play')
  await guarded(survivors, sleep(PLAY_MS))
  const moved = await askAll<readonly number[]>(survivors, 'moved')
  const worlds = await settle(survivors)
  const after = await askAll<Standing>(survivors, 'standing')
  onVerdict(`${host.name} is killed (SIGKILL)`, judgeCrash({ before, dead, after, moved, worlds, crates }))
  return survivors
}

/** Waits until all follow the same living host, `name` if it is given, and the room is steady. */
async function follow(players: readonly Player[], name?: string): Promise<void> {
  for (const endMs = performance.now() + CHANGE_TIMEOUT_MS; ; await sleep(100)) {
    const all = await askAll<Standing>(players, 'standing')
    const [{ host }] = all as [Standing]
    const isOne = all.every((one) => one.host === host && one.state === 'stable')
    const isThere = players.some((player) => player.name === (name ?? host)) && (name === undefined || name === host)
    if (isOne && isThere) return
    if (performance.now() < endMs) continue
    const states = all.map((one) => `${one.name} follows ${one.host ?? 'nobody'} and is ${one.state}`).join(', ')
    throw new Error(`${name ?? 'no other host'} has not taken over in ${CHANGE_TIMEOUT_MS / 1_000} s: ${states}`)
  }
}
