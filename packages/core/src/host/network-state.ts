/**
 * One word for how the room's decisions stand, as this peer sees it.
 *
 * Invariant: reads only.
 */
import type { NetworkState } from '../network-types.ts'
import type { Room } from '../room.ts'
import { holdsLease, silenceMs } from './council.ts'

export function networkState(room: Room): NetworkState {
  const { machine, state } = room
  if (state !== 'joined' || machine === undefined) return state === 'joined' ? 'stable' : state
  if (machine.role === 'host')
    return holdsLease(machine) ? 'stable' : room.frozenSinceMs === undefined ? 'suspect' : 'frozen'
  const silence = silenceMs(machine)
  if (machine.candidacy !== undefined || machine.preVoteMs !== undefined) return 'electing'
  if (machine.promised > machine.term && machine.candidate !== 0) return 'electing'
  if (room.frozenSinceMs !== undefined) return 'frozen'
  if (machine.isHostCut) return 'frozen'
  return silence * 2 >= machine.leaseMs ? 'suspect' : 'stable'
}
