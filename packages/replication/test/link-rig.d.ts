import { SeededRandom } from '@baton/core/testing'
import { PublishedRows, type RowList } from '../src/pipeline/published-rows.ts'
import { StateDecoder } from '../src/pipeline/state-decoder.ts'
import { StateEncoder } from '../src/pipeline/state-encoder.ts'
import type { ComponentSchema, LaneGroup } from '../src/schema/component-schema.ts'
export type GroupShape = Omit<LaneGroup, 'offset'>
/** A snapshot component of these groups; every lane value within its bits passes its check. */
export declare function schemaOf(index: number, shapes: readonly GroupShape[]): ComponentSchema
export declare const TRANSFORM: readonly GroupShape[]
export declare function laneMask(group: LaneGroup, lane: number): number
export interface Wire {
  readonly loss: number
  readonly duplicate: number
  /** Ticks under way: at least, and at most so many more. */
  readonly delay: number
  readonly jitter: number
}
export interface LinkRigOptions {
  readonly schemas: readonly ComponentSchema[]
  readonly rows: number
  readonly seed: number
  readonly wire: Wire
  readonly firstTick?: number
  readonly firstSequence?: number
  readonly budgetBytes?: number
  readonly maxPackets?: number
  /** Look into every packet whether it refers to what was not acked. Costs time. */
  readonly audit?: boolean
}
export declare class LinkRig {
  #private
  readonly schemas: readonly ComponentSchema[]
  readonly rows: number
  readonly random: SeededRandom
  readonly published: PublishedRows
  readonly encoder: StateEncoder
  readonly decoder: StateDecoder
  readonly current: {
    current: Int32Array
    tick: Uint32Array
  }[]
  /** NetworkId by entity index, rising; 0 while the receiver must not know it. */
  readonly ids: Uint32Array
  readonly known: Uint8Array
  /** Rows whose entities the receiver has seen end. */
  readonly gone: Set<number>
  lists: RowList[]
  wire: Wire
  tick: number
  /** How each packet that arrived ended. */
  readonly results: {
    accepted: number
    duplicate: number
    malformed: number
    unresolved: number
  }
  bytes: number
  packets: number
  largestPacket: number
  /** Set to refuse packets at the sender. */
  isLinkStale: boolean
  readonly faults: string[]
  readonly budgetBytes: number
  readonly maxPackets: number
  readonly audit: boolean
  /** Newest lanes and source tick the receiver has, per component. */
  readonly received: {
    lanes: Int32Array
    source: Uint32Array
    tick: Float64Array
  }[]
  constructor(options: LinkRigOptions)
  /** One tick: `change` writes rows, then both ends do their part. */
  step(change?: () => void): void
  /** Random lanes for one row: near the old ones, or anywhere. */
  shake(component: number, row: number, far: boolean): void
  /** The spawn of a row's entity arrives. Returns how many components' rows had waited for it. */
  spawn(row: number): number
  /** Another entity stands at this index from now on. */
  renew(row: number): void
  /** Rows whose newest received state is not the present one. */
  staleRows(): number
  receiveRow(component: number, row: number, source: number, lanes: Int32Array, offset: number, tick: number): void
  deliver(packet: Uint8Array): void
}
