/**
 * A context-modeling snapshot coder in the manner of Fabian Giesen's entry in Fiedler's compression challenge
 * (2015): every bit through an adaptive model, chosen by what the baseline and its own baseline say about the
 * body. Probabilities belong to a snapshot: a packet starts from its baseline's and leaves its own behind, so
 * that nothing is used that the far end may not have.
 *
 * Invariant: `#codeBody` runs in both directions, so that encoder and decoder cannot drift apart.
 */
import {
  BinaryDecoder,
  BinaryEncoder,
  SIGNED_CONTEXTS,
  codeSigned,
  createProbabilities,
  type BitCoder,
} from './binary-coder.ts'
import { BODY_INTS } from './quantized-trace.ts'
import { SnapshotHistory, createHeldSnapshot, type HeldSnapshot, type SnapshotCoder } from './snapshot-coder.ts'
import { turnToLargest } from './turn-to-largest.ts'

interface ModeledSnapshot extends HeldSnapshot {
  readonly probabilities: Uint16Array
}

const CLASSES = 8
const TURNED = 0
const MOVED = TURNED + 4
const LARGEST = MOVED + 8
const HORIZONTAL = LARGEST + 4 * 4
const VERTICAL = HORIZONTAL + CLASSES * SIGNED_CONTEXTS
const ROTATION = VERTICAL + CLASSES * SIGNED_CONTEXTS
const SWITCHED = ROTATION + CLASSES * SIGNED_CONTEXTS
const CONTEXTS = SWITCHED + CLASSES * SIGNED_CONTEXTS

/** Bits of the largest of three magnitudes: how fast it was, for a context. */
function classOf(values: Int32Array, at: number): number {
  const largest = Math.max(Math.abs(values[at]!), Math.abs(values[at + 1]!), Math.abs(values[at + 2]!))
  return Math.min(CLASSES - 1, 32 - Math.clz32(largest))
}

export class ContextCoder implements SnapshotCoder {
  readonly #count: number
  readonly #history: SnapshotHistory<ModeledSnapshot>
  readonly #encoder: BinaryEncoder
  readonly #decoder = new BinaryDecoder()
  /** The baseline's rotation as seen from the new largest component: its three others. */
  readonly #turned = new Int32Array(3)

  constructor(count: number) {
    this.#count = count
    this.#encoder = new BinaryEncoder(count * 32 + 64)
    this.#history = new SnapshotHistory(() => ({
      ...createHeldSnapshot(count),
      probabilities: createProbabilities(CONTEXTS),
    }))
  }

  encode(tick: number, values: Int32Array, baselineTick: number): Uint8Array {
    const baseline = this.#history.get(baselineTick)
    const held = this.#begin(tick, baseline)
    held.values.set(values)
    this.#encoder.begin(held.probabilities)
    this.#codeBodies(this.#encoder, held, baseline)
    return this.#encoder.finish()
  }

  decode(tick: number, bytes: Uint8Array, baselineTick: number): Int32Array {
    const baseline = this.#history.get(baselineTick)
    const held = this.#begin(tick, baseline)
    held.values.set(baseline.values)
    this.#decoder.begin(held.probabilities, bytes)
    this.#codeBodies(this.#decoder, held, baseline)
    return held.values
  }

  #begin(tick: number, baseline: ModeledSnapshot): ModeledSnapshot {
    const held = this.#history.begin(tick)
    held.probabilities.set(baseline.probabilities)
    return held
  }

  #codeBodies(coder: BitCoder, held: HeldSnapshot, baseline: HeldSnapshot): void {
    for (let body = 0; body < this.#count; body += 1) this.#codeBody(coder, held, baseline, body * BODY_INTS)
  }

  /** `held` has the new values when encoding, and gets them when decoding; it starts as the baseline then. */
  #codeBody(coder: BitCoder, held: HeldSnapshot, baseline: HeldSnapshot, at: number): void {
    const wasTurning = classOf(baseline.delta, at + 4)
    const wasMoving = classOf(baseline.delta, at)
    const wasEither = (wasTurning > 0 ? 1 : 0) + (wasMoving > 0 ? 2 : 0)
    const isTurned = coder.code(TURNED + wasEither, isChanged(held, baseline, at + 3, at + BODY_INTS) ? 1 : 0)
    const isMoved = coder.code(MOVED + wasEither * 2 + isTurned, isChanged(held, baseline, at, at + 3) ? 1 : 0)
    held.delta.fill(0, at, at + BODY_INTS)
    if (isMoved === 1) this.#codePosition(coder, held, baseline, at, wasMoving)
    if (isTurned === 1) this.#codeRotation(coder, held, baseline, at + 3, wasTurning)
  }

  #codePosition(coder: BitCoder, held: HeldSnapshot, baseline: HeldSnapshot, at: number, speed: number): void {
    for (let axis = 0; axis < 3; axis += 1) {
      const velocity = baseline.delta[at + axis]!
      const predicted = baseline.values[at + axis]! + velocity
      const context = (axis === 1 ? VERTICAL : HORIZONTAL) + speed * SIGNED_CONTEXTS
      const value = predicted + codeSigned(coder, context, held.values[at + axis]! - predicted, Math.sign(velocity))
      held.values[at + axis] = value
      held.delta[at + axis] = value - baseline.values[at + axis]!
    }
  }

  /** As far on as last time; after a switch of the largest component as it was, seen from the new one. */
  #codeRotation(coder: BitCoder, held: HeldSnapshot, baseline: HeldSnapshot, at: number, speed: number): void {
    const before = baseline.values[at]!
    const wanted = held.values[at]!
    const high = coder.code(LARGEST + before * 4 + 1, wanted >> 1)
    const largest = high * 2 + coder.code(LARGEST + before * 4 + 2 + high, wanted & 1)
    const isSwitched = largest !== before
    if (isSwitched) turnToLargest(baseline.values, at, largest, this.#turned)
    held.values[at] = largest
    for (let part = 0; part < 3; part += 1) {
      const place = at + 1 + part
      const velocity = isSwitched ? 0 : baseline.delta[place]!
      const predicted = isSwitched ? this.#turned[part]! : baseline.values[place]! + velocity
      const context = (isSwitched ? SWITCHED : ROTATION) + speed * SIGNED_CONTEXTS
      const value = predicted + codeSigned(coder, context, held.values[place]! - predicted, Math.sign(velocity))
      held.values[place] = value
      held.delta[place] = value - (isSwitched ? predicted : baseline.values[place]!)
    }
  }
}

function isChanged(held: HeldSnapshot, baseline: HeldSnapshot, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (held.values[at] !== baseline.values[at]) return true
  return false
}
