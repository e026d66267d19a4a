/**
 * The lobby as a state machine: what happens to sockets goes in, what to do with them comes out.
 *
 * Place in the house: pure; `lobby-server.ts` pumps it with real sockets and a clock, the simulator
 * with made-up ones. Invariant: nothing a socket sends makes `step` throw, and nothing it sends
 * reaches a socket outside its room. Rules LB1 to LB22 in docs/behavior.md.
 */
import { invariant } from '@baton/core'
import type { PeerId } from '@baton/core'
import { decodeLobby, decodeLobbyText } from '@baton/schemas/lobby'
import type { IceServer, LobbyBody } from '@baton/schemas/lobby'
import { createFrames } from './frames.ts'
import type { Frames } from './frames.ts'
import { cleanDisplayName, createBucket, IDENTITY_MAX_CHARACTERS, IDENTITY_MIN_CHARACTERS } from './limits.ts'
import { isRoomName, refill, take, withDefaults } from './limits.ts'
import type { Bucket, LobbyLimits } from './limits.ts'
import { CLOSE_CODES, createCounters } from './lobby-events.ts'
import type { LobbyCounters, LobbyEffect, LobbyErrorCode, LobbyEvent, LobbyOptions } from './lobby-events.ts'
import { randomId } from './random-id.ts'
import { enterRoom, leaveRoom } from './rooms.ts'
import type { Member, Room, RoomTable, SocketId } from './rooms.ts'
import { relaySignal } from './signaling.ts'
import type { SignalBody } from './signaling.ts'

interface Socket {
  readonly id: SocketId
  readonly address: Address
  readonly messages: Bucket
  readonly bytes: Bucket
  /** Answers go out as the last frame came in. */
  text: boolean
  /** Told to close; waits for the door's `closed` and hears nothing more. */
  closing: boolean
  member: Member | undefined
  helloDeadlineMs: number
  pingDueMs: number
  missedPings: number
}

interface Address {
  readonly name: string
  readonly joins: Bucket
  sockets: number
}

export class Lobby {
  readonly limits: LobbyLimits
  readonly counters: LobbyCounters
  readonly #random: () => number
  readonly #iceServers: readonly IceServer[]
  readonly #sockets = new Map<SocketId, Socket>()
  readonly #addresses = new Map<string, Address>()
  readonly #rooms: RoomTable = new Map()
  #effects: LobbyEffect[] = []

  constructor(options: LobbyOptions) {
    this.limits = withDefaults(options.limits)
    this.#random = options.random
    this.#iceServers = options.iceServers ?? []
    this.counters = createCounters()
    checkLargestAnswer(this.limits, this.#iceServers)
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  get rooms(): ReadonlyMap<string, Room> {
    return this.#rooms
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
    if (event.kind === 'opened') this.#open(event.socket, event.address, event.room, nowMs)
    else if (event.kind === 'tick') this.#tick(nowMs)
    else if (event.kind === 'shutdown') this.#shutdown()
    else {
      const socket = this.#sockets.get(event.socket)
      if (socket !== undefined) {
        if (event.kind === 'closed') this.#closed(socket)
        else if (!socket.closing) this.#heard(socket, event, nowMs)
      }
    }
    return this.#effects
  }

  #open(id: SocketId, addressName: string, room: string | undefined, nowMs: number): void {
    invariant(!this.#sockets.has(id), `Lobby.step: socket ${id} was opened twice; give every socket its own number`)
    const { limits } = this
    const full = this.#sockets.size >= limits.sockets
    const address = this.#addressOf(addressName, nowMs)
    const socket: Socket = {
      id,
      address,
      messages: createBucket(limits.messageBurst, nowMs),
      bytes: createBucket(limits.byteBurst, nowMs),
      text: true,
      closing: false,
      member: undefined,
      helloDeadlineMs: nowMs + limits.helloTimeoutMs,
      pingDueMs: nowMs + limits.pingIntervalMs,
      missedPings: 0,
    }
    this.#sockets.set(id, socket)
    address.sockets++
    this.counters.opened++
    if (full)
      this.#refuse(socket, 'lobby/limit', `lobby: ${limits.sockets} sockets are open, no more can be; try again later`)
    else if (address.sockets > limits.socketsPerAddress) {
      const message = `lobby: more than ${limits.socketsPerAddress} sockets from your address; close some, or raise limits.socketsPerAddress`
      this.#refuse(socket, 'lobby/limit', message)
    } else if (room !== undefined) this.#join(socket, { room }, nowMs)
  }

  #heard(
    socket: Socket,
    event: Exclude<LobbyEvent, { kind: 'opened' | 'closed' | 'tick' | 'shutdown' }>,
    nowMs: number,
  ): void {
    if (event.kind === 'breached') return this.#refuse(socket, 'lobby/limit', event.message)
    // Anything heard proves life; the ping timer stays, so that a chatty socket is asked all the same.
    socket.missedPings = 0
    const { limits } = this
    const data = event.kind === 'message' ? event.data : ''
    if (data.length > limits.payloadBytes) {
      const message = `lobby: a message of ${data.length} is over ${limits.payloadBytes} bytes; send less at once`
      return this.#refuse(socket, 'lobby/limit', message)
    }
    const affordable =
      take(socket.messages, 1, limits.messageBurst, limits.messagesPerSecond, nowMs) &&
      take(socket.bytes, data.length, limits.byteBurst, limits.bytesPerSecond, nowMs)
    if (!affordable) {
      const message = `lobby: more than ${limits.messagesPerSecond} messages or ${limits.bytesPerSecond} bytes a second; send less often`
      return this.#refuse(socket, 'lobby/limit', message)
    }
    if (event.kind === 'message') this.#message(socket, data, nowMs)
  }

  #message(socket: Socket, data: Uint8Array | string, nowMs: number): void {
    socket.text = typeof data === 'string'
    const decoded = typeof data === 'string' ? decodeLobbyText(data) : decodeLobby(data)
    if (!decoded.ok) {
      const message = `lobby: not a lobby message (${decoded.reason}); see schemas/lobby.fbs`
      return this.#refuse(socket, 'lobby/bad-message', message)
    }
    this.#dispatch(socket, decoded.value.body, nowMs)
  }

  #dispatch(socket: Socket, body: LobbyBody, nowMs: number): void {
    switch (body.type) {
      case 'Join':
        return this.#join(socket, body, nowMs)
      case 'Leave':
        this.#depart(socket)
        socket.helloDeadlineMs = nowMs + this.limits.helloTimeoutMs
        return
      case 'Offer':
      case 'Answer':
      case 'Candidate':
      case 'ConnectRequest':
        return this.#relay(socket, body, nowMs)
      case 'SelfConnected':
      case 'Connected':
      case 'Disconnected':
      case 'LobbyError':
        return this.#refuse(
          socket,
          'lobby/bad-message',
          `lobby: ${body.type} is for the lobby to say; send Join, an offer, answer, candidate, request or Leave`,
        )
    }
  }

  #relay(socket: Socket, body: SignalBody, nowMs: number): void {
    if (socket.member === undefined) {
      return this.#refuse(socket, 'lobby/bad-message', `lobby: ${body.type} before Join; join a room first`)
    }
    const { limits } = this
    const result = relaySignal(socket.member, body, limits, nowMs)
    if ('refusal' in result) return this.#refuse(socket, result.refusal, result.message)
    if (result.to === undefined) {
      this.counters.undeliverable++
      return
    }
    const frames = createFrames(result.body)
    const receiver = this.#sockets.get(result.to.socket)
    if (receiver === undefined || receiver.closing) return
    // The stamp, or JSON's escapes, may have made it longer than a frame. The sender's matter, not the receiver's.
    if (!frames.fit(receiver.text)) {
      return this.#refuse(
        socket,
        'lobby/limit',
        `lobby: ${body.type} does not fit a message of ${limits.payloadBytes} bytes once your id is in it`,
      )
    }
    this.counters.relayed++
    this.#sendTo(receiver, frames, true)
  }

  #join(
    socket: Socket,
    wish: { room: string; displayName?: string | undefined; identity?: string | undefined; capacity?: number },
    nowMs: number,
  ): void {
    const { limits } = this
    if (!isRoomName(wish.room)) {
      const shown = JSON.stringify(wish.room.slice(0, 64))
      return this.#refuse(socket, 'lobby/room-name', `lobby: ${shown} is no room name; use 1 to 64 of A-Z a-z 0-9 _ -`)
    }
    const identity = wish.identity || undefined
    if (
      identity !== undefined &&
      (identity.length < IDENTITY_MIN_CHARACTERS || identity.length > IDENTITY_MAX_CHARACTERS)
    ) {
      const message = `lobby: an identity of ${identity.length} characters; give a secret of ${IDENTITY_MIN_CHARACTERS} to ${IDENTITY_MAX_CHARACTERS}`
      return this.#refuse(socket, 'lobby/bad-message', message)
    }
    if (!take(socket.address.joins, 1, limits.joinBurstPerAddress, limits.joinsPerSecondPerAddress, nowMs)) {
      return this.#refuse(socket, 'lobby/limit', 'lobby: too many joins from your address; wait a few seconds')
    }
    this.#depart(socket)
    const displayName = cleanDisplayName(wish.displayName ?? '')
    const entrance = { socket: socket.id, name: wish.room, displayName, identity, capacity: wish.capacity }
    const result = enterRoom(this.#rooms, entrance, limits, (room) => this.#createId(room))
    if ('refusal' in result) return this.#refuse(socket, result.refusal, result.message)

    const { member, replaced } = result
    const others = [...member.room.members.values()].filter((other) => other !== member)
    if (replaced !== undefined) {
      const old = this.#sockets.get(replaced.socket)
      if (old !== undefined) {
        old.member = undefined // already out of the room
        this.#refuse(
          old,
          'lobby/replaced',
          `lobby: the same player joined room "${wish.room}" again; go on in the newer tab`,
        )
      }
      this.#tell(others, { type: 'Disconnected', id: replaced.id })
    }
    socket.member = member
    this.counters.joined++
    const members = [...member.room.members.keys()]
    const iceServers = this.#iceServers
    this.#tell([member], { type: 'SelfConnected', id: member.id, room: member.room.name, members, iceServers })
    for (const other of others) this.#tell([member], { type: 'Connected', id: other.id })
    this.#tell(others, { type: 'Connected', id: member.id })
  }

  /** Takes the socket's member out of its room, if it is in one, and tells the others. */
  #depart(socket: Socket): void {
    const { member } = socket
    if (member === undefined) return
    socket.member = undefined
    leaveRoom(this.#rooms, member)
    this.#tell(member.room.members.values(), { type: 'Disconnected', id: member.id })
  }

  #refuse(socket: Socket, code: LobbyErrorCode, message: string): void {
    this.counters.errors[code]++
    this.#sendTo(socket, createFrames({ type: 'LobbyError', code, message }), false)
    this.#effects.push({ kind: 'close', socket: socket.id, code: CLOSE_CODES[code], reason: code })
    socket.closing = true
    this.#depart(socket)
  }

  #closed(socket: Socket): void {
    this.#sockets.delete(socket.id)
    socket.address.sockets--
    this.#depart(socket)
  }

  #tick(nowMs: number): void {
    const { limits } = this
    for (const socket of this.#sockets.values()) {
      if (socket.closing) continue
      if (socket.member === undefined && nowMs >= socket.helloDeadlineMs) {
        this.#refuse(
          socket,
          'lobby/timeout',
          `lobby: no room joined within ${limits.helloTimeoutMs} ms; send Join first`,
        )
      } else if (nowMs >= socket.pingDueMs) this.#ping(socket, nowMs)
    }
    for (const address of this.#addresses.values()) {
      const rested = refill(address.joins, limits.joinBurstPerAddress, limits.joinsPerSecondPerAddress, nowMs)
      if (rested && address.sockets === 0) this.#addresses.delete(address.name)
    }
  }

  #ping(socket: Socket, nowMs: number): void {
    if (socket.missedPings >= this.limits.missedPings) {
      this.counters.dead++
      this.#effects.push({ kind: 'terminate', socket: socket.id })
      socket.closing = true
      this.#depart(socket)
      return
    }
    socket.missedPings++
    socket.pingDueMs = nowMs + this.limits.pingIntervalMs
    this.#effects.push({ kind: 'ping', socket: socket.id })
  }

  #shutdown(): void {
    const open = [...this.#sockets.values()].filter((socket) => !socket.closing)
    this.#rooms.clear() // nobody is told that the others go: everybody goes
    for (const socket of open) {
      socket.member = undefined
      this.#refuse(socket, 'lobby/closed', 'lobby: the lobby shuts down; games that are connected go on without it')
    }
  }

  #tell(members: Iterable<Member>, body: LobbyBody): void {
    const frames = createFrames(body)
    for (const member of members) {
      const socket = this.#sockets.get(member.socket)
      if (socket !== undefined) this.#sendTo(socket, frames, false)
    }
  }

  #sendTo(socket: Socket, frames: Frames, relayed: boolean): void {
    if (socket.closing) return
    this.#effects.push({ kind: 'send', socket: socket.id, data: socket.text ? frames.text() : frames.bytes(), relayed })
  }

  #addressOf(name: string, nowMs: number): Address {
    let address = this.#addresses.get(name)
    if (address === undefined) {
      if (this.#addresses.size >= this.limits.addresses) this.#forgetIdleAddresses()
      address = { name, joins: createBucket(this.limits.joinBurstPerAddress, nowMs), sockets: 0 }
      this.#addresses.set(name, address)
    }
    return address
  }

  #forgetIdleAddresses(): void {
    for (const address of this.#addresses.values()) if (address.sockets === 0) this.#addresses.delete(address.name)
  }

  #createId(room: Room): PeerId {
    for (let attempt = 0; attempt < 8; attempt++) {
      const id = randomId(this.#random)
      if (!room.members.has(id)) return id
    }
    invariant(false, 'Lobby: options.random gave the same 96 bits eight times; pass a real random source')
  }
}

/** Every answer must fit a frame; the longest one goes to the last member of a full room. */
function checkLargestAnswer(limits: LobbyLimits, iceServers: readonly IceServer[]): void {
  const id = '-'.repeat(16)
  const members = Array.from({ length: limits.maxCapacity }, () => id)
  const frames = createFrames({ type: 'SelfConnected', id, room: '-'.repeat(64), members, iceServers })
  invariant(
    frames.fit(),
    `Lobby: ${limits.maxCapacity} members and ${iceServers.length} ICE servers do not fit one message; lower limits.maxCapacity or give fewer servers`,
  )
}
