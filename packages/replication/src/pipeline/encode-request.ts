/**
 * What an encoder is asked each tick, and what it asks back when rows compete.
 *
 * Invariant: all of it is borrowed for the call; nothing is kept.
 */
import type { RowList } from './published-component.ts'

/** How rows compete when not all fit; `interest/priority.ts` has the one that bounds waiting. */
export interface RowPolicy {
  score(priority: number, waitedTicks: number, isUrgent: boolean): number
  choose(scores: Float32Array, bits: Int32Array, count: number, budgetBits: number, chosen: Uint8Array): number
}

/** What this peer has received from the far end: its `StateDecoder` is one. */
export interface AckSource {
  readonly hasAck: boolean
  readonly ack: number
  readonly ackBits: number
  readonly refresh: number
}

export interface EncodeRequest {
  /** The tick published last. */
  readonly tick: number
  readonly sessionTag: number
  readonly term: number
  /** This peer's slot. */
  readonly slot: number
  /** NetworkId by entity index. */
  readonly ids: Uint32Array
  /** What the far end should hold, each list in rising order of ids. A row is in one list only. */
  readonly lists: readonly RowList[]
  readonly acks: AckSource
  /** For all packets of this tick; less than `smallestBudgetBytes` sends no row. */
  readonly budgetBytes: number
  readonly maxPackets: number
  /** Send a packet without rows when there are none, so that acks arrive. */
  readonly sendEmpty: boolean
  /**
   * While the far end's word on what it holds is on its way: rows that have not changed since this tick
   * wait for it, unless the far end has acked them before (HD6). Left out, nothing waits.
   */
  readonly restingSince?: number | undefined
}

/** Packets a tick to one peer: 16 of 1,100 bytes are 8 Mbit/s at 60 Hz, more than any budget. */
const MAX_PACKETS_PER_TICK = 16
const NO_ACKS: AckSource = { hasAck: false, ack: 0, ackBits: 0, refresh: 0 }

/** A request to be filled in, used again from link to link. */
export function createEncodeRequest(ids: Uint32Array): { -readonly [Key in keyof EncodeRequest]: EncodeRequest[Key] } {
  const speaker = { tick: 0, sessionTag: 0, term: 0, slot: 0, ids }
  return { ...speaker, lists: [], acks: NO_ACKS, budgetBytes: 0, maxPackets: MAX_PACKETS_PER_TICK, sendEmpty: false }
}
