/**
 * The server's real lobby under a memory network: sockets with a latency of their own, frames really encoded
 * and decoded, and the client's part as the WebRTC transport plays it.
 *
 * Invariant: a socket is an ordered stream; what was written before it was cut arrives after it heals, and a
 * socket that died stays dead.
 */
import { NetworkError, type PeerId } from '@baton/core'
import type { MemoryLobby, MemoryLobbyDoor, SeededRandom } from '@baton/core/testing'
import { decodeLobby, encodeLobby, type LobbyBody } from '@baton/schemas/lobby'
import { Lobby, type LobbyEffect, type LobbyEvent } from '@baton/server'

const ROOM = 'simulation'
const TICK_MS = 100

interface Socket {
  readonly id: number
  peer: PeerId | undefined
  /** As the client sees it. */
  isOpen: boolean
  /** Frames wait while it is cut. */
  isCut: boolean
  readonly held: (() => void)[]
  /** When the last frame arrives, each way: later ones arrive no sooner. */
  arriveUpMs: number
  arriveDownMs: number
  /** As the client has heard. */
  members: PeerId[]
}

export interface SimulatedLobbyOptions {
  readonly door: MemoryLobbyDoor
  readonly random: SeededRandom
  readonly latencyMs: number
  readonly jitterMs: number
  /** A frame of the witness has come to a peer. */
  readonly onWitness: (to: PeerId, sentMs: number, data: Uint8Array) => void
  /** A frame was handled; for the trace. */
  readonly onFrame: (data: Uint8Array) => void
}

export class SimulatedLobby implements MemoryLobby {
  readonly #options: SimulatedLobbyOptions
  readonly #sockets = new Map<number, Socket>()
  readonly #byPeer = new Map<PeerId, Socket>()
  readonly #random: SeededRandom
  #lobby: Lobby | undefined
  #socketCount = 0
  /** When the lobby is next woken for its witness. */
  #alarmMs: number | undefined

  constructor(options: SimulatedLobbyOptions) {
    this.#options = options
    this.#random = options.random.fork('latency')
    this.#start(-Infinity)
    this.#tick()
  }

  get isUp(): boolean {
    return this.#lobby !== undefined
  }

  /** What the room's witness remembers of the log. */
  get witnessTail(): { readonly term: number; readonly index: number } {
    const witness = this.#lobby?.rooms.get(ROOM)?.witness
    return { term: witness?.entryTerm ?? 0, index: witness?.index ?? 0 }
  }

  get members(): readonly PeerId[] {
    return [...(this.#lobby?.rooms.get(ROOM)?.members.keys() ?? [])]
  }

  admit(): PeerId {
    if (this.#lobby === undefined) throw new Error('SimulatedLobby.admit: the lobby is down; ask isUp before')
    const id = ++this.#socketCount
    const now = this.#options.door.time.nowMs
    const socket: Socket = {
      id,
      peer: undefined,
      isOpen: true,
      isCut: false,
      held: [],
      arriveUpMs: now,
      arriveDownMs: now,
      members: [],
    }
    this.#sockets.set(id, socket)
    this.#step({ kind: 'opened', socket: id, address: `10.0.${id >> 8}.${id & 255}` })
    const join: LobbyBody = { type: 'Join', room: ROOM, displayName: undefined, identity: undefined, capacity: 64 }
    this.#step({ kind: 'message', socket: id, data: encodeLobby({ body: join }) })
    const peer = [...(this.#lobby.rooms.get(ROOM)?.members.values() ?? [])].find((member) => member.socket === id)?.id
    if (peer === undefined) throw new Error('SimulatedLobby.admit: the lobby did not let the peer in')
    socket.peer = peer
    this.#byPeer.set(peer, socket)
    return peer
  }

  enter(): void {}

  leave(peer: PeerId, goodbye: boolean): void {
    const socket = this.#byPeer.get(peer)
    if (socket === undefined) return
    if (goodbye) this.#write(socket, { type: 'Leave' })
    this.#close(socket, goodbye ? 1001 : 1006)
  }

  reaches(a: PeerId, b: PeerId): boolean {
    return [a, b].every((peer) => {
      const socket = this.#byPeer.get(peer)
      return socket !== undefined && socket.isOpen && !socket.isCut && this.members.includes(peer)
    })
  }

  witness(from: PeerId, data: Uint8Array): boolean {
    return this.#writeFrom(from, { type: 'Witness', data })
  }

  requestGeneration(from: PeerId, generation: number, members: readonly PeerId[], voters: number): boolean {
    return this.#writeFrom(from, { type: 'GenerationRequest', generation, members: [...members], voters })
  }

  /** Down: every socket dies and the lobby forgets everything. Up: a new one is there. */
  setUp(isUp: boolean): void {
    if (isUp === this.isUp) return
    if (isUp) return this.#start(this.#options.door.time.nowMs)
    this.#lobby = undefined
    for (const socket of this.#sockets.values()) this.#lose(socket)
    this.#sockets.clear()
  }

  /** Holds back, or lets through, what one peer and the lobby write to one another. */
  cut(peer: PeerId, isCut: boolean): void {
    const socket = this.#byPeer.get(peer)
    if (socket === undefined || socket.isCut === isCut) return
    socket.isCut = isCut
    if (!isCut) for (const arrive of socket.held.splice(0)) arrive()
  }

  /** The socket of one peer dies, and both ends hear of it. */
  lose(peer: PeerId): void {
    const socket = this.#byPeer.get(peer)
    if (socket === undefined) return
    this.#lose(socket)
    this.#close(socket, 1006)
  }

  /** @param bootMs -Infinity where there was none before */
  #start(bootMs: number): void {
    const random = this.#options.random.fork(`lobby ${bootMs}`)
    this.#lobby = new Lobby({ random: () => random.uint32(), bootMs })
  }

  #tick(): void {
    this.#step({ kind: 'tick' })
    const { time } = this.#options.door
    time.at(time.nowMs + TICK_MS, () => this.#tick())
  }

  #step(event: LobbyEvent): void {
    const lobby = this.#lobby
    if (lobby === undefined) return
    const { time } = this.#options.door
    for (const effect of lobby.step(event, time.nowMs)) this.#perform(effect)
    const { alarmMs } = lobby
    if (alarmMs === undefined || (this.#alarmMs !== undefined && this.#alarmMs <= alarmMs)) return
    this.#alarmMs = alarmMs
    time.at(alarmMs, () => {
      if (this.#alarmMs === alarmMs) this.#alarmMs = undefined
      if (this.#lobby === lobby) this.#step({ kind: 'alarm' })
    })
  }

  #perform(effect: LobbyEffect): void {
    const socket = this.#sockets.get(effect.socket)
    if (socket === undefined) return
    if (effect.kind === 'ping') this.#travel(socket, 'down', () => this.#pong(socket))
    else if (effect.kind === 'send') {
      const { data } = effect
      const sentMs = this.#options.door.time.nowMs
      if (typeof data !== 'string') this.#travel(socket, 'down', () => this.#hear(socket, data, sentMs))
    } else {
      this.#travel(socket, 'down', () => this.#lose(socket))
      this.#travel(socket, 'up', () => this.#step({ kind: 'closed', socket: socket.id, code: 1006 }))
    }
  }

  #pong(socket: Socket): void {
    if (socket.isOpen) this.#travel(socket, 'up', () => this.#step({ kind: 'heartbeat', socket: socket.id }))
  }

  #writeFrom(peer: PeerId, body: LobbyBody): boolean {
    const socket = this.#byPeer.get(peer)
    if (socket === undefined || !socket.isOpen) return false
    this.#write(socket, body)
    return true
  }

  #write(socket: Socket, body: LobbyBody): void {
    if (!socket.isOpen) return
    const data = encodeLobby({ body })
    this.#travel(socket, 'up', () => {
      this.#options.onFrame(data)
      this.#step({ kind: 'message', socket: socket.id, data })
    })
  }

  #close(socket: Socket, code: number): void {
    if (!this.#sockets.has(socket.id)) return
    socket.isOpen = false
    this.#travel(socket, 'up', () => {
      if (!this.#sockets.delete(socket.id)) return
      this.#step({ kind: 'closed', socket: socket.id, code })
    })
  }

  /** The client finds its socket dead. */
  #lose(socket: Socket): void {
    if (!socket.isOpen) return
    socket.isOpen = false
    const error = new NetworkError('lobby/closed', 'lobby: the connection closed; links that are up stay up')
    if (socket.peer !== undefined) this.#options.door.push(socket.peer, { kind: 'failed', error })
  }

  #travel(socket: Socket, way: 'up' | 'down', arrive: () => void): void {
    const { door, latencyMs, jitterMs } = this.#options
    const key = way === 'up' ? 'arriveUpMs' : 'arriveDownMs'
    socket[key] = Math.max(socket[key], door.time.nowMs + latencyMs + jitterMs * this.#random.float())
    door.time.at(socket[key], () => {
      if (socket.isCut) socket.held.push(arrive)
      else arrive()
    })
  }

  /** What the WebRTC transport does with a frame of the lobby, links aside. */
  #hear(socket: Socket, data: Uint8Array, sentMs: number): void {
    const { door, onWitness, onFrame } = this.#options
    const { peer } = socket
    if (!socket.isOpen || peer === undefined) return
    onFrame(data)
    const decoded = decodeLobby(data)
    if (!decoded.ok) throw new Error(`SimulatedLobby: the lobby wrote what is no lobby message: ${decoded.reason}`)
    const { body } = decoded.value
    if (body.type === 'SelfConnected') socket.members = [...body.members]
    else if (body.type === 'Connected') {
      if (socket.members.includes(body.id)) return
      socket.members.push(body.id)
    } else if (body.type === 'Disconnected') {
      if (body.left) door.push(peer, { kind: 'departed', peer: body.id })
      if (!socket.members.includes(body.id)) return
      socket.members = socket.members.filter((member) => member !== body.id)
    } else {
      if (body.type === 'Witness') {
        door.push(peer, { kind: 'witness', data: body.data })
        onWitness(peer, sentMs, body.data)
      }
      if (body.type === 'Generation') {
        door.push(peer, { kind: 'generation', generation: body.generation, members: body.members })
      }
      return
    }
    door.push(peer, { kind: 'roster', members: [...socket.members] })
  }
}
