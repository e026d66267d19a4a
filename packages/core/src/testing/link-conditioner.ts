/**
 * What a bad network does to one direction of one link: delay, jitter, loss, bursts, duplicates,
 * reordering, a rate limit with its queue, and a cut.
 *
 * Invariant: `LinkConditions` is read anew for every packet, so changing it takes effect at once;
 * all chance comes from the generator given, so one seed gives one history.
 */
import type { SeededRandom } from './seeded-random.ts'

/** Gilbert-Elliott: a link that is now and then in a bad state, in which it loses much more. */
export interface BurstLoss {
  /** Chance per packet of entering the bad state. 0 turns bursts off. */
  enter: number
  /** Chance per packet of leaving it; 1 / leave is the mean length of a burst in packets. */
  leave: number
  /** Chance of losing a packet in the bad state. */
  loss: number
}

/** One direction of one link. Mutable: a slider may write it at any time. */
export interface LinkConditions {
  /** One-way delay. */
  latencyMs: number
  /** Further delay per packet, even between 0 and this. More than the packets' spacing reorders them. */
  jitterMs: number
  /** Chance per packet of being lost, 0 to 1. */
  loss: number
  burst: BurstLoss
  /** Chance per unreliable packet of arriving twice. */
  duplicate: number
  /** Chance per unreliable packet of being held back by `reorderMs`, so that later ones overtake it. */
  reorder: number
  reorderMs: number
  /** Infinity for no limit. */
  rateBytesPerSecond: number
  /** What the sender's queue holds before unreliable packets are dropped. Only with a rate limit. */
  queueBytes: number
  /** Nothing comes through. */
  cut: boolean
}

/** A link that does nothing to what it carries. Every call gives a fresh object. */
export function createConditions(changes: Partial<LinkConditions> = {}): LinkConditions {
  const conditions = {
    latencyMs: 0,
    jitterMs: 0,
    loss: 0,
    burst: { enter: 0, leave: 0.25, loss: 0.8 },
    duplicate: 0,
    reorder: 0,
    reorderMs: 50,
    rateBytesPerSecond: Infinity,
    queueBytes: 65_536,
    cut: false,
    ...changes,
  }
  conditions.burst = { ...conditions.burst }
  return conditions
}

/** Decides the fate of each packet of one direction. */
export class LinkConditioner {
  readonly conditions: LinkConditions
  readonly #random: SeededRandom
  #isInBurst = false
  #busyUntilMs = 0
  /** The rate that `#busyUntilMs` was reckoned with. */
  #rate = Infinity

  /** @param conditions borrowed and read for every packet, so that changes take effect */
  constructor(conditions: LinkConditions, random: SeededRandom) {
    this.conditions = conditions
    this.#random = random
  }

  /** Bytes that wait for the rate limit at `nowMs`. */
  backlogBytes(nowMs: number): number {
    return this.#rate === Infinity ? 0 : (Math.max(0, this.#busyUntilMs - nowMs) * this.#rate) / 1_000
  }

  /** True when the queue has no room for an unreliable packet of this size. An empty queue takes any. */
  isFull(nowMs: number, sizeBytes: number): boolean {
    if (this.conditions.rateBytesPerSecond === Infinity) return false
    const backlogBytes = this.backlogBytes(nowMs)
    return backlogBytes > 0 && backlogBytes + sizeBytes > this.conditions.queueBytes
  }

  /** Queues the bytes behind the rate limit. @returns when the last of them has left */
  departMs(nowMs: number, sizeBytes: number): number {
    const rate = Math.max(this.conditions.rateBytesPerSecond, 1)
    const waitingBytes = this.backlogBytes(nowMs)
    this.#rate = rate
    this.#busyUntilMs = nowMs + (rate === Infinity ? 0 : ((waitingBytes + sizeBytes) * 1_000) / rate)
    return this.#busyUntilMs
  }

  /** True when a packet sent now does not come through. */
  loses(): boolean {
    const { burst, loss, cut } = this.conditions
    const random = this.#random
    if (burst.enter > 0) this.#isInBurst = this.#isInBurst ? !random.chance(burst.leave) : random.chance(burst.enter)
    else this.#isInBurst = false
    const isLost = random.chance(this.#isInBurst ? Math.max(burst.loss, loss) : loss)
    return cut || isLost
  }

  /** True when an unreliable packet arrives a second time. */
  duplicates(): boolean {
    return this.#random.chance(this.conditions.duplicate)
  }

  /** The delay of one packet on its way, without the rate limit. */
  delayMs(mayReorder: boolean): number {
    const { latencyMs, jitterMs, reorder, reorderMs } = this.conditions
    const delay = latencyMs + jitterMs * this.#random.float()
    return mayReorder && this.#random.chance(reorder) ? delay + reorderMs : delay
  }

  /** How long a sender of reliable data waits before it sends a lost packet again. */
  retransmitMs(): number {
    return Math.max(30, 2 * this.conditions.latencyMs + this.conditions.jitterMs)
  }
}
