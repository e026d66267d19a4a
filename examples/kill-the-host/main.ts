/**
 * A page on which a visitor takes the host away and watches what the others do about it.
 *
 * Invariant: every figure on it was measured on this page, at the player beside whose name it stands.
 */
import { accountOf, countBalls, type Account, type Episode } from './net/episode.ts'
import { drive, joinAs, type Player } from './net/player.ts'
import { createAccounts } from './view/accounts.ts'
import { colorOf } from './view/colors.ts'
import { createStand } from './view/stand.ts'
import { createTimeline } from './view/timeline.ts'

const PLAYER_COUNT = 4
const NAMES = ['Heron', 'Otter', 'Lynx', 'Hare', 'Wren', 'Newt', 'Stork', 'Badger', 'Plover', 'Marten']
/** What the timeline shows while nothing happens, before a press, and at least after it. */
const LIVE_MS = 2_000
const BEFORE_MS = 300
const AFTER_MS = 1_400
const STEADY_MS = 400
/** Goes on showing after all have settled. */
const REST_MS = 300
/** Who has not settled by then will not be waited for. */
const GIVE_UP_MS = 20_000

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const room = new URLSearchParams(location.search).get('room') ?? `kill-${crypto.randomUUID().slice(0, 8)}`
const places: (Player | undefined)[] = Array.from({ length: PLAYER_COUNT })
const colors = new Map<string, string>()
const stands = places.map(() => {
  const root = document.createElement('article')
  element('stands').append(root)
  return createStand(root)
})
const drawTimeline = createTimeline(element<HTMLCanvasElement>('timeline'))
const accounts = createAccounts(element('accounts'), PLAYER_COUNT)

let joinedCount = 0
let isJoining = false
let episode: Episode | undefined
let settledMs: number | undefined
let unsteadyMs = 0

const present = (): Player[] => places.filter((player) => player !== undefined)
const living = (): Player[] => present().filter(({ fate }) => fate === 'playing')
/** The one who hosts by its own account, awake or not; with two, the later reign's. */
const hostOf = (): Player | undefined =>
  living()
    .filter(({ network }) => network.isHost)
    .sort((a, b) => b.network.term - a.network.term)[0]
const color = (name: string): string => colors.get(name) ?? '#8791a5'

/** Brings a player into the first place that nobody living has. */
async function addPlayer(): Promise<string | undefined> {
  const place = places.findIndex((player) => player?.fate !== 'playing')
  if (place < 0 || isJoining) return undefined
  isJoining = true
  const index = joinedCount
  joinedCount += 1
  const base = NAMES[index % NAMES.length]!
  const name = index < NAMES.length ? base : `${base} ${Math.floor(index / NAMES.length) + 1}`
  colors.set(name, colorOf(index))
  try {
    places[place] = await joinAs({ room, name, index })
    return name
  } finally {
    isJoining = false
  }
}

function begin(title: string, act: (host: Player, nowMs: number) => void): void {
  const host = hostOf()
  if (!host) return
  const startMs = performance.now()
  episode = { title, startMs, host: host.name, balls: host.ballIds() }
  settledMs = undefined
  accounts.clear()
  tell(`${title}: ${host.name} had the baton.`)
  try {
    act(host, startMs)
  } catch (mistake) {
    tell(mistake instanceof Error ? mistake.message : String(mistake))
    episode = undefined
  }
}

const tell = (text: string): void => void (element('told').textContent = text)
const tellFailure = (failure: unknown): void =>
  tell(`The room could not be joined: ${failure instanceof Error ? failure.message : String(failure)}`)
const press = (id: string, act: () => void): void => element(id).addEventListener('click', act)
press('kill', () => begin('Killed', (host) => host.kill()))
press('close', () => begin('Tab closed', (host) => host.leave()))
press('hand', () => begin('Handed over', (host) => host.handOver()))
press('short', () => begin('Frozen for 400 ms', (host, nowMs) => host.sleep(nowMs, 400)))
press('long', () => begin('Frozen for 3 s', (host, nowMs) => host.sleep(nowMs, 3_000)))
press('add', () => {
  addPlayer().then((name) => name && tell(`${name} came in.`), tellFailure)
})

/** All who live are awake, and have been following the same host in a steady room for a moment. */
function isSettled(nowMs: number): boolean {
  if (!isSteady(nowMs)) unsteadyMs = nowMs
  return nowMs - unsteadyMs > STEADY_MS
}

function isSteady(nowMs: number): boolean {
  const all = living()
  const hosts = new Set(all.map(({ network }) => network.host?.displayName))
  return all.every((one) => nowMs >= one.asleepUntilMs && one.network.state === 'stable') && hosts.size === 1
}

function follow(nowMs: number): void {
  if (!episode || settledMs !== undefined) return
  const sinceMs = nowMs - episode.startMs
  const seen = living().map((player) => accountOf(player, episode!))
  accounts.show(
    living().map((player, i) => ({ ...seen[i]!, ...countBalls(player, episode!) })),
    episode.balls.length,
  )
  const isOver = isSettled(nowMs) && sinceMs > AFTER_MS
  if (!isOver && sinceMs < GIVE_UP_MS) return
  settledMs = nowMs
  tell(summary(episode, seen))
}

function summary({ title, host }: Episode, seen: readonly Account[]): string {
  const moved = seen.filter(({ gapMs }) => gapMs !== undefined)
  if (moved.length === 0) return `${title}: ${host} keeps the baton; nobody was asked to vote.`
  const gaps = moved.map(({ gapMs }) => Math.round(gapMs!))
  return `${title}: ${moved[0]!.host} has the baton now, in term ${moved[0]!.term}. Gap: ${Math.min(...gaps)} to ${Math.max(...gaps)} ms.`
}

function showButtons(): void {
  const busy = episode !== undefined && settledMs === undefined
  const can = !busy && !isJoining && living().length > 1 && hostOf() !== undefined
  for (const id of ['kill', 'close', 'hand', 'short', 'long']) element<HTMLButtonElement>(id).disabled = !can
  element<HTMLButtonElement>('add').disabled = busy || isJoining || living().length === PLAYER_COUNT
}

function draw(nowMs: number): void {
  places.forEach((player, i) => player && stands[i]!.show(player, nowMs, color))
  const endMs = episode && Math.max(episode.startMs + AFTER_MS, Math.min(nowMs, (settledMs ?? Infinity) + REST_MS))
  drawTimeline({
    players: present(),
    color,
    fromMs: episode ? episode.startMs - BEFORE_MS : nowMs - LIVE_MS,
    toMs: endMs ?? nowMs,
    press: episode && { atMs: episode.startMs, title: episode.title },
    accountOf: (player) => (episode ? accountOf(player, episode) : undefined),
  })
  showButtons()
}

drive((nowMs) => {
  for (const player of living()) player.frame(nowMs)
  follow(nowMs)
  if (!document.hidden) draw(nowMs)
})

try {
  for (let i = 0; i < PLAYER_COUNT; i += 1) await addPlayer()
  tell('Four players, four worlds, one room. Press a button.')
} catch (failure) {
  tellFailure(failure)
}

// For the end-to-end tests.
Object.assign(window, { players: { living, hostOf } })
