/**
 * What happens because time has passed: joining fails, links end, a host that does not come is given up.
 *
 * Invariant: run once per `receive`, after everything that has arrived was taken in.
 */
import { NetworkError } from './errors.ts'
import { settleJoin } from './host/handshake.ts'
import { considerFounding, passOver } from './host/reign.ts'
import { checkLinks } from './peers/pings.ts'
import { endRoom, type Room } from './room.ts'

export function checkTimes(room: Room): void {
  if (room.state === 'joining') {
    settleJoin(room)
    considerFounding(room)
  }
  checkLinks(room)
  passOver(room)
  const { nowMs, options } = room
  if (room.state === 'joining' && nowMs - (room.startMs ?? nowMs) > options.joinTimeoutMs) {
    const message = `network: nobody let this peer in within ${options.joinTimeoutMs} ms; is the host reachable?`
    endRoom(room, new NetworkError('network/join-timeout', message))
  }
  // The next host may learn of the loss as late as its own time-out allows; only then is waiting vain.
  const waitMs = 2 * options.peerTimeoutMs + 1_000
  if (room.state === 'joined' && room.host === undefined && nowMs - room.unsettledSinceMs > waitMs) {
    const next = room.roster?.members[0]?.peer
    const message = `network: the host was lost, and ${next} did not take over within ${waitMs} ms; join again`
    endRoom(room, new NetworkError('peer/timeout', message))
  }
}
