/**
 * What the game is told when something goes wrong between this peer and another.
 *
 * Invariant: every end of a link that is no leave-taking has a code of docs/errors.md.
 */
import { NetworkError, type ErrorCode, type PeerId } from '@baton/core'
import type { LinkEnd } from './link.ts'

/** How a link ended that is worth an error. */
export type LinkFailure = Exclude<LinkEnd, 'left' | 'gone'>

const FAILURES: Record<LinkFailure, readonly [ErrorCode, string]> = {
  failed: ['peer/ice-failed', 'no path leads there; behind strict routers a TURN server in iceServers helps'],
  slow: ['peer/slow', 'it no longer takes what it is sent, or sends more than is polled'],
  breach: ['peer/protocol-breach', 'it sent what no peer sends'],
  version: ['protocol/version-mismatch', 'it runs another version of the link protocol; load the same build on both'],
}

/** @param what `is not reached` or `is disconnected` */
export function linkError(peer: PeerId, what: string, failure: LinkFailure): NetworkError {
  const [code, why] = FAILURES[failure]
  return new NetworkError(code, `transport-webrtc: peer ${peer} ${what}: ${why}`)
}

/** @param reliable the kind at the far end */
export function mismatchError(peer: PeerId, channel: number, reliable: boolean): NetworkError {
  const [there, here] = reliable ? ['reliable', 'unreliable'] : ['unreliable', 'reliable']
  const message = `openChannel: channel ${channel} with peer ${peer} is ${there} there and ${here} here; open the same kind on both ends`
  return new NetworkError('peer/channel-mismatch', message)
}
