/**
 * A tap on the pipeline for tools and tests: what was collected and what was accepted, row by row.
 *
 * Invariant: a tap only looks. The arrays it is shown are the pipeline's own and change after the call.
 */
import { invariant, type Peer } from '@baton/core'
import { dequantizePosition } from './pipeline/quantize.ts'
import type { ComponentSchema, NetworkId } from './schema/component-schema.ts'

/** One quantized row. `lanes` is borrowed: copy what you keep. */
export type RowTap = (schema: ComponentSchema, id: NetworkId, tick: number, lanes: Int32Array, offset: number) => void

export interface Tap {
  /** A row this peer has authority over was quantized. */
  onCollected: RowTap | undefined
  /** A row of another authority was taken into the store; `tick` is as its sender gave it. */
  onAccepted: RowTap | undefined
  /**
   * Host, every tick: a row of another authority is offered to the other peers, as of `tick`. That is
   * later than its sender's where the authority has just changed and the new one's clock lags (OW9).
   */
  onPassedOn: RowTap | undefined
  /** A peer held something else of an entity than it had acked, and is sent it again (ME1). */
  onMended: ((peer: Peer, id: NetworkId) => void) | undefined
}

/** The first position field of a row, in meters. */
export function positionOfRow(schema: ComponentSchema, lanes: Int32Array, offset: number): [number, number, number] {
  const field = schema.fields.find((one) => one.kind === 'position')
  invariant(field?.kind === 'position', `positionOfRow: ${schema.name} has no position field; tap another component`)
  const at = offset + field.group.offset
  const half = field.laneMax / 2
  const meters = (lane: number): number => dequantizePosition(lanes[at + lane]!, field.step, half)
  return [meters(0), meters(1), meters(2)]
}
