/**
 * What happens because time has passed: joining fails, links end, a host that does not come is given up.
 *
 * Invariant: run once per `receive`, after everything that has arrived was taken in.
 */
import { NetworkError } from './errors.ts'
import { considerFounding, repeatHello, settleJoin } from './host/joining.ts'
import { considerFork } from './host/forks.ts'
import { considerHiding } from './host/hand-over.ts'
import { tickMachine } from './host/room-host.ts'
import { checkLinks } from './peers/pings.ts'
import { endRoom, type Room } from './room.ts'

/** Fences answer what is sent ten times a second. */
const FENCED_MS = 2_000

export function checkTimes(room: Room): void {
  if (room.state === 'joining') {
    settleJoin(room)
    repeatHello(room)
    considerFounding(room)
  }
  checkLinks(room)
  tickMachine(room)
  considerHiding(room)
  considerFork(room)
  const { nowMs, options } = room
  if (room.state === 'joining' && nowMs - (room.startMs ?? nowMs) > options.joinTimeoutMs) {
    const message = `network: nobody let this peer in within ${options.joinTimeoutMs} ms; is the host reachable?`
    endRoom(room, new NetworkError('network/join-timeout', message))
  }
  // Links are not made again: who has none to its host, while others say that they have, is out.
  const waitMs = 2 * options.peerTimeoutMs + 1_000
  const { machine, host } = room
  const isOut = host?.linked === false && machine !== undefined && nowMs - machine.fencedMs < FENCED_MS
  if (room.state !== 'joined' || !isOut) room.unsettledSinceMs = undefined
  else room.unsettledSinceMs ??= nowMs
  if (room.unsettledSinceMs !== undefined && nowMs - room.unsettledSinceMs > waitMs) {
    const message = `network: there was no host in reach for ${waitMs} ms; join again`
    endRoom(room, new NetworkError('peer/timeout', message))
  }
}
