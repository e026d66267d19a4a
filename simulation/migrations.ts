/**
 * How long each change of host was felt: from the last that was heard of the old host, a beat or state, to the first of
 * the new one that was believed, at every peer that lived through it.
 *
 * Invariant: only packets that really arrived count, in true time; what peers say of their gaps is not asked.
 */
import type { PeerId } from '@baton/core'
import type { StateGlance } from './state-packet.ts'

/** What ended the reign before. `stall`: a pause, a cut or the weather; the old host lived. */
export type MigrationCause = 'crash' | 'tab closed' | 'left' | 'planned' | 'double' | 'stall'

export interface Migration {
  readonly term: number
  cause: MigrationCause
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
  /** For each host that was cut off from all others: how long it went on sending state. */
  readonly stopsMs: number[] = []
  readonly #handedOver = new Set<string>()
  readonly #hosts = new Map<string, PeerId>()
  readonly #byTerm = new Map<string, Migration>()
  readonly #heard = new Map<object, Heard>()
  #isolated:
    | { readonly host: object; readonly atMs: number; readonly untilMs: number; readonly index: number }
    | undefined
  #ended: { readonly cause: MigrationCause; readonly atMs: number } | undefined

  /** A host is about to go, or to hand over. Another one within a second makes it a double. */
  ends(cause: MigrationCause, atMs: number): void {
    const last = this.#ended
    const isDouble = last?.cause === 'crash' && cause === 'crash' && atMs - last.atMs < 1_000
    this.#ended = { cause: isDouble ? 'double' : cause, atMs }
  }

  /** A host is cut off from all others, for at most so long. */
  isolated(host: object, atMs: number, ms: number): void {
    this.#isolated = { host, atMs, untilMs: atMs + ms, index: this.stopsMs.push(0) - 1 }
  }

  /** A peer sends state as host. */
  acts(host: object, atMs: number): void {
    const isolated = this.#isolated
    if (isolated?.host === host && atMs < isolated.untilMs) this.stopsMs[isolated.index] = atMs - isolated.atMs
  }

  /** A peer sends a state packet as host, with rows or without. */
  sends(host: PeerId, session: string, { term }: StateGlance): void {
    this.#hosts.set(`${session} ${term}`, host)
  }

  isOfHost(from: PeerId, session: string, { term }: StateGlance): boolean {
    return this.#hosts.get(`${session} ${term}`) === from
  }

  /** A peer is told that a host passed the baton on by itself: no fault, and none that a fault made. */
  handedOver(session: string, term: number): void {
    const key = `${session} ${term}`
    this.#handedOver.add(key)
    const migration = this.#byTerm.get(key)
    if (migration?.cause === 'stall') migration.cause = 'planned'
  }

  /** A host in its term says to a peer that it lives. Of another host it shows only when that one is believed. */
  beats(peer: object, term: number, atMs: number): void {
    const before = this.#heard.get(peer)
    if (before?.term === term) before.atMs = atMs
  }

  /** A peer hears state of the host of this term, or begins to follow it. */
  heard(peer: object, session: string, { term }: Pick<StateGlance, 'term'>, atMs: number): void {
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
      const other = this.#handedOver.has(key) ? 'planned' : 'stall'
      const cause = ended !== undefined && atMs - ended.atMs < 5_000 ? ended.cause : other
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
