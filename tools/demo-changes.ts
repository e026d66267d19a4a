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

/** @returns the players that are left */
export async function changeHosts(
  players: readonly Player[],
  crates: number,
  onVerdict: (title: string, verdict: Verdict) => void,
): Promise<readonly Player[]> {
  for (const player of players) player.tell('play')
  await guarded(players, sleep(PLAY_MS))
  const [first, second] = players as [Player, Player]
  let { host, standings } = await follow(players)
  // There and back again: so that in the end the host is the one that owns the crates.
  for (let i = 0; i < 2; i += 1) {
    const before = standings
    const from = host
    const to = from === first ? second : first
    from.tell(`hand on to ${to.name}`)
    await follow(players, from)
    await guarded(players, sleep(PLAY_MS))
    ;({ host, standings } = await follow(players))
    onVerdict(`${from.name} hands the baton on to ${to.name}`, judgeHandOver(before, standings))
  }

  const ended = once(host.child, 'exit')
  host.child.kill('SIGKILL')
  await ended
  const survivors = players.filter((player) => player !== host)
  await follow(survivors)
  // Counted anew: what moved while the old host was there does not count.
  for (const player of survivors) player.tell('freeze')
  for (const player of survivors) player.tell('play')
  await guarded(survivors, sleep(PLAY_MS))
  const moved = await askAll<readonly number[]>(survivors, 'moved')
  const worlds = await settle(survivors)
  const after = await askAll<Standing>(survivors, 'standing')
  const dead = standings[players.indexOf(host)]!
  const before = standings.filter((one) => one !== dead)
  onVerdict(`${host.name} is killed (SIGKILL)`, judgeCrash({ before, dead, after, moved, worlds, crates }))
  return survivors
}

/** Waits until all follow the same one of them, another than `former`, and the room is steady. */
async function follow(
  players: readonly Player[],
  former?: Player,
): Promise<{ host: Player; standings: readonly Standing[] }> {
  for (const endMs = performance.now() + CHANGE_TIMEOUT_MS; ; await sleep(100)) {
    const standings = await askAll<Standing>(players, 'standing')
    const host = players.find(({ name }) => name === standings[0]!.host)
    const isOne = standings.every((one) => one.host === host?.name && one.state === 'stable')
    if (host && host !== former && isOne) return { host, standings }
    if (performance.now() < endMs) continue
    const states = standings.map((one) => `${one.name} follows ${one.host ?? 'nobody'} and is ${one.state}`).join(', ')
    throw new Error(`no other host has taken over in ${CHANGE_TIMEOUT_MS / 1_000} s: ${states}`)
  }
}
