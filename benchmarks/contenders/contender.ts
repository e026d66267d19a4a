/**
 * What is measured: one way to bring a workload to guests, as its documentation recommends it.
 *
 * Invariant: a sender sees the workload only in `write`; what it then encodes it has from its own state, as
 * a game that holds its state in the library's form would.
 */
import type { Workload } from '../workloads/workload.ts'

export interface Traits {
  /** Unique in the table. */
  readonly name: string
  /** Of the package, as installed. */
  readonly version: string
  /** How it is used here. */
  readonly usage: string
  /** What a number is on the wire. */
  readonly precision: string
  readonly sends: 'changed rows' | 'changed fields' | 'everything'
  /** Who knows what changed. */
  readonly finds: 'itself' | 'by setters' | 'is told' | 'does not ask'
  readonly encodes: 'once for all' | 'per guest'
  /** What becomes of a lost packet. */
  readonly loss: 'mends itself' | 'needs a reliable channel' | 'next tick has all'
}

/** All guests at once, for those that encode once. */
export const EVERYBODY = -1

/**
 * Takes a packet, borrowed until it returns.
 * @param isReliable sent on a channel that loses nothing
 * @returns true when it will arrive
 */
export type Emit = (guest: number, packet: Uint8Array, isReliable?: boolean) => boolean

export interface Sender {
  /** The game's writes of this tick into the library's form: spawns, despawns, poses. */
  write(workload: Workload): void
  /** All packets of the tick. */
  encode(tick: number, emit: Emit): void
  /** All that a newcomer needs, as packets to guest 0; absent where nothing but the game's own code does it. */
  join?(emit: Emit): void
}

export interface Receiver {
  /** Decodes a packet and applies it: afterwards the game can read it. */
  receive(packet: Uint8Array): void
  /** The pose of the entity in a slot of the sender's world. @returns false when it is not here */
  read(workload: Workload, slot: number, out: Float32Array): boolean
  /** Entities here. */
  readonly count: number
}

export interface Contender extends Traits {
  /** @param ackTicks ticks from a packet to its ack, per guest; its length is the number of guests */
  createSender(workload: Workload, ackTicks: readonly number[]): Sender
  /** @param sender of this contender for the same workload */
  createReceiver(workload: Workload, sender: Sender): Receiver
}
