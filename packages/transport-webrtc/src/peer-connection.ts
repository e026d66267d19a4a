/**
 * The simple-peer door: one RTCPeerConnection with negotiated data channels. Nothing else in this
 * package touches simple-peer, and nothing but this file touches what simple-peer keeps private.
 *
 * Invariant: every data channel is negotiated. simple-peer would take any channel that the far end
 * opens in-band for its own and send on that one; here such a channel is closed and counted.
 * Private surface, pinned by peer-connection.test.ts: `_pc`, `_iceCompleteTimer` (simple-peer 9.11.1).
 */
import type SimplePeerNamespace from 'simple-peer'
import SimplePeer from 'simple-peer/simplepeer.min.js'
import { LINK_STREAM_ID } from './channel-ids.ts'

/** What of WebRTC a connection needs; in a browser the globals serve. */
export interface WebRtcImplementation {
  readonly RTCPeerConnection: typeof RTCPeerConnection
  readonly RTCSessionDescription: typeof RTCSessionDescription
  readonly RTCIceCandidate: typeof RTCIceCandidate
}

/** What the two ends of a connection must hear of each other before it is up. */
export type Signal =
  | { readonly kind: 'offer' | 'answer'; readonly sdp: string }
  | {
      readonly kind: 'candidate'
      readonly candidate: string
      readonly sdpMid: string | undefined
      readonly sdpMLineIndex: number
    }

export interface PeerConnectionHandlers {
  /** To be carried to the far end. */
  signal(signal: Signal): void
  /** The link channel is open. */
  up(): void
  /** A message on the link channel. */
  frame(bytes: Uint8Array): void
  /** Text on the link channel, or a channel opened in-band. */
  breach(): void
  /** The connection has ended by itself; said once. `failed`: no path, or none any more. `closed`: the far end closed it. */
  ended(cause: 'failed' | 'closed'): void
}

export interface PeerConnectionOptions {
  readonly initiator: boolean
  readonly iceServers: readonly RTCIceServer[]
  readonly wrtc: WebRtcImplementation | undefined
}

type Internals = SimplePeerNamespace.Instance & {
  readonly _pc?: RTCPeerConnection | null
  readonly _iceCompleteTimer?: ReturnType<typeof setTimeout> | null
}

export class PeerConnection {
  #peer: Internals
  #handlers: PeerConnectionHandlers | undefined
  #failed = false

  constructor(options: PeerConnectionOptions, handlers: PeerConnectionHandlers) {
    this.#handlers = handlers
    const peer = new SimplePeer({
      initiator: options.initiator,
      // Messages stay apart and text stays text; the stream would join what it has to buffer.
      objectMode: true,
      channelName: 'link',
      channelConfig: { negotiated: true, id: LINK_STREAM_ID },
      config: { iceServers: [...options.iceServers] },
      ...(options.wrtc && { wrtc: options.wrtc }),
    }) as Internals
    this.#peer = peer
    const pc = peer._pc
    if (pc) {
      pc.ondatachannel = ({ channel }) => {
        channel.close()
        this.#handlers?.breach()
      }
      // A candidate that comes in while we close is refused, and simple-peer would warn of it on the console.
      const addIceCandidate = pc.addIceCandidate.bind(pc)
      pc.addIceCandidate = async (candidate?: RTCIceCandidateInit | null) => {
        try {
          await addIceCandidate(candidate)
        } catch (error) {
          if (this.#handlers) throw error
        }
      }
    }
    peer.on('signal', (data: SimplePeerNamespace.SignalData) => {
      const signal = toSignal(data)
      if (signal) this.#handlers?.signal(signal)
    })
    peer.on('connect', () => this.#handlers?.up())
    peer.on('data', (data: unknown) => {
      if (data instanceof Uint8Array) this.#handlers?.frame(data)
      else this.#handlers?.breach()
    })
    peer.on('error', () => {
      this.#failed = true
    })
    peer.on('close', () => {
      const ended = this.#handlers
      this.destroy()
      ended?.ended(this.#failed ? 'failed' : 'closed')
    })
  }

  /** Takes what the far end signaled. Never throws: what WebRTC refuses ends the connection as failed. */
  accept(signal: Signal): void {
    try {
      if (signal.kind === 'candidate') {
        const { candidate, sdpMLineIndex } = signal
        this.#peer.signal({
          type: 'candidate',
          candidate: { candidate, sdpMLineIndex, sdpMid: signal.sdpMid ?? null } as RTCIceCandidate,
        })
      } else {
        this.#peer.signal({ type: signal.kind, sdp: signal.sdp })
      }
    } catch (cause) {
      this.#peer.destroy(cause instanceof Error ? cause : new Error(String(cause)))
    }
  }

  /**
   * Creates this end of a data channel. The far end must create the same id.
   * @returns `undefined` when the connection has ended or the browser will not have another channel
   */
  createChannel(label: string, id: number, reliable: boolean): RTCDataChannel | undefined {
    const pc = this.#peer._pc
    if (!pc) return undefined
    try {
      return pc.createDataChannel(label, {
        negotiated: true,
        id,
        ...(!reliable && { ordered: false, maxRetransmits: 0 }),
      })
    } catch {
      return undefined
    }
  }

  /** Sends on the link channel; nothing happens when it is not open. */
  sendFrame(bytes: Uint8Array<ArrayBuffer>): void {
    try {
      this.#peer.send(bytes)
    } catch {
      // Not open yet or no longer: the close event tells whoever must know.
    }
  }

  /** How the packets run, once connected: through a TURN relay or not. */
  async route(): Promise<'direct' | 'relay' | 'unknown'> {
    try {
      const report = await this.#peer._pc?.getStats()
      return report ? routeOf(report) : 'unknown'
    } catch {
      return 'unknown'
    }
  }

  /**
   * Releases everything as soon as the far end has closed or has sent what `isLast` accepts, at the
   * latest after `lingerMs`: what was sent last needs that long to arrive. No handler is called any more.
   */
  closeSoon(lingerMs: number, isLast: (frame: Uint8Array) => boolean): void {
    this.#handlers = undefined
    const timer = setTimeout(() => this.destroy(), lingerMs)
    this.#peer.once('close', () => clearTimeout(timer))
    this.#peer.on('data', (data: unknown) => {
      if (data instanceof Uint8Array && isLast(data)) this.destroy()
    })
  }

  /** Releases everything; no handler is called any more. Idempotent. */
  destroy(): void {
    this.#handlers = undefined
    // simple-peer leaves this timer running, and with it a Node process that should end.
    clearTimeout(this.#peer._iceCompleteTimer ?? undefined)
    this.#peer.destroy()
  }
}

function toSignal(data: SimplePeerNamespace.SignalData): Signal | undefined {
  if ((data.type === 'offer' || data.type === 'answer') && 'sdp' in data && data.sdp)
    return { kind: data.type, sdp: data.sdp }
  if (data.type === 'candidate' && 'candidate' in data) {
    const { candidate, sdpMid, sdpMLineIndex } = data.candidate
    return { kind: 'candidate', candidate, sdpMid: sdpMid ?? undefined, sdpMLineIndex: sdpMLineIndex ?? 0 }
  }
  return undefined // renegotiation and media: not for us
}

/** The reports that matter here, as the specification names them. */
interface CandidateReport {
  readonly type: string
  readonly selectedCandidatePairId?: string
  readonly localCandidateId?: string
  readonly remoteCandidateId?: string
  readonly candidateType?: string
  readonly nominated?: boolean
  readonly state?: string
}

function routeOf(report: RTCStatsReport): 'direct' | 'relay' | 'unknown' {
  const byId = new Map<string, CandidateReport>()
  let pair: CandidateReport | undefined
  report.forEach((entry: CandidateReport, id: string) => byId.set(id, entry))
  for (const entry of byId.values()) {
    if (entry.type === 'transport' && entry.selectedCandidatePairId) pair = byId.get(entry.selectedCandidatePairId)
    // Firefox has no transport report.
    if (!pair && entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') pair = entry
  }
  if (!pair) return 'unknown'
  const ends = [byId.get(pair.localCandidateId ?? ''), byId.get(pair.remoteCandidateId ?? '')]
  return ends.some((end) => end?.candidateType === 'relay') ? 'relay' : 'direct'
}
