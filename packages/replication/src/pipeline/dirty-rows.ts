/**
 * The rows that one far end lacks this tick, in the order they would be written: by list, then by
 * source tick, then by NetworkId.
 *
 * Invariant: a row is in it exactly when the far end has not acked the state the row has now (BL5).
 */
import type { AckedRows } from './acked-rows.ts'
import { isLater, resized } from './baseline.ts'
import type { PublishedComponent, RowList } from './published-component.ts'

const FIRST_ROWS = 256
/** Source ticks that are told apart in one list; a list mixes few, and rows of more stay as they come. */
const MAX_SOURCES = 8
/** Words of a row: component above the entity's index, `AckedRows.baseline`, source tick, place in its list, list. */
const ROW_WORDS = 5
const NAME = 0
const BASELINE = 1
const SOURCE = 2
const PLACE = 3
const LIST = 4
const INDEX_BITS = 24

export class DirtyRows {
  count = 0
  /** Of these, the first, in lists of one audience: others of it may lack just the same. */
  leading = 0
  words = new Int32Array(FIRST_ROWS * ROW_WORDS)
  /** Kept by the encoder while rows compete. */
  score = new Float32Array(FIRST_ROWS)
  bits = new Int32Array(FIRST_ROWS)
  chosen = new Uint8Array(FIRST_ROWS)
  /** Scratch of `#groupBySource`. */
  #moved = new Int32Array(FIRST_ROWS * ROW_WORDS)
  /** By component, the publication in which all rows that are lacking were known last; -1 for none. */
  readonly #seen: Int32Array

  /** @param components in the registry */
  constructor(components: number) {
    this.#seen = new Int32Array(components).fill(-1)
  }

  component(row: number): number {
    return this.words[row * ROW_WORDS + NAME]! >>> INDEX_BITS
  }

  index(row: number): number {
    return this.words[row * ROW_WORDS + NAME]! & ((1 << INDEX_BITS) - 1)
  }

  baseline(row: number): number {
    return this.words[row * ROW_WORDS + BASELINE]!
  }

  source(row: number): number {
    return this.words[row * ROW_WORDS + SOURCE]! >>> 0
  }

  place(row: number): number {
    return this.words[row * ROW_WORDS + PLACE]!
  }

  list(row: number): number {
    return this.words[row * ROW_WORDS + LIST]!
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
    published: { readonly components: readonly (PublishedComponent | undefined)[] },
    acked: readonly (AckedRows | undefined)[],
    tick: number,
    restingSince?: number,
  ): void {
    this.count = 0
    this.leading = 0
    let isLeading = true
    for (let list = 0; list < lists.length; list += 1) {
      isLeading &&= lists[list]!.audience === lists[0]!.audience
      this.#collectList(list, lists[list]!, published, acked, tick, restingSince)
      if (isLeading) this.leading = this.count
    }
    for (const { component } of lists) {
      // Rows that wait for the far end's word are not wanted yet.
      this.#seen[component] = restingSince === undefined ? published.components[component]!.publication : -1
    }
  }

  #collectList(
    list: number,
    rowList: RowList,
    published: { readonly components: readonly (PublishedComponent | undefined)[] },
    acked: readonly (AckedRows | undefined)[],
    tick: number,
    restingSince: number | undefined,
  ): void {
    const { component, indices } = rowList
    const rows = published.components[component]!
    const { changedTick, sourceTick, wanted } = rows
    const held = acked[component]!
    const candidates = this.#seen[component] === rows.publication - 1 ? rows.candidatesOf(rowList) : undefined
    const most = candidates === undefined ? rowList.count : candidates.count
    const start = this.count
    this.#reserve(start + most)
    const { words } = this
    let at = start * ROW_WORDS
    let isMixed = false
    for (let n = 0; n < most; n += 1) {
      const place = candidates === undefined ? n : candidates.places[n]!
      const index = indices[place]!
      const changed = changedTick[index]!
      if (!held.isDirty(index, changed)) continue
      if (restingSince !== undefined && !held.isHeld(index) && !isLater(changed, restingSince)) continue
      held.want(index, tick)
      wanted[index] = 1
      words[at + NAME] = index | (component << INDEX_BITS)
      words[at + BASELINE] = held.baseline(index, tick)
      words[at + SOURCE] = sourceTick[index]!
      words[at + PLACE] = place
      words[at + LIST] = list
      isMixed ||= words[at + SOURCE] !== words[start * ROW_WORDS + SOURCE]
      at += ROW_WORDS
    }
    this.count = at / ROW_WORDS
    if (isMixed) this.#groupBySource(start)
  }

  /** Are the leading rows, in their order, and their baselines those of `names`? */
  isLeading(names: Int32Array): boolean {
    for (let row = 0; row < this.leading; row += 1) {
      const at = row * ROW_WORDS
      if (names[row * 2] !== this.words[at + NAME] || names[row * 2 + 1] !== this.words[at + BASELINE]) return false
    }
    return true
  }

  /** Names the leading rows and their baselines, in two words each. */
  nameLeading(names: Int32Array): void {
    for (let row = 0; row < this.leading; row += 1) {
      names[row * 2] = this.words[row * ROW_WORDS + NAME]!
      names[row * 2 + 1] = this.words[row * ROW_WORDS + BASELINE]!
    }
  }

  /** Do these two rows go into one section? */
  isSameSection(a: number, b: number): boolean {
    return this.list(a) === this.list(b) && this.source(a) === this.source(b)
  }

  /** Brings the rows from `start` on together by source tick; among those of one, order stays. */
  #groupBySource(start: number): void {
    const { words } = this
    const moved = this.#moved
    const end = this.count * ROW_WORDS
    let done = start * ROW_WORDS
    for (let sources = 0; sources < MAX_SOURCES && done < end; sources += 1) {
      const source = words[done + SOURCE]
      let rest = done
      let waiting = 0
      // Rows of this source tick move up; the others wait in `moved` and follow.
      for (let at = done; at < end; at += ROW_WORDS) {
        const isOf = words[at + SOURCE] === source
        for (let word = 0; word < ROW_WORDS; word += 1) {
          if (isOf) words[rest++] = words[at + word]!
          else moved[waiting++] = words[at + word]!
        }
      }
      for (let word = 0; word < waiting; word += 1) words[rest + word] = moved[word]!
      done = rest
    }
  }

  #reserve(count: number): void {
    if (count <= this.score.length) return
    const length = 2 ** (32 - Math.clz32(count))
    this.words = resized(this.words, length * ROW_WORDS)
    this.#moved = new Int32Array(length * ROW_WORDS)
    this.score = new Float32Array(length)
    this.bits = new Int32Array(length)
    this.chosen = new Uint8Array(length)
  }
}
