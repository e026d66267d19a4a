/**
 * A machine that slept: its monotonic clock may have stood still, while everybody else's went on.
 *
 * Invariant: only a host's ticks are moved here, and only forward; guests follow it anyway.
 */
import { isHost, type Room } from '../room.ts'
import { wrapTick } from './tick-clock.ts'

/** Clocks of one machine differ by less than that. */
const MIN_SLEEP_MS = 250
/** More than that is no nap of a host that still is one, but a clock that was set. */
const MAX_SLEEP_MS = 60_000

/**
 * Called at the start of a frame. Without it all guests would stand still until a host that slept has caught
 * up with them.
 * @param elapsedMs since the last frame, by the monotonic clock
 */
export function makeUpForSleep(room: Room, elapsedMs: number): void {
  const { clock, nowMs, options } = room
  const wallMs = options.wallClock?.()
  if (wallMs === undefined) return
  const sleptMs = room.wallMs === undefined ? 0 : wallMs - room.wallMs - elapsedMs
  room.wallMs = wallMs
  if (sleptMs < MIN_SLEEP_MS || sleptMs > MAX_SLEEP_MS || !isHost(room)) return
  clock.leap(nowMs, wrapTick(clock.exact(nowMs) + (sleptMs * clock.rateHz) / 1_000))
  clock.release(nowMs)
}
