/** The plaza in real browsers: several pages in one room, looked at by what they hold and not by how fast they draw. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { openHiddenTab } from './hidden-tab.ts'
import {
  avatarOf,
  crateNear,
  enter,
  holding,
  noticeOf,
  placeOf,
  push,
  serve,
  until,
  untilEqual,
  untilPlace,
  visit,
  watchAuthority,
  type Site,
  type Visitor,
} from './pages.ts'

const CRATES = 320
const PICTURES = fileURLToPath(new URL('../../../node_modules/.cache/e2e/', import.meta.url))

let browser: Browser
const visitors: Visitor[] = []

beforeAll(async () => {
  browser = await chromium.launch(inject('chromium'))
})
afterAll(() => browser.close())
afterEach(async () => {
  const complaints = visitors.flatMap((visitor) => visitor.complaints)
  for (const visitor of visitors.splice(0)) await visitor.leave()
  if (complaints.length > 0) throw new Error(`a page's console complained: ${complaints.join(' | ')}`)
})

/** Opens the page and sees to it that it is closed after the test. */
async function join(site: Site, room: string, name: string): Promise<Visitor> {
  const visitor = await enter(browser, site, `room=${room}&name=${name}`)
  visitors.push(visitor)
  console.log(`${name}: ${visitor.joinMs.toFixed(0)} ms from the address to the whole plaza`)
  return visitor
}

/** Walks with real key presses until its avatar is where the condition says. */
async function walk(visitor: Visitor, key: string, condition: string): Promise<void> {
  const avatar = await avatarOf(visitor)
  await visitor.page.keyboard.down(key)
  await untilPlace(visitor, avatar, condition)
  await visitor.page.keyboard.up(key)
}

describe.each(['dev', 'build'] as const)('the plaza, %s', (mode) => {
  let site: Site
  beforeAll(async () => {
    site = await serve(mode)
  })
  afterAll(() => site.close())

  test('three pages: a push in one moves the crate in the others; a late joiner has it; who leaves comes back; the host goes', async () => {
    const room = `push-${mode}`
    const host = await join(site, room, 'Heron')
    const guest = await join(site, room, 'Otter')
    await until(host, 'now.players.length === 2')
    expect(await holding(guest)).toMatchObject({ host: 'Heron', isHost: false, entities: CRATES + 2 })

    // In front of whoever arrives, on the way to the pyramid.
    const crate = await crateNear(guest, 0, -8)
    const [, , startZ] = (await placeOf(host, crate))!
    const avatar = await avatarOf(guest)
    const changes = await watchAuthority(host, crate)
    await push(guest, crate, `place[2] < ${startZ - 0.5}`)
    await untilPlace(host, crate, `place[2] < ${startZ - 0.4}`)
    await untilPlace(host, avatar, `place[2] < ${startZ + 2}`)
    expect(await changes()).toContain('Otter')
    // At rest it goes back to the host, and both worlds are the same to the bit.
    await guest.page.waitForFunction(
      `plaza.session.replication.authorityOf(plaza.session.replication.entityOf(${crate}))?.isHost`,
    )
    await untilEqual([host, guest])

    const late = await join(site, room, 'Lynx')
    const [, , lateZ] = (await placeOf(late, crate))!
    expect(lateZ).toBeLessThan(startZ - 0.3)
    await until(host, 'now.players.length === 3')
    await untilEqual([host, guest, late])

    await guest.leave()
    for (const page of [host, late]) await until(page, `now.players.length === 2 && now.entities === ${CRATES + 2}`)
    const again = await join(site, room, 'Otter')
    await until(host, 'now.players.length === 3')
    await untilEqual([host, late, again])

    await host.leave()
    for (const page of [late, again]) await until(page, `now.host === 'Lynx' && now.entities === ${CRATES + 2}`)
    const [, , afterZ] = (await placeOf(again, crate))!
    expect(afterZ).toBeLessThan(startZ - 0.3)
    await walk(late, 's', 'place[2] > 6')
    await untilPlace(again, await avatarOf(late), 'place[2] > 5')
    await untilEqual([late, again])
  })
})

describe('a page of the plaza', () => {
  let site: Site
  beforeAll(async () => {
    site = await serve('dev')
  })
  afterAll(() => site.close())

  test('four players walk at once and see one another', async () => {
    const players: Visitor[] = []
    for (const name of ['Heron', 'Otter', 'Lynx', 'Hare']) players.push(await join(site, 'four', name))
    for (const player of players) await until(player, `now.players.length === 4 && now.entities === ${CRATES + 4}`)
    const before = await Promise.all(players.map(async (one) => (await placeOf(one, await avatarOf(one)))!))
    for (const [i, player] of players.entries()) await player.page.keyboard.down(['w', 'a', 's', 'd'][i]!)
    for (const [i, player] of players.entries()) {
      const [x, , z] = before[i]!
      const avatar = await avatarOf(player)
      for (const other of players) {
        await untilPlace(other, avatar, `Math.hypot(place[0] - ${x}, place[2] - ${z}) > 1`)
      }
      await player.page.keyboard.up(['w', 'a', 's', 'd'][i]!)
    }
    await untilEqual(players)
  })

  test('the baton is handed on with a button, to whom one chooses; everybody is told, and nobody else can', async () => {
    const host = await join(site, 'hand', 'Heron')
    const guest = await join(site, 'hand', 'Otter')
    const third = await join(site, 'hand', 'Lynx')
    const all = [host, guest, third]
    for (const player of all) await until(player, `now.players.length === 3 && now.entities === ${CRATES + 3}`)
    expect(await textOf(guest, '#baton-title')).toBe('Heron')
    expect(await guest.page.isDisabled('#baton-button')).toBe(true)
    expect(await textOf(guest, '#baton-why')).toBe('Only Heron can hand it on')
    await host.page.waitForFunction(`plaza.session.network.lower.inspect().voters.length === 3`)
    await host.page.waitForFunction(`!document.getElementById('baton-button').disabled`)
    await host.page.selectOption('#baton-taker', { label: 'to Lynx' })
    await host.page.click('#baton-button')
    for (const player of all) {
      await until(player, `now.host === 'Lynx' && now.entities === ${CRATES + 3}`)
      await player.page.waitForFunction(`/baton now .*\\d m?s/.test(document.getElementById('baton-news').textContent)`)
    }
    expect(await textOf(guest, '#baton-news')).toMatch(/^Heron handed it on. Lynx has the baton now \(\d+ ms\)$/)
    expect(await textOf(host, '#baton-news')).toMatch(/^You handed it on. Lynx has the baton now /)
    await third.page.waitForFunction(`document.getElementById('baton-title').textContent === 'You'`)
    await walk(guest, 's', 'place[2] > 6')
    await untilPlace(third, await avatarOf(guest), 'place[2] > 5')
    await untilEqual(all)
  })

  test('is a picture: many colors, and not the same ones after a walk', async () => {
    const visitor = await enter(browser, site, 'room=picture&name=Heron', { viewport: { width: 640, height: 400 } })
    visitors.push(visitor)
    await visitor.page.waitForFunction('plaza.session.network.exactTick(performance.now()) > 60')
    const first = await visitor.page.screenshot()
    await mkdir(PICTURES, { recursive: true })
    await writeFile(joinPath(PICTURES, 'plaza.png'), first)
    const seen = await colorsOf(visitor, first)
    // Sky, stone, wood in light and shade, a player: far more than a canvas that stayed empty.
    expect(seen.colorCount).toBeGreaterThan(200)
    expect(seen.commonestShare).toBeLessThan(0.5)
    await walk(visitor, 's', 'place[2] > 9')
    const second = await visitor.page.screenshot()
    expect(second.equals(first)).toBe(false)
  })

  test('in a hidden tab goes on sending: others see its player walk', async () => {
    // Without the switches with which Playwright spares hidden pages what browsers do to them.
    const harsh = await chromium.launch({
      ...inject('chromium'),
      ignoreDefaultArgs: [
        '--disable-background-timer-throttling',
        '--disable-backgrounding-occluded-windows',
        '--disable-renderer-backgrounding',
      ],
    })
    try {
      const watcher = await join(site, 'hidden', 'Heron')
      const url = `${site.url}?quality=low&room=hidden&name=Otter`
      const tab = await openHiddenTab(harsh, url, 'window.plaza?.session.replication.synced')
      await until(watcher, 'now.players.length === 2')
      const { packetsReceived } = await holding(watcher)
      const avatar = await tab.evaluate<number>('plaza.session.replication.networkId(plaza.session.me)')
      const [, , z] = (await placeOf(watcher, avatar))!
      await tab.evaluate(`dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyS' }))`)
      await untilPlace(watcher, avatar, `place[2] > ${z + 3}`)
      expect(await tab.evaluate('document.hidden')).toBe(true)
      await tab.evaluate(`dispatchEvent(new KeyboardEvent('keyup', { code: 'KeyS' }))`)
      await until(watcher, `now.packetsReceived > ${packetsReceived + 20}`)
      expect(await tab.evaluate('document.hidden')).toBe(true)
      await tab.close()
      await until(watcher, 'now.players.length === 1')
    } finally {
      await harsh.close()
    }
  })

  test('says what is wrong where a person can read it: a room that cannot be, no lobby, a lobby that goes', async () => {
    const refused = await visit(browser, site, 'room=no%20such%20name!')
    await refused.page.waitForSelector('#notice.fatal')
    expect(await noticeOf(refused)).toMatch(/room.*\(lobby\/room-name\)\s*Try again/s)
    const lost = await visit(browser, site, 'lobby=ws://127.0.0.1:9/nobody')
    await lost.page.waitForSelector('#notice.fatal')
    expect(await noticeOf(lost)).toMatch(/\(lobby\/unreachable\)\s*Try again/s)
    for (const one of [refused, lost]) {
      // It is told in the console, too: by the game, and by the browser of the socket that did not open.
      expect(one.complaints.length).toBeGreaterThan(0)
      await one.leave()
    }

    const own = await serve('dev')
    const host = await join(own, 'lonely', 'Heron')
    const guest = await join(own, 'lonely', 'Otter')
    await until(host, 'now.players.length === 2')
    await own.close()
    await guest.page.waitForFunction(`document.getElementById('notice').innerText.includes('The lobby is gone')`)
    await walk(guest, 's', 'place[2] > 6')
    await untilPlace(host, await avatarOf(guest), 'place[2] > 5')
    host.complaints.length = guest.complaints.length = 0
  })

  test('on a phone has a stick and a button, and walks by them', async () => {
    const phone = await enter(browser, site, 'room=phone&name=Heron', {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    })
    visitors.push(phone)
    const { page } = phone
    const box = (await page.locator('#stick').boundingBox())!
    const touch = await page.context().newCDPSession(page)
    const at = (dy: number): { x: number; y: number } => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 + dy })
    const avatar = await avatarOf(phone)
    const [, , z] = (await placeOf(phone, avatar))!
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at(0)] })
    await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [at(40)] })
    await untilPlace(phone, avatar, `place[2] > ${z + 1}`)
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    const jump = (await page.locator('#jump').boundingBox())!
    const middle = { x: jump.x + jump.width / 2, y: jump.y + jump.height / 2 }
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [middle] })
    await untilPlace(phone, avatar, 'place[1] > 1.4')
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  })
})

async function textOf({ page }: Visitor, selector: string): Promise<string> {
  return (await page.textContent(selector)) ?? ''
}

/** Counts the colors of a screenshot, in the page itself, which has a decoder for it. */
async function colorsOf({ page }: Visitor, png: Buffer): Promise<{ colorCount: number; commonestShare: number }> {
  return page.evaluate(async (base64) => {
    const image = new Image()
    image.src = `data:image/png;base64,${base64}`
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    const pen = canvas.getContext('2d')!
    pen.drawImage(image, 0, 0)
    const { data } = pen.getImageData(0, 0, image.width, image.height)
    const counts = new Map<number, number>()
    for (let i = 0; i < data.length; i += 4) {
      const color = ((data[i]! >> 3) << 10) | ((data[i + 1]! >> 3) << 5) | (data[i + 2]! >> 3)
      counts.set(color, (counts.get(color) ?? 0) + 1)
    }
    return { colorCount: counts.size, commonestShare: Math.max(...counts.values()) / (data.length / 4) }
  }, png.toString('base64'))
}
