/**
 * The rows of one component as bits against the baselines that far ends hold, made once a tick for all of
 * them: a difference depends on the row and its baseline, and not on whose baseline it is.
 *
 * Invariant: a code is used in the tick it was made in alone. Places are few; one that is taken is made
 * over, so memory is bounded and only sharing is lost.
 */
import type { ComponentSchema } from '../schema/component-schema.ts'
import { createReference, foldGroup, type Reference } from './delta.ts'
import { CODE_GROUPS, GROUP_WIDTH, codeRow, codeWords, groupWords, worstRowBits } from './row-code.ts'
import { SPACING_BITS, WHOLE_ROW } from './row-header.ts'
import { expectationOf, expectedWidth } from './width-code.ts'

/** One row in eight is measured with the other prediction, too, to see which serves the group better. */
const SAMPLE_MASK = 7
/** Row, baseline asked for, and tick stand before each code. */
const TAG_WORDS = 3
const FIRST_PLACES = 256
/** With position and rotation 1.4 MiB. */
const MOST_PLACES = 32_768
/** A start width follows what rows take by a sixteenth per row. */
const FOLLOW_SHIFT = 4

/** Where states are looked up: `PublishedComponent` is one. */
export interface RowStates {
  readonly schema: ComponentSchema
  /** Of this tick. */
  readonly lanes: Int32Array
  /** Copies the lanes a row had at a tick. False when they are not known any more. */
  read(index: number, tick: number, out: Int32Array): boolean
}

/** How the groups of a component are predicted in the packets of a tick, and how wide they are at first. */
export interface GroupStart {
  readonly line: Uint8Array
  readonly width: Uint8Array
}

export class CodedRows implements GroupStart {
  /** See `row-code.ts`; `find` says where a code begins. */
  words = new Int32Array(0)
  readonly line: Uint8Array
  readonly width: Uint8Array
  /** Bits that a row has taken of late, to whomever. */
  usualBits: number
  readonly #states: RowStates
  readonly #ref: Reference
  readonly #stride: number
  #shift = 0
  #tick = 0
  /** Codes made in this tick. */
  #made = 0
  #sample = 0
  /** Above 0: a straight line has served this group better than rest. */
  readonly #lineScore: Int32Array
  readonly #expectation: Int32Array

  constructor(states: RowStates) {
    const { groups, laneCount } = states.schema
    this.#states = states
    this.#ref = createReference(laneCount)
    this.#stride = TAG_WORDS + codeWords(states.schema)
    this.usualBits = worstRowBits(states.schema)
    this.line = new Uint8Array(groups.length)
    this.width = new Uint8Array(groups.length)
    this.#lineScore = Int32Array.from(groups, ({ kind }) => (kind === 'scalar' ? -1 : 0))
    this.#expectation = Int32Array.from(groups, ({ bits }) => expectationOf(bits >> 1))
    this.#setPlaces(FIRST_PLACES)
  }

  /** What was made before is void; predictions are chosen anew. */
  beginTick(tick: number): void {
    if (this.#made > this.#places / 2 && this.#places < MOST_PLACES) this.#setPlaces(this.#places * 2)
    this.#tick = tick | 0
    this.#made = 0
    for (let g = 0; g < this.line.length; g += 1) {
      this.line[g] = this.#lineScore[g]! >= 0 ? 1 : 0
      this.width[g] = expectedWidth(this.#expectation[g]!)
    }
  }

  /**
   * The code of a row against a baseline; whole where that is not known any more.
   * @param baseline age and spacing as `AckedRows.baseline` has them
   * @returns where it begins in `words`, until the next call
   */
  find(index: number, baseline: number): number {
    const { words } = this
    const place = Math.imul(Math.imul(index, 31) + baseline, 0x9e3779b1) >>> this.#shift
    const at = place * this.#stride
    const isMade = words[at] === index && words[at + 1] === baseline && words[at + 2] === this.#tick
    if (!isMade) this.#make(index, baseline, at)
    return at + TAG_WORDS
  }

  get #places(): number {
    return 2 ** (32 - this.#shift)
  }

  #setPlaces(places: number): void {
    this.#shift = Math.clz32(places - 1)
    // An entry of row -1 is nobody's.
    this.words = new Int32Array(places * this.#stride).fill(-1)
  }

  #make(index: number, baseline: number, at: number): void {
    const { words, line } = this
    const { schema, lanes } = this.#states
    words[at] = index
    words[at + 1] = baseline
    words[at + 2] = this.#tick
    this.#made += 1
    const ref = this.#ref
    const age = this.#refer(index, baseline)
    const offset = index * schema.laneCount
    if (ref.spacing > 0 && (this.#sample++ & SAMPLE_MASK) === 0) this.#compare(offset)
    codeRow(schema, lanes, offset, age, ref, line, words, at + TAG_WORDS)
    if (age !== WHOLE_ROW) this.#follow(at + TAG_WORDS)
  }

  /** Fills the reference with the states that are known. @returns the baseline's age */
  #refer(index: number, baseline: number): number {
    const ref = this.#ref
    const age = baseline >>> SPACING_BITS
    const spacing = baseline & ((1 << SPACING_BITS) - 1)
    const newest = (this.#tick - age) >>> 0
    ref.age = age
    ref.spacing = 0
    if (age === WHOLE_ROW || !this.#states.read(index, newest, ref.newest)) return WHOLE_ROW
    if (spacing > 0 && this.#states.read(index, (newest - spacing) >>> 0, ref.older)) ref.spacing = spacing
    return age
  }

  /** Which prediction would have been the shorter one? */
  #compare(offset: number): void {
    const { schema, lanes } = this.#states
    for (let g = 0; g < schema.groups.length; g += 1) {
      const group = schema.groups[g]!
      const rest = foldGroup(group, lanes, offset, this.#ref, false)
      const gain = rest - foldGroup(group, lanes, offset, this.#ref, true)
      const score = this.#lineScore[g]!
      this.#lineScore[g] = score + gain * 16 - (score >> 4)
    }
  }

  #follow(at: number): void {
    const { groups } = this.#states.schema
    let place = at + CODE_GROUPS
    for (let g = 0; g < groups.length; g += 1) {
      const expectation = this.#expectation[g]!
      this.#expectation[g] = expectation + ((expectationOf(this.words[place + GROUP_WIDTH]!) - expectation) >> FOLLOW_SHIFT)
      place += groupWords(groups[g]!)
    }
  }
}
