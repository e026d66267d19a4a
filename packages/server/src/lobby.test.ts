import { decodeControl, encodeControl, type ControlBody } from '@baton/schemas'
import { decodeLobby, decodeLobbyText, encodeLobby, encodeLobbyText } from '@baton/schemas/lobby'
import type { LobbyBody } from '@baton/schemas/lobby'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { DEFAULT_LIMITS } from './limits.ts'
import { Lobby } from './lobby.ts'
import type { LobbyEffect, LobbyEvent, LobbyOptions } from './lobby-events.ts'
import { CLOSE_CODES } from './refusals.ts'

// Generous, since a busy machine is no failure: nothing here waits for a time to pass.
vi.setConfig({ testTimeout: 30_000 })

type Of<T extends LobbyBody['type']> = Extract<LobbyBody, { type: T }>

/** One socket as its client sees it. */
interface Client {
  readonly socket: number
  readonly text: boolean
  id: string | undefined
  room: string | undefined
  /** What the client believes from `SelfConnected`, `Connected` and `Disconnected` alone. */
  roster: string[]
  heard: LobbyBody[]
  closed: { code: number; reason: string } | undefined
  pings: number
}

/** A lobby without sockets: events go in by hand, effects come out as what the clients believe. */
class Rig {
  readonly lobby: Lobby
  readonly clients = new Map<number, Client>()
  nowMs = 1_000
  /** Called for every message that one member's doing sent to another. */
  onRelayed: (to: Client, body: LobbyBody) => void = () => {}
  #next = 1

  constructor(options: Partial<LobbyOptions> = {}) {
    let seed = 0x2545_f491
    // Any fixed sequence will do: ids must only differ.
    const random = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0)
    this.lobby = new Lobby({
      random,
      ...options,
      limits: { socketsPerAddress: 1_000, joinBurstPerAddress: 10_000, ...options.limits },
    })
  }

  open(options: { room?: string; text?: boolean; address?: string } = {}): Client {
    const socket = this.#next++
    const text = options.text ?? options.room !== undefined
    const client: Client = {
      socket,
      text,
      id: undefined,
      room: undefined,
      roster: [],
      heard: [],
      closed: undefined,
      pings: 0,
    }
    this.clients.set(socket, client)
    this.step({ kind: 'opened', socket, address: options.address ?? '10.0.0.1', room: options.room })
    return client
  }

  join(room: string, more: Partial<Of<'Join'>> = {}, text = false): Client {
    const client = this.open({ text })
    this.say(client, { type: 'Join', room, capacity: 0, ...more })
    return client
  }

  say(client: Client, body: LobbyBody): void {
    this.raw(client, client.text ? encodeLobbyText({ body }) : encodeLobby({ body }))
  }

  raw(client: Client, data: Uint8Array | string): void {
    this.step({ kind: 'message', socket: client.socket, data })
  }

  /** The far end, or the network, ends the socket. */
  drop(client: Client, code = 1006): void {
    this.clients.delete(client.socket)
    this.step({ kind: 'closed', socket: client.socket, code })
  }

  advance(ms: number, stepMs = 250): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs = Math.min(endMs, this.nowMs + stepMs)
      this.step({ kind: 'tick' })
    }
  }

  step(event: LobbyEvent): readonly LobbyEffect[] {
    const effects = this.lobby.step(event, this.nowMs)
    for (const effect of effects) this.#apply(effect)
    return effects
  }

  #apply(effect: LobbyEffect): void {
    const client = this.clients.get(effect.socket)
    if (client === undefined) throw new Error(`an effect for socket ${effect.socket}, which is gone`)
    if (client.closed) throw new Error(`${effect.kind} after close on socket ${effect.socket}`)
    if (effect.kind === 'ping') client.pings++
    else if (effect.kind === 'close') client.closed = { code: effect.code, reason: effect.reason }
    else if (effect.kind === 'terminate') client.closed = { code: 1006, reason: '' }
    else this.#hear(client, effect)
  }

  #hear(client: Client, { data, relayed }: Extract<LobbyEffect, { kind: 'send' }>): void {
    const decoded = typeof data === 'string' ? decodeLobbyText(data) : decodeLobby(data)
    if (!decoded.ok) throw new Error(`the lobby sent what no client can read: ${decoded.reason}`)
    const { body } = decoded.value
    client.heard.push(body)
    if (relayed) this.onRelayed(client, body)
    if (body.type === 'SelfConnected') {
      client.id = body.id
      client.room = body.room
      client.roster = [...body.members]
    } else if (body.type === 'Connected') {
      if (!client.roster.includes(body.id)) client.roster.push(body.id)
    } else if (body.type === 'Disconnected') {
      client.roster = client.roster.filter((id) => id !== body.id)
    }
  }

  joined(): Client[] {
    return [...this.clients.values()].filter((client) => !client.closed && this.memberOf(client) !== undefined)
  }

  memberOf(client: Client): { id: string; room: string; order: string[] } | undefined {
    for (const room of this.lobby.rooms.values()) {
      for (const member of room.members.values()) {
        if (member.socket === client.socket) return { id: member.id, room: room.name, order: [...room.members.keys()] }
      }
    }
    return undefined
  }
}

function kinds(client: Client): string[] {
  return client.heard.map((body) => body.type)
}

function last<T extends LobbyBody['type']>(client: Client, type: T): Of<T> {
  const body = client.heard.at(-1)
  expect(body?.type).toBe(type)
  return body as Of<T>
}

function expectRefused(client: Client, code: keyof typeof CLOSE_CODES): string {
  const error = last(client, 'LobbyError')
  expect(error.code).toBe(code)
  expect(client.closed).toEqual({ code: CLOSE_CODES[code], reason: code })
  return error.message
}

const SECRET = 'this-is-a-secret-of-mine'
const SDP = 'v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\n'

describe('joining', () => {
  test('LB1: self-connected, then connected for each one there; connected to the others; disconnected when one goes', () => {
    const rig = new Rig()
    const a = rig.join('plaza')
    const b = rig.join('plaza')
    const c = rig.join('plaza')
    expect(kinds(a)).toEqual(['SelfConnected', 'Connected', 'Connected'])
    expect(kinds(b)).toEqual(['SelfConnected', 'Connected', 'Connected'])
    expect(kinds(c)).toEqual(['SelfConnected', 'Connected', 'Connected'])
    expect(c.heard[0]).toMatchObject({ room: 'plaza', members: [a.id, b.id, c.id] })
    expect(c.heard.slice(1)).toEqual([
      { type: 'Connected', id: a.id },
      { type: 'Connected', id: b.id },
    ])
    rig.drop(b)
    expect(last(a, 'Disconnected').id).toBe(b.id)
    expect(c.roster).toEqual([a.id, c.id])
  })

  test('LB2: a page that only connects is joined at once and spoken to in text', () => {
    const rig = new Rig()
    const page = rig.open({ room: 'lobby' })
    expect(kinds(page)).toEqual(['SelfConnected'])
    expect(page.room).toBe('lobby')
  })

  test('LB3: answers come in the encoding of the last frame', () => {
    const rig = new Rig()
    const client = rig.open()
    const join = rig.step({
      kind: 'message',
      socket: client.socket,
      data: encodeLobbyText({ body: { type: 'Join', room: 'r', capacity: 0 } }),
    })
    expect(join.every((effect) => effect.kind === 'send' && typeof effect.data === 'string')).toBe(true)
    rig.raw(client, encodeLobby({ body: { type: 'Leave' } }))
    const again = rig.step({
      kind: 'message',
      socket: client.socket,
      data: encodeLobby({ body: { type: 'Join', room: 'r', capacity: 0 } }),
    })
    expect(again.every((effect) => effect.kind === 'send' && effect.data instanceof Uint8Array)).toBe(true)
  })

  test('LB6: ids are given by the lobby: 16 URL-safe characters from 96 random bits, all of them used', () => {
    for (const words of [
      [0, 0, 0],
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff],
    ]) {
      const expected = words[0] === 0 ? 'A'.repeat(16) : '_'.repeat(16)
      const queue = [...words]
      const rig = new Rig({ random: () => queue.shift() ?? 0 })
      expect(rig.join('r').id?.replaceAll('-', '_')).toBe(expected.replaceAll('-', '_'))
    }
    const seen = new Set<string>()
    for (let bit = 0; bit < 96; bit++) {
      const queue = [0, 1, 2].map((word) => (bit >> 5 === word ? (1 << (bit & 31)) >>> 0 : 0))
      const id = new Rig({ random: () => queue.shift()! }).join('r').id!
      expect(id).toMatch(/^[A-Za-z0-9_-]{16}$/)
      seen.add(id)
    }
    expect(seen.size).toBe(96)
  })

  test('LB7: a room name outside the pattern is refused with words that give the pattern', () => {
    const bad = fc.oneof(
      fc.constantFrom('', 'a b', 'é', 'x'.repeat(65), '__proto__ ', 'a/b'),
      fc.string().filter((name) => !/^[\w-]{1,64}$/.test(name)),
    )
    fc.assert(
      fc.property(bad, fc.boolean(), (room, text) => {
        const rig = new Rig()
        const witness = rig.join('plaza')
        const client = rig.join(room.slice(0, 200), {}, text)
        expect(expectRefused(client, 'lobby/room-name')).toContain('1 to 64 of A-Z a-z 0-9 _ -')
        expect(kinds(witness)).toEqual(['SelfConnected'])
      }),
    )
    const rig = new Rig()
    for (const good of ['a', '__proto__', 'constructor', 'x'.repeat(64), '-_-', '0'])
      expect(rig.join(good).room).toBe(good)
  })

  test('LB8: capacity is what the opener asked for, 16 unsaid, 64 at most; the next one is told the room is full', () => {
    for (const [asked, expected] of [
      [0, 16],
      [1, 1],
      [3, 3],
      [64, 64],
      [65, 64],
      [65_535, 64],
    ] as const) {
      const rig = new Rig()
      const members = [rig.join('plaza', { capacity: asked })]
      while (members.length < expected) members.push(rig.join('plaza', { capacity: 65_535 }))
      const late = rig.join('plaza', { capacity: 65_535 })
      expect(expectRefused(late, 'lobby/room-full')).toContain(`${expected} members`)
      expect(members.every((member) => member.closed === undefined && member.roster.length === expected)).toBe(true)
      rig.drop(members[0]!)
      expect(rig.join('plaza').id).toBeDefined()
    }
  })

  test('LB9: a second join with the same identity replaces the first, which is told so and closed', () => {
    const rig = new Rig()
    const old = rig.join('plaza', { identity: SECRET })
    const friend = rig.join('plaza')
    const tab = rig.join('plaza', { identity: SECRET })
    expectRefused(old, 'lobby/replaced')
    expect(friend.heard.slice(-2)).toEqual([
      { type: 'Disconnected', id: old.id, left: false },
      { type: 'Connected', id: tab.id },
    ])
    expect(tab.heard[0]).toMatchObject({ members: [friend.id, tab.id] })
    expect(tab.id).not.toBe(old.id)
    expect(JSON.stringify([friend.heard, tab.heard])).not.toContain(SECRET)
    // The end of the old socket, heard later, changes nothing.
    rig.drop(old)
    expect(friend.roster).toEqual([friend.id, tab.id])
  })

  test('LB9: it does so in a full room, and when it was alone there; in another room it is somebody else', () => {
    const rig = new Rig()
    rig.join('one', { identity: SECRET, capacity: 1 })
    const again = rig.join('one', { identity: SECRET, capacity: 5 })
    expect(again.roster).toEqual([again.id])
    expectRefused(rig.join('one'), 'lobby/room-full')
    const elsewhere = rig.join('two', { identity: SECRET })
    expect(again.closed).toBeUndefined()
    expect(elsewhere.roster).toEqual([elsewhere.id])
    expect(expectRefused(rig.join('two', { identity: 'short' }), 'lobby/bad-message')).toContain('16 to 128')
    expectRefused(rig.join('two', { identity: 'x'.repeat(129) }), 'lobby/bad-message')
  })

  test('LB10: Leave takes the member out and leaves the socket five seconds to join again, under a new id', () => {
    const rig = new Rig()
    const a = rig.join('plaza')
    const b = rig.join('plaza')
    const formerId = a.id
    rig.advance(20_000)
    rig.say(a, { type: 'Leave' })
    expect(last(b, 'Disconnected')).toEqual({ type: 'Disconnected', id: formerId, left: true })
    rig.advance(4_900)
    rig.say(a, { type: 'Join', room: 'garden', capacity: 0 })
    expect(a.room).toBe('garden')
    expect(a.id).not.toBe(formerId)
    rig.say(a, { type: 'Leave' })
    expect(rig.lobby.rooms.has('garden')).toBe(false)
    rig.advance(5_000)
    expectRefused(a, 'lobby/timeout')
  })

  test('LB10: a join from inside a room leaves that one first', () => {
    const rig = new Rig()
    const page = rig.open({ room: 'lobby' })
    const other = rig.open({ room: 'lobby' })
    const formerId = page.id
    rig.say(page, { type: 'Join', room: 'plaza', capacity: 0 })
    expect(last(other, 'Disconnected')).toEqual({ type: 'Disconnected', id: formerId, left: true })
    expect(page.room).toBe('plaza')
    expect(page.roster).toEqual([page.id])
  })

  test('LB11: a socket that joins no room in five seconds is closed, one that joins is not', () => {
    const rig = new Rig()
    const silent = rig.open()
    const member = rig.join('plaza')
    rig.advance(4_999)
    expect(silent.closed).toBeUndefined()
    rig.advance(1)
    expectRefused(silent, 'lobby/timeout')
    rig.advance(10_000)
    expect(member.closed).toBeUndefined()
  })

  test('LB12: every member is told the ICE servers; more than fit a message are refused at the start', () => {
    const iceServers = [
      { urls: ['stun:stun.example:3478'] },
      { urls: ['turn:a.example', 'turn:b.example'], username: 'u', credential: 'c' },
    ]
    expect(new Rig({ iceServers }).join('r', {}, true).heard[0]).toMatchObject({ iceServers })
    expect(() => new Rig({ iceServers: [{ urls: ['x'.repeat(16_000)] }] })).toThrow(/do not fit/)
    expect(() => new Rig({ limits: { maxCapacity: 5_000 } })).toThrow(/do not fit/)
  })
})

describe('signaling', () => {
  const signals: Record<string, (toId: string) => LobbyBody> = {
    Offer: (toId) => ({ type: 'Offer', toId, attempt: 7, sdp: SDP }),
    Answer: (toId) => ({ type: 'Answer', toId, attempt: 7, sdp: SDP }),
    Candidate: (toId) => ({
      type: 'Candidate',
      toId,
      attempt: 7,
      candidate: 'candidate:1 1 udp 2 10.0.0.1 9 typ host',
      sdpMid: '0',
      sdpMLineIndex: 0,
    }),
    ConnectRequest: (toId) => ({ type: 'ConnectRequest', toId }),
  }

  test.each(Object.keys(signals))(
    'LB4: %s reaches its member as it was, with the true sender whatever it claimed',
    (name) => {
      const rig = new Rig()
      const [a, b, c] = [rig.join('plaza'), rig.join('plaza', {}, true), rig.join('plaza')]
      const signal = signals[name]!(b.id!)
      rig.say(a, { ...signal, fromId: c.id } as LobbyBody)
      expect(b.heard.at(-1)).toEqual({ ...signal, fromId: a.id })
      expect(kinds(c)).not.toContain(name)
    },
  )

  test('LB5: to somebody of another room, to nobody, or to oneself: nothing happens, and nothing is said', () => {
    const rig = new Rig()
    const a = rig.join('plaza')
    const stranger = rig.join('garden')
    for (const toId of [stranger.id!, 'nobody', '', '__proto__', a.id!]) rig.say(a, signals['Offer']!(toId))
    expect(kinds(a)).toEqual(['SelfConnected'])
    expect(kinds(stranger)).toEqual(['SelfConnected'])
    expect(a.closed).toBeUndefined()
    expect(rig.lobby.counters.undeliverable).toBe(5)
  })

  test('LB13: signals before a join, and what only the lobby may say, end the socket', () => {
    const early = new Rig()
    const client = early.open()
    early.say(client, signals['Offer']!('x'))
    expectRefused(client, 'lobby/bad-message')
    for (const body of [
      { type: 'SelfConnected', id: 'x', room: 'plaza', members: ['x'], iceServers: [] },
      { type: 'Connected', id: 'x' },
      { type: 'Disconnected', id: 'x', left: false },
      { type: 'Generation', generation: 1, members: ['x'] },
      { type: 'LobbyError', code: 'lobby/closed', message: 'no' },
    ] as const satisfies LobbyBody[]) {
      const rig = new Rig()
      const liar = rig.join('plaza')
      const other = rig.join('plaza')
      rig.say(liar, body)
      expectRefused(liar, 'lobby/bad-message')
      expect(other.heard.at(-1)).toEqual({ type: 'Disconnected', id: liar.id, left: false })
    }
  })
})

describe('limits', () => {
  /** Says something until the socket is closed, and answers how often that took. */
  function until(client: Client, say: (turn: number) => void, turns = 5_000): number {
    for (let turn = 0; turn < turns; turn++) {
      say(turn)
      if (client.closed) return turn
    }
    return turns
  }

  test('LB14: over 16 KiB in one message, as bytes and as text', () => {
    for (const data of [new Uint8Array(16_385), 'x'.repeat(16_385)]) {
      const rig = new Rig()
      const [a, b] = [rig.join('plaza', {}, typeof data === 'string'), rig.join('plaza')]
      rig.raw(a, data)
      expect(expectRefused(a, 'lobby/limit')).toContain('16385')
      expect(b.closed).toBeUndefined()
    }
  })

  test('LB15: a description over 15 KiB or a candidate over 1 KiB of UTF-8; just under it passes', () => {
    const cases = [
      {
        body: (toId: string, text: string): LobbyBody => ({ type: 'Offer', toId, attempt: 0, sdp: text }),
        limit: 15_360,
      },
      {
        body: (toId: string, text: string): LobbyBody => ({ type: 'Answer', toId, attempt: 0, sdp: text }),
        limit: 15_360,
      },
      {
        body: (toId: string, text: string): LobbyBody => ({
          type: 'Candidate',
          toId,
          attempt: 0,
          candidate: text,
          sdpMLineIndex: 0,
        }),
        limit: 1_024,
      },
    ]
    for (const { body, limit } of cases) {
      for (const [unit, size] of [
        ['a', 1],
        ['é', 2],
        ['€', 3],
        ['😀', 4],
      ] as const) {
        const rig = new Rig()
        const [a, b] = [rig.join('plaza'), rig.join('plaza')]
        const fitting = unit.repeat(Math.floor(limit / size))
        rig.say(a, body(b.id!, fitting))
        expect(b.heard.at(-1)).toMatchObject({ fromId: a.id })
        rig.say(a, body(b.id!, `${fitting}${unit}`))
        expectRefused(a, 'lobby/limit')
        expect(b.closed).toBeUndefined()
      }
    }
  })

  test("LB15: text that JSON would blow up beyond a frame is the sender's fault, not the receiver's", () => {
    const rig = new Rig()
    const [a, page] = [rig.join('plaza'), rig.join('plaza', {}, true)]
    rig.say(a, { type: 'Offer', toId: page.id!, attempt: 0, sdp: '"'.repeat(15_000) })
    expectRefused(a, 'lobby/limit')
    expect(page.closed).toBeUndefined()
    const b = rig.join('plaza')
    rig.say(b, { type: 'Offer', toId: page.id!, attempt: 0, sdp: 'v=0\u0001' })
    expectRefused(b, 'lobby/bad-message')
  })

  test('LB16: 64 candidates for one peer after one description, and a new description makes room for more', () => {
    const rig = new Rig()
    const [a, b, c] = [rig.join('plaza'), rig.join('plaza'), rig.join('plaza')]
    const candidate = (toId: string): LobbyBody => ({
      type: 'Candidate',
      toId,
      attempt: 0,
      candidate: 'c',
      sdpMLineIndex: 0,
    })
    for (let turn = 0; turn < 64; turn++) {
      rig.say(a, candidate(b.id!))
      rig.say(a, candidate(c.id!))
    }
    rig.say(a, { type: 'Offer', toId: b.id!, attempt: 1, sdp: SDP })
    expect(until(a, () => rig.say(a, candidate(b.id!)))).toBe(64)
    expectRefused(a, 'lobby/limit')
    expect(b.heard.filter((body) => body.type === 'Candidate')).toHaveLength(128)
  })

  test('LB16: 16 descriptions for one peer at once, then one a second', () => {
    const rig = new Rig()
    const [a, b] = [rig.join('plaza'), rig.join('plaza')]
    const offer = (): void => rig.say(a, { type: 'Offer', toId: b.id!, attempt: 1, sdp: SDP })
    for (let turn = 0; turn < 16; turn++) offer()
    rig.nowMs += 1_000
    offer()
    expect(a.closed).toBeUndefined()
    offer()
    expectRefused(a, 'lobby/limit')
  })

  test('LB17: messages, bytes and heartbeats of one socket are paid from buckets that refill with time', () => {
    const { messageBurst, byteBurst } = DEFAULT_LIMITS
    const chatty = new Rig()
    const a = chatty.join('plaza')
    const request = (): void => chatty.say(a, { type: 'ConnectRequest', toId: 'nobody' })
    expect(until(a, request)).toBe(messageBurst - 1) // the join was one
    expectRefused(a, 'lobby/limit')

    const patient = new Rig()
    const b = patient.join('plaza')
    for (let turn = 0; turn < 3 * messageBurst; turn++) {
      patient.nowMs += 1_000 / DEFAULT_LIMITS.messagesPerSecond
      patient.say(b, { type: 'ConnectRequest', toId: 'nobody' })
    }
    expect(b.closed).toBeUndefined()

    const heavy = new Rig()
    const c = heavy.join('plaza')
    const body: LobbyBody = { type: 'Offer', toId: 'nobody', attempt: 0, sdp: 'x'.repeat(15_000) }
    const size = encodeLobby({ body }).length
    const turns = until(c, () => heavy.say(c, body))
    expect(turns).toBeGreaterThan(byteBurst / size - 2)
    expect(turns).toBeLessThan(byteBurst / size + 1)
    expectRefused(c, 'lobby/limit')

    const pinging = new Rig()
    const d = pinging.join('plaza')
    expect(until(d, () => pinging.step({ kind: 'heartbeat', socket: d.socket }))).toBe(messageBurst - 1)
  })

  test('LB18: sockets per address, sockets, rooms, and joins per address are bounded', () => {
    const perAddress = new Rig({ limits: { socketsPerAddress: 2 } })
    const [a] = [perAddress.open(), perAddress.open()]
    expect(expectRefused(perAddress.open(), 'lobby/limit')).toContain('more than 2 sockets from your address')
    expect(perAddress.open({ address: '10.0.0.2' }).closed).toBeUndefined()
    expectRefused(perAddress.open(), 'lobby/limit')
    expect(perAddress.lobby.socketsOf('10.0.0.1')).toBe(4) // refused ones count until they are really closed
    for (const client of [...perAddress.clients.values()].slice(2)) if (client.closed) perAddress.drop(client)
    perAddress.drop(a!)
    expect(perAddress.open().closed).toBeUndefined()

    const small = new Rig({ limits: { sockets: 2, rooms: 1 } })
    small.join('one')
    expect(expectRefused(small.join('two'), 'lobby/limit')).toContain('1 rooms are open')
    expectRefused(small.open(), 'lobby/limit')

    const eager = new Rig({ limits: { joinBurstPerAddress: 3, joinsPerSecondPerAddress: 1 } })
    for (let turn = 0; turn < 3; turn++) eager.join('plaza')
    expectRefused(eager.join('plaza'), 'lobby/limit')
    eager.nowMs += 1_000
    expect(eager.join('plaza').closed).toBeUndefined()
  })

  test('LB18: addresses are forgotten when they hold no socket and owe no joins', () => {
    const rig = new Rig({ limits: { addresses: 4 } })
    for (let address = 0; address < 50; address++) rig.drop(rig.open({ room: 'plaza', address: `10.0.1.${address}` }))
    rig.advance(120_000)
    const known = (): number =>
      Array.from({ length: 50 }, (_, address) => rig.lobby.socketsOf(`10.0.1.${address}`)).reduce((a, b) => a + b)
    expect(known()).toBe(0)
    expect(rig.lobby.socketCount).toBe(0)
    expect(rig.lobby.rooms.size).toBe(0)
  })

  test('LB19: a socket is pinged every 15 s and given up after two missed answers; any sign of life counts', () => {
    const rig = new Rig()
    const silent = rig.join('plaza')
    const alive = rig.join('plaza')
    const answering = (): void => void rig.step({ kind: 'heartbeat', socket: alive.socket })
    for (let second = 0; second < 44; second++) {
      rig.advance(1_000)
      if (second % 15 === 14) answering()
    }
    expect(silent.closed).toBeUndefined()
    expect(silent.pings).toBe(2)
    rig.advance(1_000)
    expect(silent.closed).toEqual({ code: 1006, reason: '' })
    expect(last(alive, 'Disconnected').id).toBe(silent.id)
    expect(alive.closed).toBeUndefined()
    expect(rig.lobby.counters.dead).toBe(1)
  })

  test('LB20: a breach seen by the door ends that socket; what follows from it is not heard', () => {
    const rig = new Rig()
    const [a, b] = [rig.join('plaza'), rig.join('plaza')]
    rig.step({ kind: 'breached', socket: a.socket, message: 'Max payload size exceeded' })
    expectRefused(a, 'lobby/limit')
    expect(last(b, 'Disconnected').id).toBe(a.id)
    expect(rig.step({ kind: 'message', socket: a.socket, data: 'anything' })).toEqual([])
    expect(rig.step({ kind: 'breached', socket: a.socket, message: 'again' })).toEqual([])
    expect(rig.step({ kind: 'message', socket: 999, data: 'nobody' })).toEqual([])
  })

  test('LB21: at shutdown every socket is told lobby/closed, nobody that others left, and no new one is let in', () => {
    const rig = new Rig()
    const clients = [rig.join('plaza'), rig.join('plaza'), rig.open(), rig.open({ room: 'lobby' })]
    rig.step({ kind: 'shutdown' })
    for (const client of clients) {
      expectRefused(client, 'lobby/closed')
      expect(kinds(client)).not.toContain('Disconnected')
    }
    expect(rig.lobby.rooms.size).toBe(0)
    expectRefused(rig.open({ room: 'lobby' }), 'lobby/closed')
    for (const client of rig.clients.values()) rig.step({ kind: 'closed', socket: client.socket, code: 1001 })
    expect(rig.lobby.socketCount).toBe(0)
  })

  test('mistakes of the caller throw', () => {
    expect(() => new Rig({ limits: { sockets: 0 } })).toThrow(/sockets is 0/)
    expect(() => new Rig({ limits: { socket: 5 } as object })).toThrow(/known limit/)
    const rig = new Rig()
    const client = rig.open()
    expect(() => rig.lobby.step({ kind: 'opened', socket: client.socket, address: 'x' }, 0)).toThrow(/opened twice/)
    const constant = new Rig({ random: () => 1 })
    constant.join('plaza')
    expect(() => constant.join('plaza')).toThrow(/real random source/)
  })
})

/** What members say to the witness. */
function beat(term: number, index = 1): Of<'Witness'> {
  return forWitness({ type: 'WitnessBeat', sequence: 1, entryTerm: term, index, leaseMs: 600 }, term)
}

function ask(term: number, candidate: number): Of<'Witness'> {
  return forWitness({ type: 'VoteRequest', term, candidate, lastTerm: 1, length: 1, commit: 1, leaseMs: 600 })
}

function forWitness(body: ControlBody, term = 0, generation = 0): Of<'Witness'> {
  return { type: 'Witness', data: encodeControl({ term, index: 0, generation, body }) }
}

/** What a member has heard from the witness. */
function witnessed(client: Client): ControlBody[] {
  return client.heard.flatMap((body) => {
    const decoded = body.type === 'Witness' ? decodeControl(body.data) : undefined
    return decoded?.ok ? [decoded.value.body] : []
  })
}

function types(client: Client): string[] {
  return witnessed(client).map(({ type }) => type)
}

const NEW_LOBBY = { bootMs: -Infinity }

describe('who left for good', () => {
  test('LB28: who said so, or whose page was done or taken away; not who was lost, thrown out or replaced', () => {
    const ends: [string, boolean, (rig: Rig, client: Client) => void][] = [
      ['Leave', true, (rig, client) => rig.say(client, { type: 'Leave' })],
      ['a join elsewhere', true, (rig, client) => rig.say(client, { type: 'Join', room: 'garden', capacity: 0 })],
      ['close code 1000', true, (rig, client) => rig.drop(client, 1000)],
      ['close code 1001', true, (rig, client) => rig.drop(client, 1001)],
      ['a close frame without code', false, (rig, client) => rig.drop(client, 1005)],
      ['no close frame', false, (rig, client) => rig.drop(client, 1006)],
      ['a code of its own', false, (rig, client) => rig.drop(client, 4_000)],
      ['garbage', false, (rig, client) => rig.raw(client, 'garbage')],
      ['silence', false, (rig) => rig.advance(60_000)],
      ['a second tab', false, (rig) => void rig.join('plaza', { identity: SECRET })],
      ['a breach', false, (rig, client) => void rig.step({ kind: 'breached', socket: client.socket, message: 'x' })],
    ]
    for (const [what, left, end] of ends) {
      const rig = new Rig()
      const staying = rig.join('plaza')
      const going = rig.join('plaza', { identity: SECRET })
      const { id } = going
      // Whoever stays answers its pings.
      const answering = rig.step.bind(rig)
      rig.step = (event) => {
        if (event.kind === 'tick') answering({ kind: 'heartbeat', socket: staying.socket })
        return answering(event)
      }
      end(rig, going)
      const told = staying.heard.filter(({ type }) => type === 'Disconnected')
      expect(told, what).toEqual([{ type: 'Disconnected', id, left }])
    }
  })

  test('LB28: the end of a socket that was thrown out says nothing more, whatever its close code', () => {
    const rig = new Rig()
    const staying = rig.join('plaza')
    const going = rig.join('plaza')
    rig.raw(going, 'garbage')
    rig.drop(going, 1000)
    expect(staying.heard.filter(({ type }) => type === 'Disconnected')).toEqual([
      { type: 'Disconnected', id: going.id, left: false },
    ])
  })
})

describe('the witness', () => {
  test('LB29: answers whoever speaks to it in its room, and tells a vote to all there', () => {
    const rig = new Rig(NEW_LOBBY)
    const [host, guest, page] = [rig.join('plaza'), rig.join('plaza'), rig.open({ room: 'plaza' })]
    const stranger = rig.join('garden')
    rig.say(host, beat(1, 7))
    expect([types(host), types(guest)]).toEqual([['WitnessAck'], []])
    rig.nowMs += 600
    rig.say(guest, ask(2, 2))
    const vote = { type: 'Vote', term: 2, candidate: 2, lastTerm: 1, length: 7, commit: 0, tick: 0 }
    for (const client of [host, guest, page]) expect(witnessed(client).at(-1)).toEqual(vote)
    rig.say(host, beat(1, 8))
    expect(witnessed(host).at(-1)).toEqual({ type: 'Fence', promised: 2, term: 0, host: 0 })
    // Another room, another witness.
    rig.say(stranger, beat(1))
    expect(types(stranger)).toEqual(['WitnessAck'])
    expect(rig.lobby.counters.witnessed).toBe(4)
  })

  test('LB29: what is too long for it, and what is said before a join, ends the socket; garbage does not', () => {
    const rig = new Rig(NEW_LOBBY)
    const member = rig.join('plaza')
    rig.say(member, { type: 'Witness', data: new Uint8Array(DEFAULT_LIMITS.witnessBytes) })
    expect([member.closed, types(member)]).toEqual([undefined, []])
    rig.say(member, { type: 'Witness', data: new Uint8Array(DEFAULT_LIMITS.witnessBytes + 1) })
    expect(expectRefused(member, 'lobby/limit')).toContain('513 bytes for the witness')
    const early = rig.open()
    rig.say(early, beat(1))
    expectRefused(early, 'lobby/bad-message')
  })

  test('LB30: a request that has to wait is answered by the alarm; without one the lobby sleeps', () => {
    const rig = new Rig(NEW_LOBBY)
    const [host, guest] = [rig.join('plaza'), rig.join('plaza')]
    rig.say(host, beat(1))
    expect(rig.lobby.alarmMs).toBeUndefined()
    rig.nowMs += 200
    rig.say(guest, ask(2, 2))
    expect(rig.lobby.alarmMs).toBe(1_600)
    rig.nowMs = 1_599
    rig.step({ kind: 'alarm' })
    expect(types(guest)).toEqual([])
    rig.nowMs = 1_600
    rig.step({ kind: 'alarm' })
    expect([types(guest), rig.lobby.alarmMs]).toEqual([['Vote'], undefined])
  })

  test('LB30: the alarm is that of the room whose witness is due first, and ends with its room', () => {
    const rig = new Rig(NEW_LOBBY)
    const late = [rig.join('plaza'), rig.join('plaza')] as const
    const soon = [rig.join('garden'), rig.join('garden')] as const
    rig.say(soon[0], beat(1))
    rig.nowMs += 300
    rig.say(late[0], beat(1))
    rig.say(late[1], ask(2, 2))
    rig.say(soon[1], ask(2, 2))
    expect(rig.lobby.alarmMs).toBe(1_600)
    rig.drop(soon[0])
    rig.drop(soon[1])
    // Of a request that nobody repeats, only its end is left to see.
    expect(rig.lobby.alarmMs).toBe(1_801)
    rig.step({ kind: 'shutdown' })
    expect(rig.lobby.alarmMs).toBeUndefined()
  })

  test('LB29: a host that left for good is waited for by nobody, one that was lost is', () => {
    for (const [code, answer] of [
      [1001, ['Vote']],
      [1006, []],
    ] as const) {
      const rig = new Rig(NEW_LOBBY)
      const [host, guest] = [rig.join('plaza'), rig.join('plaza')]
      rig.say(host, beat(1))
      rig.say(guest, ask(2, 2))
      rig.drop(host, code)
      expect(types(guest)).toEqual(answer)
    }
  })

  test('LB31: in a room opened soon after the lobby began, it abstains at first', () => {
    for (const [afterMs, answer] of [
      [19_999, []],
      [20_000, ['WitnessAck']],
    ] as const) {
      const rig = new Rig({ bootMs: 1_000 })
      rig.nowMs = 1_000 + afterMs
      const host = rig.join('plaza')
      rig.say(host, beat(5))
      expect(types(host)).toEqual(answer)
      rig.nowMs += 760
      rig.say(host, beat(5))
      expect(types(host).at(-1)).toBe('WitnessAck')
    }
  })

  test('LB17: forty beats a second for ten minutes, and a burst of signaling besides, cost no host its socket', () => {
    const rig = new Rig(NEW_LOBBY)
    const host = rig.join('plaza')
    for (let index = 0; index < 40 * 600; index++) {
      rig.nowMs += 25
      rig.say(host, beat(1, index))
      if (index % 4_000 === 0) {
        for (let count = 0; count < 800; count++) rig.say(host, { type: 'ConnectRequest', toId: 'nobody' })
      }
    }
    expect(host.closed).toBeUndefined()
    expect(types(host)).toHaveLength(40 * 600)
  })
})

describe('generations', () => {
  const GONE_MS = DEFAULT_LIMITS.goneForForkMs
  const requestOf = (generation: number, members: readonly Client[]): Of<'GenerationRequest'> => ({
    type: 'GenerationRequest',
    generation,
    members: members.map(({ id }) => id!),
    voters: members.length,
  })
  const generations = (client: Client): LobbyBody[] => client.heard.filter(({ type }) => type === 'Generation')
  /** Seven members, of whom every other one is lost, the first among them. */
  const crashed = () => {
    const rig = new Rig(NEW_LOBBY)
    const members = Array.from({ length: 7 }, () => rig.join('plaza'))
    for (let index = 0; index < 7; index += 2) rig.drop(members[index]!)
    return { rig, members, left: [members[1]!, members[3]!, members[5]!] as const }
  }
  const idsOf = (clients: readonly Client[]): string[] => clients.map(({ id }) => id!)

  test('LB32: those who are left go on, in the order asked for, once the rest has been gone for ten seconds', () => {
    const { rig, members, left } = crashed()
    const newcomer = rig.join('plaza')
    rig.nowMs += GONE_MS - 1
    rig.say(left[0], requestOf(0, members))
    expect(generations(left[0])).toEqual([])
    rig.nowMs += 1
    rig.say(left[1], requestOf(0, [...members].reverse()))
    const told = { type: 'Generation', generation: 1, members: idsOf([...left].reverse()) }
    // Whoever is not of the session learns of it too.
    for (const client of [...left, newcomer]) expect(generations(client)).toEqual([told])
    expect(rig.lobby.counters.forked).toBe(1)
  })

  test('LB32: whoever left for good is not waited for', () => {
    const rig = new Rig(NEW_LOBBY)
    const members = Array.from({ length: 3 }, () => rig.join('plaza'))
    const [staying, leaving, lost] = members as [Client, Client, Client]
    rig.drop(lost)
    rig.nowMs += GONE_MS
    rig.say(staying, requestOf(0, members))
    expect(generations(staying)).toEqual([])
    rig.drop(leaving, 1001)
    rig.say(staying, requestOf(0, members))
    expect(generations(staying)).toEqual([{ type: 'Generation', generation: 1, members: idsOf([staying]) }])
  })

  test('LB32: each generation ends once, and the next one can end too', () => {
    const { rig, members, left } = crashed()
    rig.nowMs += GONE_MS
    for (const client of [...left, ...left]) rig.say(client, requestOf(0, members))
    expect(left.map((client) => generations(client).length)).toEqual([1, 1, 1])
    rig.drop(left[0])
    rig.say(left[2], requestOf(1, left))
    rig.drop(left[1])
    rig.nowMs += GONE_MS
    rig.say(left[2], requestOf(0, left))
    rig.say(left[2], requestOf(2, left))
    expect(generations(left[2])).toHaveLength(1)
    rig.say(left[2], requestOf(1, left))
    expect(generations(left[2]).at(-1)).toEqual({ type: 'Generation', generation: 2, members: idsOf([left[2]]) })
  })

  test('LB32: not while more than half of those who vote are here', () => {
    for (const [voterCount, hereCount, forked] of [
      [2, 1, 1],
      [3, 2, 0],
      [3, 1, 1],
      [4, 3, 0],
      [4, 2, 1],
      [7, 4, 0],
      [7, 3, 1],
    ] as const) {
      const rig = new Rig(NEW_LOBBY)
      const voting = Array.from({ length: voterCount }, () => rig.join('plaza'))
      const learners = [rig.join('plaza'), rig.join('plaza')]
      for (const client of voting.slice(hereCount)) rig.drop(client)
      rig.nowMs += GONE_MS
      rig.say(learners[0]!, { ...requestOf(0, [...voting, ...learners]), voters: voterCount })
      expect(rig.lobby.counters.forked, `${hereCount} of ${voterCount}`).toBe(forked)
    }
  })

  test('LB32: not without somebody the lobby never saw, nor for whoever is not of the session or counts wrong', () => {
    const { rig, members, left } = crashed()
    const newcomer = rig.join('plaza')
    rig.nowMs += GONE_MS
    const request = requestOf(0, members)
    const { members: ids } = request
    rig.say(left[0], { ...request, members: [...ids, 'never-seen-here'] })
    rig.say(newcomer, request)
    rig.say(left[0], { ...request, members: [], voters: 0 })
    rig.say(left[0], { ...request, members: idsOf(left) })
    rig.say(left[0], { ...request, voters: 8 })
    for (const client of [newcomer, ...left]) expect([generations(client), client.closed]).toEqual([[], undefined])
    rig.say(left[0], { ...request, members: [...ids, ...ids] })
    expect(generations(left[0])).toEqual([{ type: 'Generation', generation: 1, members: idsOf(left) }])
  })

  test('LB32: more than 96 members, ids of no lobby, or a request before a join end the socket', () => {
    const many = Array.from({ length: 97 }, (_, index) => `${index}`)
    for (const [ids, code] of [
      [many, 'lobby/limit'],
      [['x'.repeat(65)], 'lobby/bad-message'],
    ] as const) {
      const rig = new Rig()
      const member = rig.join('plaza')
      rig.say(member, { type: 'GenerationRequest', generation: 0, members: ids, voters: 2 })
      expectRefused(member, code)
    }
    const rig = new Rig()
    const early = rig.open()
    rig.say(early, { type: 'GenerationRequest', generation: 0, members: [], voters: 2 })
    expectRefused(early, 'lobby/bad-message')
  })

  test('LB32: the witness begins anew with the generation', () => {
    const { rig, members, left } = crashed()
    rig.say(left[0], beat(9))
    rig.nowMs += GONE_MS
    rig.say(left[0], requestOf(0, members))
    const request: ControlBody = {
      type: 'VoteRequest',
      term: 1,
      candidate: 2,
      lastTerm: 0,
      length: 0,
      commit: 0,
      leaseMs: 600,
    }
    rig.say(left[0], beat(9))
    rig.say(left[0], forWitness(request, 0, 1))
    expect(types(left[0])).toEqual(['WitnessAck', 'Vote'])
  })

  test('LB33: of those who went, a room remembers the latest 256', () => {
    const rig = new Rig(NEW_LOBBY)
    const member = rig.join('plaza')
    const lost = [rig.join('plaza'), rig.join('plaza')]
    for (const client of lost) rig.drop(client)
    const coming = (count: number): void => {
      for (let index = 0; index < count; index++) rig.drop(rig.join('plaza'))
    }
    coming(DEFAULT_LIMITS.goneRemembered - 1)
    expect(rig.lobby.rooms.get('plaza')!.gone.size).toBe(DEFAULT_LIMITS.goneRemembered)
    rig.nowMs += GONE_MS
    rig.say(member, requestOf(0, [member, ...lost]))
    expect(generations(member)).toEqual([])
  })
})

describe('properties', () => {
  const ROOMS = ['plaza', 'garden', 'lobby']
  const IDENTITIES = [undefined, undefined, 'identity-number-one', 'identity-number-two']
  const pick = fc.nat({ max: 1_000 })
  const signalType = fc.constantFrom('Offer', 'Answer', 'Candidate', 'ConnectRequest')

  const arrival = fc.record({
    do: fc.constant('open' as const),
    room: fc.option(fc.constantFrom(...ROOMS), { nil: undefined }),
    text: fc.boolean(),
  })
  const join = fc.record({
    do: fc.constant('join' as const),
    who: pick,
    room: fc.constantFrom(...ROOMS),
    identity: fc.constantFrom(...IDENTITIES),
  })
  const signal = fc.record({ do: fc.constant('signal' as const), who: pick, to: pick, claim: pick, type: signalType })
  const leave = fc.record({ do: fc.constant('leave' as const), who: pick })
  const drop = fc.record({ do: fc.constant('drop' as const), who: pick })
  const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 6_000 }) })
  const witness = fc.record({
    do: fc.constant('witness' as const),
    who: pick,
    term: fc.nat({ max: 9 }),
    beats: fc.boolean(),
  })
  const fork = fc.record({ do: fc.constant('fork' as const), who: pick, generation: fc.nat({ max: 2 }) })
  const noise = fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.string(), fc.json())
  const shout = fc.record({ do: fc.constant('garbage' as const), who: pick, data: noise })
  // Weighted so that rooms fill up and signals find members; else most sockets die before they meet.
  const command = fc.oneof(
    { arbitrary: arrival, weight: 6 },
    { arbitrary: join, weight: 5 },
    { arbitrary: signal, weight: 14 },
    { arbitrary: witness, weight: 3 },
    { arbitrary: fork, weight: 1 },
    { arbitrary: leave, weight: 1 },
    { arbitrary: drop, weight: 1 },
    { arbitrary: wait, weight: 1 },
    { arbitrary: shout, weight: 1 },
  )

  /** What must hold after every step, seen from the clients' side. */
  function checkRosters(rig: Rig): void {
    // Compared as strings first: `expect` is slow, and this runs after every one of many thousand steps.
    for (const client of rig.joined()) {
      const { id, room, order } = rig.memberOf(client)!
      if (client.id === id && client.room === room && client.roster.join() === order.join()) continue
      expect({ id: client.id, room: client.room, roster: client.roster }).toEqual({ id, room, roster: order })
    }
    for (const room of rig.lobby.rooms.values()) {
      if (room.members.size === 0 || room.members.size > room.capacity)
        expect.unreachable(`${room.members.size} members`)
      for (const { pairs } of room.members.values()) {
        for (const id of pairs.keys()) if (!room.members.has(id)) expect.unreachable(`${id} is gone, but not forgotten`)
      }
    }
  }

  test('LB4 LB5 LB22: whatever is said in whatever order, signals stay in their room, senders are true, rosters agree', () => {
    const rigs: Rig[] = []
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60, size: 'max' }), (commands) => {
        const rig = new Rig({ limits: { defaultCapacity: 4 } })
        rigs.push(rig)
        let sender: Client | undefined
        let isWitnessing = false
        rig.onRelayed = (to, body) => {
          // The witness may also speak when time has passed or somebody has gone: then nobody is its cause.
          if (body.type === 'Witness' && !isWitnessing) return
          expect(sender).toBeDefined()
          const from = rig.memberOf(sender!)
          expect(rig.memberOf(to)?.room).toBe(from!.room)
          if (body.type === 'Witness') return
          expect(body).toMatchObject({ fromId: from!.id, toId: to.id })
          expect(to).not.toBe(sender)
        }
        const at = (index: number): Client | undefined => {
          const open = [...rig.clients.values()].filter((client) => !client.closed)
          return open[index % Math.max(1, open.length)]
        }
        for (const entry of commands) {
          const actor = 'who' in entry ? at(entry.who) : undefined
          sender = actor
          isWitnessing = entry.do === 'witness'
          const before = [...rig.clients.values()].filter((client) => client.closed)
          if (entry.do === 'open') rig.open(entry.room === undefined ? { text: entry.text } : { room: entry.room })
          else if (entry.do === 'wait') rig.advance(entry.ms)
          else if (actor === undefined) continue
          else if (entry.do === 'join')
            rig.say(actor, { type: 'Join', room: entry.room, identity: entry.identity, capacity: 0 })
          else if (entry.do === 'leave') rig.say(actor, { type: 'Leave' })
          else if (entry.do === 'drop') rig.drop(actor)
          else if (entry.do === 'garbage') rig.raw(actor, entry.data)
          else if (entry.do === 'witness')
            rig.say(actor, entry.beats ? beat(entry.term) : ask(entry.term, 1 + entry.who))
          else if (entry.do === 'fork')
            rig.say(actor, {
              type: 'GenerationRequest',
              generation: entry.generation,
              members: [...actor.roster],
              voters: 2,
            })
          else {
            const toId = at(entry.to)?.id ?? 'nobody'
            const fromId = at(entry.claim)?.id
            const text = { sdp: SDP, candidate: 'c', attempt: 0, sdpMLineIndex: 0 }
            rig.say(actor, { type: entry.type, toId, fromId, ...pickFields(entry.type, text) } as LobbyBody)
          }
          checkRosters(rig)
          // Nobody but the one who acted is closed by it; a replaced identity and the clock are the exceptions.
          const closed = [...rig.clients.values()].filter((client) => client.closed && !before.includes(client))
          if (entry.do !== 'join' && entry.do !== 'wait' && entry.do !== 'open') {
            expect(closed.every((client) => client === actor)).toBe(true)
          } else if (entry.do === 'join') {
            expect(closed.every((client) => client === actor || client.closed?.reason === 'lobby/replaced')).toBe(true)
          }
        }
      }),
      { numRuns: 200 },
    )
    // The property would hold of silence too; see that there was something to get wrong.
    const relayed = rigs.map((rig) => rig.lobby.counters.relayed).reduce((sum, count) => sum + count)
    expect(relayed).toBeGreaterThan(100)
    const witnessedCount = rigs.map((rig) => rig.lobby.counters.witnessed).reduce((sum, count) => sum + count)
    expect(witnessedCount).toBeGreaterThan(100)
    expect(rigs.some((rig) => rig.lobby.counters.errors['lobby/replaced'] > 0)).toBe(true)
    expect(rigs.some((rig) => rig.lobby.counters.errors['lobby/room-full'] > 0)).toBe(true)
  })

  function pickFields(type: string, text: Record<string, unknown>): Record<string, unknown> {
    if (type === 'ConnectRequest') return {}
    if (type === 'Candidate') return { attempt: 0, candidate: text['candidate'], sdpMLineIndex: 0 }
    return { attempt: 0, sdp: text['sdp'] }
  }

  const pollution = fc.constantFrom(
    '{"__proto__":{"polluted":true},"kind":"join","room":"plaza"}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"kind":"join","room":"plaza","__proto__":{"capacity":64}}',
    '{"toId":"x","offer":{"__proto__":{"polluted":true},"type":"offer","sdp":"v=0"}}',
    '{"toId":"__proto__","offer":{"type":"offer","sdp":"v=0"}}',
    '{"kind":"__proto__"}',
    '{"kind":"toString"}',
    '[]',
    'null',
    '0',
    '""',
    '{}',
    `${'['.repeat(8_000)}${']'.repeat(8_000)}`,
    `${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`,
    '\ud800',
    '{"kind":"join","room":"\\ud800"}',
    '{"kind":"join","room":"r","capacity":1e999}',
    '{"kind":"join","room":"r","capacity":-1}',
  )
  /** Real messages with bytes flipped, cut or grown: closer to the decoder's heart than noise. */
  const bent = fc
    .record({
      body: fc.constantFrom<LobbyBody>(
        { type: 'Join', room: 'plaza', displayName: 'Ada', identity: SECRET, capacity: 4 },
        { type: 'Offer', toId: 'somebody', attempt: 1, sdp: SDP },
        { type: 'Candidate', toId: 'somebody', attempt: 1, candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 },
        { type: 'Leave' },
        beat(1),
        ask(2, 1),
        { type: 'GenerationRequest', generation: 0, members: ['somebody'], voters: 2 },
      ),
      flips: fc.array(fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }), {
        minLength: 1,
        maxLength: 6,
      }),
      length: fc.option(fc.nat({ max: 400 }), { nil: undefined }),
    })
    .map(({ body, flips, length }) => {
      const bytes = encodeLobby({ body })
      for (const { at, to } of flips) bytes[at % bytes.length] = to
      if (length === undefined) return bytes
      const resized = new Uint8Array(length)
      resized.set(bytes.subarray(0, length))
      return resized
    })
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    bent,
    pollution,
    fc.json(),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.object().map((value) => JSON.stringify(value)),
  )

  test('LB13 LB22: garbage of every kind never throws, hurts no prototype, and closes nobody but its sender', () => {
    fc.assert(
      fc.property(fc.array(garbage, { minLength: 1, maxLength: 20 }), (pieces) => {
        const rig = new Rig()
        const [a, b] = [rig.join('plaza'), rig.join('plaza', {}, true)]
        for (const data of pieces) {
          rig.raw(rig.open(), data)
          const member = rig.join('plaza')
          if (member.closed === undefined) rig.raw(member, data)
          rig.drop(member)
        }
        expect(a.closed).toBeUndefined()
        expect(b.closed).toBeUndefined()
        checkRosters(rig)
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
        for (const client of rig.clients.values()) {
          if (client.closed) expect(last(client, 'LobbyError').code).toBe(client.closed.reason)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('the same events give the same effects: nothing inside reads a clock or draws a number', () => {
    const run = (): string => {
      const rig = new Rig()
      const a = rig.join('plaza', { displayName: 'Ada' })
      rig.join('plaza', { identity: SECRET }, true)
      rig.say(a, { type: 'ConnectRequest', toId: 'nobody' })
      rig.advance(60_000)
      return JSON.stringify([...rig.clients.values()])
    }
    expect(run()).toBe(run())
  })
})
