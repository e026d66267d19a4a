/**
 * What members say to one another, and to the lobby, about who hosts and what is in the log.
 *
 * Invariant: plain data; bytes are made of it in `wire.ts`. See schemas/control.fbs for what the fields mean.
 */
import type { ControlBody } from '@baton/schemas'
import type { LogEntry } from './log-entry.ts'

/** The lobby among the senders and receivers of votes. Slots begin at 1. */
export const WITNESS = 0
/** Receivers: every member of any roster that counts. */
export const EVERYONE = -1

export interface Beat {
  readonly type: 'Beat'
  readonly sequence: number
  readonly commit: number
  /** The host has no quorum: it lives, and decides nothing. */
  readonly isCut?: boolean
}

export interface BeatAck {
  readonly type: 'BeatAck'
  readonly sequence: number
  /** Position up to which the sender's log is the host's. */
  readonly held: number
  readonly promised: number
}

export interface EntryMessage {
  readonly type: 'Entry'
  readonly entry: LogEntry
}

/** What members say to one another about the host. Terms, slots and positions; see schemas/control.fbs. */
export type HostMessage =
  | Beat
  | BeatAck
  | EntryMessage
  | Extract<
      ControlBody,
      {
        type:
          | 'Suspect'
          | 'VoteRequest'
          | 'Vote'
          | 'Abandon'
          | 'Fence'
          | 'HandOver'
          | 'Follow'
          | 'FetchLog'
          | 'LogBase'
          | 'WitnessBeat'
          | 'WitnessAck'
      }
    >

export type Message<Type extends HostMessage['type']> = Extract<HostMessage, { type: Type }>

export interface Outgoing {
  /** A slot, `WITNESS` or `EVERYONE`. */
  readonly to: number
  /** The sender's term. */
  readonly term: number
  readonly message: HostMessage
}
