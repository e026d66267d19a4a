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
    onerror: ((event: unknown) => void) | null
    terminate(): void
  }
  readonly Blob?: new (parts: string[], options: { type: string }) => unknown
  readonly URL?: { createObjectURL(blob: unknown): string; revokeObjectURL(url: string): void }
}

/** Starts one source of frames; the function given back ends it. */
type Source = (platform: Platform, tick: () => void, intervalMs: number) => () => void

/** More than this behind, missed frames are skipped: catching up would only make it later still. */
const MAX_BEHIND_MS = 250

/** A timer that aims at multiples of the interval, so that its errors do not add up. */
const timerSource: Source = (platform, tick, intervalMs) => {
  const { performance } = platform
  let dueMs = performance.now() + intervalMs
  let id = platform.setTimeout(fire, intervalMs)
  let isOver = false
  function fire(): void {
    const nowMs = performance.now()
    dueMs += intervalMs
    if (nowMs - dueMs > MAX_BEHIND_MS) dueMs = nowMs + intervalMs
    // Set before the frame runs: a frame that throws must not end the loop.
    id = platform.setTimeout(fire, Math.max(0, dueMs - nowMs))
    tick()
  }
  return () => {
    if (isOver) return
    isOver = true
    platform.clearTimeout(id)
  }
}

/** The display's own pace. */
const displaySource: Source = (platform, tick) => {
  let id = platform.requestAnimationFrame!(fire)
  function fire(): void {
    id = platform.requestAnimationFrame!(fire)
    tick()
  }
  return () => platform.cancelAnimationFrame!(id)
}

/**
 * A worker's timer. Browsers slow a hidden page's timers to one a second or less and stop its
 * display frames, but leave a worker's timers alone. Where workers are forbidden, the page's timer
 * is still better than nothing.
 */
const workerSource: Source = (platform, tick, intervalMs) => {
  const { Worker, Blob, URL } = platform
  if (Worker === undefined || Blob === undefined || URL === undefined) return timerSource(platform, tick, intervalMs)
  const source = `let due = performance.now() + ${intervalMs}
const fire = () => { postMessage(0); const now = performance.now(); due = Math.max(due + ${intervalMs}, now); setTimeout(fire, due - now) }
setTimeout(fire, ${intervalMs})`
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  let stopFallback: (() => void) | undefined
  let isOver = false
  const fallBack = (): void => {
    if (!isOver) stopFallback ??= timerSource(platform, tick, intervalMs)
  }
  let worker: InstanceType<NonNullable<Platform['Worker']>> | undefined
  try {
    worker = new Worker(url)
    worker.onmessage = () => {
      if (!isOver) tick()
    }
    worker.onerror = fallBack
  } catch {
    fallBack()
  }
  return () => {
    isOver = true
    worker?.terminate()
    URL.revokeObjectURL(url)
    stopFallback?.()
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
  let lastMs = -Infinity
  let isWorker = false
  let isFirst = true
  let stopSource: (() => void) | undefined

  function tick(): void {
    const nowMs = platform.performance.now()
    // A worker's messages may have piled up, and right after a change of source a frame may just have been.
    const minimumGapMs = isWorker || isFirst ? intervalMs / 2 : 0
    if (stopSource === undefined || nowMs <= lastMs || nowMs - lastMs < minimumGapMs) return
    isFirst = false
    lastMs = nowMs
    frame(nowMs)
  }

  function choose(): void {
    stopSource?.()
    const isHidden = hasDisplay && document.visibilityState === 'hidden'
    const source = !hasDisplay ? timerSource : isHidden ? workerSource : displaySource
    isWorker = isHidden
    isFirst = true
    stopSource = source(platform, tick, intervalMs)
  }

  choose()
  if (hasDisplay) document.addEventListener('visibilitychange', choose)
  return {
    stop() {
      if (stopSource === undefined) return
      if (hasDisplay) document.removeEventListener('visibilitychange', choose)
      stopSource()
      stopSource = undefined
    },
  }
}
