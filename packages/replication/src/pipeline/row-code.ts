/**
 * A row as bits, before it is known which packet they go into: its baseline, and per group a width and the
 * bits that follow it. Only the width's own code depends on the packet.
 *
 * Invariant: what `codeRow` puts down is what `readGroup` and `readWholeGroup` take apart (DL1–DL6).
 */
import type { BitWriter } from '@baton/core/bytes'
import type { ComponentSchema, LaneGroup } from '../schema/component-schema.ts'
import { laneBits } from '../schema/lane-layout.ts'
import { foldGroup, type Reference } from './delta.ts'
import { ROW_HEADER_BITS, SECTION_HEADER_BITS, WHOLE_ROW, startWidthBits } from './row-header.ts'
import { expectedWidth, followWidth, writeWidth } from './width-code.ts'

/** Words of a code: age of the baseline, spacing, then per group its width, how many bits follow, and those. */
export const CODE_AGE = 0
export const CODE_SPACING = 1
export const CODE_GROUPS = 2
export const GROUP_WIDTH = 0
export const GROUP_BITS = 1
export const GROUP_PAYLOAD = 2

/** Words that a group takes in a code. */
export function groupWords({ count, bits }: LaneGroup): number {
  return GROUP_PAYLOAD + ((count * bits + 3 + 31) >>> 5)
}

/** Words that the code of a row takes. */
export function codeWords({ groups }: ComponentSchema): number {
  return groups.reduce((words, group) => words + groupWords(group), CODE_GROUPS)
}

/**
 * Codes one row into `words` from `at` on.
 *
 * @param age of its baseline, whose states are in `ref`; `WHOLE_ROW` takes the lanes as they are
 * @param line per group, whether it is predicted along a straight line
 */
export function codeRow(
  { groups }: ComponentSchema,
  lanes: Int32Array,
  rowOffset: number,
  age: number,
  ref: Reference,
  line: Uint8Array,
  words: Int32Array,
  at: number,
): void {
  words[at + CODE_AGE] = age
  words[at + CODE_SPACING] = ref.spacing
  let place = at + CODE_GROUPS
  for (let g = 0; g < groups.length; g += 1) {
    const group = groups[g]!
    if (age === WHOLE_ROW) codeWhole(group, lanes, rowOffset, words, place)
    else codeDifference(group, lanes, rowOffset, ref, line[g] === 1, words, place)
    place += groupWords(group)
  }
}

function codeWhole(group: LaneGroup, lanes: Int32Array, rowOffset: number, words: Int32Array, at: number): void {
  const start = rowOffset + group.offset
  let used = 0
  for (let lane = 0; lane < group.count; lane += 1) {
    used = append(words, at + GROUP_PAYLOAD, used, lanes[start + lane]!, laneBits(group, lane))
  }
  words[at + GROUP_BITS] = used
}

function codeDifference(
  group: LaneGroup,
  lanes: Int32Array,
  rowOffset: number,
  ref: Reference,
  line: boolean,
  words: Int32Array,
  at: number,
): void {
  const width = foldGroup(group, lanes, rowOffset, ref, line)
  const payload = at + GROUP_PAYLOAD
  let used = 0
  if (width > 0) {
    let lane = 0
    if (group.kind === 'rotation') {
      lane = 1
      const largest = lanes[rowOffset + group.offset]!
      // `1`: the baseline's index; `0` and two bits: another.
      const isSame = largest === ref.newest[group.offset]
      used = isSame ? append(words, payload, 0, 1, 1) : append(words, payload, 0, largest << 1, 3)
    }
    for (; lane < group.count; lane += 1) used = append(words, payload, used, ref.folded[lane]!, width)
  }
  words[at + GROUP_WIDTH] = width
  words[at + GROUP_BITS] = used
}

/** Puts `bits` bits behind `used` of them, lowest first; bits above them must be zero in `value`. @returns bits used now */
function append(words: Int32Array, at: number, used: number, value: number, bits: number): number {
  const shift = used & 31
  const place = at + (used >>> 5)
  words[place] = shift === 0 ? value : words[place]! | (value << shift)
  if (shift + bits > 32) words[place + 1] = value >>> (32 - shift)
  return used + bits
}

/**
 * Writes a group that was coded as a difference.
 *
 * @param at where the group begins in `words`
 * @param expectation see `width-code.ts`
 * @returns the expectation for the next row's group
 */
export function writeGroup(
  writer: BitWriter,
  words: Int32Array,
  at: number,
  several: boolean,
  expectation: number,
): number {
  const width = words[at + GROUP_WIDTH]!
  writeWidth(writer, width, expectedWidth(expectation), several)
  if (width > 0) writeWholeGroup(writer, words, at)
  return followWidth(expectation, width)
}

/** Writes a group that was coded whole: its payload alone. */
export function writeWholeGroup(writer: BitWriter, words: Int32Array, at: number): void {
  let left = words[at + GROUP_BITS]!
  let place = at + GROUP_PAYLOAD
  for (; left > 32; left -= 32) writer.write(words[place++]!, 32)
  writer.write(words[place]!, left)
}

/** Bits that one row takes at most, with a section of its own. */
export function worstRowBits(schema: ComponentSchema): number {
  let bits = SECTION_HEADER_BITS + ROW_HEADER_BITS
  for (const group of schema.groups) {
    // Line bit, start width, width code (folded distance in ones), index, lanes.
    bits += 1 + startWidthBits(group.bits) + (2 * group.bits + 2) + 3 + group.count * group.bits
  }
  return bits
}
