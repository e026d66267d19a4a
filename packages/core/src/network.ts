/**
 * What a game holds: who is in the room, messages to them and from them, and the two ends of a frame.
 *
 * Invariant: nothing happens between `receive` and `flush` but what the game does; every event is
 * emitted from `receive`, never from inside a socket's callback.
 */
import type { MessageData } from './channels/message-data.ts'
import type { ChannelOptions } from './channels/numbered-channel.ts'
import { flushRoom } from './flush.ts'
import { EventDrain } from './event-drain.ts'
import type { NetworkListener } from './listener.ts'
import { handOver, letGo, setHidden } from './host/hand-over.ts'
import { createLower, type NetworkLower } from './lower.ts'
import type { Peer, PeerDoor } from './peers/peer.ts'
import { makeUpForSleep } from './clock/sleep.ts'
import { forgivePause } from './peers/pings.ts'
import { releaseAllEarly, takeEvent } from './receive.ts'
import { networkState } from './host/network-state.ts'
import { setTime } from './host/step.ts'
import { createRoom, endRoom, isHost, moment, type NetworkCounters, type Room } from './room.ts'
import { broadcast, closeChannel, disconnectPeer, openChannel, sendMessage, sendTo } from './send.ts'
import { resolveOptions } from './network-options.ts'
import type { NetworkEvents, NetworkOptions, NetworkState } from './network-types.ts'
import { checkTimes } from './times.ts'
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
  readonly #events = new EventDrain()
  readonly #take: (event: TransportEvent) => void

  /** Use `createNetwork`. */
  constructor(options: NetworkOptions) {
    this.#room = createRoom(
      options.transport,
      resolveOptions(options),
      options.tickRateHz ?? 60,
      this.#createDoor(options.transport),
    )
    this.lower = createLower(this.#room)
    this.#events.emitter.on('peerentered', (peer) => this.onpeerentered?.(peer))
    this.#events.emitter.on('peerexited', (peer) => this.onpeerexited?.(peer))
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

  /**
   * `stable`: the host is heard. `suspect`: it has not been heard for a while. `electing`: its
   * successor is being chosen. `frozen`: too few members are in reach to decide anything; what this
   * peer simulates goes on here alone.
   */
  get state(): NetworkState {
    return networkState(this.#room)
  }

  /** True from `joined` to `closed`, whatever the host does in between. */
  get isJoined(): boolean {
    return this.#room.state === 'joined'
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
    this.#events.emitter.on(event, handler as never)
    return this
  }

  once<K extends keyof NetworkEvents>(event: K, handler: NetworkEvents[K]): this {
    this.#events.emitter.once(event, handler as never)
    return this
  }

  off<K extends keyof NetworkEvents>(event: K, handler: NetworkEvents[K]): this {
    this.#events.emitter.off(event, handler as never)
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
    return this.#events.listen()
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
      makeUpForSleep(room, room.nowMs - lastMs)
      if (room.machine !== undefined) setTime(room.machine, moment(room))
      room.transport.poll(room.nowMs, this.#take)
      checkTimes(room)
      releaseAllEarly(room)
    }
    this.#events.drain(room)
  }

  /** End of a frame: writes out what was queued since the last one, and pings. */
  flush(nowMs: number): void {
    const room = this.#room
    if (room.state === 'closed') return
    room.nowMs = Math.max(nowMs, room.nowMs)
    if (room.machine !== undefined) setTime(room.machine, moment(room))
    flushRoom(room)
  }

  /**
   * Hands the baton to another peer: it hosts as soon as a quorum agrees, within a round trip or two,
   * and no tick is missed. This peer stays as a guest.
   * @throws InvariantError when this peer is not the host, or the other is not linked or may not host
   */
  handOver(peer: Peer): void {
    handOver(this.#room, peer)
  }

  /**
   * Says whether the page is out of sight. A host that is hidden for a second hands the baton on, if
   * somebody visible can take it; hidden peers come last in succession. `joinRoom` calls this.
   */
  setHidden(isHidden: boolean): void {
    setHidden(this.#room, isHidden)
  }

  /** Leaves the room: what is queued is sent, everyone hears a goodbye. Twice is once. */
  close(): void {
    if (this.#room.state === 'closed') return
    letGo(this.#room)
    flushRoom(this.#room)
    endRoom(this.#room)
    this.#events.drain(this.#room)
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
}

/**
 * Makes a network over a transport. It does nothing until `receive` and `flush` are called, once per
 * frame each; `joined` says when this peer is in the room.
 * @throws InvariantError for options that cannot be
 */
export function createNetwork(options: NetworkOptions): Network {
  return new Network(options)
}
