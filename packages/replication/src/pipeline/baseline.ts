/**
 * The states a row has been in, by the tick of the packets that carried them: what deltas refer to.
 * The sender keeps what it published, the receiver what it was sent; both look states up here.
 *
 * Invariant: a state is evicted only for 64 newer ones, in tick order and not in order of arrival, so
 * that a reordered packet can never push out a state that the sender may still refer to (BL3).
 */

/** States kept per row: a second at 60 Hz, so a round trip of a second still finds its baseline (BL3). */
export const HISTORY_STATES = 64
/** Rows that rest need few states; pages are allocated as states come in. */
const PAGE_STATES = 8
const PAGES_PER_ROW = HISTORY_STATES / PAGE_STATES
/** Words of a row's record, which lie together because every look-up needs them: then its pages follow. */
const COUNT = 0
const NEWEST_SLOT = 1
const NEWEST_TICK = 2
const PAGES = 3
const ROW_WORDS = PAGES + PAGES_PER_ROW
const CHUNK_SHIFT = 7
const PAGES_PER_CHUNK = 1 << CHUNK_SHIFT
const SLOT_MASK = HISTORY_STATES - 1

/** Is tick `a` later than `b`, across the wrap at 2^32? */
export function isLater(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}

/** A ring of states per row, each a tick and `laneCount` lanes, ordered by tick. */
export class StateHistory {
  readonly #laneCount: number
  readonly #stateSize: number
  readonly #maxPages: number
  /** Per row: states held, place of the newest in its ring, its tick, and the page of each eight places; 0 is none, page n is number n - 1. */
  #rows: Int32Array
  /** Of the state that `#find` found. */
  #foundTick = 0
  readonly #chunks: Int32Array[] = []
  readonly #free: number[] = []
  #pagesMade = 0

  /** @param maxPages bound on memory: pages of eight states, over all rows */
  constructor(laneCount: number, capacity: number, maxPages: number = 2 ** 24) {
    this.#laneCount = laneCount
    this.#stateSize = laneCount + 1
    this.#maxPages = maxPages
    this.#rows = new Int32Array(capacity * ROW_WORDS)
  }

  /** Pages that can still be taken; a pushed state takes at most one. */
  get pagesLeft(): number {
    return this.#maxPages - this.#pagesMade + this.#free.length
  }

  /** States held of a row. */
  count(row: number): number {
    return this.#rows[row * ROW_WORDS + COUNT]!
  }

  /** Stores a state, copied from `lanes`. One of a tick already held is replaced. */
  push(row: number, tick: number, lanes: Int32Array, offset: number): void {
    const rows = this.#rows
    const at = row * ROW_WORDS
    const count = rows[at + COUNT]!
    let newer = 0
    while (newer < count) {
      const held = newer === 0 ? rows[at + NEWEST_TICK]! >>> 0 : this.#tickAt(row, newer)
      if (held === tick) return this.#write(row, newer, tick, lanes, offset)
      if (isLater(tick, held)) break
      newer += 1
    }
    // Older than all 64: nobody can refer to it any more.
    if (newer === HISTORY_STATES) return
    rows[at + NEWEST_SLOT] = (rows[at + NEWEST_SLOT]! + 1) & SLOT_MASK
    if (newer === 0) rows[at + NEWEST_TICK] = tick
    if (count < HISTORY_STATES) rows[at + COUNT] = count + 1
    for (let back = 0; back < newer; back += 1) this.#copyState(row, back + 1, back)
    this.#write(row, newer, tick, lanes, offset)
  }

  /** The same, unless no page is left. @returns false then */
  tryPush(row: number, tick: number, lanes: Int32Array, offset: number): boolean {
    if (this.pagesLeft === 0) return false
    this.push(row, tick, lanes, offset)
    return true
  }

  /** Copies the state of exactly this tick to `out`. False when it is not held. */
  readExact(row: number, tick: number, out: Int32Array, offset: number): boolean {
    const back = this.#find(row, tick)
    return back >= 0 && this.#foundTick === tick && this.#read(row, back, out, offset)
  }

  /** Copies the newest state that is not later than this tick. False when none is held. */
  readAt(row: number, tick: number, out: Int32Array, offset: number): boolean {
    const back = this.#find(row, tick)
    return back >= 0 && this.#read(row, back, out, offset)
  }

  /** Is this the tick of the newest state held of a row? */
  isNewest(row: number, tick: number): boolean {
    return this.count(row) > 0 && this.#rows[row * ROW_WORDS + NEWEST_TICK] === (tick | 0)
  }

  /** Copies the newest state. False when the row has none. */
  readNewest(row: number, out: Int32Array, offset: number): boolean {
    return this.count(row) > 0 && this.#read(row, 0, out, offset)
  }

  forget(row: number): void {
    const first = row * ROW_WORDS
    for (let at = first + PAGES; at < first + ROW_WORDS; at += 1) {
      if (this.#rows[at] !== 0) this.#free.push(this.#rows[at]!)
    }
    this.#rows.fill(0, first, first + ROW_WORDS)
  }

  /** Gives the states of one row to another, which loses its own. */
  move(from: number, to: number): void {
    if (from === to) return
    this.forget(to)
    this.#rows.copyWithin(to * ROW_WORDS, from * ROW_WORDS, (from + 1) * ROW_WORDS)
    this.#rows.fill(0, from * ROW_WORDS, (from + 1) * ROW_WORDS)
  }

  grow(capacity: number): void {
    if (capacity * ROW_WORDS > this.#rows.length) {
      this.#rows = resized(this.#rows, capacity * ROW_WORDS)
    }
  }

  /** How many states back lies the newest one that is not later than `tick`; -1 when none is. */
  #find(row: number, tick: number): number {
    const count = this.count(row)
    if (count === 0) return -1
    const newest = this.#rows[row * ROW_WORDS + NEWEST_TICK]! >>> 0
    this.#foundTick = newest
    // Ticks differ, so a state n ticks before the newest is at most n states back: exactly, mostly.
    const ticksBack = (newest - tick) | 0
    if (ticksBack <= 0) return 0
    let high = Math.min(ticksBack, count - 1)
    this.#foundTick = this.#tickAt(row, high)
    if (this.#foundTick === tick) return high
    if (isLater(this.#foundTick, tick)) return -1
    let low = 0
    while (high - low > 1) {
      const middle = (low + high) >> 1
      const middleTick = this.#tickAt(row, middle)
      if (isLater(middleTick, tick)) low = middle
      else {
        high = middle
        this.#foundTick = middleTick
      }
    }
    return high
  }

  #tickAt(row: number, back: number): number {
    const slot = (this.#rows[row * ROW_WORDS + NEWEST_SLOT]! - back) & SLOT_MASK
    const page = this.#rows[row * ROW_WORDS + PAGES + (slot >>> 3)]!
    return this.#chunks[(page - 1) >> CHUNK_SHIFT]![this.#offsetIn(page, slot)]! >>> 0
  }

  #read(row: number, back: number, out: Int32Array, offset: number): true {
    const slot = (this.#rows[row * ROW_WORDS + NEWEST_SLOT]! - back) & SLOT_MASK
    const page = this.#rows[row * ROW_WORDS + PAGES + (slot >>> 3)]!
    const chunk = this.#chunks[(page - 1) >> CHUNK_SHIFT]!
    const from = this.#offsetIn(page, slot) + 1
    for (let lane = 0; lane < this.#laneCount; lane += 1) out[offset + lane] = chunk[from + lane]!
    return true
  }

  #write(row: number, back: number, tick: number, lanes: Int32Array, offset: number): void {
    const slot = (this.#rows[row * ROW_WORDS + NEWEST_SLOT]! - back) & SLOT_MASK
    const page = this.#pageFor(row, slot)
    const chunk = this.#chunks[(page - 1) >> CHUNK_SHIFT]!
    const to = this.#offsetIn(page, slot)
    chunk[to] = tick
    for (let lane = 0; lane < this.#laneCount; lane += 1) chunk[to + 1 + lane] = lanes[offset + lane]!
  }

  #copyState(row: number, fromBack: number, toBack: number): void {
    const from = (this.#rows[row * ROW_WORDS + NEWEST_SLOT]! - fromBack) & SLOT_MASK
    const to = (this.#rows[row * ROW_WORDS + NEWEST_SLOT]! - toBack) & SLOT_MASK
    const fromPage = this.#rows[row * ROW_WORDS + PAGES + (from >>> 3)]!
    const toPage = this.#pageFor(row, to)
    const source = this.#chunks[(fromPage - 1) >> CHUNK_SHIFT]!
    const target = this.#chunks[(toPage - 1) >> CHUNK_SHIFT]!
    const fromOffset = this.#offsetIn(fromPage, from)
    const toOffset = this.#offsetIn(toPage, to)
    for (let word = 0; word < this.#stateSize; word += 1) target[toOffset + word] = source[fromOffset + word]!
  }

  #offsetIn(page: number, slot: number): number {
    return (((page - 1) & (PAGES_PER_CHUNK - 1)) * PAGE_STATES + (slot & (PAGE_STATES - 1))) * this.#stateSize
  }

  #pageFor(row: number, slot: number): number {
    const at = row * ROW_WORDS + PAGES + (slot >>> 3)
    const held = this.#rows[at]!
    if (held !== 0) return held
    const page = this.#free.pop() ?? this.#makePage()
    this.#rows[at] = page
    return page
  }

  #makePage(): number {
    if (this.#pagesMade % PAGES_PER_CHUNK === 0) {
      this.#chunks.push(new Int32Array(PAGES_PER_CHUNK * PAGE_STATES * this.#stateSize))
    }
    this.#pagesMade += 1
    return this.#pagesMade
  }
}

type Column = Int32Array | Uint32Array | Uint8Array | Uint16Array | Float32Array | Float64Array

/** A longer array of the same kind that begins with `array`, zeros after it. */
export function resized<T extends Column>(array: T, length: number): T {
  const longer = new (array.constructor as new (length: number) => T)(length)
  longer.set(array)
  return longer
}
