/**
 * What a replication remembers about the log, as plain data: its uncommitted end, what this peer has
 * changed ahead of it, and what its host has judged.
 *
 * Invariant: types and their empty values only; `tail.ts`, `ahead.ts` and `judged.ts` work on them.
 */
import type { LogEntry } from '@baton/core'
import type { ControlBody } from '@baton/schemas'
import type { Ownership } from './lifecycle/entity-table.ts'
import type { NetworkId } from './pipeline/network-id.ts'
import type { ComponentValueRow } from './schema/component-schema.ts'

/** Bodies of requests and of the entries they become: they carry the number of the request. */
export type LogBody = Extract<ControlBody, { request: number }>

/** What one uncommitted entry does to the view of those that decide by the end of the log. */
export interface TailEntry {
  readonly entry: LogEntry
  readonly changes: readonly (readonly [NetworkId, Ownership])[]
  readonly despawns: readonly NetworkId[]
}

/** An entity whose ownership uncommitted entries change. */
export interface OwnershipAhead {
  /** `undefined` until its spawn is committed. */
  committed: Ownership | undefined
  /** Entries that change it. */
  count: number
  /** By the last of them. */
  next: Ownership
}

export interface Tail {
  readonly entries: TailEntry[]
  readonly ownership: Map<NetworkId, OwnershipAhead>
  /** Prefab by the id that is about to be spawned. */
  readonly spawned: Map<NetworkId, number>
  readonly despawned: Map<NetworkId, number>
}

export function createTail(): Tail {
  return { entries: [], ownership: new Map(), spawned: new Map(), despawned: new Map() }
}

/** A component as the log has it. `row` means nothing where it is not present. */
export interface CommittedComponent {
  present: boolean
  tick: number
  row: ComponentValueRow
}

/** A component or the parent of an entity that this peer has changed ahead of the log. */
export interface Ahead {
  /** Requests of this peer that are pending. */
  count: number
  /** As the log has it; `undefined` for a parent. */
  readonly component: CommittedComponent | undefined
  parent: NetworkId
}

/** What the host remembers of one member's requests. */
export interface Judged {
  /** Requests at or below this had their verdict. */
  highest: number
  /** Of the newest ones that were refused. */
  readonly refused: Map<number, { readonly id: number; readonly reason: string }>
}

/** Who is in, by the newest committed roster. */
export interface CommittedRoster {
  readonly slots: ReadonlySet<number>
  readonly host: number
}
