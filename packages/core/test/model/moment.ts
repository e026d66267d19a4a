/**
 * What one moment of a small room is made of.
 *
 * Invariant: types only, so that those who change worlds and those who describe them need not know one another.
 */
import type { HostMachine } from '../../src/host/machine.ts'
import type { WitnessState } from '../../src/host/index.ts'
import type { HostMessage } from '../../src/host/messages.ts'

export interface Flight {
  readonly from: number
  readonly to: number
  readonly term: number
  readonly message: HostMessage
}

export type Action =
  | { readonly kind: 'deliver'; readonly at: number }
  | { readonly kind: 'drop'; readonly at: number }
  | { readonly kind: 'copy'; readonly at: number }
  | { readonly kind: 'jump'; readonly ms: number; readonly without: number }
  | { readonly kind: 'append'; readonly slot: number }
  | { readonly kind: 'crash'; readonly slot: number }
  | { readonly kind: 'turn'; readonly slot: number; readonly other: number }
  | { readonly kind: 'release'; readonly slot: number; readonly to: number }

export interface World {
  nowMs: number
  machines: HostMachine[]
  readonly crashed: number[]
  witness: WitnessState | undefined
  flights: Flight[]
  /** Name of what was committed anywhere, by index. */
  readonly committed: (string | undefined)[]
  /** Who was granted a term, by voter; and who won it. */
  readonly grants: Map<string, number>
  appended: number
  rosters: number
  released: number
  readonly from: World | undefined
  readonly by: Action | undefined
}
