/**
 * What the log is made of, and what becomes of it, as packages above core see it.
 *
 * Invariant: an entry is never changed; the same index and term mean the same entry on every peer.
 */
import type { ControlBody } from '@baton/schemas'

/** One entry of the session's log, the same for everybody that holds it. */
export interface LogEntry {
  /** Position in the session's log, from 1. */
  readonly index: number
  /** The reign it was written in. */
  readonly term: number
  /** Slot of the member whose request it answers; the host's own for what it asked itself; 0 for core's. */
  readonly requester: number
  readonly body: ControlBody
}

/**
 * What has become of the log, in order. `appended`: it is in this peer's log, and may yet be cut out
 * of it. `cut`: entries from `fromIndex` on were never committed, and are gone. `committed`: it stands, on
 * every peer, at this place; each entry once, in order. `reset`: this peer's log begins anew after
 * `index`; what it held before says nothing (it joined, or was away for too long).
 */
export type LogEvent =
  | { readonly kind: 'appended' | 'committed'; readonly entry: LogEntry }
  | { readonly kind: 'cut'; readonly fromIndex: number }
  | { readonly kind: 'reset'; readonly index: number }
