/**
 * What comes out of a state packet.
 *
 * Invariant: rows are there only after `accepted`, and only until the next packet.
 */

/**
 * - `accepted`: decoded, stored, to be acked; its rows can be applied.
 * - `duplicate`: came before, or is older than what could be acked.
 * - `malformed`: not a packet; nothing changed, count it against the sender.
 * - `unresolved`: sound, but it refers to states that are not here or finds no room; nothing changed, not acked.
 */
export type DecodeResult = 'accepted' | 'duplicate' | 'malformed' | 'unresolved'

/** The rows of the packet accepted last whose entities are here. Valid until the next `decode`. */
export interface DecodedRows {
  readonly count: number
  /** Registry index of the component, entity index, source tick, and place in `lanes`, per row. */
  readonly component: Uint16Array
  readonly index: Int32Array
  readonly source: Uint32Array
  readonly offset: Uint16Array
  /** `laneCount` lanes per row, checked: what `applyRow` takes. */
  readonly lanes: Int32Array
}
