/**
 * Which rows go first when not all fit: priority times the ticks a row has waited.
 *
 * Invariant: a row's score rises with every tick it waits, and at equal waiting no row scores more
 * than 32 times another, so that every row is sent within `starvationBoundTicks` (PR1–PR4).
 */

export const MIN_PRIORITY = 1
export const MAX_PRIORITY = 16
/** How much a row is favored whose packet was lost. */
export const URGENCY = 2
/** A score in a higher class goes first; classes span a quarter of a doubling. */
const CLASSES_PER_DOUBLING = 4
const SCORE_CLASSES = 256
/** Scores of one class differ by less than this. */
const CLASS_RATIO = 2 ** (1 / CLASSES_PER_DOUBLING)

/** Room for `chooseRows`, kept by whoever calls it. */
export interface ChoiceScratch {
  readonly bitsByClass: Float64Array
}

export function createChoiceScratch(): ChoiceScratch {
  return { bitsByClass: new Float64Array(SCORE_CLASSES) }
}

/**
 * How much a row wants to be sent.
 *
 * @param priority of the row, taken into 1 to 16; NaN counts as 1
 * @param waitedTicks ticks since it was sent or first wanted, at least 1
 * @param isUrgent its last packet was lost
 */
export function rowScore(priority: number, waitedTicks: number, isUrgent: boolean): number {
  const clamped = priority > MIN_PRIORITY ? Math.min(priority, MAX_PRIORITY) : MIN_PRIORITY
  return clamped * Math.max(1, waitedTicks) * (isUrgent ? URGENCY : 1)
}

/**
 * Chooses the rows with the highest scores that surely fit.
 *
 * @param scores one per row; 0 takes a row out of the choice
 * @param bits the most that each row can take
 * @param count rows
 * @param budgetBits room for all chosen rows together
 * @param chosen out: 1 for chosen rows, 0 for the others
 * @returns how many rows were chosen
 */
export function chooseRows(
  scores: Float32Array,
  bits: Int32Array,
  count: number,
  budgetBits: number,
  chosen: Uint8Array,
  scratch: ChoiceScratch,
): number {
  const { bitsByClass } = scratch
  bitsByClass.fill(0)
  for (let row = 0; row < count; row += 1) {
    if (scores[row]! > 0) bitsByClass[scoreClass(scores[row]!)]! += bits[row]!
  }
  // The lowest class that fits whole together with all above it; of the one below, what still fits.
  let whole = SCORE_CLASSES
  let left = budgetBits
  while (whole > 0 && bitsByClass[whole - 1]! <= left) {
    whole -= 1
    left -= bitsByClass[whole]!
  }
  let chosenCount = 0
  for (let row = 0; row < count; row += 1) {
    chosen[row] = 0
    if (!(scores[row]! > 0)) continue
    const rowClass = scoreClass(scores[row]!)
    if (rowClass < whole - 1) continue
    if (rowClass === whole - 1) {
      if (bits[row]! > left) continue
      left -= bits[row]!
    }
    chosen[row] = 1
    chosenCount += 1
  }
  return chosenCount
}

function scoreClass(score: number): number {
  return Math.min(SCORE_CLASSES - 1, Math.max(0, Math.floor(Math.log2(score) * CLASSES_PER_DOUBLING)))
}

/**
 * The most ticks that a row which must be sent waits, when each tick at least `rowsPerTick` of the
 * rows with the highest scores are sent and at most `rowCount` rows compete (PR4).
 *
 * A row that has waited w ticks loses only to rows of a score at least as high, less a class. In the
 * second half of w such a row has waited at least w / (2 r) ticks, r being the largest ratio of two
 * factors, so it gets ahead at most r + 1 times; if all of them do, w / 2 ticks have passed.
 */
export function starvationBoundTicks(rowCount: number, rowsPerTick: number, largestRatio: number): number {
  const ratio = largestRatio * CLASS_RATIO
  return Math.ceil((2 * (rowCount - 1) * (ratio + 1)) / rowsPerTick) + 2
}

/** What an encoder asks when rows compete: see `rowScore` and `chooseRows`. */
export interface RowPolicy {
  score(priority: number, waitedTicks: number, isUrgent: boolean): number
  choose(scores: Float32Array, bits: Int32Array, count: number, budgetBits: number, chosen: Uint8Array): number
}

/** One for all encoders of a peer: it keeps nothing but room to work in. */
export function createRowPolicy(): RowPolicy {
  const scratch = createChoiceScratch()
  return {
    score: rowScore,
    choose: (scores, bits, count, budgetBits, chosen) => chooseRows(scores, bits, count, budgetBits, chosen, scratch),
  }
}
