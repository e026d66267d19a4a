/** Hosts that go, in real browsers: each player is a page with a process of its own. */
import { chromium } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { openHiddenTab } from '../../examples/world/e2e/hidden-tab.ts'
import { startLobby, type LobbyProcess } from './lobby-process.ts'
import { openPages, type Pages, type PageSeat } from './pages.ts'
import type { Account } from './account.ts'
import {
  accountsOf,
  giveBaton,
  parted,
  playAll,
  reasonsSince,
  since,
  sleep,
  until,
  untilChanged,
  untilReady,
  untilWhole,
  type Seat,
} from './seat.ts'
import { missedTicks } from './verdict.ts'

declare module 'vitest' {
  interface ProvidedContext {
    chromium: { executablePath: string; args: string[] }
  }
}

const NAMES = ['Heron', 'Otter', 'Lynx', 'Hare']
/** Long enough for claims and spawns of everybody to be under way. */
const PLAY_MS = 1_200
/** A machine that has much to do stretches a stall of 400 ms; one that was stretched this far says nothing. */
const MAX_STALL_MS = 520
/** Nor does one where those that watch the host stood still themselves. */
const MAX_GUEST_FRAME_MS = 250

let pages: Pages
const seats: PageSeat[] = []
let rooms = 0

beforeAll(async () => {
  pages = await openPages(inject('chromium'))
})
afterAll(() => pages.end())
afterEach(async () => {
  for (const { page } of seats.splice(0)) await page.context().close()
})

/** A room of so many players, all of them playing. */
async function play(count: number, lobby?: LobbyProcess): Promise<{ host: PageSeat; guests: PageSeat[] }> {
  const room = `room-${(rooms += 1)}`
  const open = (name: string): Promise<PageSeat> => pages.open(name, room, lobby && { lobby: lobby.url })
  // Whoever comes first is the host.
  seats.push(await open(NAMES[0]!))
  seats.push(...(await Promise.all(NAMES.slice(1, count).map(open))))
  await untilReady(seats)
  await playAll(seats)
  await sleep(PLAY_MS)
  return parted(seats)
}

/** They go on playing for a while; then all is whole. */
async function expectWhole(left: readonly Seat[], gone: readonly Account[] = []): Promise<Account[]> {
  await sleep(PLAY_MS)
  return untilWhole(left, gone)
}

describe('a room of pages', () => {
  test('whose host closes its tab goes on, and nothing is lost or doubled', async () => {
    const { host, guests } = await play(4)
    const before = await host.account()
    await host.close()
    const after = await untilChanged(guests, before)
    for (const one of after) expect(reasonsSince(one, before)).toEqual([expect.stringMatching(/^(left|handed-over)$/)])
    await expectWhole(guests, [before])
  })

  test('whose host crashes goes on', async () => {
    const { host, guests } = await play(4)
    const before = await host.account()
    await host.crash()
    await untilChanged(guests, before)
    await expectWhole(guests, [before])
  })

  test('whose host dies with its whole browser goes on: nobody says that it has left', async () => {
    const server = await chromium.launchServer(inject('chromium'))
    const room = `room-${(rooms += 1)}`
    const doomed = await pages.open('Heron', room, { browser: await chromium.connect(server.wsEndpoint()) })
    seats.push(...(await Promise.all(NAMES.slice(1).map((name) => pages.open(name, room)))))
    await untilReady([doomed, ...seats])
    await giveBaton([doomed, ...seats], doomed)
    await playAll([doomed, ...seats])
    await sleep(PLAY_MS)
    const before = await doomed.account()
    expect(before.isHost).toBe(true)
    await server.kill()
    const after = await untilChanged(seats, before)
    for (const one of after) expect(reasonsSince(one, before)).toEqual(['lost'])
    await expectWhole(seats, [before])
  })

  test('hands the baton on as the host wishes: no tick without a host, and the old one plays on', async () => {
    const { host, guests } = await play(4)
    const before = await host.account()
    const [taker] = guests
    await host.handOver(taker!.name)
    const after = await until(seats, (all) => {
      const late = all.find((one) => one.host === before.slot || reasonsSince(one, before).length === 0)
      return late === undefined ? '' : `${late.name} has no new host`
    })
    for (const one of after) expect(reasonsSince(one, before)).toEqual(['handed-over'])
    expect(after.find(({ isHost }) => isHost)!.name).toBe(taker!.name)
    expect(missedTicks(after.map((one) => since(one, before)))).toBe(0)
    await expectWhole(seats)
  })

  test('stays with a host that computes for 400 ms', async () => {
    const { host, guests } = await play(4)
    // Only the machine decides how long the page really stands still; a stall that it stretched is no proof of anything.
    for (let tries = 1; ; tries += 1) {
      expect(tries, 'times that this machine could not hold still for 400 ms').toBeLessThan(20)
      await playAll(seats)
      const { host: now, guests: others } = await parted(seats)
      const before = await now.account()
      await now.stall(400)
      await sleep(PLAY_MS)
      const [stalled, ...watching] = await accountsOf([now, ...others])
      if (stalled!.longestFrameMs > MAX_STALL_MS) continue
      if (watching.some(({ longestFrameMs }) => longestFrameMs > MAX_GUEST_FRAME_MS)) continue
      expect(stalled!.longestFrameMs).toBeGreaterThanOrEqual(400)
      for (const { term, host: followed } of [stalled!, ...watching]) {
        expect({ term, host: followed }).toEqual({ term: before.term, host: before.slot })
      }
      break
    }
    await expectWhole([host, ...guests])
  })

  test('replaces a host that computes for 3 s, which comes back as a guest with its place and the same world', async () => {
    const { host, guests } = await play(4)
    const before = await host.account()
    await host.stall(3_000)
    await untilChanged(guests, before)
    const back = (await untilChanged([host, ...guests], before))[0]!
    expect(back.slot).toBe(before.slot)
    expect(back.isHost).toBe(false)
    await untilReady(seats)
    await playAll(seats)
    await expectWhole(seats)
  })

  test('of two players and the lobby goes on with the one that is left', async () => {
    const { host, guests } = await play(2)
    const before = await host.account()
    await host.crash()
    await untilChanged(guests, before)
    await expectWhole(guests, [before])
  })

  test('of two players has the same two when the host was busy for 3 s', async () => {
    const { host, guests } = await play(2)
    const before = await host.account()
    await host.stall(3_000)
    await untilChanged(guests, before)
    await untilChanged(seats, before)
    await untilReady(seats)
    await playAll(seats)
    await expectWhole(seats)
  })

  test('does not notice that its lobby is killed and started again, and changes hosts without it', async () => {
    const lobby = await startLobby()
    const { host, guests } = await play(4, lobby)
    const before = await accountsOf(seats)
    await lobby.kill()
    await sleep(PLAY_MS)
    const again = await startLobby(Number(new URL(lobby.url).port))
    await sleep(PLAY_MS)
    const after = await accountsOf(seats)
    expect(after.map(({ told }) => told)).toEqual(before.map(({ told }) => told))
    expect(after.map(({ term }) => term)).toEqual(before.map(({ term }) => term))
    for (const { errors } of after) expect(errors).toEqual([expect.stringMatching(/^lobby\/closed/)])
    const last = await host.account()
    await host.close()
    await untilChanged(guests, last)
    await expectWhole(guests, [last])
    await again.kill()
  })

  test('whose host is out of sight for 60 s hands the baton on once, and loses nobody to silence', async () => {
    // Without the switches with which Playwright spares hidden pages what browsers do to them.
    const harsh = await chromium.launch({
      ...inject('chromium'),
      ignoreDefaultArgs: [
        '--disable-background-timer-throttling',
        '--disable-backgrounding-occluded-windows',
        '--disable-renderer-backgrounding',
      ],
    })
    const room = `room-${(rooms += 1)}`
    const members = pages.memberCount()
    const everybody = 'window.player && player.account().members.length === 3 && player.account().voters.length === 3'
    const opening = openHiddenTab(harsh, pages.address('Heron', room), everybody)
    while (pages.memberCount() === members) await sleep(50)
    for (const name of ['Otter', 'Lynx']) seats.push(await pages.open(name, room))
    const tab = await opening
    const hidden: Seat = {
      name: 'Heron',
      account: () => tab.evaluate<Account>('player.account()'),
      play: () => tab.evaluate<void>('player.play()'),
      rest: () => tab.evaluate<void>('player.rest()'),
      handOver: (to) => tab.evaluate<void>(`player.handOver(${JSON.stringify(to)})`),
    }
    const all = [hidden, ...seats]
    await playAll(all)
    await sleep(60_000)
    const after = await accountsOf(all)
    expect(after[0]!.isHidden).toBe(true)
    for (const { told } of after) expect(told.map(({ reason }) => reason)).toEqual(['handed-over'])
    await untilWhole(all)
    await tab.close()
    await harsh.close()
  })
})
