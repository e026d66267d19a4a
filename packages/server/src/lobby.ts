/**
 * The lobby as a state machine: what happens to sockets goes in, what to do with them comes out.
 *
 * Place in the house: pure; `lobby-server.ts` pumps it with real sockets and a clock, the simulator
 * with made-up ones. Invariant: nothing a socket sends makes `step` throw, and nothing it sends
 * reaches a socket outside its room. Rules LB1 to LB33 in docs/behavior.md.
 */
import { invariant } from '@baton/core'
import { departWitness, stepWitness, tickWitness, witnessDueMs, type WitnessEffect } from '@baton/core/host'
import { decodeLobby, decodeLobbyText } from '@baton/schemas/lobby'
import type { IceServer, LobbyBody } from '@baton/schemas/lobby'
import { checkLargestAnswer, createFrames } from './frames.ts'
import type { Frames } from './frames.ts'
import { takeGenerationRequest } from './generations.ts'
import { withDefaults } from './limits.ts'
import type { LobbyLimits } from './limits.ts'
import { createCounters } from './lobby-events.ts'
import type { LobbyCounters, LobbyEffect, LobbyEvent, LobbyOptions, SocketId } from './lobby-events.ts'
import { CLOSE_CODES, refuse } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import { enterRoom, findWishFault, leaveRoom, noteGone } from './rooms.ts'
import type { JoinWish, Member, Room, RoomTable } from './rooms.ts'
import { relaySignal } from './signaling.ts'
import type { SignalBody } from './signaling.ts'
import { addressOf, createSocket, forgetRestedAddresses, pay, payJoin } from './sockets.ts'
import type { AddressTable, Socket } from './sockets.ts'

/** Close codes that a page sends when it is done (1000) or taken away (1001). A lost path has none. */
const GONE_FOR_GOOD: ReadonlySet<number> = new Set([1000, 1001])

export class Lobby {
  readonly limits: LobbyLimits
  readonly counters: LobbyCounters
  readonly #random: () => number
  readonly #iceServers: readonly IceServer[]
  readonly #sockets = new Map<SocketId, Socket>()
  readonly #addresses: AddressTable = new Map()
  readonly #rooms: RoomTable = new Map()
  /** Rooms whose witness has a request to answer later. */
  readonly #waiting = new Set<Room>()
  #effects: LobbyEffect[] = []
  #bootMs: number | undefined
  #nowMs = 0
  #down = false

  constructor(options: LobbyOptions) {
    this.limits = withDefaults(options.limits)
    this.#random = options.random
    this.#iceServers = options.iceServers ?? []
    this.counters = createCounters()
    this.#bootMs = options.bootMs
    checkLargestAnswer(this.limits, this.#iceServers)
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  get rooms(): ReadonlyMap<string, Room> {
    return this.#rooms
  }

  /** When a witness has something to say next, or `undefined`: feed an `alarm` event then. */
  get alarmMs(): number | undefined {
    let alarmMs: number | undefined
    for (const { witness } of this.#waiting) {
      const dueMs = witnessDueMs(witness)
      if (dueMs !== undefined) alarmMs = Math.min(dueMs, alarmMs ?? dueMs)
    }
    return alarmMs
  }

  /** Sockets of one address, those still closing included. */
  socketsOf(address: string): number {
    return this.#addresses.get(address)?.sockets ?? 0
  }

  /**
   * Takes one thing that happened and answers what to do about it, in this order.
   * @param nowMs monotonic time
   */
  step(event: LobbyEvent, nowMs: number): readonly LobbyEffect[] {
    this.#effects = []
    this.#nowMs = nowMs
    this.#bootMs ??= nowMs
    if (event.kind === 'opened') this.#open(event.socket, event.address, event.room, nowMs)
    else if (event.kind === 'tick') this.#tick(nowMs)
    else if (event.kind === 'alarm') this.#tickWitnesses()
    else if (event.kind === 'shutdown') this.#shutdown()
    else {
      const socket = this.#sockets.get(event.socket)
      if (socket !== undefined) {
        if (event.kind === 'closed') this.#closed(socket, event.code)
        else if (!socket.closing) this.#heard(socket, event, nowMs)
      }
    }
    return this.#effects
  }

  #open(id: SocketId, addressName: string, room: string | undefined, nowMs: number): void {
    invariant(!this.#sockets.has(id), `Lobby.step: socket ${id} was opened twice; give every socket its own number`)
    const { limits } = this
    const full = this.#sockets.size >= limits.sockets
    const address = addressOf(this.#addresses, addressName, limits, nowMs)
    const socket = createSocket(id, address, room !== undefined, limits, nowMs)
    this.#sockets.set(id, socket)
    address.sockets++
    this.counters.opened++
    if (this.#down) this.#refuse(socket, refuse.closed())
    else if (full) this.#refuse(socket, refuse.sockets(limits))
    else if (address.sockets > limits.socketsPerAddress) this.#refuse(socket, refuse.socketsPerAddress(limits))
    else if (room !== undefined) this.#join(socket, { room }, nowMs)
  }

  #heard(socket: Socket, event: HeardEvent, nowMs: number): void {
    if (event.kind === 'breached') return this.#refuse(socket, refuse.breach(event.message))
    // Anything heard proves life; the ping timer stays, so that a chatty socket is asked all the same.
    socket.missedPings = 0
    const { limits } = this
    const data = event.kind === 'message' ? event.data : ''
    if (data.length > limits.payloadBytes) return this.#refuse(socket, refuse.payload(data.length, limits))
    if (!pay(socket, data.length, limits, nowMs)) return this.#refuse(socket, refuse.rate(limits))
    if (event.kind === 'heartbeat') return
    socket.text = typeof data === 'string'
    const decoded = typeof data === 'string' ? decodeLobbyText(data) : decodeLobby(data)
    if (decoded.ok) this.#dispatch(socket, decoded.value.body, nowMs)
    else this.#refuse(socket, refuse.unreadable(decoded.reason))
  }

  #dispatch(socket: Socket, body: LobbyBody, nowMs: number): void {
    switch (body.type) {
      case 'Join':
        return this.#join(socket, body, nowMs)
      case 'Leave':
        this.#depart(socket, true)
        socket.helloDeadlineMs = nowMs + this.limits.helloTimeoutMs
        return
      case 'Offer':
      case 'Answer':
      case 'Candidate':
      case 'ConnectRequest':
        return this.#relay(socket, body, nowMs)
      case 'Witness':
        return this.#hearForWitness(socket, body.data)
      case 'GenerationRequest':
        return this.#considerFork(socket, body)
      case 'SelfConnected':
      case 'Connected':
      case 'Disconnected':
      case 'Generation':
      case 'LobbyError':
        return this.#refuse(socket, refuse.notForPeers(body.type))
    }
  }

  #relay(socket: Socket, body: SignalBody, nowMs: number): void {
    if (socket.member === undefined) return this.#refuse(socket, refuse.beforeJoin(body.type))
    const result = relaySignal(socket.member, body, this.limits, nowMs)
    if ('code' in result) return this.#refuse(socket, result)
    if (result.to === undefined) {
      this.counters.undeliverable++
      return
    }
    const receiver = this.#socketOf(result.to)
    const frames = createFrames(result.body)
    // The stamp, or JSON's escapes, may have made it longer than a frame: the sender's matter, not the receiver's.
    if (!frames.fit(receiver.text)) return this.#refuse(socket, refuse.stamped(body.type, this.limits))
    this.counters.relayed++
    this.#sendTo(receiver, frames, true)
  }

  #join(socket: Socket, wish: JoinWish, nowMs: number): void {
    const { limits } = this
    const fault = findWishFault(wish)
    if (fault !== undefined) return this.#refuse(socket, fault)
    if (!payJoin(socket.address, limits, nowMs)) return this.#refuse(socket, refuse.joins())
    this.#depart(socket, true)
    const times = { nowMs, bootMs: this.#bootMs ?? nowMs }
    const result = enterRoom(this.#rooms, wish, socket.id, limits, this.#random, times)
    if ('code' in result) return this.#refuse(socket, result)

    const { member, replaced } = result
    const others = [...member.room.members.values()].filter((other) => other !== member)
    if (replaced !== undefined) {
      const old = this.#socketOf(replaced)
      old.member = undefined // out of the room already
      this.#refuse(old, refuse.replaced(wish.room))
      // It was told to stop, which it may not have heard.
      this.#gone(replaced, false, others)
    }
    socket.member = member
    this.counters.joined++
    const members = [...member.room.members.keys()]
    const iceServers = this.#iceServers
    this.#tell([member], { type: 'SelfConnected', id: member.id, room: member.room.name, members, iceServers })
    for (const other of others) this.#tell([member], { type: 'Connected', id: other.id })
    this.#tell(others, { type: 'Connected', id: member.id })
  }

  #hearForWitness(socket: Socket, data: Uint8Array): void {
    const { member } = socket
    if (member === undefined) return this.#refuse(socket, refuse.beforeJoin('Witness'))
    if (data.length > this.limits.witnessBytes) return this.#refuse(socket, refuse.witness(data.length, this.limits))
    this.counters.witnessed++
    const { room } = member
    this.#sayAsWitness(room, stepWitness(room.witness, member.id, data, this.#nowMs))
  }

  #sayAsWitness(room: Room, effects: readonly WitnessEffect[]): void {
    for (const { to, data } of effects) {
      const frames = createFrames({ type: 'Witness', data })
      for (const member of room.members.values()) {
        if (to === 'all' || to === member.id) this.#sendTo(this.#socketOf(member), frames, true)
      }
    }
    if (witnessDueMs(room.witness) === undefined) this.#waiting.delete(room)
    else this.#waiting.add(room)
  }

  #tickWitnesses(): void {
    for (const room of this.#waiting) this.#sayAsWitness(room, tickWitness(room.witness, this.#nowMs))
  }

  #considerFork(socket: Socket, body: Extract<LobbyBody, { type: 'GenerationRequest' }>): void {
    const { member } = socket
    if (member === undefined) return this.#refuse(socket, refuse.beforeJoin(body.type))
    const result = takeGenerationRequest(member, body, this.limits, this.#nowMs)
    if (result === undefined) return
    if ('code' in result) return this.#refuse(socket, result)
    this.counters.forked++
    this.#waiting.delete(member.room)
    const { generation, members } = result
    // Whoever is not among them learns that the session went on without it.
    const ids = members.map(({ id }) => id)
    this.#tell(member.room.members.values(), { type: 'Generation', generation, members: ids })
  }

  /**
   * Takes the socket's member out of its room, if it is in one, and tells the others.
   * @param left it will not act again: it said so, or its page is gone. Not where only its socket was lost
   */
  #depart(socket: Socket, left: boolean): void {
    const { member } = socket
    if (member === undefined) return
    socket.member = undefined
    leaveRoom(this.#rooms, member)
    this.#gone(member, left, [...member.room.members.values()])
  }

  /** Tells those who are still in the room, and lets the witness know. */
  #gone({ room, id }: Member, left: boolean, others: readonly Member[]): void {
    if (room.members.size === 0) {
      this.#waiting.delete(room)
      return
    }
    // Whoever left for good is not waited for.
    noteGone(room, id, this.limits, left ? -Infinity : this.#nowMs)
    this.#tell(others, { type: 'Disconnected', id, left })
    if (!left) return
    departWitness(room.witness, id)
    this.#sayAsWitness(room, tickWitness(room.witness, this.#nowMs))
  }

  #refuse(socket: Socket, { code, message }: Refusal): void {
    this.counters.errors[code]++
    this.#sendTo(socket, createFrames({ type: 'LobbyError', code, message }), false)
    this.#effects.push({ kind: 'close', socket: socket.id, code: CLOSE_CODES[code], reason: code })
    socket.closing = true
    this.#depart(socket, false)
  }

  #closed(socket: Socket, code: number): void {
    this.#depart(socket, GONE_FOR_GOOD.has(code))
    this.#sockets.delete(socket.id)
    socket.address.sockets--
  }

  #tick(nowMs: number): void {
    const { limits } = this
    for (const socket of this.#sockets.values()) {
      if (socket.closing) continue
      const late = socket.member === undefined && nowMs >= socket.helloDeadlineMs
      if (late) this.#refuse(socket, refuse.late(limits))
      else if (nowMs >= socket.pingDueMs) this.#ping(socket, nowMs)
    }
    this.#tickWitnesses()
    forgetRestedAddresses(this.#addresses, limits, nowMs)
  }

  #ping(socket: Socket, nowMs: number): void {
    if (socket.missedPings >= this.limits.missedPings) {
      this.counters.dead++
      this.#effects.push({ kind: 'terminate', socket: socket.id })
      socket.closing = true
      this.#depart(socket, false)
      return
    }
    socket.missedPings++
    socket.pingDueMs = nowMs + this.limits.pingIntervalMs
    this.#effects.push({ kind: 'ping', socket: socket.id })
  }

  #shutdown(): void {
    const open = [...this.#sockets.values()].filter((socket) => !socket.closing)
    this.#down = true
    this.#waiting.clear()
    this.#rooms.clear() // nobody is told that the others go: everybody goes
    for (const socket of open) {
      socket.member = undefined
      this.#refuse(socket, refuse.closed())
    }
  }

  #tell(members: Iterable<Member>, body: LobbyBody): void {
    const frames = createFrames(body)
    for (const member of members) this.#sendTo(this.#socketOf(member), frames, false)
  }

  /** Whoever is in a room holds a socket that is not closing: leaving comes before closing. */
  #socketOf(member: Member): Socket {
    const socket = this.#sockets.get(member.socket)
    invariant(socket, `Lobby: member ${member.id} has no socket ${member.socket}; feed closed events to step`)
    return socket
  }

  #sendTo(socket: Socket, frames: Frames, relayed: boolean): void {
    if (socket.closing) return
    this.#effects.push({ kind: 'send', socket: socket.id, data: socket.text ? frames.text() : frames.bytes(), relayed })
  }
}

type HeardEvent = Extract<LobbyEvent, { kind: 'message' | 'heartbeat' | 'breached' }>
