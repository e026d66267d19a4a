/** A host and those who would follow it, over channels that hold bytes back and break. */
import { InvariantError, type NetworkError, type SendResult } from '@baton/core'
import { SeededRandom } from '@baton/core/testing'
import { decodeControl, encodeControl, type HostStateChunk } from '@baton/schemas'
import crc32 from 'crc-32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createHostStateKeeper,
  HOST_STATE_SUCCESSORS,
  MAX_HOST_STATE_BYTES,
  restoreHostState,
  sendHostState,
  takeHostStateChunk,
  type HostStateInfo,
  type HostStateKeeper,
} from './host-state.ts'

const FRAME_MS = 1000 / 60
const guard = (callback: () => void): void => {
  try {
    callback()
  } catch {
    // A game that throws is not what is tested.
  }
}

interface Restored {
  readonly bytes: Uint8Array
  readonly info: HostStateInfo
}

/** A peer that keeps host state, and the channel to it. */
class Successor {
  readonly restored: Restored[] = []
  readonly keeper: HostStateKeeper
  /** What waits, oldest first. */
  line: { term: number; bytes: Uint8Array }[] = []
  isLinked = true
  /** Its link has ended, and the host does not know yet. */
  isBroken = false
  refusals = 0
  /** Versions that were given, in order, as `term/version`. */
  readonly begun: string[] = []

  constructor() {
    this.keeper = createHostStateKeeper({
      save: () => new Uint8Array(),
      restore: (bytes, info) => this.restored.push({ bytes, info }),
    })
  }

  send(term: number, chunk: HostStateChunk): SendResult {
    if (!this.isLinked || this.isBroken) return 'closed'
    const bytes = encodeControl({ term, index: 0, body: { type: 'HostStateChunk', ...chunk } })
    this.line.push({ term, bytes })
    if (chunk.index === 0) this.begun.push(`${term}/${chunk.version}`)
    return 'queued'
  }

  get waitingBytes(): number {
    return this.line.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  receive(count: number, nowMs: number): void {
    for (const { term, bytes } of this.line.splice(0, count)) {
      const decoded = decodeControl(bytes)
      if (!decoded.ok || decoded.value.body.type !== 'HostStateChunk') throw new Error('its own codec refuses it')
      if (!takeHostStateChunk(this.keeper, term, decoded.value.body, nowMs)) this.refusals += 1
    }
  }

  cut(): void {
    this.isLinked = false
    this.line = []
  }
}

interface Room {
  nowMs: number
  tick: number
  term: number
  isHost: boolean
  isHandingOver: boolean
  readonly errors: NetworkError[]
  saves: number
  /** What the game's state is now. */
  state: Uint8Array
  readonly keeper: HostStateKeeper
  successors: Successor[]
  frame(): void
}

function createRoom(successors: Successor[], rateHz?: number): Room {
  const room: Room = {
    nowMs: 1_000,
    tick: 60,
    term: 3,
    isHost: true,
    isHandingOver: false,
    errors: [],
    saves: 0,
    state: Uint8Array.of(1, 2, 3),
    keeper: createHostStateKeeper({
      save: () => {
        room.saves += 1
        return room.state
      },
      restore: () => undefined,
      ...(rateHz === undefined ? {} : { rateHz }),
    }),
    successors,
    frame() {
      room.nowMs += FRAME_MS
      room.tick += 1
      const { nowMs, tick, term, isHost, isHandingOver } = room
      sendHostState(room.keeper, {
        nowMs,
        tick,
        term,
        isHost,
        isHandingOver,
        successors: room.successors.filter((one) => one.isLinked),
        bufferedBytes: (to) => to.waitingBytes,
        send: (to, chunk) => to.send(term, chunk),
        guard,
        report: (error) => room.errors.push(error),
      })
    },
  }
  return room
}

function run(room: Room, frames: number): void {
  for (let frame = 0; frame < frames; frame += 1) {
    room.frame()
    for (const one of room.successors) one.receive(Infinity, room.nowMs)
  }
}

describe('host state', () => {
  test('HS1: at most four saves a second, or as few as were asked for', () => {
    for (const rateHz of [undefined, 4, 2, 0.5]) {
      const room = createRoom([new Successor()], rateHz)
      run(room, 60 * 10 + 1)
      const most = 10 * (rateHz ?? 4) + 1
      expect(room.saves).toBeLessThanOrEqual(most)
      expect(room.saves).toBeGreaterThan(most * 0.9 - 1)
    }
    for (const rateHz of [0, -1, 4.1, NaN]) {
      expect(() => createHostStateKeeper({ save: () => new Uint8Array(), restore: () => undefined, rateHz })).toThrow(
        InvariantError,
      )
    }
  })

  test('HS1: without anybody to follow nothing is saved, and a guest saves nothing', () => {
    const alone = createRoom([])
    run(alone, 120)
    expect(alone.saves).toBe(0)
    const guest = createRoom([new Successor()])
    guest.isHost = false
    run(guest, 120)
    expect(guest.saves).toBe(0)
  })

  test('HS2: the first two successors hold it, nobody else, and what does not change is sent once', () => {
    const peers = Array.from({ length: 4 }, () => new Successor())
    const room = createRoom(peers)
    run(room, 300)
    expect(peers.map(({ begun }) => begun)).toEqual([['3/1'], ['3/1'], [], []])
    expect(peers.map(({ keeper }) => keeper.held?.bytes)).toEqual([room.state, room.state, undefined, undefined])
    room.state = Uint8Array.of(9)
    run(room, 30)
    expect(peers.map(({ begun }) => begun.length)).toEqual([2, 2, 0, 0])
    // The first goes: the third moves up and is given what there is, without a new save having changed.
    peers[0]!.cut()
    run(room, 2)
    expect(peers.map(({ keeper }) => keeper.held?.bytes[0])).toEqual([9, 9, 9, undefined])
    expect(HOST_STATE_SUCCESSORS).toBe(2)
  })

  test('HS3: over 16 KiB is told once and not sent; what fit before stays', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    room.state = new Uint8Array(MAX_HOST_STATE_BYTES).fill(7)
    run(room, 30)
    expect(peer.keeper.held?.bytes).toEqual(room.state)
    room.state = new Uint8Array(MAX_HOST_STATE_BYTES + 1)
    run(room, 300)
    expect(room.errors.map(({ code }) => code)).toEqual(['replication/host-state-too-large'])
    expect(peer.begun).toEqual(['3/1'])
    expect(peer.keeper.held?.bytes.length).toBe(MAX_HOST_STATE_BYTES)
  })

  test('HS3: a save that throws or gives no bytes sends nothing and is asked again later', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    for (const bad of [undefined, 'text', null, [1, 2]]) {
      room.state = bad as unknown as Uint8Array
      run(room, 30)
    }
    Object.defineProperty(room, 'state', {
      configurable: true,
      get: () => {
        throw new Error('the game broke')
      },
    })
    run(room, 30)
    expect(peer.begun).toEqual([])
    Object.defineProperty(room, 'state', { value: Uint8Array.of(5), writable: true })
    run(room, 20)
    expect(peer.keeper.held?.bytes).toEqual(Uint8Array.of(5))
  })

  test('HS4: one version is under way to a peer; a slow one gets the newest when the last has left', () => {
    const [slow, quick] = [new Successor(), new Successor()]
    const room = createRoom([slow, quick])
    const random = new SeededRandom(4)
    for (let frame = 0; frame < 600; frame += 1) {
      room.state = Uint8Array.from({ length: 15_500 }, () => random.integer(0, 255))
      room.frame()
      quick.receive(Infinity, room.nowMs)
      if (frame % 100 === 99) slow.receive(1, room.nowMs)
      expect(slow.line.length).toBeLessThanOrEqual(2)
    }
    slow.receive(Infinity, room.nowMs)
    expect(quick.begun.length).toBeGreaterThan(35)
    expect(slow.begun.length).toBeLessThanOrEqual(4)
    expect(slow.refusals + quick.refusals).toBe(0)
    expect(slow.keeper.held).toBeDefined()
  })

  test('HS2: a game may write into the array it gave before', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    run(room, 1)
    room.state[0] = 200
    expect(peer.keeper.held?.bytes[0]).toBe(1)
    run(room, 20)
    expect(peer.begun).toEqual(['3/1', '3/2'])
    expect(peer.keeper.held?.bytes[0]).toBe(200)
  })

  test('HS4: what could not be sent is sent when it can be', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    peer.isBroken = true
    run(room, 5)
    expect(peer.keeper.held).toBeUndefined()
    peer.isBroken = false
    run(room, 1)
    expect(peer.keeper.held?.bytes).toEqual(room.state)
  })

  test('HS5: whoever hosts next restores the newest complete version, once, and knows its age', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    room.state = Uint8Array.of(4, 4)
    room.frame()
    const sentTick = room.tick
    const heardMs = room.nowMs + 50
    peer.receive(Infinity, heardMs)
    expect(restoreHostState(peer.keeper, heardMs + 700, guard)).toBe(true)
    expect(restoreHostState(peer.keeper, heardMs + 700, guard)).toBe(false)
    expect(peer.restored).toEqual([{ bytes: Uint8Array.of(4, 4), info: { tick: sentTick, ageMs: 700 } }])
    const empty = new Successor()
    expect(restoreHostState(empty.keeper, 5_000, guard)).toBe(false)
    expect(empty.restored).toEqual([])
  })

  test('HS5: a version that did not come in whole is not restored', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    run(room, 1)
    room.state = new Uint8Array(16_000).fill(8)
    while (peer.line.length === 0) room.frame()
    peer.receive(1, room.nowMs)
    restoreHostState(peer.keeper, room.nowMs, guard)
    expect(peer.restored.map(({ bytes }) => bytes)).toEqual([Uint8Array.of(1, 2, 3)])
    // What is left of it now belongs to nothing.
    peer.receive(1, room.nowMs)
    expect(peer.keeper.held).toBeUndefined()
    expect(peer.refusals).toBe(0)
  })

  test('HS5: restore that throws does not stop the network', () => {
    const keeper = createHostStateKeeper({
      save: () => new Uint8Array(),
      restore: () => {
        throw new Error('the game broke')
      },
    })
    takeHostStateChunk(keeper, 1, { version: 1, index: 0, tick: 1, totalBytes: 1, data: Uint8Array.of(1) }, 0)
    expect(restoreHostState(keeper, 0, guard)).toBe(true)
    expect(keeper.held).toBeUndefined()
  })

  test('HS6: a host that hands over saves at once, once', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    run(room, 5)
    expect(room.saves).toBe(1)
    room.isHandingOver = true
    room.state = Uint8Array.of(77)
    run(room, 3)
    expect(room.saves).toBe(2)
    expect(peer.keeper.held?.bytes).toEqual(Uint8Array.of(77))
  })

  test('HS7: a new term begins its own versions, and counts as newer than all before', () => {
    const peer = new Successor()
    const room = createRoom([peer])
    for (let at = 0; at < 5; at += 1) {
      room.state = Uint8Array.of(at)
      run(room, 16)
    }
    room.term = 9
    room.state = Uint8Array.of(42)
    run(room, 1)
    expect(peer.begun.at(-1)).toBe('9/1')
    expect(peer.keeper.held).toMatchObject({ term: 9, version: 1, bytes: Uint8Array.of(42) })
    // The last host has not noticed yet.
    const late = { version: 99, index: 0, tick: 1, totalBytes: 1, data: Uint8Array.of(1) }
    expect(takeHostStateChunk(peer.keeper, 3, late, room.nowMs)).toBe(true)
    expect(peer.keeper.held?.bytes).toEqual(Uint8Array.of(42))
  })

  test('HS4: whatever the links do, a successor holds something that was saved, and the newest in the end', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 2, max: 4 }), (seed, count) => {
        const random = new SeededRandom(seed)
        const peers = Array.from({ length: count }, () => new Successor())
        const room = createRoom(peers)
        const saved = new Set<string>()
        const newest = new Map<Successor, number>()
        const print = (bytes: Uint8Array): string => `${bytes.length} ${crc32.buf(bytes)}`
        for (let frame = 0; frame < 240; frame += 1) {
          if (random.chance(0.05)) {
            const size = random.chance(0.3) ? 15_000 * random.integer(0, 1) : random.integer(0, 16_384)
            room.state = Uint8Array.from({ length: size }, () => random.integer(0, 255))
            saved.add(print(room.state))
          } else saved.add(print(room.state))
          if (random.chance(0.02)) room.term += 1
          for (const peer of peers) {
            if (random.chance(0.02)) peer.cut()
            else if (!peer.isLinked && random.chance(0.1)) peer.isLinked = true
          }
          if (random.chance(0.02)) room.successors = [...room.successors.slice(1), room.successors[0]!]
          room.frame()
          for (const peer of peers) {
            if (random.chance(0.5)) peer.receive(random.integer(1, 2), room.nowMs)
            const { held } = peer.keeper
            if (held === undefined) continue
            expect(saved.has(print(held.bytes))).toBe(true)
            const order = held.term * 1e6 + held.version
            expect(order).toBeGreaterThanOrEqual(newest.get(peer) ?? 0)
            newest.set(peer, order)
          }
        }
        for (const peer of peers) peer.isLinked = true
        run(room, 40)
        for (const peer of room.successors.slice(0, 2)) {
          expect(print(peer.keeper.held!.bytes)).toBe(print(room.state))
          expect(peer.refusals).toBe(0)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('HS8: sizes that cannot be are refused before anything is allocated', () => {
    const { keeper } = new Successor()
    const data = new Uint8Array(15_000)
    for (const bad of [
      { version: 1, index: 0, tick: 1, totalBytes: MAX_HOST_STATE_BYTES + 1, data },
      { version: 1, index: 0, tick: 1, totalBytes: 2 ** 32 - 1, data },
      { version: 0, index: 0, tick: 1, totalBytes: 15_000, data },
      { version: 1, index: 0, tick: 1, totalBytes: 14_999, data },
      { version: 1, index: 0, tick: 1, totalBytes: 16_000, data: data.subarray(1) },
      { version: 1, index: 1, tick: 1, totalBytes: 15_000, data: new Uint8Array() },
      { version: 1, index: 2 ** 32 - 1, tick: 1, totalBytes: 16_000, data },
    ]) {
      expect(takeHostStateChunk(keeper, 1, bad, 0)).toBe(false)
      expect(keeper.incoming).toBeUndefined()
    }
    expect(takeHostStateChunk(keeper, 1, { version: 1, index: 0, tick: 1, totalBytes: 16_000, data }, 0)).toBe(true)
    const rest = new Uint8Array(1_000)
    for (const bad of [
      { version: 2, index: 1, tick: 1, totalBytes: 16_000, data: rest },
      { version: 1, index: 1, tick: 2, totalBytes: 16_000, data: rest },
      { version: 1, index: 1, tick: 1, totalBytes: 15_999, data: rest.subarray(1) },
    ]) {
      takeHostStateChunk(keeper, 1, { version: 1, index: 0, tick: 1, totalBytes: 16_000, data }, 0)
      expect(takeHostStateChunk(keeper, 1, bad, 0)).toBe(false)
      expect(keeper.incoming).toBeUndefined()
    }
    takeHostStateChunk(keeper, 1, { version: 5, index: 0, tick: 1, totalBytes: 16_000, data }, 0)
    expect(takeHostStateChunk(keeper, 1, { version: 4, index: 0, tick: 1, totalBytes: 16_000, data }, 0)).toBe(false)
    expect(takeHostStateChunk(keeper, 1, { version: 5, index: 1, tick: 1, totalBytes: 16_000, data: rest }, 0)).toBe(
      true,
    )
    expect(keeper.held?.version).toBe(5)
  })

  test('HS8: whatever pieces come, memory stays within two versions and nothing throws', () => {
    const piece = fc.record({
      version: fc.nat(4),
      index: fc.nat(2),
      tick: fc.nat(1),
      totalBytes: fc.constantFrom(0, 1, 15_000, 15_001, 16_384, 16_385, 2 ** 32 - 1),
      size: fc.constantFrom(0, 1, 1_384, 15_000),
      term: fc.nat(3),
    })
    let completed = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { keeper } = new Successor()
        for (const { size, term, ...rest } of pieces) {
          const before = keeper.held
          takeHostStateChunk(keeper, term, { ...rest, data: new Uint8Array(size) }, 0)
          const { held, incoming } = keeper
          expect((held?.bytes.length ?? 0) + (incoming?.bytes.length ?? 0)).toBeLessThanOrEqual(
            2 * MAX_HOST_STATE_BYTES,
          )
          if (held !== before) completed += 1
          if (before && held !== before) {
            expect(held!.term * 10 + held!.version).toBeGreaterThan(before.term * 10 + before.version)
          }
        }
      }),
    )
    expect(completed).toBeGreaterThan(0)
  })
})
