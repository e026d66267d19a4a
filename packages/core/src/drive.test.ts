import { afterEach, describe, expect, it, vi } from 'vitest'
import { drive } from './drive.ts'

function pause(ms: number): Promise<void> {
  const { setTimeout } = globalThis as unknown as { setTimeout: (handler: () => void, ms: number) => void }
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits until something holds; the test's own time-out ends a wait in vain. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(1)
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('drive in Node', () => {
  it('DR1: calls the frame again and again with time that rises, and no more after stop', async () => {
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs), { rateHz: 200 })
    expect(times).toEqual([])
    await until(() => times.length >= 10)
    loop.stop()
    loop.stop()
    const count = times.length
    await pause(50)
    expect(times.length).toBe(count)
    for (let index = 1; index < count; index++) expect(times[index]).toBeGreaterThan(times[index - 1]!)
  })

  it('DR2: does not drift: errors of single frames do not add up', () => {
    // The clock of this test is the frames' own; what counts is the mean over many.
    const clock = createClock()
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs), { rateHz: 60 })
    clock.run(10_000, 3)
    loop.stop()
    expect(times.length).toBeGreaterThanOrEqual(598)
    expect(times.length).toBeLessThanOrEqual(600)
  })

  it('DR2: after a long stall it goes on from there, without a burst of missed frames', () => {
    const clock = createClock()
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs), { rateHz: 100 })
    clock.run(100, 0)
    const before = times.length
    clock.stall(5_000)
    clock.run(100, 0)
    loop.stop()
    expect(times.length - before).toBeLessThanOrEqual(36)
  })

  it('DR3: stop from within the frame ends it', async () => {
    let count = 0
    const loop = drive(
      () => {
        count++
        loop.stop()
      },
      { rateHz: 500 },
    )
    await until(() => count > 0)
    await pause(20)
    expect(count).toBe(1)
  })

  it('DR4: refuses a rate that cannot be', () => {
    for (const rateHz of [0, -1, NaN, Infinity, 5_000]) expect(() => drive(() => {}, { rateHz })).toThrow(/rateHz/)
  })
})

/** A page of which the test moves the time; display frames come at 120 Hz while it is visible. */
function createClock() {
  let nowMs = 0
  let nextId = 1
  const timers = new Map<number, { atMs: number; handler: () => void }>()
  const add = (handler: () => void, ms: number): number => {
    timers.set(nextId, { atMs: nowMs + ms, handler })
    return nextId++
  }
  vi.stubGlobal('performance', { now: () => nowMs })
  vi.stubGlobal('setTimeout', add)
  vi.stubGlobal('clearTimeout', (id: number) => timers.delete(id))
  return {
    add,
    remove: (id: number) => timers.delete(id),
    now: () => nowMs,
    stall(ms: number): void {
      nowMs += ms
    },
    /** Runs timers for a while, each up to `lateMs` late as real ones are. */
    run(ms: number, lateMs: number): void {
      const endMs = nowMs + ms
      for (;;) {
        const [id, next] = [...timers].sort((a, b) => a[1].atMs - b[1].atMs)[0] ?? []
        if (id === undefined || next === undefined || next.atMs > endMs) break
        timers.delete(id)
        nowMs = Math.max(nowMs, next.atMs + (id % 2 === 0 ? lateMs : 0))
        next.handler()
      }
      nowMs = Math.max(nowMs, endMs)
    },
  }
}

interface Workers {
  readonly mode: 'work' | 'throw' | 'fail'
  /** From its construction to the first message it hears. */
  readonly startMs: number
}

/** On the way between a page and its worker, each way. */
const MESSAGE_MS = 2

function createPage({ mode, startMs }: Workers = { mode: 'work', startMs: 0 }) {
  const clock = createClock()
  let visibility = 'visible'
  const handlers = new Set<() => void>()
  const workers = { made: 0, running: 0, urls: 0, sent: 0 }
  vi.stubGlobal('document', {
    get visibilityState() {
      return visibility
    },
    addEventListener: (_type: string, handler: () => void) => handlers.add(handler),
    removeEventListener: (_type: string, handler: () => void) => handlers.delete(handler),
  })
  vi.stubGlobal('requestAnimationFrame', (handler: () => void) =>
    clock.add(handler, visibility === 'visible' ? 1_000 / 120 : Infinity),
  )
  vi.stubGlobal('cancelAnimationFrame', clock.remove)
  vi.stubGlobal('URL', { createObjectURL: () => `blob:${++workers.urls}`, revokeObjectURL: () => workers.urls-- })
  vi.stubGlobal(
    'Worker',
    class {
      onmessage: (() => void) | null = null
      onerror: (() => void) | null = null
      readonly #readyMs = clock.now() + startMs
      #id = 0
      #isTerminated = false
      constructor() {
        if (mode === 'throw') throw new Error('forbidden by policy')
        workers.made++
        workers.running++
        if (mode === 'fail') clock.add(() => this.onerror?.(), 5)
      }
      readonly #fire = (): void => {
        this.#id = clock.add(this.#fire, 1_000 / 60)
        workers.sent++
        clock.add(() => this.#isTerminated || this.onmessage?.(), MESSAGE_MS)
      }
      postMessage(isOn: boolean): void {
        const turn = (): void => {
          clock.remove(this.#id)
          if (isOn && !this.#isTerminated) this.#id = clock.add(this.#fire, 1_000 / 60)
        }
        if (mode === 'work') clock.add(turn, Math.max(MESSAGE_MS, this.#readyMs - clock.now()))
      }
      terminate(): void {
        workers.running--
        this.#isTerminated = true
        clock.remove(this.#id)
      }
    },
  )
  return {
    clock,
    workers,
    handlers,
    show(state: 'visible' | 'hidden'): void {
      visibility = state
      for (const handler of handlers) handler()
    },
  }
}

/** The longest time without a frame. */
function longestGapMs(times: readonly number[]): number {
  return Math.max(...times.slice(1).map((time, index) => time - times[index]!))
}

describe('drive in a page', () => {
  it('DR5: follows the display while visible, a worker while hidden, and back', () => {
    const page = createPage()
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs))
    page.clock.run(1_000, 0)
    expect(times.length).toBeGreaterThanOrEqual(119)
    page.show('hidden')
    page.clock.run(1_000, 0)
    expect(times.length).toBeGreaterThanOrEqual(119 + 58)
    expect(times.length).toBeLessThanOrEqual(121 + 60)
    page.show('visible')
    page.clock.run(1_000, 0)
    expect(times.length).toBeGreaterThanOrEqual(119 + 58 + 118)
    loop.stop()
    expect(page.handlers.size).toBe(0)
    expect(page.workers).toMatchObject({ made: 1, running: 0, urls: 0 })
    const count = times.length
    page.clock.run(1_000, 0)
    expect(times.length).toBe(count)
  })

  it('DR9: the worker is there from the start, and silent while the page is visible', () => {
    const page = createPage()
    const loop = drive(() => {})
    expect(page.workers).toMatchObject({ made: 1, running: 1 })
    page.clock.run(1_000, 0)
    expect(page.workers.sent).toBe(0)
    page.show('hidden')
    page.clock.run(1_000, 0)
    expect(page.workers.sent).toBeGreaterThan(55)
    page.show('visible')
    page.clock.run(MESSAGE_MS, 0)
    const { sent } = page.workers
    page.clock.run(1_000, 0)
    expect(page.workers).toMatchObject({ made: 1, running: 1, sent })
    loop.stop()
  })

  it('DR9: to hide a page leaves no gap, however long a worker takes to start', () => {
    const page = createPage({ mode: 'work', startMs: 700 })
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs))
    // The page's own timers are of no use once it is hidden.
    vi.stubGlobal('setTimeout', () => 0)
    page.clock.run(1_000, 0)
    page.show('hidden')
    page.clock.run(1_000, 0)
    loop.stop()
    expect(longestGapMs(times)).toBeLessThan(30)
    expect(times.length).toBeGreaterThan(119 + 55)
  })

  it('DR9: a frame that is due when the page is hidden comes at once, and none within a frame', () => {
    const page = createPage()
    let isNested = false
    let isInFrame = false
    const times: number[] = []
    const loop = drive((nowMs) => {
      isNested ||= isInFrame
      isInFrame = true
      times.push(nowMs)
      if (times.length === 10) {
        page.clock.stall(100)
        page.show('hidden')
        page.show('visible')
      }
      isInFrame = false
    })
    page.clock.run(1_000, 0)
    expect(isNested).toBe(false)
    page.clock.stall(100)
    const count = times.length
    page.show('hidden')
    expect(times.length).toBe(count + 1)
    page.clock.stall(100)
    page.show('visible')
    expect(times.length).toBe(count + 1)
    loop.stop()
  })

  it('DR6: a change of visibility neither doubles a frame nor leaves two sources running', () => {
    const page = createPage()
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs))
    for (let change = 0; change < 200; change++) {
      page.show(change % 2 === 0 ? 'hidden' : 'visible')
      page.clock.run((change * 7) % 40, 0)
      expect(page.workers.running).toBeLessThanOrEqual(1)
    }
    for (let index = 1; index < times.length; index++) expect(times[index]! - times[index - 1]!).toBeGreaterThan(8)
    loop.stop()
    expect(page.workers.running).toBe(0)
  })

  it('DR6: what a worker sent before it was stopped gives no frame', () => {
    const page = createPage()
    const times: number[] = []
    const loop = drive((nowMs) => times.push(nowMs))
    page.show('hidden')
    for (let steps = 0; page.workers.sent < 5; steps++) {
      expect(steps).toBeLessThan(1_000)
      page.clock.run(0.5, 0)
    }
    page.show('visible')
    const count = times.length
    page.clock.run(MESSAGE_MS + 1, 0)
    expect(times.length).toBe(count)
    loop.stop()
  })

  it("DR7: where workers are forbidden or fail, the page's own timer goes on", () => {
    for (const mode of ['throw', 'fail'] as const) {
      for (const visibleMs of [0, 100]) {
        const page = createPage({ mode, startMs: 0 })
        const times: number[] = []
        const loop = drive((nowMs) => times.push(nowMs))
        page.clock.run(visibleMs, 0)
        page.show('hidden')
        const count = times.length
        page.clock.run(1_000, 0)
        expect(times.length - count).toBeGreaterThan(55)
        page.show('visible')
        page.clock.run(1_000, 0)
        expect(times.length - count).toBeGreaterThan(55 + 118)
        expect(times.length - count).toBeLessThanOrEqual(60 + 121)
        loop.stop()
        const end = times.length
        page.clock.run(1_000, 0)
        expect(times.length).toBe(end)
        expect(page.workers).toMatchObject({ running: 0, urls: 0 })
        vi.unstubAllGlobals()
      }
    }
  })

  it("DR7: the page's own timer goes on until a worker that starts late is heard", () => {
    const page = createPage({ mode: 'work', startMs: 700 })
    const times: number[] = []
    let timersSet = 0
    vi.stubGlobal('setTimeout', (handler: () => void, ms: number) => {
      timersSet++
      return page.clock.add(handler, ms)
    })
    page.show('hidden')
    const loop = drive((nowMs) => times.push(nowMs))
    page.clock.run(1_000, 0)
    const whenHeard = timersSet
    page.clock.run(1_000, 0)
    loop.stop()
    expect(whenHeard).toBeGreaterThan(30)
    expect(timersSet).toBe(whenHeard)
    expect(longestGapMs(times)).toBeLessThan(30)
    expect(times.length).toBeLessThanOrEqual(121)
  })
})
