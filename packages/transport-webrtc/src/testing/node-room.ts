/**
 * A lobby and real connections in this process, for the tests of this package.
 *
 * Invariant: everything opened is closed by `end`, and nothing leaves this machine.
 */
import type { Transport } from '@baton/core'
import type { ContractRoom } from '@baton/core/testing/transport-contract'
import { createLobby, type LobbyServer } from '@baton/server'
import { connectTransport, type ConnectOptions, type InNode, type WrtcName } from '../node/index.ts'
import type { WebRtcTransport } from '../webrtc-transport.ts'

export interface NodeRoom extends ContractRoom {
  readonly lobby: LobbyServer
  join(options?: Partial<InNode<ConnectOptions>>): Promise<WebRtcTransport>
}

/** @param wrtc who uses which implementation: the nth peer takes the nth, and the last goes on */
export async function createNodeRoom(...wrtc: WrtcName[]): Promise<NodeRoom> {
  const lobby = await createLobby({ limits: { socketsPerAddress: 100 } })
  const transports: Transport[] = []
  return {
    lobby,
    nowMs: () => performance.now(),
    settle: () => new Promise((resolve) => setTimeout(resolve, 10)),
    async join(options = {}) {
      const choice = wrtc[Math.min(transports.length, wrtc.length - 1)]
      const transport = await connectTransport({
        lobby: lobby.url,
        room: 'test',
        wrtc: choice,
        iceServers: [],
        ...options,
      })
      transports.push(transport)
      return transport
    },
    async end() {
      for (const transport of transports) transport.close()
      await lobby.close()
    },
  }
}
