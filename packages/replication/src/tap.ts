/**
 * A tap on the pipeline for tools and tests: what was collected and what was accepted, row by row.
 *
 * Invariant: a tap only looks. The arrays it is shown are the pipeline's own and change after the call.
 */

/** `lanes` is borrowed: copy what you keep. */
export type RowTap = (
  componentIndex: number,
  networkId: number,
  tick: number,
  lanes: Int32Array,
  laneOffset: number,
) => void

export interface Tap {
  /** A row this peer has authority over was quantized. */
  onCollected: RowTap | undefined
  /** A row of another authority was taken into the store. */
  onAccepted: RowTap | undefined
}
