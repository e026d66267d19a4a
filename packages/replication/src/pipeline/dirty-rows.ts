/**
 * The rows that one far end lacks this tick, in the order they would be written: by list, then by
 * source tick, then by NetworkId.
 *
 * Invariant: a row is in it exactly when the far end has not acked the state the row has now (BL5).
 */
import type { AckedRows } from './acked-rows.ts'
import { isLater, lengthened } from './baseline.ts'
import type { SectionPlan } from './packet-writer.ts'
import type { Candidates, PublishedComponent, PublishedRows, RowList } from './published-rows.ts'
import { MAX_SECTION_ROWS, SPACING_BITS, WHOLE_ROW, gapOrder } from './row-header.ts'

const FIRST_ROWS = 256
/** Source ticks that are told apart in one list; a list mixes few, and rows of more stay as they come. */
const MAX_SOURCES = 8
/** Words of a row that is moved. */
const PLACE_WORDS = 4
/** Rows looked at to find what a section's rows have in common. */
const LOOK_AHEAD = 64

export class DirtyRows {
  count = 0
  /** By component, the publication in which all rows that are lacking were known last; -1 for none. */
  readonly #seen: Int32Array
  /** Per row: component, entity index, source tick, place in its list, and which list. */
  component = new Uint8Array(FIRST_ROWS)
  index = new Int32Array(FIRST_ROWS)
  source = new Uint32Array(FIRST_ROWS)
  place = new Int32Array(FIRST_ROWS)
  list = new Uint16Array(FIRST_ROWS)
  /** As `AckedRows.baseline` has it. */
  baseline = new Int32Array(FIRST_ROWS)
  /** Of rows and baselines: equal where they are. */
  fingerprint = 0
  /** Kept by the encoder while rows compete. */
  score = new Float32Array(FIRST_ROWS)
  bits = new Int32Array(FIRST_ROWS)
  chosen = new Uint8Array(FIRST_ROWS)
  /** Scratch of `#groupBySource`. */
  #order = new Int32Array(FIRST_ROWS * PLACE_WORDS)

  /** @param components in the registry */
  constructor(components: number) {
    this.#seen = new Int32Array(components).fill(-1)
  }

  /** What was held may not be any more: all rows are looked at in the next tick. */
  forgetSeen(): void {
    this.#seen.fill(-1)
  }

  /**
   * Finds them anew: among those that changed or were lacking a tick ago, or among all where that is not known.
   * @param restingSince see `EncodeRequest`
   */
  collect(
    lists: readonly RowList[],
    published: PublishedRows,
    acked: readonly (AckedRows | undefined)[],
    tick: number,
    restingSince?: number,
  ): void {
    this.count = 0
    this.fingerprint = 0
    for (let list = 0; list < lists.length; list += 1) {
      const { component } = lists[list]!
      const rows = published.components[component]!
      const held = acked[component]!
      const isKnown = this.#seen[component] === rows.publication - 1
      const candidates = isKnown ? published.candidatesOf(lists[list]!, list) : undefined
      const start = this.count
      this.#collectList(list, lists[list]!, candidates, rows, held, tick, restingSince)
      if (this.#isMixed(start)) this.#groupBySource(start)
    }
    for (let list = 0; list < lists.length; list += 1) {
      const { component } = lists[list]!
      // Rows that wait for the far end's word are not wanted yet.
      this.#seen[component] = restingSince === undefined ? published.components[component]!.publication : -1
    }
  }

  #collectList(
    list: number,
    { component, indices, count }: RowList,
    candidates: Candidates | undefined,
    rows: PublishedComponent,
    held: AckedRows,
    tick: number,
    restingSince: number | undefined,
  ): void {
    const { changedTick, sourceTick, wanted } = rows
    const most = candidates === undefined ? count : candidates.count
    this.#reserve(this.count + most)
    for (let n = 0; n < most; n += 1) {
      const place = candidates === undefined ? n : candidates.places[n]!
      const index = indices[place]!
      const changed = changedTick[index]!
      if (!held.isDirty(index, changed)) continue
      if (restingSince !== undefined && !held.isHeld(index) && !isLater(changed, restingSince)) continue
      held.want(index, tick)
      wanted[index] = 1
      const at = this.count
      this.component[at] = component
      this.index[at] = index
      this.source[at] = sourceTick[index]!
      this.place[at] = place
      this.list[at] = list
      const baseline = held.baseline(index, tick)
      this.baseline[at] = baseline
      this.fingerprint = Math.imul(this.fingerprint ^ (index + (baseline << 8) + component), 0x01000193)
      this.count = at + 1
    }
  }

  #isMixed(start: number): boolean {
    for (let at = start + 1; at < this.count; at += 1) if (this.source[at] !== this.source[start]) return true
    return false
  }

  /** Do these two rows go into one section? */
  isSameSection(a: number, b: number): boolean {
    return this.list[a] === this.list[b] && this.source[a] === this.source[b]
  }

  /** Brings the rows from `start` on together by source tick; among those of one, order stays. */
  #groupBySource(start: number): void {
    let done = start
    for (let sources = 0; sources < MAX_SOURCES && done < this.count; sources += 1) {
      const source = this.source[done]!
      let kept = 0
      let rest = done
      // Rows of this source tick move up; the others wait in `order` as pairs and follow.
      for (let at = done; at < this.count; at += 1) {
        const index = this.index[at]!
        const place = this.place[at]!
        const baseline = this.baseline[at]!
        if (this.source[at] === source) {
          this.#put(rest, index, source, place, baseline)
          rest += 1
        } else {
          const to = kept * PLACE_WORDS
          this.#order[to] = index
          this.#order[to + 1] = this.source[at]! | 0
          this.#order[to + 2] = place
          this.#order[to + 3] = baseline
          kept += 1
        }
      }
      for (let other = 0; other < kept; other += 1) {
        const from = other * PLACE_WORDS
        const order = this.#order
        this.#put(rest + other, order[from]!, order[from + 1]! >>> 0, order[from + 2]!, order[from + 3]!)
      }
      done = rest
    }
  }

  #put(at: number, index: number, source: number, place: number, baseline: number): void {
    this.baseline[at] = baseline
    this.index[at] = index
    this.source[at] = source
    this.place[at] = place
  }

  #reserve(count: number): void {
    if (count <= this.index.length) return
    const length = 2 ** (32 - Math.clz32(count))
    this.component = lengthened(this.component, new Uint8Array(length))
    this.index = lengthened(this.index, new Int32Array(length))
    this.source = lengthened(this.source, new Uint32Array(length))
    this.place = lengthened(this.place, new Int32Array(length))
    this.list = lengthened(this.list, new Uint16Array(length))
    this.score = new Float32Array(length)
    this.bits = new Int32Array(length)
    this.chosen = new Uint8Array(length)
    this.#order = new Int32Array(length * PLACE_WORDS)
    this.baseline = lengthened(this.baseline, new Int32Array(length))
  }
}

/**
 * Looks at the rows from `row` on that go into one section for what most of them share.
 *
 * @param isCompeting only chosen rows are written
 * @param ids NetworkId by entity index
 * @param out overwritten
 */
export function planSection(
  dirty: DirtyRows,
  row: number,
  isCompeting: boolean,
  ids: Uint32Array,
  out: SectionPlan,
): void {
  out.component = dirty.component[row]!
  out.source = dirty.source[row]!
  out.rowsAhead = 0
  out.usualAge = 0
  out.usualSpacing = 0
  let votes = 0
  let gapBits = 0
  let previous = ids[dirty.index[row]!]!
  for (let at = row; at < dirty.count && dirty.isSameSection(row, at); at += 1) {
    if (isCompeting && dirty.chosen[at] !== 1) continue
    out.rowsAhead += 1
    if (out.rowsAhead === MAX_SECTION_ROWS) break
    if (out.rowsAhead > LOOK_AHEAD) continue
    const index = dirty.index[at]!
    if (at > row) gapBits += 32 - Math.clz32(ids[index]! - previous - 1)
    previous = ids[index]!
    // Majority vote after Boyer and Moore (1981): what most rows share stands at the end.
    const baseline = dirty.baseline[at]!
    if (baseline === WHOLE_ROW) continue
    const age = baseline >>> SPACING_BITS
    const spacing = baseline & ((1 << SPACING_BITS) - 1)
    if (votes === 0) {
      out.usualAge = age
      out.usualSpacing = spacing
      votes = 1
    } else {
      votes += age === out.usualAge && spacing === out.usualSpacing ? 1 : -1
    }
  }
  const distances = Math.min(out.rowsAhead, LOOK_AHEAD) - 1
  out.gapOrder = distances > 0 ? gapOrder(gapBits / distances) : 0
}
