/**
 * A number for everything that happened in a run, to compare two runs of one seed.
 *
 * Invariant: order counts; a single byte that differs gives another number.
 */

/** FNV-1a, 32 bits, fed with whatever a run wants to have compared. */
export class Trace {
  #hash = 0x811c9dc5

  get value(): number {
    return this.#hash >>> 0
  }

  number(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value | 0), 0x01000193)
    this.#hash = Math.imul(this.#hash ^ Math.floor(value / 0x1_0000_0000), 0x01000193)
  }

  bytes(data: Uint8Array): void {
    let hash = this.#hash
    for (let index = 0; index < data.length; index++) hash = Math.imul(hash ^ data[index]!, 0x01000193)
    this.#hash = hash
  }

  text(text: string): void {
    for (let index = 0; index < text.length; index++) this.number(text.charCodeAt(index))
  }
}

/** A hash of some bytes by themselves. */
export function hashBytes(data: Uint8Array): number {
  const trace = new Trace()
  trace.bytes(data)
  return trace.value
}
