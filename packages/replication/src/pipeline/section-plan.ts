/**
 * What the header of a section says of its rows, so that most of them need not say it.
 *
 * Invariant: any plan makes a sound packet; a better one makes a shorter packet.
 */
import type { DirtyRows } from './dirty-rows.ts'
import { MAX_SECTION_ROWS, SPACING_BITS, WHOLE_ROW, gapOrder } from './row-header.ts'

/** Rows looked at to find what a section's rows have in common. */
const LOOK_AHEAD = 64

/** What a section says of its rows, found by looking ahead at them. */
export interface SectionPlan {
  component: number
  source: number
  /** At most this many rows follow, 1 to `MAX_SECTION_ROWS`. */
  rowsAhead: number
  usualAge: number
  usualSpacing: number
  gapOrder: number
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
  out.component = dirty.component(row)
  out.source = dirty.source(row)
  out.rowsAhead = 0
  out.usualAge = 0
  out.usualSpacing = 0
  let votes = 0
  let gapBits = 0
  let previous = ids[dirty.index(row)]!
  for (let at = row; at < dirty.count && dirty.isSameSection(row, at); at += 1) {
    if (isCompeting && dirty.chosen[at] !== 1) continue
    out.rowsAhead += 1
    if (out.rowsAhead === MAX_SECTION_ROWS) break
    if (out.rowsAhead > LOOK_AHEAD) continue
    const id = ids[dirty.index(at)]!
    if (at > row) gapBits += 32 - Math.clz32(id - previous - 1)
    previous = id
    const baseline = dirty.baseline(at)
    if (baseline === WHOLE_ROW) continue
    const age = baseline >>> SPACING_BITS
    const spacing = baseline & ((1 << SPACING_BITS) - 1)
    // Majority vote after Boyer and Moore (1981): what most rows share stands at the end.
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
