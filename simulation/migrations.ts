/**
 * How long each change of host was felt: from the last state of the old host to the first of the new one, at every
 * peer that lived through it.
 *
 * Invariant: only packets that really arrived count, in true time; what peers say of their gaps is not asked.
 */
import type { StateGlance } from './state-packet.ts'

/** What ended the reign before. `stall`: a pause, a cut or the weather; the old host lived. */
export type MigrationCause = 'crash' | 'tab closed' | 'left' | 'planned' | 'double' | 'stall'

export interface Migration {
  readonly term: number
  readonly cause: MigrationCause
  /** When the first state of the new host was heard anywhere. */
  readonly atMs: number
  /** Milliseconds, one for each peer that heard both hosts. */
  readonly gapsMs: number[]
}

interface Heard {
  term: number
  atMs: number
}

export class MigrationLog {
  readonly migrations: Migration[] = []
  readonly #byTerm = new Map<string, Migration>()
  readonly #heard = new Map<object, Heard>()
  #ended: { readonly cause: MigrationCause; readonly atMs: number } | undefined

  /** A host is about to go, or to hand over. Another one within a second makes it a double. */
  ends(cause: MigrationCause, atMs: number): void {
    const last = this.#ended
    const isDouble = last?.cause === 'crash' && cause === 'crash' && atMs - last.atMs < 1_000
    this.#ended = { cause: isDouble ? 'double' : cause, atMs }
  }

  /** A peer hears state of the host of this term. */
  heard(peer: object, session: string, { term }: StateGlance, atMs: number): void {
    const before = this.#heard.get(peer)
    if (before === undefined) {
      this.#heard.set(peer, { term, atMs })
      return
    }
    if (term < before.term) return
    if (term > before.term) this.#note(session, term, atMs, atMs - before.atMs)
    before.term = term
    before.atMs = atMs
  }

  #note(session: string, term: number, atMs: number, gapMs: number): void {
    const key = `${session} ${term}`
    let migration = this.#byTerm.get(key)
    if (migration === undefined) {
      const ended = this.#ended
      const cause = ended !== undefined && atMs - ended.atMs < 5_000 ? ended.cause : 'stall'
      this.#ended = undefined
      migration = { term, cause, atMs, gapsMs: [] }
      this.#byTerm.set(key, migration)
      this.migrations.push(migration)
    }
    migration.gapsMs.push(gapMs)
  }
}

/** @param values in any order; at least one */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}
