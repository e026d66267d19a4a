/**
 * An adaptive binary arithmetic coder: bits in, bytes out, each bit at the cost that its context expects.
 * The carryless form with two 32-bit bounds is Ilya Muravyov's; two rates of adaptation per context, averaged,
 * learn fast and settle fine.
 *
 * Invariant: encoder and decoder run the same arithmetic on integers that a double holds exactly.
 */

/** One direction of a coder: the encoder takes the bit, the decoder makes it; both return it. */
export interface BitCoder {
  /** Adapts the context of `probabilities`, two entries from `2 * context` on. */
  code(context: number, bit: number): number
  /** A bit of which nothing is known. */
  codeFlat(bit: number): number
}

const ONE = 65_536
const FAST_SHIFT = 4
const SLOW_SHIFT = 7

/** Probabilities of a one, in 65536ths: a fast and a slow one per context. */
export function createProbabilities(contexts: number): Uint16Array {
  return new Uint16Array(contexts * 2).fill(ONE / 2)
}

function probabilityOf(probabilities: Uint16Array, context: number): number {
  return (probabilities[context * 2]! + probabilities[context * 2 + 1]!) >>> 1
}

/** Neither ever reaches 0 or 1. */
function adapt(probabilities: Uint16Array, context: number, bit: number): void {
  const fast = probabilities[context * 2]!
  const slow = probabilities[context * 2 + 1]!
  if (bit === 1) {
    probabilities[context * 2] = fast + ((ONE - 16 - fast) >> FAST_SHIFT)
    probabilities[context * 2 + 1] = slow + ((ONE - 128 - slow) >> SLOW_SHIFT)
  } else {
    probabilities[context * 2] = fast - ((fast - 16) >> FAST_SHIFT)
    probabilities[context * 2 + 1] = slow - ((slow - 128) >> SLOW_SHIFT)
  }
}

export class BinaryEncoder implements BitCoder {
  probabilities: Uint16Array = createProbabilities(1)
  #low = 0
  #high = 0xffffffff
  #bytes: Uint8Array
  #length = 0

  /** @param capacityBytes no snapshot takes more */
  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes)
  }

  begin(probabilities: Uint16Array): void {
    this.probabilities = probabilities
    this.#low = 0
    this.#high = 0xffffffff
    this.#length = 0
  }

  code(context: number, bit: number): number {
    this.#split(probabilityOf(this.probabilities, context), bit)
    adapt(this.probabilities, context, bit)
    return bit
  }

  codeFlat(bit: number): number {
    this.#split(ONE / 2, bit)
    return bit
  }

  /**
   * The fewest bytes that lie between the bounds when zeros follow. The bounds differ in their highest byte, so
   * the upper one's alone does.
   */
  finish(): Uint8Array {
    const bytes = this.#bytes
    if (this.#low > 0) {
      bytes[this.#length] = this.#high >>> 24
      this.#length += 1
    }
    while (this.#length > 0 && bytes[this.#length - 1] === 0) this.#length -= 1
    return bytes.subarray(0, this.#length)
  }

  #split(probability: number, bit: number): void {
    const middle = this.#low + Math.floor(((this.#high - this.#low) * probability) / ONE)
    if (bit === 1) this.#high = middle
    else this.#low = middle + 1
    while ((this.#low ^ this.#high) >>> 24 === 0) {
      this.#bytes[this.#length] = this.#low >>> 24
      this.#length += 1
      this.#low = (this.#low << 8) >>> 0
      this.#high = ((this.#high << 8) | 0xff) >>> 0
    }
  }
}

export class BinaryDecoder implements BitCoder {
  probabilities: Uint16Array = createProbabilities(1)
  #low = 0
  #high = 0xffffffff
  #code = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0

  begin(probabilities: Uint16Array, bytes: Uint8Array): void {
    this.probabilities = probabilities
    this.#bytes = bytes
    this.#at = 0
    this.#low = 0
    this.#high = 0xffffffff
    this.#code = 0
    for (let count = 0; count < 4; count += 1) this.#code = ((this.#code << 8) | this.#next()) >>> 0
  }

  code(context: number, _bit: number): number {
    const bit = this.#split(probabilityOf(this.probabilities, context))
    adapt(this.probabilities, context, bit)
    return bit
  }

  codeFlat(_bit: number): number {
    return this.#split(ONE / 2)
  }

  #next(): number {
    const byte = this.#bytes[this.#at] ?? 0
    this.#at += 1
    return byte
  }

  #split(probability: number): number {
    const middle = this.#low + Math.floor(((this.#high - this.#low) * probability) / ONE)
    const bit = this.#code <= middle ? 1 : 0
    if (bit === 1) this.#high = middle
    else this.#low = middle + 1
    while ((this.#low ^ this.#high) >>> 24 === 0) {
      this.#low = (this.#low << 8) >>> 0
      this.#high = ((this.#high << 8) | 0xff) >>> 0
      this.#code = ((this.#code << 8) | this.#next()) >>> 0
    }
    return bit
  }
}

/** Contexts that `codeSigned` needs from its first one on. */
export const SIGNED_CONTEXTS = 16 + 8 * 8 + 3

/**
 * A whole number: magnitude class in unary, its three highest bits in their contexts, the others flat, then
 * the sign. What Exp-Golomb codes are to bit packing.
 *
 * @param value read by an encoder only
 * @param signHint -1, 0 or 1: what the sign may be
 */
export function codeSigned(coder: BitCoder, context: number, value: number, signHint: number): number {
  const wanted = Math.abs(value) + 1
  const wantedClass = 31 - Math.clz32(wanted)
  let magnitude = 0
  while (coder.code(context + Math.min(magnitude, 15), magnitude < wantedClass ? 1 : 0) === 1) magnitude += 1
  const tops = context + 16 + Math.min(magnitude, 7) * 8
  let found = 1
  for (let shift = magnitude - 1; shift >= 0; shift -= 1) {
    const bit = (wanted >>> shift) & 1
    found = found * 2 + (found < 8 ? coder.code(tops + found, bit) : coder.codeFlat(bit))
  }
  if (found === 1) return 0
  const isNegative = coder.code(context + 80 + signHint + 1, value < 0 ? 1 : 0)
  return isNegative === 1 ? 1 - found : found - 1
}
