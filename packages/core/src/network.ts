/**
 * What a game holds: who is in the room, messages to them and from them, and the two ends of a frame.
 *
 * Invariant: nothing happens between `receive` and `flush` but what the game does; every event is
 * emitted from `receive`, never from inside a socket's callback.
 */
import { EventEmitter } from 'eventemitter3'
import { decodeMessage, type MessageData } from './channels/message-data.ts'
import type { ChannelOptions } from './channels/numbered-channel.ts'
import { invariant, NetworkError } from './errors.ts'
import { flushRoom } from './flush.ts'
import { settleJoin } from './host/handshake.ts'
import { considerFounding, passOver } from './host/reign.ts'
import { NetworkListener } from './listener.ts'
import { createLower, type NetworkLower } from './lower.ts'
import type { Peer, PeerDoor } from './peers/peer.ts'
import { cleanName, MAX_CAPACITY } from './peers/roster.ts'
import { checkLinks, forgivePause } from './peers/pings.ts'
import { releaseAllEarly, takeEvent } from './receive.ts'
import { createRoom, endRoom, isHost, type NetworkCounters, type Room, type RoomEvent } from './room.ts'
import { broadcast, closeChannel, disconnectPeer, openChannel, sendMessage, sendTo } from './send.ts'
import type { NetworkEvents, NetworkOptions } from './network-types.ts'
import type { SendResult, Transport, TransportEvent } from './transport/transport.ts'

/** One peer's part in one room. Get it from `joinRoom`, or from `createNetwork` over a transport of your own. */
export class Network {
  /** Called when a peer enters, as the event. */
  onpeerentered: ((peer: Peer) => void) | null = null
  /** Called when a peer exits, as the event. */
  onpeerexited: ((peer: Peer) => void) | null = null
  /** The seam for packages that build on core. Not for games. */
  readonly lower: NetworkLower
  readonly #room: Room
  readonly #emitter = new EventEmitter<NetworkEvents>()
  readonly #listeners = new Set<NetworkListener>()
  readonly #take: (event: TransportEvent) => void
  #isEmitting = false

  /** Use `createNetwork`. */
  constructor(options: NetworkOptions) {
    this.#room = createRoom(
      options.transport,
      {
        displayName: cleanName(options.displayName),
        startTick: options.startTick ?? 0,
        joinTimeoutMs: options.joinTimeoutMs ?? 20_000,
        peerTimeoutMs: options.peerTimeoutMs ?? 5_000,
        capacity: options.capacity ?? 64,
        random: options.random,
      },
      options.tickRateHz ?? 60,
      this.#createDoor(options.transport),
    )
    this.lower = createLower(this.#room)
    this.#take = (event) => takeEvent(this.#room, event)
  }

  /** This peer. Its slot is 0 until it has joined. */
  get local(): Peer {
    return this.#room.local
  }

  /** The peer that decides, this one perhaps. `undefined` while joining and between two hosts. */
  get host(): Peer | undefined {
    return this.#room.host
  }

  /** True while this peer is the host. */
  get isHost(): boolean {
    return isHost(this.#room)
  }

  /** The other members in order of succession. A new array whenever somebody comes or goes. */
  get peers(): readonly Peer[] {
    return this.#room.peers
  }

  get state(): 'joining' | 'joined' | 'closed' {
    return this.#room.state
  }

  /** The host's reign: 1 for the founder's, higher after each change of host. 0 while joining. */
  get term(): number {
    return this.#room.term
  }

  /** A random number the founder drew; equal for all members of one session. */
  get sessionTag(): number {
    return this.#room.sessionTag
  }

  get tickRateHz(): number {
    return this.#room.clock.rateHz
  }

  /** What was dropped or went wrong, counted since the start. */
  get counters(): Readonly<NetworkCounters> {
    return this.#room.counters
  }

  /** The shared tick at `nowMs`, 0 to 2^32 - 1, in the host's numbers. It never goes back. */
  tick(nowMs: number): number {
    return this.#room.clock.tick(nowMs)
  }

  /** The shared tick with its fraction. */
  exactTick(nowMs: number): number {
    return this.#room.clock.exact(nowMs)
  }

  on<K extends keyof NetworkEvents>(event: K, handler: NetworkEvents[K]): this {
    this.#emitter.on(event, handler as never)
    return this
  }

  once<K extends keyof NetworkEvents>(event: K, handler: NetworkEvents[K]): this {
    this.#emitter.once(event, handler as never)
    return this
  }

  off<K extends keyof NetworkEvents>(event: K, handler: NetworkEvents[K]): this {
    this.#emitter.off(event, handler as never)
    return this
  }

  /**
   * Sends a message to every other peer in the room; it leaves with the next `flush`.
   * @param reliable true: in order and complete, up to 1 MiB. false: at most once, up to 1,096 bytes
   * @throws InvariantError over the limit: nothing has been sent
   */
  broadcast(data: MessageData, reliable = true): void {
    broadcast(this.#room, data, reliable)
  }

  /** A queue of the messages that come from now on by `broadcast` and `send`. Close it when done. */
  listen(): NetworkListener {
    const listener = new NetworkListener((closed) => this.#listeners.delete(closed))
    this.#listeners.add(listener)
    return listener
  }

  /**
   * Opens this side of channel 16 to 255 to a peer. Messages pass once both ends have opened the same
   * kind on the same number; what arrives before is lost.
   * @throws InvariantError for another number, the local peer, or a channel open as the other kind
   */
  openChannel(peer: Peer, number: number, options: ChannelOptions): void {
    openChannel(this.#room, peer, number, options)
  }

  /** Closes this side of a numbered channel; what waits on it is dropped. Twice is once. */
  closeChannel(peer: Peer, number: number): void {
    closeChannel(this.#room, peer, number)
  }

  /**
   * Sends on a numbered channel; the message leaves with the next `flush`.
   * @returns `queued` when much waits already; `dropped` for an unreliable message that was not
   *   taken; `closed` when the channel is not open, or was closed just now for being too slow
   * @throws InvariantError over the channel's limit: nothing has been sent
   */
  sendMessage(peer: Peer, number: number, data: MessageData): SendResult {
    return sendMessage(this.#room, peer, number, data)
  }

  /**
   * Ends the link to a peer, with the next `receive`. The host takes it out of the room for everyone;
   * a guest only stops talking to it.
   */
  disconnectPeer(peer: Peer): void {
    disconnectPeer(this.#room, peer)
  }

  /**
   * Start of a frame: takes what has arrived and emits its events.
   * @param nowMs monotonic time in milliseconds, the same clock for every call
   */
  receive(nowMs: number): void {
    const room = this.#room
    if (room.state !== 'closed') {
      const lastMs = room.startMs === undefined ? nowMs : room.nowMs
      room.startMs ??= nowMs
      room.nowMs = Math.max(nowMs, lastMs)
      forgivePause(room, room.nowMs - lastMs)
      room.transport.poll(room.nowMs, this.#take)
      this.#checkTimes()
      releaseAllEarly(room)
    }
    this.#emitEvents()
  }

  /** End of a frame: writes out what was queued since the last one, and pings. */
  flush(nowMs: number): void {
    const room = this.#room
    if (room.state === 'closed') return
    room.nowMs = Math.max(nowMs, room.nowMs)
    flushRoom(room)
  }

  /** Leaves the room: what is queued is sent, everyone hears a goodbye. Twice is once. */
  close(): void {
    if (this.#room.state === 'closed') return
    flushRoom(this.#room)
    endRoom(this.#room)
    this.#emitEvents()
  }

  #createDoor(transport: Transport): PeerDoor {
    return {
      send: (id, data, reliable) => sendTo(this.#room, id, data, reliable),
      figures: (id) => {
        const heartbeat = this.#room.links.get(id)?.heartbeat
        if (heartbeat === undefined) return undefined
        return { rttMs: heartbeat.sync.rttMs ?? 0, jitterMs: heartbeat.sync.jitterMs, loss: heartbeat.loss }
      },
      stats: (id) => transport.stats(id),
    }
  }

  #checkTimes(): void {
    const room = this.#room
    if (room.state === 'joining') {
      settleJoin(room)
      considerFounding(room)
    }
    checkLinks(room)
    passOver(room)
    const { nowMs, options } = room
    if (room.state === 'joining' && nowMs - (room.startMs ?? nowMs) > options.joinTimeoutMs) {
      const message = `network: nobody let this peer in within ${options.joinTimeoutMs} ms; is the host reachable?`
      endRoom(room, new NetworkError('network/join-timeout', message))
    }
    // The next host may learn of the loss as late as its own time-out allows; only then is waiting vain.
    const waitMs = 2 * options.peerTimeoutMs + 1_000
    if (room.state === 'joined' && room.host === undefined && nowMs - room.unsettledSinceMs > waitMs) {
      const next = room.roster?.members[0]?.peer
      const message = `network: the host was lost, and ${next} did not take over within ${waitMs} ms; join again`
      endRoom(room, new NetworkError('peer/timeout', message))
    }
  }

  #emitEvents(): void {
    const { events, counters } = this.#room
    // A handler that closes the network comes here again; the drain under way goes on with what that caused.
    if (this.#isEmitting) return
    this.#isEmitting = true
    let firstError: unknown
    let hasError = false
    // A handler may cause further events; they are part of the same drain.
    for (let index = 0; index < events.length; index++) {
      try {
        this.#emit(events[index]!)
      } catch (error) {
        counters.handlerErrors++
        if (!hasError) firstError = error
        hasError = true
      }
    }
    events.length = 0
    this.#isEmitting = false
    // A handler that throws must not cost the others their events; its mistake still comes to light.
    if (hasError) throw firstError
  }

  #emit(event: RoomEvent): void {
    const emitter = this.#emitter
    if (event.kind === 'message') {
      const { peer, channel, text, bytes } = event.message
      if (channel < 16) {
        for (const listener of this.#listeners) {
          if (!listener.push(event.message)) this.#room.counters.listenerDropped++
        }
      }
      if (emitter.listenerCount('message') === 0) return
      emitter.emit('message', { peer, channel, data: decodeMessage(text, bytes), isBinary: !text })
    } else if (event.kind === 'peerentered') {
      this.onpeerentered?.(event.peer)
      emitter.emit('peerentered', event.peer)
    } else if (event.kind === 'peerexited') {
      this.onpeerexited?.(event.peer)
      emitter.emit('peerexited', event.peer)
    } else if (event.kind === 'hostchanged') emitter.emit('hostchanged', event.host)
    else if (event.kind === 'drain') emitter.emit('drain', { peer: event.peer, channel: event.channel })
    else if (event.kind === 'error') emitter.emit('error', event.error)
    else emitter.emit(event.kind)
  }
}

/**
 * Makes a network over a transport. It does nothing until `receive` and `flush` are called, once per
 * frame each; `joined` says when this peer is in the room.
 * @throws InvariantError for options that cannot be
 */
export function createNetwork(options: NetworkOptions): Network {
  const { tickRateHz = 60, capacity = 64, startTick = 0 } = options
  invariant(
    Number.isInteger(tickRateHz) && tickRateHz >= 1 && tickRateHz <= 1_000,
    `createNetwork: tickRateHz is ${tickRateHz}; give an integer from 1 to 1,000`,
  )
  invariant(
    Number.isInteger(capacity) && capacity >= 1 && capacity <= MAX_CAPACITY,
    `createNetwork: capacity is ${capacity}; give an integer from 1 to ${MAX_CAPACITY}`,
  )
  invariant(
    Number.isInteger(startTick) && startTick >= 0 && startTick <= 0xffff_ffff,
    `createNetwork: startTick is ${startTick}; give an integer from 0 to 4,294,967,295`,
  )
  return new Network(options)
}
