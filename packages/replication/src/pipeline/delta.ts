/**
 * The lanes of one row as bits: whole, or as the difference from a prediction that both ends make
 * from states both hold. Predictions use integers and `Math.sqrt` only, so every engine agrees.
 *
 * Invariant: how many bits a row takes never depends on the states it refers to; a packet can be
 * taken apart to its end before anything is looked up (DL1).
 */
import type { BitReader, BitWriter } from '@baton/core/bytes'
import type { LaneGroup } from '../schema/component-schema.ts'
import { laneBits } from '../schema/lane-layout.ts'
import { expectedWidth, followWidth, readWidth, writeWidth } from './width-code.ts'

/** In place of a rotation's index: the same as the baseline's. */
const SAME_INDEX = 4

/** The states a delta is taken against, and room to predict in. Lanes start at 0. */
export interface Reference {
  /** The row's state at the baseline's tick. */
  readonly newest: Int32Array
  /** Its state `spacing` ticks earlier; not looked at where `spacing` is 0. */
  readonly older: Int32Array
  /** Ticks between the two states. 0: predict rest. */
  spacing: number
  /** Ticks from the baseline to the row that is predicted. */
  age: number
  /** Differences of one group, folded to unsigned numbers (DL2). */
  readonly folded: Int32Array
  /** A rotation of each state, brought to one index. */
  readonly turnedNewest: Int32Array
  readonly turnedOlder: Int32Array
}

export function createReference(laneCount: number): Reference {
  return {
    newest: new Int32Array(laneCount),
    older: new Int32Array(laneCount),
    spacing: 0,
    age: 0,
    folded: new Int32Array(Math.max(4, laneCount)),
    turnedNewest: new Int32Array(4),
    turnedOlder: new Int32Array(4),
  }
}

/** The signed difference of two lanes, the shorter way around 2^bits (DL2). */
function difference(a: number, b: number, bits: number): number {
  return ((a - b) << (32 - bits)) >> (32 - bits)
}

/** How far a lane gets until the row that is predicted, if it goes on as between the two states (DL4). */
function lineStep(newest: number, older: number, bits: number, ref: Reference): number {
  const step = difference(newest, older, bits)
  const { age, spacing } = ref
  return spacing === 1 ? step * age : Math.floor((2 * step * age + spacing) / (2 * spacing))
}

function predictLane(ref: Reference, lane: number, bits: number, line: boolean): number {
  const held = ref.newest[lane]!
  return line && ref.spacing > 0 ? (held + lineStep(held, ref.older[lane]!, bits, ref)) | 0 : held
}

/**
 * Writes a rotation's lanes as they would be if `largest` were the index left out (DL5): the length of
 * the four is known, so the one left out comes back as a root, and the signs are turned to fit.
 */
export function turnRotation(lanes: Int32Array, offset: number, bits: number, largest: number, out: Int32Array): void {
  const index = lanes[offset]!
  out[0] = largest
  if (index === largest) {
    for (let lane = 1; lane < 4; lane += 1) out[lane] = lanes[offset + lane]!
    return
  }
  const half = (1 << (bits - 1)) - 1
  let rest = 2 * half * half
  for (let lane = 1; lane < 4; lane += 1) {
    const steps = lanes[offset + lane]! - half
    rest -= steps * steps
  }
  const leftOut = rest > 0 ? Math.floor(Math.sqrt(rest) + 0.5) : 0
  const sign = lanes[laneOfComponent(offset, index, largest)]! < half ? -1 : 1
  let lane = 1
  for (let component = 0; component < 4; component += 1) {
    if (component === largest) continue
    const value = component === index ? leftOut : lanes[laneOfComponent(offset, index, component)]! - half
    out[lane] = sign * value + half
    lane += 1
  }
}

/** Where a component other than the one left out stands. */
function laneOfComponent(offset: number, index: number, component: number): number {
  return offset + (component < index ? component + 1 : component)
}

/** Leaves the predicted lanes of a rotation with this index in `turnedNewest`. */
function predictRotation(ref: Reference, group: LaneGroup, largest: number, line: boolean): void {
  const { newest, older, turnedNewest, turnedOlder } = ref
  turnRotation(newest, group.offset, group.bits, largest, turnedNewest)
  if (!line || ref.spacing === 0) return
  turnRotation(older, group.offset, group.bits, largest, turnedOlder)
  for (let lane = 1; lane < 4; lane += 1) {
    const held = turnedNewest[lane]!
    turnedNewest[lane] = held + lineStep(held, turnedOlder[lane]!, group.bits, ref)
  }
}

/**
 * Leaves a group's differences from its prediction in `ref.folded`.
 * @returns the bits that the largest of them needs (DL2); 0 when all is as predicted
 */
export function foldGroup(
  group: LaneGroup,
  lanes: Int32Array,
  rowOffset: number,
  ref: Reference,
  line: boolean,
): number {
  const { offset, count, bits } = group
  const { folded } = ref
  const start = rowOffset + offset
  let all = 0
  if (group.kind === 'rotation') {
    predictRotation(ref, group, lanes[start]!, line)
    for (let lane = 1; lane < 4; lane += 1) {
      const d = difference(lanes[start + lane]!, ref.turnedNewest[lane]!, bits)
      all |= folded[lane] = (d << 1) ^ (d >> 31)
    }
    // Width 0 means that the index is as in the baseline, too.
    if (all === 0 && lanes[start] !== ref.newest[offset]) return 1
  } else {
    for (let lane = 0; lane < count; lane += 1) {
      const d = difference(lanes[start + lane]!, predictLane(ref, offset + lane, bits, line), bits)
      all |= folded[lane] = (d << 1) ^ (d >> 31)
    }
  }
  return 32 - Math.clz32(all)
}

/**
 * Writes one group as its difference from the prediction.
 * @param line predict from both states; else the baseline's own lanes are the prediction
 * @param expectation see `width-code.ts`
 * @returns the expectation for the next row's group
 */
export function writeGroup(
  writer: BitWriter,
  group: LaneGroup,
  lanes: Int32Array,
  rowOffset: number,
  ref: Reference,
  line: boolean,
  expectation: number,
): number {
  const width = foldGroup(group, lanes, rowOffset, ref, line)
  const { count, offset } = group
  writeWidth(writer, width, expectedWidth(expectation), count > 1)
  if (width > 0) {
    let lane = 0
    if (group.kind === 'rotation') {
      lane = 1
      const largest = lanes[rowOffset + offset]!
      if (largest === ref.newest[offset]) writer.write(1, 1)
      else writer.write(largest << 1, 3)
    }
    const { folded } = ref
    const left = (count - lane) * width
    if (left <= 32) {
      // All at once, the first one lowest.
      let all = 0
      for (let last = count - 1; last >= lane; last -= 1) all = (width < 32 ? all << width : 0) | folded[last]!
      writer.write(all, left)
    } else {
      for (; lane < count; lane += 1) writer.write(folded[lane]!, width)
    }
  }
  return followWidth(expectation, width)
}

/**
 * Reads one group's differences, folded, to where its lanes will stand. `restoreGroup` makes lanes of them.
 * @returns the expectation for the next row's group; -1 when the bits are none that `writeGroup` writes
 */
export function readGroup(
  reader: BitReader,
  group: LaneGroup,
  out: Int32Array,
  rowOffset: number,
  expectation: number,
): number {
  const { count, bits } = group
  const width = readWidth(reader, expectedWidth(expectation), bits, count > 1)
  if (width < 0) return -1
  const start = rowOffset + group.offset
  let lane = 0
  if (group.kind === 'rotation') {
    lane = 1
    out[start] = width === 0 || reader.read(1) === 1 ? SAME_INDEX : reader.read(2)
  }
  const left = count - lane
  if (width > 0 && left * width <= 32) {
    // All at once, the first one lowest.
    let all = reader.read(left * width)
    const mask = (2 << (width - 1)) - 1
    for (; lane < count; lane += 1, all >>>= width) out[start + lane] = all & mask
  }
  for (; lane < count; lane += 1) out[start + lane] = width === 0 ? 0 : reader.read(width)
  return followWidth(expectation, width)
}

/** Turns the differences that `readGroup` left into lanes, in place. */
export function restoreGroup(
  group: LaneGroup,
  lanes: Int32Array,
  rowOffset: number,
  ref: Reference,
  line: boolean,
): void {
  const { offset, count, bits } = group
  const start = rowOffset + offset
  // For 32 bits the shift leaves 0, and the mask is all ones.
  const mask = (2 << (bits - 1)) - 1
  if (group.kind === 'rotation') {
    if (lanes[start] === SAME_INDEX) lanes[start] = ref.newest[offset]!
    predictRotation(ref, group, lanes[start]!, line)
    for (let lane = 1; lane < 4; lane += 1) {
      lanes[start + lane] = (ref.turnedNewest[lane]! + unfold(lanes[start + lane]!)) & mask
    }
  } else {
    for (let lane = 0; lane < count; lane += 1) {
      lanes[start + lane] = (predictLane(ref, offset + lane, bits, line) + unfold(lanes[start + lane]!)) & mask
    }
  }
}

function unfold(folded: number): number {
  return (folded >>> 1) ^ -(folded & 1)
}

/** Writes a group's lanes as they are. */
export function writeWholeGroup(writer: BitWriter, group: LaneGroup, lanes: Int32Array, rowOffset: number): void {
  const start = rowOffset + group.offset
  for (let lane = 0; lane < group.count; lane += 1) {
    writer.write(lanes[start + lane]!, laneBits(group, lane))
  }
}

export function readWholeGroup(reader: BitReader, group: LaneGroup, out: Int32Array, rowOffset: number): void {
  const start = rowOffset + group.offset
  for (let lane = 0; lane < group.count; lane += 1) out[start + lane] = reader.read(laneBits(group, lane))
}
