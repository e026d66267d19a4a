import { inject } from 'vitest'
import { transportContract, type ContractRoom } from '@baton/core/testing/transport-contract'
import { connectTransport } from './connect.ts'
import type { WebRtcTransport } from './webrtc-transport.ts'

let rooms = 0

async function createPageRoom(): Promise<ContractRoom> {
  const room = `page-${Date.now()}-${rooms++}`
  const transports: WebRtcTransport[] = []
  return {
    nowMs: () => performance.now(),
    settle: () => new Promise((resolve) => setTimeout(resolve, 10)),
    async join() {
      const transport = await connectTransport({ lobby: inject('lobbyUrl'), room, iceServers: [] })
      transports.push(transport)
      return transport
    },
    async end() {
      for (const transport of transports) transport.close()
    },
  }
}

transportContract('a browser', createPageRoom, { maxRounds: 2_000 })
