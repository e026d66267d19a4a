/**
 * Which rows go into a packet when not all that are lacking can go.
 *
 * Invariant: while everything fits, nothing is chosen and no score is counted (PR rules).
 */
import type { AckedRows } from './acked-rows.ts'
import type { DirtyRows } from './dirty-rows.ts'
import type { EncodeRequest, RowPolicy } from './encode-request.ts'
import { MAX_PACKET_BYTES } from './packet.ts'
import type { PublishedRows } from './published-rows.ts'
import { worstRowBits } from './row-header.ts'

export class Competition {
  readonly #policy: RowPolicy
  readonly #published: PublishedRows
  readonly #worstBits: readonly number[]

  constructor(policy: RowPolicy, published: PublishedRows) {
    this.#policy = policy
    this.#published = published
    this.#worstBits = published.components.map((component) => (component ? worstRowBits(component.schema) : 0))
  }

  /** Bits that the largest row takes at most. */
  get worstBits(): number {
    return Math.max(0, ...this.#worstBits)
  }

  /** May rows be left? Some were last tick, or what rows usually take is over the budget. */
  isOn(dirty: DirtyRows, rowsLeft: number, { budgetBytes, maxPackets }: EncodeRequest): boolean {
    if (rowsLeft > 0) return true
    let bits = 0 // in sixteenths
    for (let row = 0; row < dirty.count; row += 1) {
      bits += this.#published.components[dirty.component(row)]!.usualBits
    }
    const bytes = Math.min(budgetBytes, maxPackets * MAX_PACKET_BYTES)
    return bits / 128 > bytes * 0.75 - MAX_PACKET_BYTES / 8
  }

  score(dirty: DirtyRows, acked: readonly (AckedRows | undefined)[], { lists, tick }: EncodeRequest): void {
    const { count, score, bits } = dirty
    for (let row = 0; row < count; row += 1) {
      const component = dirty.component(row)
      const index = dirty.index(row)
      const held = acked[component]!
      const priority = lists[dirty.list(row)]!.priorities?.[dirty.place(row)] ?? 1
      score[row] = this.#policy.score(priority, held.waitedTicks(index, tick), held.isUrgent(index))
      bits[row] = this.#worstBits[component]!
    }
  }

  /** Marks rows that are sure to fit. @returns how many */
  choose({ score, bits, count, chosen }: DirtyRows, bitsLeft: number): number {
    return this.#policy.choose(score, bits, count, bitsLeft, chosen)
  }
}
