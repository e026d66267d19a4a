/**
 * A bad network without any right of the system: WebRTC for Node whose packets all pass a relay in this process,
 * which loses them, delays them, or cuts this peer off from some of the others.
 *
 * Each peer has a loopback address of its own, by which the relay of another tells it apart. Invariant: no peer ever
 * learns where another really listens, only where its relay does.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { loadWrtc, type WebRtcImplementation } from '@baton/transport-webrtc/node'

export interface RelayOptions {
  /** Of this peer alone, such as 127.0.0.11. */
  readonly address: string
  readonly delayMs: number
  /** Share of the packets, 0 to 1, each way. */
  readonly loss: number
  readonly random: () => number
}

export interface Relay {
  readonly wrtc: WebRtcImplementation
  /** Addresses of peers that nothing comes from and nothing goes to, until it is said anew. */
  cut(addresses: readonly string[]): void
  readonly counters: { passed: number; lost: number; cut: number }
}

/** What of a connection is changed; the platform's overloads are of no use here. */
interface Connection extends EventTarget {
  get localDescription(): RTCSessionDescriptionInit | null
  createOffer(): Promise<RTCSessionDescriptionInit>
  createAnswer(): Promise<RTCSessionDescriptionInit>
  close(): void
}

export async function createRelay(options: RelayOptions): Promise<Relay> {
  const { address } = options
  const wrtc = await loadWrtc('node-datachannel')
  const counters = { passed: 0, lost: 0, cut: 0 }
  let isCutFrom: ReadonlySet<string> = new Set()

  /** Stands before one connection: what comes in from elsewhere goes to it, what it sends goes to whom it heard last. */
  async function stand(realPort: number): Promise<Socket> {
    const socket = createSocket('udp4')
    let far: { address: string; port: number } | undefined
    const send = (data: Buffer, port: number, to: string): void => {
      if (options.random() < options.loss) counters.lost += 1
      else {
        counters.passed += 1
        setTimeout(() => sendNow(socket, data, port, to), options.delayMs)
      }
    }
    socket.on('message', (data: Buffer, from: RemoteInfo) => {
      const isOwn = from.address === address && from.port === realPort
      if (!isOwn) far = from
      if (far === undefined) return
      if (isCutFrom.has(far.address)) counters.cut += 1
      else if (isOwn) send(data, far.port, far.address)
      else send(data, realPort, address)
    })
    await new Promise<void>((resolve) => socket.bind(0, address, resolve))
    socket.unref()
    return socket
  }

  const Native = wrtc.RTCPeerConnection as unknown as new (configuration?: RTCConfiguration) => Connection
  class RelayedConnection extends Native {
    #relay: Promise<Socket> | undefined

    constructor(configuration?: RTCConfiguration) {
      // Not of the standard: where libdatachannel listens.
      super({ ...configuration, bindAddress: address } as RTCConfiguration)
      // In place of the library's own way to call this handler.
      let heard: ((event: RTCPeerConnectionIceEvent) => void) | null = null
      Object.defineProperty(this, 'onicecandidate', {
        get: () => null,
        set(handler: typeof heard) {
          heard = handler
        },
      })
      this.addEventListener('icecandidate', (native) => {
        const event = native as RTCPeerConnectionIceEvent
        const parts = event.candidate?.candidate.split(' ')
        if (parts === undefined) return heard?.(event)
        const [, , transport, , at, port] = parts as [string, string, string, string, string, string]
        if (transport.toLowerCase() !== 'udp' || at !== address) return
        this.#relay ??= stand(Number(port))
        void this.#relay.then((relay) => {
          parts[5] = String((relay.address() as AddressInfo).port)
          const { sdpMid, sdpMLineIndex } = event.candidate!
          const candidate = { candidate: parts.join(' '), sdpMid, sdpMLineIndex: sdpMLineIndex ?? 0 }
          heard?.({ candidate } as unknown as RTCPeerConnectionIceEvent)
        })
      })
    }

    // Candidates go by themselves, changed; none may be in a description, neither as it is made nor as it is read later.
    override get localDescription(): RTCSessionDescriptionInit | null {
      const description = super.localDescription
      return description && withoutCandidates(description)
    }

    override async createOffer(): Promise<RTCSessionDescriptionInit> {
      return withoutCandidates(await super.createOffer())
    }

    override async createAnswer(): Promise<RTCSessionDescriptionInit> {
      return withoutCandidates(await super.createAnswer())
    }

    override close(): void {
      super.close()
      void this.#relay?.then((relay) => setTimeout(() => relay.close(), options.delayMs + 200))
    }
  }

  const { RTCSessionDescription, RTCIceCandidate } = wrtc
  return {
    wrtc: {
      RTCPeerConnection: RelayedConnection as unknown as typeof RTCPeerConnection,
      RTCSessionDescription,
      RTCIceCandidate,
    },
    cut: (addresses) => (isCutFrom = new Set(addresses)),
    counters,
  }
}

/** A socket that was closed while the packet was on its way has nowhere to send it. */
function sendNow(socket: Socket, data: Buffer, port: number, to: string): void {
  try {
    socket.send(data, port, to)
  } catch {
    // Lost, as packets are.
  }
}

function withoutCandidates({ type, sdp }: RTCSessionDescriptionInit): RTCSessionDescriptionInit {
  return { type, ...(sdp !== undefined && { sdp: sdp.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '') }) }
}
