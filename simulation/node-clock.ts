/**
 * The two clocks of one peer: a monotonic one that may stop while its machine sleeps, and a wall clock
 * that never does.
 *
 * Invariant: neither falls, whatever the peer is put through.
 */

export class NodeClock {
  readonly #rate: number
  readonly #offsetMs: number
  #sleptMs = 0

  /** @param rate how fast it runs against true time; 1.01 gains a hundredth */
  constructor(rate: number, offsetMs: number) {
    this.#rate = rate
    this.#offsetMs = offsetMs
  }

  /** What the peer's monotonic clock shows at true time `timeMs`. */
  monotonicMs(timeMs: number): number {
    return this.#offsetMs + (timeMs - this.#sleptMs) * this.#rate
  }

  wallMs(timeMs: number): number {
    return this.#offsetMs * 3 + timeMs * this.#rate
  }

  /** The machine sleeps for so long from now on; to be called at the beginning or the end of it. */
  sleep(ms: number): void {
    this.#sleptMs += ms
  }
}
