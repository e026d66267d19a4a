/**
 * Delta bit packing after Glenn Fiedler: "Snapshot Compression" (2015) and the code he gave into the public
 * domain with his data compression challenge. Changed bodies by relative index; positions against a
 * straight line with drag, gravity and a floor, in classes of bits; rotations against the baseline's.
 *
 * Here as there the constants are those of one game. His flag for cubes a player touches is left out: no
 * scene here has one. Deltas of 2,047 and more, which his code cannot write, get an escape.
 *
 * Invariant: what is decoded is what was encoded, bit for bit, for any state.
 */
import { BitReader, BitWriter } from '@baton/core/bytes'
import { BODY_INTS, ROTATION_BITS } from './quantized-trace.ts'
import { readRelativeIndex, relativeIndexBits, writeRelativeIndex } from './relative-index.ts'
import {
  SnapshotHistory,
  createHeldSnapshot,
  fold,
  unfold,
  type HeldSnapshot,
  type SnapshotCoder,
} from './snapshot-coder.ts'

const MAX_CHANGED = 256
const COUNT_BITS = 8
const SMALL_POSITION = { limit: 15, bits: 4 } as const
const POSITION_CLASSES = [5, 6, 7] as const
const LARGE_POSITION_BITS = 11
const ESCAPE = 2 ** LARGE_POSITION_BITS - 1
const SMALL_ROTATION = { limit: 3, bits: 2 } as const
const ROTATION_CLASSES = [4, 5, 7] as const
/** Of the demo's cubes, in 1/512 m: fall beyond the straight line, loss of speed, and where a small cube lies. */
const GRAVITY = 3
const DRAG = 0.062
const GROUND = 102

/** Values below this fit the classes. */
function classLimit(classes: readonly number[]): number {
  return classes.reduce((sum, bits) => sum + 2 ** bits, 0)
}

const POSITION_LIMIT = classLimit(POSITION_CLASSES)
const ROTATION_LIMIT = classLimit(ROTATION_CLASSES)

function writeClassed(writer: BitWriter, value: number, classes: readonly number[]): void {
  let from = 0
  for (let index = 0; index < classes.length; index += 1) {
    const bits = classes[index]!
    const isLast = index === classes.length - 1
    const fits = isLast || value < from + 2 ** bits
    if (!isLast) writer.write(fits ? 1 : 0, 1)
    if (fits) {
      writer.write(value - from, bits)
      return
    }
    from += 2 ** bits
  }
}

function readClassed(reader: BitReader, classes: readonly number[]): number {
  let from = 0
  for (let index = 0; index < classes.length - 1; index += 1) {
    const bits = classes[index]!
    if (reader.read(1) === 1) return from + reader.read(bits)
    from += 2 ** bits
  }
  return from + reader.read(classes.at(-1)!)
}

/** Where a coordinate is expected: as far on as last time, less drag; the vertical one falls, but not through the floor. */
function predict(baseline: HeldSnapshot, at: number, axis: number): number {
  const delta = baseline.delta[at + axis]!
  const straight = baseline.values[at + axis]! + delta - Math.ceil(delta * DRAG)
  return axis === 1 ? Math.max(straight - GRAVITY, GROUND) : straight
}

function same(a: Int32Array, b: Int32Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (a[at] !== b[at]) return false
  return true
}

export class FiedlerPacking implements SnapshotCoder {
  readonly #count: number
  readonly #indexBits: number
  readonly #history: SnapshotHistory
  readonly #writer: BitWriter
  readonly #reader = new BitReader()
  readonly #changed: Int32Array
  readonly #folded = new Uint32Array(3)

  constructor(count: number) {
    this.#count = count
    this.#indexBits = 32 - Math.clz32(count - 1)
    this.#history = new SnapshotHistory(() => createHeldSnapshot(count))
    this.#writer = new BitWriter(new Uint8Array(count * 32))
    this.#changed = new Int32Array(count)
  }

  encode(tick: number, values: Int32Array, baselineTick: number): Uint8Array {
    const baseline = this.#history.get(baselineTick)
    const held = this.#history.begin(tick)
    held.values.set(values)
    const writer = this.#writer
    writer.reset()
    const changed = this.#findChanged(held, baseline)
    if (this.#writeIndices(changed)) {
      for (let at = 0; at < changed; at += 1) {
        const body = this.#changed[at]!
        if (at === 0) writer.write(body, this.#indexBits)
        else writeRelativeIndex(writer, body - this.#changed[at - 1]!, this.#indexBits)
        this.#writeBody(held, baseline, body * BODY_INTS)
      }
    } else {
      for (let body = 0, at = 0; body < this.#count; body += 1) {
        const isChanged = at < changed && this.#changed[at] === body
        writer.write(isChanged ? 1 : 0, 1)
        if (!isChanged) continue
        this.#writeBody(held, baseline, body * BODY_INTS)
        at += 1
      }
    }
    noteDelta(held, baseline)
    return trimmed(writer.finish())
  }

  decode(tick: number, bytes: Uint8Array, baselineTick: number): Int32Array {
    const baseline = this.#history.get(baselineTick)
    const held = this.#history.begin(tick)
    held.values.set(baseline.values)
    // Zero bytes at the end were not sent; a body takes under 32.
    const padded = new Uint8Array(bytes.length + this.#count * 4 + 32)
    padded.set(bytes)
    const reader = this.#reader
    reader.reset(padded)
    if (reader.read(1) === 1) {
      const changed = reader.read(COUNT_BITS) + 1
      for (let at = 0, body = 0; at < changed; at += 1) {
        body = at === 0 ? reader.read(this.#indexBits) : body + readRelativeIndex(reader, this.#indexBits)
        this.#readBody(held, baseline, body * BODY_INTS)
      }
    } else {
      for (let body = 0; body < this.#count; body += 1) {
        if (reader.read(1) === 1) this.#readBody(held, baseline, body * BODY_INTS)
      }
    }
    noteDelta(held, baseline)
    return held.values
  }

  #findChanged(held: HeldSnapshot, baseline: HeldSnapshot): number {
    let changed = 0
    for (let body = 0; body < this.#count; body += 1) {
      const at = body * BODY_INTS
      if (same(held.values, baseline.values, at, at + BODY_INTS)) continue
      this.#changed[changed] = body
      changed += 1
    }
    return changed
  }

  /** Indices where they are shorter than a bit per body; says which, and how many. */
  #writeIndices(changed: number): boolean {
    let bits = 0
    for (let at = 1; at < changed; at += 1) {
      bits += relativeIndexBits(this.#changed[at]! - this.#changed[at - 1]!, this.#indexBits)
    }
    const byIndex = changed > 0 && changed <= MAX_CHANGED && bits + this.#indexBits + COUNT_BITS <= this.#count
    this.#writer.write(byIndex ? 1 : 0, 1)
    if (byIndex) this.#writer.write(changed - 1, COUNT_BITS)
    return byIndex
  }

  #writeBody(held: HeldSnapshot, baseline: HeldSnapshot, at: number): void {
    const hasMoved = !same(held.values, baseline.values, at, at + 3)
    this.#writer.write(hasMoved ? 1 : 0, 1)
    if (hasMoved) this.#writePosition(held, baseline, at)
    this.#writeRotation(held, baseline, at + 3)
  }

  #writePosition({ values }: HeldSnapshot, baseline: HeldSnapshot, at: number): void {
    const writer = this.#writer
    const folded = this.#folded
    for (let axis = 0; axis < 3; axis += 1) folded[axis] = fold(values[at + axis]! - predict(baseline, at, axis))
    const largest = Math.max(folded[0]!, folded[1]!, folded[2]!)
    const isSmall = largest <= SMALL_POSITION.limit
    writer.write(isSmall ? 1 : 0, 1)
    if (!isSmall) writer.write(largest >= POSITION_LIMIT ? 1 : 0, 1)
    for (let axis = 0; axis < 3; axis += 1) {
      if (isSmall) writer.write(folded[axis]!, SMALL_POSITION.bits)
      else if (largest < POSITION_LIMIT) writeClassed(writer, folded[axis]!, POSITION_CLASSES)
      else {
        writer.write(Math.min(folded[axis]!, ESCAPE), LARGE_POSITION_BITS)
        if (folded[axis]! >= ESCAPE) writer.write(folded[axis]!, 32)
      }
    }
  }

  #writeRotation({ values }: HeldSnapshot, baseline: HeldSnapshot, at: number): void {
    const writer = this.#writer
    const folded = this.#folded
    for (let part = 0; part < 3; part += 1) {
      folded[part] = fold(values[at + 1 + part]! - baseline.values[at + 1 + part]!)
    }
    const largest = Math.max(folded[0]!, folded[1]!, folded[2]!)
    const isRelative = values[at] === baseline.values[at] && largest < ROTATION_LIMIT
    writer.write(isRelative ? 1 : 0, 1)
    if (!isRelative) {
      writer.write(values[at]!, 2)
      for (let part = 0; part < 3; part += 1) writer.write(values[at + 1 + part]!, ROTATION_BITS)
      return
    }
    const isSmall = largest <= SMALL_ROTATION.limit
    writer.write(isSmall ? 1 : 0, 1)
    for (let part = 0; part < 3; part += 1) {
      if (isSmall) writer.write(folded[part]!, SMALL_ROTATION.bits)
      else writeClassed(writer, folded[part]!, ROTATION_CLASSES)
    }
  }

  #readBody(held: HeldSnapshot, baseline: HeldSnapshot, at: number): void {
    if (this.#reader.read(1) === 1) this.#readPosition(held, baseline, at)
    this.#readRotation(held, baseline, at + 3)
  }

  #readPosition({ values }: HeldSnapshot, baseline: HeldSnapshot, at: number): void {
    const reader = this.#reader
    const isSmall = reader.read(1) === 1
    const isLarge = !isSmall && reader.read(1) === 1
    for (let axis = 0; axis < 3; axis += 1) {
      let folded = isSmall
        ? reader.read(SMALL_POSITION.bits)
        : isLarge
          ? reader.read(LARGE_POSITION_BITS)
          : readClassed(reader, POSITION_CLASSES)
      if (isLarge && folded === ESCAPE) folded = reader.read(32)
      values[at + axis] = predict(baseline, at, axis) + unfold(folded)
    }
  }

  #readRotation({ values }: HeldSnapshot, baseline: HeldSnapshot, at: number): void {
    const reader = this.#reader
    if (reader.read(1) === 0) {
      values[at] = reader.read(2)
      for (let part = 1; part <= 3; part += 1) values[at + part] = reader.read(ROTATION_BITS)
      return
    }
    const isSmall = reader.read(1) === 1
    for (let part = 1; part <= 3; part += 1) {
      const folded = isSmall ? reader.read(SMALL_ROTATION.bits) : readClassed(reader, ROTATION_CLASSES)
      values[at + part] = baseline.values[at + part]! + unfold(folded)
    }
  }
}

function noteDelta({ values, delta }: HeldSnapshot, baseline: HeldSnapshot): void {
  for (let at = 0; at < values.length; at += BODY_INTS) {
    for (let axis = 0; axis < 3; axis += 1) delta[at + axis] = values[at + axis]! - baseline.values[at + axis]!
  }
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let length = bytes.length
  while (length > 0 && bytes[length - 1] === 0) length -= 1
  return bytes.subarray(0, length)
}
