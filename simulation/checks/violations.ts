/**
 * What a run has found to be wrong, each with the invariant it breaks.
 *
 * Invariant: reporting never throws, because checks also run inside callbacks that the product guards.
 */

export type InvariantId = `I${number}`

export interface Violation {
  /** `I1` to `I15` of the host migration design; `I0` for a program that threw, or two runs that differ. */
  readonly id: InvariantId
  readonly message: string
  readonly atMs: number
}

export class Violations {
  readonly list: Violation[] = []
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  report(id: InvariantId, message: string): void {
    // The first few say what went wrong; the rest follow from them.
    if (this.list.length < 20) this.list.push({ id, message: `${id}: ${message}`, atMs: this.#nowMs() })
  }
}
