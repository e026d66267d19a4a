/**
 * A clock that moves only when told, and what is to happen on it.
 *
 * Invariant: actions run in order of (time, order of scheduling), whatever the heap looks like, so
 * that one seed gives one history.
 */

interface Entry {
  readonly timeMs: number
  readonly order: number
  readonly action: () => void
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)
}

/** Virtual time in milliseconds with a binary heap of actions. */
export class VirtualTime {
  readonly #heap: Entry[] = []
  #order = 0
  #nowMs: number

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** How many actions wait. */
  get pendingCount(): number {
    return this.#heap.length
  }

  /** Runs `action` when the time comes; a time that has passed means now, at the next `advanceTo`. */
  at(timeMs: number, action: () => void): void {
    const heap = this.#heap
    const entry = { timeMs: Math.max(timeMs, this.#nowMs), order: this.#order++, action }
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  /** Runs everything due up to and including `timeMs`, then stands there. Earlier times do nothing. */
  advanceTo(timeMs: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.timeMs <= timeMs) {
      const entry = this.#pop()
      this.#nowMs = entry.timeMs
      entry.action()
    }
    if (timeMs > this.#nowMs) this.#nowMs = timeMs
  }

  #pop(): Entry {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    const count = heap.length
    if (count === 0) return first
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= count) break
      if (child + 1 < count && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}
