/**
 * A network's options with their defaults, checked.
 *
 * Invariant: a mistake in them throws where the network is made, not frames later.
 */
import { invariant } from './errors.ts'
import { DEFAULT_LEASE_MS } from './host/witness-state.ts'
import type { NetworkOptions } from './network-types.ts'
import { cleanName, MAX_CAPACITY } from './peers/roster.ts'
import type { RoomOptions } from './room.ts'

/** @throws InvariantError for options that cannot be */
export function resolveOptions(options: NetworkOptions): RoomOptions {
  const { tickRateHz = 60, capacity = 64, startTick = 0, leaseMs = DEFAULT_LEASE_MS } = options
  invariant(
    Number.isInteger(tickRateHz) && tickRateHz >= 1 && tickRateHz <= 1_000,
    `createNetwork: tickRateHz is ${tickRateHz}; give an integer from 1 to 1,000`,
  )
  invariant(
    Number.isInteger(capacity) && capacity >= 1 && capacity <= MAX_CAPACITY,
    `createNetwork: capacity is ${capacity}; give an integer from 1 to ${MAX_CAPACITY}`,
  )
  invariant(
    Number.isInteger(startTick) && startTick >= 0 && startTick <= 0xffff_ffff,
    `createNetwork: startTick is ${startTick}; give an integer from 0 to 4,294,967,295`,
  )
  invariant(
    leaseMs >= 100 && leaseMs <= 10_000,
    `createNetwork: leaseMs is ${leaseMs}; give a number from 100 to 10,000`,
  )
  return {
    displayName: cleanName(options.displayName),
    startTick,
    joinTimeoutMs: options.joinTimeoutMs ?? 20_000,
    peerTimeoutMs: options.peerTimeoutMs ?? 5_000,
    capacity,
    random: options.random,
    wallClock: options.wallClock,
    canHost: options.canHost ?? true,
    leaseMs,
    quorumLoss: options.quorumLoss ?? 'fork',
  }
}
