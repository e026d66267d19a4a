/**
 * Keeps one link to every member of the room: makes offers, answers them, tries again, gives up.
 *
 * Invariant: at most one `Link` per member lives at a time, and a link that was up and ended is not
 * made again under the same id; signals of any other attempt than the one under way are ignored.
 * The rules are in handshake.ts; time comes with `tick`.
 */
import type { PeerId } from '@baton/core'
import type { LobbyBody } from '@baton/schemas/lobby'
import { acceptOffer, createHandshake, isCurrent, nextOffer, type Handshake } from './handshake.ts'
import { Link, type LinkEnd } from './link.ts'
import type { PeerConnectionOptions } from './peer-connection.ts'
import { isDataOnly, toLobbyBody } from './signals.ts'

/** From an offer to open channels. ICE on a bad network takes seconds; what takes longer starts anew. */
export const CONNECT_TIMEOUT_MS = 15_000
/** How long a member may take to make the offer it owes before it is asked for it. */
export const OFFER_TIMEOUT_MS = 5_000
/** After an answer that failed, the far end normally offers again by itself at once. */
const ASK_AGAIN_MS = 1_000
/** All attempts together. */
export const GIVE_UP_MS = 50_000
/** Native WebRTC in Node fails when dozens of connections start at once. */
const MAX_CONNECTING = 8
/** Ten are common, twenty are many. */
const MAX_CANDIDATES = 64

export interface MeshHandlers {
  /** To the lobby. */
  signal(body: LobbyBody): void
  connected(peer: PeerId): void
  message(peer: PeerId, channel: number, reliable: boolean, data: Uint8Array): boolean
  mismatch(peer: PeerId, channel: number, reliable: boolean): void
  /** A link that was up has ended. */
  ended(peer: PeerId, end: LinkEnd): void
  /** All attempts are used up; `end` is how the last one went. */
  unreachable(peer: PeerId, end: LinkEnd | 'timeout'): void
}

export type LinkSettings = Omit<PeerConnectionOptions, 'initiator'>

interface Pair {
  readonly handshake: Handshake
  /** `wait`: their offer is due. `queued`: ours is. `ended`: nothing more will happen. */
  phase: 'wait' | 'queued' | 'connecting' | 'connected' | 'ended'
  link: Link | undefined
  startedMs: number
  /** When to ask the far end for its offer. */
  askMs: number
  /** When the attempt under way has taken too long. */
  dueMs: number
  candidates: number
  /** It has left the lobby, so its id will not be heard of again. */
  gone: boolean
}

export class Mesh {
  readonly local: PeerId
  /** Signals that belonged to no attempt under way, or were none. */
  ignoredSignals = 0
  #settings: LinkSettings
  #handlers: MeshHandlers
  #pairs = new Map<PeerId, Pair>()
  #nowMs: number

  constructor(local: PeerId, settings: LinkSettings, handlers: MeshHandlers, nowMs: number) {
    this.local = local
    this.#settings = settings
    this.#handlers = handlers
    this.#nowMs = nowMs
  }

  /** The link to this member while it is up. */
  link(peer: PeerId): Link | undefined {
    const pair = this.#pairs.get(peer)
    return pair?.phase === 'connected' ? pair.link : undefined
  }

  /** A member is in the room. @param offers whether the link is ours to make: the newcomer offers */
  add(peer: PeerId, offers: boolean): void {
    if (peer === this.local || this.#pairs.has(peer)) return
    this.#pairs.set(peer, {
      handshake: createHandshake(this.local, peer),
      phase: offers ? 'queued' : 'wait',
      link: undefined,
      startedMs: this.#nowMs,
      askMs: this.#nowMs + OFFER_TIMEOUT_MS,
      dueMs: Infinity,
      candidates: 0,
      gone: false,
    })
    this.#startQueued()
  }

  /** A member has left the lobby. A link that is up lives on: it has its own goodbye. */
  remove(peer: PeerId): void {
    const pair = this.#pairs.get(peer)
    if (!pair) return
    pair.gone = true
    if (pair.phase === 'connected') return
    this.#drop(pair)
    this.#startQueued()
  }

  /** Takes an offer, answer, candidate or request that the lobby passed on. */
  hear(body: LobbyBody): void {
    if (!('fromId' in body) || body.fromId === undefined) return void this.ignoredSignals++
    const pair = this.#pairs.get(body.fromId)
    if (!pair || !this.#accepts(pair, body)) this.ignoredSignals++
  }

  /** Ends one link, or the attempts at it, with a goodbye when it is up. @returns whether it was up */
  end(peer: PeerId): boolean {
    const pair = this.#pairs.get(peer)
    if (!pair) return false
    const wasUp = pair.phase === 'connected'
    this.#drop(pair)
    return wasUp
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs
    for (const [peer, pair] of this.#pairs) {
      if (pair.phase === 'connected') pair.link!.tick(nowMs)
      else if (pair.phase === 'connecting' && nowMs >= pair.dueMs) this.#failed(peer, pair, 'timeout')
      else if (pair.phase === 'wait') this.#waitFor(peer, pair, nowMs)
    }
    this.#startQueued()
  }

  close(): void {
    for (const pair of this.#pairs.values()) this.#drop(pair)
    this.#pairs.clear()
  }

  #accepts(pair: Pair, body: LobbyBody): boolean {
    if (pair.phase === 'connected' || pair.phase === 'ended') return false
    const { handshake } = pair
    switch (body.type) {
      case 'Offer':
        if (!isDataOnly(body.sdp) || !acceptOffer(handshake, body.attempt)) return false
        this.#begin(handshake.remote, pair, false)
        pair.link!.accept({ kind: 'offer', sdp: body.sdp })
        return true
      case 'Answer':
        if (handshake.role !== 'offer' || !isCurrent(handshake, body.attempt) || !isDataOnly(body.sdp)) return false
        if (!pair.link) return false
        pair.link.accept({ kind: 'answer', sdp: body.sdp })
        return true
      case 'Candidate': {
        if (!pair.link || !isCurrent(handshake, body.attempt) || ++pair.candidates > MAX_CANDIDATES) return false
        const { candidate, sdpMid, sdpMLineIndex } = body
        pair.link.accept({ kind: 'candidate', candidate, sdpMid, sdpMLineIndex })
        return true
      }
      case 'ConnectRequest':
        if (handshake.role === 'offer') this.#failed(handshake.remote, pair, 'failed')
        else if (pair.phase === 'wait' && !pair.link) pair.phase = 'queued'
        else return false
        this.#startQueued()
        return true
      default:
        return false
    }
  }

  #startQueued(): void {
    let connecting = 0
    for (const pair of this.#pairs.values()) if (pair.phase === 'connecting') connecting++
    for (const [peer, pair] of this.#pairs) {
      if (connecting >= MAX_CONNECTING) return
      if (pair.phase !== 'queued') continue
      if (nextOffer(pair.handshake) === undefined) {
        this.#giveUp(peer, pair, 'failed')
        continue
      }
      this.#begin(peer, pair, true)
      connecting++
    }
  }

  #begin(peer: PeerId, pair: Pair, initiator: boolean): void {
    pair.link?.close()
    pair.phase = 'connecting'
    pair.dueMs = this.#nowMs + CONNECT_TIMEOUT_MS
    pair.candidates = 0
    const { attempt } = pair.handshake
    const link: Link = new Link(
      { ...this.#settings, initiator },
      {
        signal: (signal) => this.#handlers.signal(toLobbyBody(peer, attempt, signal)),
        connected: () => {
          pair.phase = 'connected'
          this.#handlers.connected(peer)
          this.#startQueued()
        },
        message: (channel, reliable, data) => this.#handlers.message(peer, channel, reliable, data),
        mismatch: (channel, reliable) => this.#handlers.mismatch(peer, channel, reliable),
        ended: (end) => {
          if (pair.phase === 'connected') {
            this.#drop(pair)
            this.#handlers.ended(peer, end)
          } else {
            this.#failed(peer, pair, end)
            this.#startQueued()
          }
        },
      },
    )
    pair.link = link
  }

  /** The attempt under way has come to nothing. */
  #failed(peer: PeerId, pair: Pair, end: LinkEnd | 'timeout'): void {
    pair.link?.close()
    pair.link = undefined
    if (end === 'version' || end === 'breach') return this.#giveUp(peer, pair, end)
    if (pair.handshake.role === 'offer') {
      pair.phase = 'queued'
    } else {
      pair.phase = 'wait'
      pair.askMs = this.#nowMs + ASK_AGAIN_MS
    }
  }

  #waitFor(peer: PeerId, pair: Pair, nowMs: number): void {
    if (nowMs - pair.startedMs >= GIVE_UP_MS) return this.#giveUp(peer, pair, 'timeout')
    if (nowMs < pair.askMs) return
    pair.askMs = nowMs + OFFER_TIMEOUT_MS
    this.#handlers.signal({ type: 'ConnectRequest', toId: peer })
  }

  #giveUp(peer: PeerId, pair: Pair, end: LinkEnd | 'timeout'): void {
    this.#drop(pair)
    this.#handlers.unreachable(peer, end)
  }

  #drop(pair: Pair): void {
    pair.phase = 'ended'
    pair.link?.close()
    pair.link = undefined
    if (pair.gone) this.#pairs.delete(pair.handshake.remote)
  }
}
