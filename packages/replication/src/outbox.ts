/**
 * The edge to the game's own code: events leave in order, and what a listener does wrong stays its own.
 *
 * Invariant: the network goes on whatever a callback of the game does.
 */
import type { ReplicationState } from './state.ts'

/** Runs `change` without its traces being taken for the game's. */
export function quietly(state: ReplicationState, change: () => void): void {
  const before = state.quiet
  state.quiet = true
  change()
  state.quiet = before
}

/** Emits what was queued. Runs where a frame ends, and before an entity's columns are lost. */
export function emitOutbox(state: ReplicationState): void {
  const { outbox } = state
  for (let at = 0; at < outbox.length; at += 1) guardCallback(state, outbox[at]!)
  outbox.length = 0
}

/** A game's callback that throws is counted and must not stop the network. */
export function guardCallback(state: ReplicationState, callback: () => void): void {
  try {
    callback()
  } catch {
    state.counters.callbackErrors += 1
  }
}
