/** Several far ends on one publication: what they are sent alike, and that each can read it. */
import { SeededRandom } from '@baton/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRowPolicy } from '../interest/priority.ts'
import { defineReplicated } from '../schema/define-replicated.ts'
import { quat, vec3 } from '../schema/fields.ts'
import { createRegistry } from '../schema/registry.ts'
import { createEncodeRequest } from './encode-request.ts'
import { createPacketHeader } from './packet.ts'
import type { RowList } from './published-component.ts'
import { PublishedRows } from './published-rows.ts'
import { StateDecoder } from './state-decoder.ts'
import { StateEncoder } from './state-encoder.ts'

const { schemas } = createRegistry([
  defineReplicated('Transform', { at: vec3({ range: 128, step: 1 / 512 }), turn: quat({ bits: 10 }) }),
])
const { laneCount } = schemas[0]!
const REST = [65_536, 65_536, 65_536, 3, 511, 511, 511]

/** One far end: rows that are not in its lists are those it simulates. */
interface FarEnd {
  readonly encoder: StateEncoder
  readonly decoder: StateDecoder
  readonly packets: Uint8Array[]
  readonly held: Map<number, number[]>
}

class Room {
  readonly random: SeededRandom
  readonly published: PublishedRows
  readonly current: Int32Array
  readonly ticks: Uint32Array
  readonly ids: Uint32Array
  readonly ends: FarEnd[]
  readonly lists: readonly RowList[]
  tick = 100

  /** @param own rows that each far end simulates itself, the last ones */
  constructor(rows: number, ends: number, seed: number, own: number) {
    this.random = new SeededRandom(seed)
    this.published = new PublishedRows(schemas, rows)
    this.current = Int32Array.from({ length: rows * laneCount }, (_, at) => REST[at % laneCount]!)
    this.ticks = new Uint32Array(rows)
    this.ids = Uint32Array.from({ length: rows }, (_, row) => row + 1)
    const common = rows - own * ends
    const indices = Int32Array.from({ length: rows }, (_, row) => row)
    const list = (audience: number, from: number, count: number): RowList => ({
      component: 0,
      indices: indices.slice(from, from + count),
      count,
      audience,
    })
    this.lists = [list(0, 0, common), ...Array.from({ length: ends }, (_, at) => list(at + 1, common + at * own, own))]
    this.ends = Array.from({ length: ends }, () => ({
      encoder: new StateEncoder(this.published, createRowPolicy()),
      decoder: new StateDecoder({ schemas, capacity: rows, resolve: (id) => id - 1 }),
      packets: [],
      held: new Map(),
    }))
  }

  listsOf(end: number): readonly RowList[] {
    return this.lists.filter(({ audience }) => audience !== end + 1)
  }

  /** One tick: some rows change, every far end is sent packets, and those that arrive are acked at once. */
  step(share: number, arrives: (end: number) => boolean): void {
    this.tick += 1
    for (let row = 0; row < this.ticks.length; row += 1) {
      this.ticks[row] = this.tick
      if (!this.random.chance(share)) continue
      for (let lane = 0; lane < 3; lane += 1) this.current[row * laneCount + lane]! += this.random.integer(-9, 9)
    }
    this.published.publish(this.tick, this.lists, [{ current: this.current, tick: this.ticks }])
    this.ends.forEach((end, at) => {
      end.packets.length = 0
      const request = createEncodeRequest(this.ids)
      Object.assign(request, { tick: this.tick, slot: 1, term: 1, lists: this.listsOf(at), budgetBytes: 1e6 })
      end.encoder.encodeTick(request, (packet) => end.packets.push(packet.slice()) > 0)
      if (!arrives(at)) return
      for (const packet of end.packets) this.#deliver(end, packet)
      const { hasAck, ack, ackBits } = end.decoder
      end.encoder.acknowledge({ ...createPacketHeader(), sequence: this.tick & 0xffff, hasAck, ack, ackBits })
    })
  }

  #deliver({ decoder, held }: FarEnd, packet: Uint8Array): void {
    if (decoder.decode(packet) !== 'accepted') throw new Error('a packet was not accepted')
    const { count, index, offset, lanes } = decoder.rows
    for (let row = 0; row < count; row += 1) {
      held.set(index[row]!, [...lanes.subarray(offset[row], offset[row]! + laneCount)])
    }
  }

  /** Rows that one far end holds otherwise than they are, once nothing moves and all has arrived. */
  wrongRows(end: number): number[] {
    const { held } = this.ends[end]!
    return this.listsOf(end).flatMap(({ indices }) =>
      [...indices].filter((row) => {
        const lanes = held.get(row)
        return lanes?.every((lane, at) => lane === this.current[row * laneCount + at]) !== true
      }),
    )
  }
}

describe('far ends on one publication', () => {
  test('CG3 CG4: each can read what it is sent, whatever the others hold', () => {
    fc.assert(
      fc.property(
        fc.record({
          rows: fc.integer({ min: 8, max: 400 }),
          ends: fc.integer({ min: 2, max: 5 }),
          seed: fc.nat(),
          own: fc.nat(1),
          share: fc.constantFrom(0.02, 0.3, 1),
        }),
        ({ rows, ends, seed, own, share }) => {
          const room = new Room(rows, ends, seed, own)
          const { random } = room
          for (let tick = 0; tick < 40; tick += 1) {
            if (random.chance(0.05)) room.ends[random.integer(0, ends - 1)]!.encoder.forget(random.integer(0, rows - 1))
            // The first two mostly lose together, so that they go on alike.
            const isLost = random.chance(0.2)
            room.step(share, (end) => (end < 2 && random.chance(0.9) ? !isLost : random.chance(0.8)))
          }
          for (let tick = 0; tick < 3; tick += 1) room.step(0, () => true)
          for (let end = 0; end < ends; end += 1) expect(room.wrongRows(end)).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  })

  test('CG4: equal acks bring equal bits, several packets of them; one ack less brings others', () => {
    const room = new Room(700, 3, 1, 0)
    for (let tick = 0; tick < 10; tick += 1) room.step(0.8, () => true)
    const [first, second, third] = room.ends as [FarEnd, FarEnd, FarEnd]
    expect(first.packets.length).toBeGreaterThan(1)
    // The sequence ends within the eighth byte: its own for each far end.
    const bodies = ({ packets }: FarEnd): Uint8Array[] => packets.map((packet) => packet.slice(8))
    expect(bodies(second)).toEqual(bodies(first))
    expect(bodies(third)).toEqual(bodies(first))
    room.step(0.8, (end) => end !== 2)
    room.step(0.8, () => true)
    expect(bodies(second)).toEqual(bodies(first))
    expect(bodies(third)).not.toEqual(bodies(first))
  })

  test('CG4: what an audience of one is not sent costs the others nothing of what they share', () => {
    const room = new Room(60, 2, 7, 5)
    for (let tick = 0; tick < 10; tick += 1) room.step(1, () => true)
    const bodies = room.published.bodies
    const [, second] = room.ends as [FarEnd, FarEnd]
    // The rows common to both were written once: for the second far end a body was found.
    expect(bodies.found).toBeGreaterThan(0)
    expect(second.held.size).toBe(55)
  })
})
