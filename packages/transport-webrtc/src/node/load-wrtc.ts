/**
 * WebRTC for Node, from whichever optional package is there.
 *
 * Invariant: nothing native is loaded before somebody asks, and what is missing is said with the
 * command that installs it.
 */
import { NetworkError } from '@baton/core'
import type { WebRtcImplementation } from '../peer-connection.ts'
import { loadNodeDatachannel } from './node-datachannel.ts'

/**
 * `node-datachannel`: fast and small, for many peers in one process.
 * `roamhq` (the package @roamhq/wrtc): a browser's own WebRTC, the one to take for relay-only links.
 */
export type WrtcName = 'node-datachannel' | 'roamhq'

/**
 * Loads a WebRTC implementation.
 * @param name default: the first that is installed, node-datachannel before @roamhq/wrtc
 * @throws NetworkError `peer/unsupported` when it is not installed
 */
export async function loadWrtc(name?: WrtcName): Promise<WebRtcImplementation> {
  if (name === 'roamhq') return loadRoamhq()
  if (name === 'node-datachannel') return loadNodeDatachannel().catch(missing('node-datachannel'))
  try {
    return await loadNodeDatachannel()
  } catch {
    return loadRoamhq().catch(missing('node-datachannel'))
  }
}

async function loadRoamhq(): Promise<WebRtcImplementation> {
  const { default: wrtc } = await import('@roamhq/wrtc').catch(missing('@roamhq/wrtc'))
  return wrtc as unknown as WebRtcImplementation
}

function missing(packageName: string): (cause: unknown) => never {
  return (cause) => {
    const message = `joinRoom: Node has no WebRTC of its own and ${packageName} does not load; run: npm install ${packageName}`
    throw new NetworkError('peer/unsupported', message, { cause })
  }
}
