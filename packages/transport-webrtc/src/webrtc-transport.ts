/**
 * The Transport contract over WebRTC data channels, one connection to every member of the room.
 *
 * Who owns which time-out: silence on a link that is up is core's business, whose pings hear it in
 * seconds. This side owns what core cannot see: an attempt that never completes, ICE that has failed,
 * a connection that closed, a channel that no longer drains. ICE's `disconnected` means "maybe back".
 * Invariant: nothing here calls the game; everything waits in the inbox for `poll`.
 */
import {
  CHANNEL,
  invariant,
  MAX_DATAGRAM_BYTES,
  MAX_TRANSPORT_MESSAGE_BYTES,
  MAX_WITNESS_BYTES,
  NetworkError,
  type ChannelKind,
  type DisconnectReason,
  type LinkStats,
  type PeerId,
  type SendResult,
  type Transport,
  type TransportEvent,
} from '@baton/core'
import type { LobbyBody } from '@baton/schemas/lobby'
import { isNumberedChannel } from './channel-ids.ts'
import { Inbox } from './inbox.ts'
import { linkError, mismatchError, type LinkFailure } from './link-errors.ts'
import type { LinkEnd } from './link.ts'
import type { LobbyClient } from './lobby-client.ts'
import { Mesh } from './mesh.ts'
import type { WebRtcImplementation } from './peer-connection.ts'

/** A transport that has joined a room of a lobby. Made by `connectTransport`. */
export interface WebRtcTransport extends Transport {
  /** Members linked right now. */
  readonly linkCount: number
  /** Nobody else is in the room, as far as the lobby has said. */
  readonly isAlone: boolean
  readonly counters: WebRtcTransportCounters
  /**
   * Called when the browser takes the page away for good, while everybody can still be told something; then the
   * transport leaves. Listeners of the page itself would come in the order they were added, which is too late.
   */
  onpagehide: (() => void) | null
}

export interface LobbyTransportOptions {
  readonly lobby: LobbyClient
  readonly wrtc: WebRtcImplementation | undefined
  readonly iceServers: readonly RTCIceServer[]
  /** Monotonic time, the same clock that `poll` is given. */
  readonly nowMs: number
}

/** What a panel or a test may want to know beyond `stats`. */
export interface WebRtcTransportCounters {
  /** Unreliable messages thrown away because nobody polled. */
  readonly inboxOverflow: number
  /** Signals of no attempt under way. */
  readonly ignoredSignals: number
  /** Frames of the lobby that were none. */
  readonly malformedLobbyFrames: number
  /** Messages on channels this side did not have open, on links that are up. */
  readonly undelivered: number
  /** Garbage from peers, on links that are up. */
  readonly breaches: number
}

export class LobbyTransport implements WebRtcTransport {
  readonly local: PeerId
  onpagehide: (() => void) | null = null
  #lobby: LobbyClient
  #inbox = new Inbox()
  #mesh: Mesh
  #members: PeerId[]
  #linked = new Set<PeerId>()
  #closed = false
  #onPageHide = ({ persisted }: { persisted: boolean }): void => this.#leavePage(persisted)

  constructor(options: LobbyTransportOptions) {
    const { lobby, wrtc, iceServers, nowMs } = options
    this.local = lobby.id
    this.#lobby = lobby
    this.#members = [...lobby.members]
    this.#mesh = new Mesh(
      lobby.id,
      { wrtc, iceServers },
      {
        signal: (body) => void lobby.send(body),
        connected: (peer) => {
          this.#linked.add(peer)
          this.#inbox.push({ kind: 'connected', peer })
        },
        message: (peer, channel, reliable, data) => this.#inbox.pushMessage(peer, channel, reliable, data),
        mismatch: (peer, channel, reliable) => this.#fail(mismatchError(peer, channel, reliable)),
        ended: (peer, end) => this.#ended(peer, end),
        unreachable: (peer, end) => this.#fail(linkError(peer, 'is not reached', asFailure(end))),
      },
      nowMs,
    )
    this.#inbox.push({ kind: 'roster', members: [...this.#members] })
    for (const peer of this.#members) this.#mesh.add(peer, true)
    lobby.attach({
      message: (body) => this.#hearLobby(body),
      closed: (error) => this.#lobbyClosed(error),
    })
    // Absent in Node.
    globalThis.addEventListener?.('pagehide', this.#onPageHide)
  }

  poll(nowMs: number, handle: (event: TransportEvent) => void): void {
    if (!this.#closed) this.#mesh.tick(nowMs)
    this.#inbox.drain(handle)
  }

  send(peer: PeerId, channel: number, data: Uint8Array): SendResult {
    const link = this.#mesh.link(peer)
    const reliable = link?.isReliable(channel)
    if (!link || reliable === undefined) {
      // A rule of the API holds whether or not the peer has just gone.
      checkSize(channel === CHANNEL.state ? MAX_DATAGRAM_BYTES : MAX_TRANSPORT_MESSAGE_BYTES, channel, data)
      return 'closed'
    }
    checkSize(reliable ? MAX_TRANSPORT_MESSAGE_BYTES : MAX_DATAGRAM_BYTES, channel, data)
    return link.send(channel, data)
  }

  openChannel(peer: PeerId, channel: number, kind: ChannelKind): void {
    invariant(
      isNumberedChannel(channel),
      `openChannel: channel ${channel} is not for games; take one from ${CHANNEL.firstUser} to ${CHANNEL.lastUser}`,
    )
    this.#mesh.link(peer)?.openChannel(channel, kind)
  }

  closeChannel(peer: PeerId, channel: number): void {
    this.#mesh.link(peer)?.closeChannel(channel)
  }

  bufferedBytes(peer: PeerId, channel: number): number {
    return this.#mesh.link(peer)?.bufferedBytes(channel) ?? 0
  }

  stats(peer: PeerId): LinkStats | undefined {
    return this.#mesh.link(peer)?.stats
  }

  witness(data: Uint8Array): boolean {
    invariant(
      data.length <= MAX_WITNESS_BYTES,
      `witness: a message of ${data.length} bytes is over its limit of ${MAX_WITNESS_BYTES}; send votes and beats`,
    )
    return this.#lobby.witness(data)
  }

  requestGeneration(generation: number, members: readonly PeerId[], voters: number): boolean {
    return this.#lobby.requestGeneration(generation, members, voters)
  }

  get linkCount(): number {
    return this.#linked.size
  }

  get isAlone(): boolean {
    return this.#members.length === 1
  }

  get counters(): WebRtcTransportCounters {
    let undelivered = 0
    let breaches = 0
    for (const peer of this.#linked) {
      const link = this.#mesh.link(peer)
      undelivered += link?.undeliveredCount ?? 0
      breaches += link?.breachCount ?? 0
    }
    return {
      inboxOverflow: this.#inbox.overflowCount,
      ignoredSignals: this.#mesh.ignoredSignals,
      malformedLobbyFrames: this.#lobby.malformedCount,
      undelivered,
      breaches,
    }
  }

  disconnect(peer: PeerId): void {
    if (this.#mesh.end(peer)) this.#unlink(peer, 'closed')
  }

  close(): void {
    this.#release()
    this.#linked.clear()
    this.#inbox.clear()
  }

  #release(): void {
    if (this.#closed) return
    this.#closed = true
    globalThis.removeEventListener?.('pagehide', this.#onPageHide)
    // The links first: their goodbyes are what others must hear even if this page has a moment only.
    this.#mesh.close()
    this.#lobby.leave()
  }

  /** @param isKept the browser may show the page again, which then finds out that it has left */
  #leavePage(isKept: boolean): void {
    if (!isKept) this.onpagehide?.()
    if (this.#closed) return
    this.#release()
    const message = 'transport-webrtc: the page was left, and its links with it; join the room again'
    this.#fail(new NetworkError('network/closed', message))
    for (const peer of [...this.#linked]) this.#unlink(peer, 'closed')
  }

  #hearLobby(body: LobbyBody): void {
    switch (body.type) {
      case 'Connected':
        if (this.#members.includes(body.id)) return
        this.#members.push(body.id)
        // The newcomer offers: its roster came with its id, so it knows everyone and everyone knows it.
        this.#mesh.add(body.id, false)
        return this.#pushRoster()
      case 'Disconnected':
        if (!this.#members.includes(body.id)) return
        this.#members = this.#members.filter((member) => member !== body.id)
        this.#mesh.remove(body.id)
        if (body.left) this.#inbox.push({ kind: 'departed', peer: body.id })
        return this.#pushRoster()
      case 'Witness':
        return this.#inbox.pushWitness(body.data)
      case 'Generation':
        return this.#inbox.push({ kind: 'generation', generation: body.generation, members: body.members })
      default:
        this.#mesh.hear(body)
    }
  }

  #lobbyClosed(error: NetworkError): void {
    this.#fail(error)
    // Another tab plays on as this player: this one must not stay in the game beside it.
    if (error.code === 'lobby/replaced') for (const peer of [...this.#linked]) this.disconnect(peer)
  }

  #pushRoster(): void {
    this.#inbox.push({ kind: 'roster', members: [...this.#members] })
  }

  #ended(peer: PeerId, end: LinkEnd): void {
    if (end !== 'left' && end !== 'gone') this.#fail(linkError(peer, 'is disconnected', end))
    this.#unlink(peer, end === 'left' ? 'left' : end === 'failed' || end === 'gone' ? 'lost' : 'closed')
  }

  #unlink(peer: PeerId, reason: DisconnectReason): void {
    this.#linked.delete(peer)
    this.#inbox.push({ kind: 'disconnected', peer, reason })
  }

  #fail(error: NetworkError): void {
    this.#inbox.push({ kind: 'failed', error })
  }
}

/** Whatever became of the last attempt, in the end there was no path. */
function asFailure(end: LinkEnd | 'timeout'): LinkFailure {
  return end === 'timeout' || end === 'gone' || end === 'left' ? 'failed' : end
}

function checkSize(limitBytes: number, channel: number, data: Uint8Array): void {
  invariant(
    data.length <= limitBytes,
    `send: a message of ${data.length} bytes on channel ${channel} is over its limit of ${limitBytes}; split it or use a reliable channel`,
  )
}
