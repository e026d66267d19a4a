/**
 * Measures how fast a channel's buffer drains and says when an unreliable message would wait too long.
 * Pure: the caller passes time, what it has accepted and what is still buffered.
 *
 * Invariant: an idle or fast link never refuses; a slow one holds about `QUEUE_DELAY_LIMIT_MS` of data,
 * because a state packet that leaves later than that is older than the next one.
 */
import { MAX_DATAGRAM_BYTES } from '@baton/core'

/** About three ticks at 60 Hz: beyond it a fresh packet beats a queued one. */
export const QUEUE_DELAY_LIMIT_MS = 50
/** Never hold back less than two datagrams, or a slow link could not be measured at all. */
export const MIN_WATER_MARK_BYTES = 2 * MAX_DATAGRAM_BYTES
/** The limit while nothing is known, and for links too fast to measure. */
export const MAX_WATER_MARK_BYTES = 65_536
/** Shorter windows measure the scheduler, not the link. */
const WINDOW_MS = 20
/** Weight of a new window: three or four windows replace an old estimate. */
const WINDOW_WEIGHT = 0.3
/** How fast a limit recovers once the link keeps up with it. */
const RECOVERY = 1.5

export interface DrainMeter {
  /** Most bytes that may already wait when another message is sent. */
  waterMarkBytes: number
  /** `undefined` until the link has been slower than what was sent. */
  rateBytesPerMs: number | undefined
  sinceMs: number | undefined
  acceptedBytes: number
  bufferedBytes: number
}

export function createDrainMeter(): DrainMeter {
  return {
    waterMarkBytes: MAX_WATER_MARK_BYTES,
    rateBytesPerMs: undefined,
    sinceMs: undefined,
    acceptedBytes: 0,
    bufferedBytes: 0,
  }
}

/** Counts what the channel has taken since the last window began. */
export function noteAccepted(meter: DrainMeter, bytes: number): void {
  meter.acceptedBytes += bytes
}

/** Ends a window when it is long enough. Called once per poll with what is buffered now. */
export function measureDrain(meter: DrainMeter, nowMs: number, bufferedBytes: number): void {
  if (meter.sinceMs === undefined) {
    restart(meter, nowMs, bufferedBytes)
    return
  }
  const elapsedMs = nowMs - meter.sinceMs
  if (elapsedMs < WINDOW_MS) return
  const drainedBytes = Math.max(0, meter.bufferedBytes + meter.acceptedBytes - bufferedBytes)
  const rate = drainedBytes / elapsedMs
  if (bufferedBytes > 0 && meter.bufferedBytes > 0) {
    // Something waited at both ends of the window, so this is the link's own pace.
    meter.rateBytesPerMs =
      meter.rateBytesPerMs === undefined ? rate : meter.rateBytesPerMs + (rate - meter.rateBytesPerMs) * WINDOW_WEIGHT
  } else if (bufferedBytes === 0 && meter.rateBytesPerMs !== undefined) {
    // The buffer ran dry: the link can do at least this, and perhaps more.
    meter.rateBytesPerMs = Math.max(rate, meter.rateBytesPerMs) * RECOVERY
  }
  if (meter.rateBytesPerMs !== undefined) {
    const waterMark = meter.rateBytesPerMs * QUEUE_DELAY_LIMIT_MS
    if (waterMark >= MAX_WATER_MARK_BYTES && bufferedBytes === 0) meter.rateBytesPerMs = undefined
    meter.waterMarkBytes = Math.min(MAX_WATER_MARK_BYTES, Math.max(MIN_WATER_MARK_BYTES, waterMark))
  }
  restart(meter, nowMs, bufferedBytes)
}

function restart(meter: DrainMeter, nowMs: number, bufferedBytes: number): void {
  meter.sinceMs = nowMs
  meter.acceptedBytes = 0
  meter.bufferedBytes = bufferedBytes
}
