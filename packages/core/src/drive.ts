/**
 * The pump: calls a game's frame with real time. The only file of core that knows clocks and timers.
 *
 * Invariant: one frame at a time and time never falls, whichever source drives it; importing this
 * file does nothing, in a browser, in Node or while a page is rendered on a server.
 */
import { invariant } from './errors.ts'

export interface DriveOptions {
  /** Frames per second where no display sets the pace: hidden pages, Node. Default 60. */
  readonly rateHz?: number
}

/** What the hosts of this program offer. Read when `drive` is called, so that nothing is assumed before. */
interface Platform {
  readonly performance: { now(): number }
  readonly setTimeout: (handler: () => void, ms: number) => unknown
  readonly clearTimeout: (id: unknown) => void
  readonly requestAnimationFrame?: (handler: () => void) => number
  readonly cancelAnimationFrame?: (id: number) => void
  readonly document?: {
    readonly visibilityState: string
    addEventListener(type: 'visibilitychange', handler: () => void): void
    removeEventListener(type: 'visibilitychange', handler: () => void): void
  }
  readonly Worker?: new (url: string) => {
    onmessage: ((event: unknown) => void) | null
    postMessage(message: unknown): void
    terminate(): void
  }
  readonly Blob?: new (parts: string[], options: { type: string }) => unknown
  readonly URL?: { createObjectURL(blob: unknown): string; revokeObjectURL(url: string): void }
}

/** One source of frames, silent until it is started. */
interface Source {
  start(): void
  stop(): void
}

/** More than this behind, missed frames are skipped: catching up would only make it later still. */
const MAX_BEHIND_MS = 250

/** A timer that aims at multiples of the interval, so that its errors do not add up. */
function createTimer(platform: Platform, tick: () => void, intervalMs: number): Source {
  let dueMs = 0
  let id: unknown
  function fire(): void {
    const nowMs = platform.performance.now()
    dueMs += intervalMs
    if (nowMs - dueMs > MAX_BEHIND_MS) dueMs = nowMs + intervalMs
    // Set before the frame runs: a frame that throws must not end the loop.
    id = platform.setTimeout(fire, Math.max(0, dueMs - nowMs))
    tick()
  }
  return {
    start() {
      dueMs = platform.performance.now() + intervalMs
      id = platform.setTimeout(fire, intervalMs)
    },
    stop() {
      platform.clearTimeout(id)
    },
  }
}

/** The display's own pace. */
function createDisplay(platform: Platform, tick: () => void): Source {
  let id = 0
  function request(): void {
    id = platform.requestAnimationFrame!(fire)
  }
  function fire(): void {
    request()
    tick()
  }
  return { start: request, stop: () => platform.cancelAnimationFrame!(id) }
}

/**
 * A worker's timer. Browsers slow a hidden page's timers to one a second or less and stop its
 * display frames, but leave a worker's timers alone. The worker is made at once and waits: to start
 * one can take a page that has just been hidden longer than a guest waits for its host. Until it is
 * heard, and where workers are forbidden, the page's timer is still better than nothing.
 */
function createWorkerTimer(platform: Platform, tick: () => void, intervalMs: number): Source & { end(): void } {
  const timer = createTimer(platform, tick, intervalMs)
  const { Worker, Blob, URL } = platform
  if (Worker === undefined || Blob === undefined || URL === undefined) return { ...timer, end: () => timer.stop() }
  const script = `let id, due
const wait = (ms) => { id = setTimeout(fire, ms) }
const fire = () => { postMessage(0); const now = performance.now(); due = Math.max(due + ${intervalMs}, now); wait(due - now) }
onmessage = ({ data }) => { clearTimeout(id); due = performance.now() + ${intervalMs}; if (data) wait(${intervalMs}) }`
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))
  let worker: InstanceType<typeof Worker> | undefined
  let isStarted = false
  try {
    worker = new Worker(url)
    worker.onmessage = () => {
      // It may have been sent before the worker heard that it is to stop.
      if (!isStarted) return
      timer.stop()
      tick()
    }
  } catch {
    // Forbidden: the page's timer it is. Where the refusal comes as an event, the worker is never heard.
  }
  return {
    start() {
      isStarted = true
      worker?.postMessage(true)
      timer.start()
    },
    stop() {
      isStarted = false
      worker?.postMessage(false)
      timer.stop()
    },
    end() {
      worker?.terminate()
      URL.revokeObjectURL(url)
    },
  }
}

/**
 * Calls `frame` until stopped: with the display while the page is visible, from a worker's timer
 * while it is hidden, from a timer in Node and in workers.
 *
 * ```ts
 * const loop = drive((nowMs) => { network.receive(nowMs); step(); network.flush(nowMs) })
 * loop.stop()
 * ```
 * @param frame called with monotonic milliseconds that never fall; what it throws is reported by the
 *   platform, and the loop goes on
 * @throws InvariantError for a rate that cannot be
 */
export function drive(frame: (nowMs: number) => void, options: DriveOptions = {}): { stop(): void } {
  const { rateHz = 60 } = options
  invariant(rateHz > 0 && rateHz <= 1_000, `drive: rateHz is ${rateHz}; give a number above 0, up to 1,000`)
  const platform = globalThis as unknown as Platform
  const intervalMs = 1_000 / rateHz
  const { document } = platform
  const hasDisplay = document !== undefined && platform.requestAnimationFrame !== undefined
  const shown = hasDisplay ? createDisplay(platform, tick) : createTimer(platform, tick, intervalMs)
  const hidden = hasDisplay ? createWorkerTimer(platform, tick, intervalMs) : undefined
  let lastMs = -Infinity
  let isFirst = true
  let isInFrame = false
  let source: Source | undefined

  function tick(): void {
    const nowMs = platform.performance.now()
    // A worker's messages may have piled up, and right after a change of source a frame may just have been.
    const minimumGapMs = source === hidden || isFirst ? intervalMs / 2 : 0
    if (source === undefined || isInFrame || nowMs <= lastMs || nowMs - lastMs < minimumGapMs) return
    isFirst = false
    lastMs = nowMs
    isInFrame = true
    try {
      frame(nowMs)
    } finally {
      isInFrame = false
    }
  }

  function choose(): void {
    source?.stop()
    source = document?.visibilityState === 'hidden' && hidden !== undefined ? hidden : shown
    isFirst = true
    source.start()
  }

  function change(): void {
    choose()
    // The display may have stopped some time before the page was told; when it shows again, it is there at once.
    if (source === hidden) tick()
  }

  choose()
  if (hasDisplay) document.addEventListener('visibilitychange', change)
  return {
    stop() {
      if (source === undefined) return
      if (hasDisplay) document.removeEventListener('visibilitychange', change)
      source.stop()
      source = undefined
      hidden?.end()
    },
  }
}
