import { afterEach, describe, expect, it } from 'vitest'
import { drive } from './drive.ts'

interface Page {
  dispatchEvent(event: unknown): void
}

interface RealWorker {
  addEventListener(type: 'message', handler: () => void): void
  terminate(): void
}

const { document, Event } = globalThis as unknown as { document: Page; Event: new (type: string) => unknown }

function show(state: 'visible' | 'hidden'): void {
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}

function pause(ms: number): Promise<void> {
  const { setTimeout } = globalThis as unknown as { setTimeout: (handler: () => void, ms: number) => void }
  return new Promise((resolve) => setTimeout(resolve, ms))
}

describe('drive in a browser', () => {
  afterEach(() => {
    delete (document as { visibilityState?: string }).visibilityState
  })

  it('DR8: frames come from the display, from a real worker when hidden, and from the display again', async () => {
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs))
    const more = async (count: number): Promise<void> => {
      const target = times.length + count
      while (times.length < target) await pause(5)
    }
    await more(5)
    show('hidden')
    await more(20)
    show('visible')
    await more(5)
    loop.stop()
    const count = times.length
    await pause(100)
    expect(times.length).toBe(count)
    for (let index = 1; index < count; index++) expect(times[index]).toBeGreaterThan(times[index - 1]!)
  })

  it('DR8, DR9: a real worker is there from the start, silent while the page is visible, and ended by stop', async () => {
    const page = globalThis as unknown as { Worker: new (url: string) => RealWorker }
    const { Worker } = page
    const workers: { heard: number; isEnded: boolean }[] = []
    page.Worker = class extends Worker {
      readonly #account = { heard: 0, isEnded: false }
      constructor(url: string) {
        super(url)
        workers.push(this.#account)
        this.addEventListener('message', () => (this.#account.heard += 1))
      }
      override terminate(): void {
        this.#account.isEnded = true
        super.terminate()
      }
    }
    const silence = async (): Promise<void> => {
      // What was on its way is there.
      await pause(100)
      const { heard } = workers[0]!
      await pause(200)
      expect(workers).toEqual([{ heard, isEnded: false }])
    }
    const loop = drive(() => {})
    try {
      await silence()
      expect(workers[0]!.heard).toBe(0)
      show('hidden')
      while (workers[0]!.heard < 20) await pause(5)
      show('visible')
      await silence()
      show('hidden')
      for (const target = workers[0]!.heard + 20; workers[0]!.heard < target;) await pause(5)
    } finally {
      loop.stop()
      page.Worker = Worker
    }
    expect(workers).toMatchObject([{ isEnded: true }])
  })

  it("DR8: the worker keeps the pace when the page's own timers do not fire", async () => {
    const page = globalThis as unknown as { setTimeout: unknown; requestAnimationFrame: unknown }
    const kept = { setTimeout: page.setTimeout, requestAnimationFrame: page.requestAnimationFrame }
    let count = 0
    let loop: { stop(): void } | undefined
    const enough = new Promise<void>((resolve) => {
      show('hidden')
      page.setTimeout = () => 0
      page.requestAnimationFrame = () => 0
      loop = drive(() => {
        if (++count === 30) resolve()
      })
    })
    try {
      await enough
    } finally {
      Object.assign(page, kept)
      loop?.stop()
    }
    expect(count).toBeGreaterThanOrEqual(30)
  })
})
