/**
 * `pnpm measure:migration`: how long a room of browsers is without a host. Closes tabs, crashes and kills them, hands the
 * baton on, and prints the gap that each of those saw who were left, as a Markdown table.
 *
 * Invariant: the figures are those that a game is told (`hostchanged`); nothing is asserted but that the room goes on.
 */
import { cpus, loadavg } from 'node:os'
import cac from 'cac'
import { chromium, type Browser } from 'playwright'
import { resolveChromium } from './chromium.ts'
import { openPages, type Pages, type PageSeat } from './migration/pages.ts'
import type { Account } from './migration/account.ts'
import { accountsOf, parted, playAll, since, sleep, until, untilReady } from './migration/seat.ts'
import { faultsOf, missedTicks } from './migration/verdict.ts'

/** A page in a browser of its own, which can be killed as a whole. */
interface Visitor {
  readonly seat: PageSeat
  kill(): Promise<void>
}

interface Way {
  readonly title: string
  readonly players: number
  /** Each in a browser of its own, or all in one, a process for each page. */
  readonly isApart: boolean
  /** @returns the ones that are gone */
  act(visitors: readonly Visitor[]): Promise<readonly Visitor[]>
}

const BEFORE_MS = 600

const ofHost = async (visitors: readonly Visitor[]): Promise<Visitor> => {
  const { host } = await parted(visitors.map(({ seat }) => seat))
  return visitors.find(({ seat }) => seat === host)!
}

const ofSuccessor = async (visitors: readonly Visitor[], host: Visitor): Promise<Visitor> => {
  const [next] = (await host.seat.account()).succession
  return visitors.find(({ seat }) => seat.name === next)!
}

const WAYS: Readonly<Record<string, Way>> = {
  closed: {
    title: 'host closes its tab',
    players: 4,
    isApart: false,
    async act(visitors) {
      const host = await ofHost(visitors)
      await host.seat.close()
      return [host]
    },
  },
  crash: {
    title: "host's page crashes (its browser tells the lobby)",
    players: 4,
    isApart: false,
    async act(visitors) {
      const host = await ofHost(visitors)
      await host.seat.crash()
      return [host]
    },
  },
  killed: {
    title: "host's browser is killed (nobody tells)",
    players: 4,
    isApart: true,
    async act(visitors) {
      const host = await ofHost(visitors)
      await host.kill()
      return [host]
    },
  },
  both: {
    title: 'browsers of host and successor are killed at once',
    players: 5,
    isApart: true,
    async act(visitors) {
      const host = await ofHost(visitors)
      const next = await ofSuccessor(visitors, host)
      await Promise.all([host.kill(), next.kill()])
      return [host, next]
    },
  },
  planned: {
    title: 'planned hand-over',
    players: 4,
    isApart: false,
    async act(visitors) {
      const host = await ofHost(visitors)
      const next = await ofSuccessor(visitors, host)
      await host.seat.handOver(next.seat.name)
      return []
    },
  },
}

const cli = cac('measure-migration')
cli.option('--runs <count>', 'how often each (default 30)')
cli.option('--only <names>', `some of ${Object.keys(WAYS).join(',')}, with commas between (default: all)`)
cli.help()
const { options } = cli.parse()
if (options['help']) process.exit(0)
const runs = Number(options['runs'] ?? 30)
if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs is ${String(options['runs'])}; give a count from 1`)
const chosen = String(options['only'] ?? Object.keys(WAYS).join(',')).split(',')
for (const name of chosen)
  if (!(name in WAYS)) throw new Error(`--only names ${name}; it may name ${Object.keys(WAYS).join(', ')}`)

// Ended early, it still says what it has measured; the browsers are closed here, and not by Playwright.
const launch = { ...(await resolveChromium()), handleSIGINT: false, handleSIGTERM: false }
let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isEnding = true))

/** One way of going, again and again in one room, to which others come for those who went. */
async function measure(pages: Pages, way: Way, room: string): Promise<void> {
  let visitors: Visitor[] = []
  let lastName = 0
  const gapsMs: number[] = []
  const addedMs: number[] = []
  const usualMs: number[] = []
  const noticedMs: number[] = []
  let missed = 0
  let failed = 0

  async function join(): Promise<Visitor> {
    const name = `player ${(lastName += 1)}`
    if (!way.isApart) {
      const seat = await pages.open(name, room)
      return { seat, kill: () => seat.page.context().close() }
    }
    const server = await chromium.launchServer(launch)
    const browser: Browser = await chromium.connect(server.wsEndpoint())
    const seat = await pages.open(name, room, { browser })
    return { seat, kill: () => server.kill() }
  }
  const seats = (): PageSeat[] => visitors.map(({ seat }) => seat)

  try {
    for (let run = 1; run <= runs && !isEnding; run += 1) {
      while (visitors.length < way.players) visitors.push(await join())
      await untilReady(seats())
      await playAll(seats())
      await sleep(BEFORE_MS)
      const before = await accountsOf(seats())
      const startMs = Date.now()
      const gone = await way.act(visitors)
      visitors = visitors.filter((one) => !gone.includes(one))
      for (const one of gone) if (!way.isApart) await one.kill()
      const after = await until(seats(), (all) => lateIn(all, before))
      for (const now of after) {
        const was = before.find(({ slot }) => slot === now.slot)!
        usualMs.push(...was.intervalsMs)
        // Whoever hands the baton on has heard itself until then.
        const change = now.told[was.told.length]
        if (change === undefined || was.isHost) continue
        gapsMs.push(change.gapMs)
        addedMs.push(Math.max(0, change.gapMs - median(was.intervalsMs)))
        noticedMs.push(change.atMs - startMs)
      }
      if (gone.length === 0) missed += missedTicks(after.map((now) => since(now, before[0]!)))
      failed += await faultsAtRest(seats())
    }
    const own = gone(way) ? '' : `; ${missed} ticks missed, added ms ${figures(addedMs)}`
    console.log(
      `| ${way.title} | ${way.players} | ${gapsMs.length} | ${figures(gapsMs).replaceAll(' / ', ' | ')} | ` +
        `${figures(noticedMs)} | ${figures(usualMs)} | ${failed}${own} |`,
    )
  } finally {
    for (const visitor of visitors) await visitor.kill()
  }
}

const gone = ({ title }: Way): boolean => title !== WAYS['planned']!.title

function lateIn(all: readonly Account[], before: readonly Account[]): string {
  const slots = new Set(all.map(({ slot }) => slot))
  const { host: old, term } = before[0]!
  const late = all.find((one) => one.host === old || !slots.has(one.host) || one.term <= term || one.state !== 'stable')
  return late === undefined ? '' : `${late.name} has no new host`
}

/** Lets all come to rest. @returns 1 when the worlds are not the same after that */
async function faultsAtRest(seats: readonly PageSeat[]): Promise<number> {
  await Promise.all(seats.map((seat) => seat.rest()))
  let last: string[] = []
  for (let tries = 0; tries < 100; tries += 1) {
    const accounts = await accountsOf(seats)
    // Bags and avatars of those who went earlier are not counted here: the tests do that.
    last = faultsOf({ accounts, gone: [] }).filter((fault) => !fault.endsWith('players') && !fault.endsWith('avatars'))
    if (last.length === 0) return 0
    await sleep(100)
  }
  console.error(last.join('\n'))
  return 1
}

function median(values: readonly number[]): number {
  return at(values, 0.5)
}

function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

function figures(values: readonly number[]): string {
  return [0.5, 0.99, 1].map((share) => at(values, share).toFixed(0)).join(' / ')
}

const pages = await openPages(launch)
try {
  const load = loadavg()[0]!.toFixed(1)
  console.log(
    `${runs} runs each; Chromium ${pages.browser.version()}, a process per page, on ${cpus().length} cores that also run ` +
      `everything else (load ${load} at the start). Gap: what \`hostchanged\` says to each who is left. Noticed: from the ` +
      `command that did it. Usual: between two packets before. All in ms.\n`,
  )
  console.log(
    '| what happens | players | n | gap p50 | gap p99 | gap max | noticed p50 / p99 / max | usual p50 / p99 / max | rooms with a fault |',
  )
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|--:|')
  for (const name of chosen) if (!isEnding) await measure(pages, WAYS[name]!, `room-${name}`)
  console.log(`\nload ${loadavg()[0]!.toFixed(1)} at the end`)
} finally {
  await pages.end()
}
process.exit(0)
