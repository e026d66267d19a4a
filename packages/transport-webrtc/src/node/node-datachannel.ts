/**
 * Fits node-datachannel's polyfill to what simple-peer asks of WebRTC. Its only door.
 *
 * Invariant: one adapted implementation per process; connections keep their native parts referenced
 * by themselves, so that nothing is freed under a thread that still uses it. The library's `cleanup()`
 * is not called: a process ends by itself once its connections are closed, and others may have some.
 */
import type { WebRtcImplementation } from '../peer-connection.ts'

/** The one error that is no fault of the candidate: it came before the native side had set up its ICE. */
const TOO_EARLY = 'without ICE transport'
const CANDIDATE_TRIES = 20
const CANDIDATE_RETRY_MS = 10

/** What of the polyfill's connection is adapted; the platform's overloads are of no use here. */
interface NativePeerConnection {
  readonly connectionState: RTCPeerConnectionState
  createOffer(): Promise<RTCSessionDescriptionInit>
  createAnswer(): Promise<RTCSessionDescriptionInit>
  setLocalDescription(description?: RTCSessionDescriptionInit): Promise<void>
  createDataChannel(label: string, init?: RTCDataChannelInit): RTCDataChannel
  addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void>
}

export async function loadNodeDatachannel(): Promise<WebRtcImplementation> {
  const polyfill = (await import('node-datachannel/polyfill')) as unknown as WebRtcImplementation
  const Native = polyfill.RTCPeerConnection as unknown as new (configuration?: RTCConfiguration) => NativePeerConnection

  class AdaptedPeerConnection extends Native {
    // simple-peer assigns to `sdp`, which is getter-only there.
    override async createOffer(): Promise<RTCSessionDescriptionInit> {
      return plain(await super.createOffer())
    }

    override async createAnswer(): Promise<RTCSessionDescriptionInit> {
      return plain(await super.createAnswer())
    }

    /** libdatachannel has negotiated by itself as soon as there was a channel or an offer. */
    override async setLocalDescription(): Promise<void> {}

    /** The answering side of simple-peer names its channel null, which the native side does not take. */
    override createDataChannel(label: string, init?: RTCDataChannelInit): RTCDataChannel {
      return super.createDataChannel(label ?? '', init)
    }

    override async addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
      for (let tries = 1; ; tries++) {
        try {
          return await super.addIceCandidate(candidate)
        } catch (error) {
          const early = error instanceof Error && error.message.includes(TOO_EARLY)
          if (!early || tries === CANDIDATE_TRIES || this.connectionState === 'closed') throw error
          await new Promise((resolve) => setTimeout(resolve, CANDIDATE_RETRY_MS))
        }
      }
    }
  }

  const { RTCSessionDescription, RTCIceCandidate } = polyfill
  const Adapted = AdaptedPeerConnection as unknown as typeof RTCPeerConnection
  return { RTCPeerConnection: Adapted, RTCSessionDescription, RTCIceCandidate }
}

function plain({ type, sdp }: RTCSessionDescriptionInit): RTCSessionDescriptionInit {
  return { type, ...(sdp !== undefined && { sdp }) }
}
