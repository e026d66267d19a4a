/** The smallest game in two real pages: the cube is grabbed in the second and moves in the first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright'
import { build, createServer, preview, type InlineConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    chromium: { executablePath: string; args: string[] }
  }
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))

async function serve(mode: 'dev' | 'build'): Promise<{ url: string; close(): Promise<void> }> {
  const config: InlineConfig = { root: ROOT, configLoader: 'runner', logLevel: 'error' }
  if (mode === 'dev') {
    const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1', hmr: false, watch: null } })
    await server.listen()
    return { url: server.resolvedUrls!.local[0]!, close: () => server.close() }
  }
  const outDir = await mkdtemp(join(tmpdir(), 'minimal-'))
  await build({ ...config, build: { outDir, emptyOutDir: true } })
  const server = await preview({ ...config, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
  const url = server.resolvedUrls!.local[0]!
  return { url, close: () => server.close().then(() => rm(outDir, { recursive: true, force: true })) }
}

const SIZE = { width: 320, height: 240 }

/**
 * Where the cube is in the picture, as the middle of all pixels of its orange, from -1 (left) to 1 (right).
 * The example shows its world in no other way, so the test looks as a person does.
 */
async function lookForCube(page: Page): Promise<number | undefined> {
  const png = await page.screenshot()
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
    let count = 0
    let sum = 0
    for (let i = 0; i < data.length; i += 4) {
      if (data[i]! < 90 || data[i]! < data[i + 2]! * 1.5) continue
      count += 1
      sum += (i / 4) % image.width
    }
    return count < 50 ? undefined : (2 * sum) / count / image.width - 1
  }, png.toString('base64'))
}

async function untilCube(page: Page, isThere: (x: number) => boolean): Promise<void> {
  for (;;) {
    const x = await lookForCube(page)
    if (x !== undefined && isThere(x)) return
    await new Promise((next) => setTimeout(next, 200))
  }
}

describe.each(['dev', 'build'] as const)('the smallest game, %s', (mode) => {
  let browser: Browser
  let site: Awaited<ReturnType<typeof serve>>
  const complaints: string[] = []

  beforeAll(async () => {
    browser = await chromium.launch(inject('chromium'))
    site = await serve(mode)
  })
  afterAll(async () => {
    await browser.close()
    await site.close()
  })

  async function open(): Promise<Page> {
    const context = await browser.newContext({ viewport: SIZE })
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(site.url)
    return page
  }

  test('the cube that is grabbed in the second page moves in the first, and the other way round', async () => {
    const first = await open()
    await untilCube(first, (x) => Math.abs(x) < 0.1)
    const second = await open()
    await untilCube(second, (x) => Math.abs(x) < 0.1)

    await drag(second, 0.8)
    await untilCube(second, (x) => x > 0.3)
    await untilCube(first, (x) => x > 0.3)
    await second.mouse.up()
    await drag(first, 0.2)
    await untilCube(second, (x) => x < -0.3)

    // The host's page goes, and the cube stays in hand.
    await first.context().close()
    await drag(second, 0.8)
    await untilCube(second, (x) => x > 0.3)
    const third = await open()
    await untilCube(third, (x) => x > 0.3)
    expect(complaints).toEqual([])
  })
})

/** Presses in the middle and moves sideways; the button stays down. @param part of the page's width */
async function drag(page: Page, part: number): Promise<void> {
  await page.mouse.move(SIZE.width / 2, SIZE.height / 2)
  await page.mouse.down()
  await page.mouse.move(SIZE.width * part, SIZE.height / 2, { steps: 8 })
}
