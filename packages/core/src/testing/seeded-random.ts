/**
 * Random numbers that are the same on every machine for the same seed.
 *
 * Invariant: `fork` depends on the seed and the label alone, never on how many numbers were drawn,
 * so one more draw in one part of a simulation leaves every other part as it was.
 */

/** FNV-1a over UTF-16 code units: spreads seeds and labels over 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/**
 * The generator sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, period at least 2^32.
 * For tests and simulations, never for secrets.
 */
export class SeededRandom {
  readonly #name: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed any number or text; equal seeds give equal sequences */
  constructor(seed: number | string) {
    this.#name = String(seed)
    this.#a = hashText(`${this.#name}/a`)
    this.#b = hashText(`${this.#name}/b`)
    this.#c = hashText(`${this.#name}/c`)
    // Seeds that differ in one bit start close together; sfc32 needs about a dozen rounds to part them.
    for (let round = 0; round < 15; round++) this.uint32()
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** A number from 0 up to, but not including, 1. */
  float(): number {
    return this.uint32() / 0x1_0000_0000
  }

  /** A number from `min` up to, but not including, `max`. */
  range(min: number, max: number): number {
    return min + (max - min) * this.float()
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1))
  }

  /** True with the given probability. Draws one number whatever the probability is. */
  chance(probability: number): boolean {
    return this.float() < probability
  }

  /** One of the items. @throws RangeError when there are none */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('SeededRandom.pick: the list is empty; check its length before')
    return items[this.integer(0, items.length - 1)]!
  }

  /** A generator of its own, named by this one's seed and `label`. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#name}>${label}`)
  }
}
