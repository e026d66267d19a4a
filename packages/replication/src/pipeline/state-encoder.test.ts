import { describe, expect, test } from 'vitest'
import type { ComponentSchema, LaneGroup } from '../schema/component-schema.ts'
import type { EncodeRequest, RowPolicy } from './encode-request.ts'
import { peekHeader } from './packet.ts'
import { PublishedRows } from './published-rows.ts'
import { StateEncoder } from './state-encoder.ts'

const policy: RowPolicy = { score: () => 1, choose: () => 0 }

function schemaOf(groups: readonly LaneGroup[]): ComponentSchema {
  const laneCount = groups.reduce((sum, { count }) => sum + count, 0)
  const door = { check: () => true } as unknown as ComponentSchema['door']
  return { name: 'Any', index: 0, delivery: 'snapshot', groups, laneCount, door } as unknown as ComponentSchema
}

const TRANSFORM: readonly LaneGroup[] = [
  { kind: 'vector', offset: 0, count: 3, bits: 20 },
  { kind: 'rotation', offset: 3, count: 4, bits: 10 },
]

function requestOf(rows: number, changes: Partial<EncodeRequest> = {}): EncodeRequest {
  const indices = Int32Array.from({ length: rows }, (_, row) => row)
  return {
    tick: 1,
    sessionTag: 0xabcd,
    term: 300,
    slot: 4_000,
    ids: Uint32Array.from({ length: rows }, (_, row) => row + 1),
    lists: [{ component: 0, indices, count: rows }],
    acks: { hasAck: true, ack: 9, ackBits: 5, refresh: 2 },
    budgetBytes: 1e9,
    maxPackets: 8,
    sendEmpty: false,
    ...changes,
  }
}

function publishedOf(rows: number): PublishedRows {
  const published = new PublishedRows([schemaOf(TRANSFORM)], rows)
  const current = { current: new Int32Array(rows * 7), tick: new Uint32Array(rows) }
  published.publish(1, requestOf(rows).lists, [current])
  return published
}

describe('StateEncoder', () => {
  test('PK3: the header says who speaks, in whose reign, at which tick, and what was heard', () => {
    const encoder = new StateEncoder(publishedOf(3), policy, 7)
    const headers: unknown[] = []
    encoder.encodeTick(requestOf(3), (packet) => headers.push(peekHeader(packet)) > 0)
    expect(headers).toEqual([
      {
        ...{ sessionTag: 0xabcd, term: 300, slot: 4_000, sequence: 7, tick: 1 },
        ...{ hasAck: true, ack: 9, ackBits: 5, refresh: 2 },
      },
    ])
  })

  test('PK1: a packet without rows carries acks, when it is asked for', () => {
    const encoder = new StateEncoder(publishedOf(0), policy)
    const packets: Uint8Array[] = []
    const emit = (packet: Uint8Array): boolean => packets.push(packet.slice()) > 0
    expect(encoder.encodeTick(requestOf(0), emit)).toBe(0)
    const other = new StateEncoder(publishedOf(0), policy)
    expect(other.encodeTick(requestOf(0, { sendEmpty: true }), emit)).toBe(1)
    expect(packets.map(({ length }) => length)).toEqual([20])
    expect(peekHeader(packets[0]!)!.ack).toBe(9)
  })

  test('PR3: with less than the smallest budget no row is sent, and nothing is lost', () => {
    const encoder = new StateEncoder(publishedOf(3), policy)
    const budgetBytes = encoder.smallestBudgetBytes - 1
    expect(encoder.encodeTick(requestOf(3, { budgetBytes }), () => true)).toBe(0)
    expect([encoder.rowsSent, encoder.rowsLeft, encoder.lostCount]).toEqual([0, 3, 0])
  })

  test('AK2: rows of a packet that did not leave are urgent in the next tick', () => {
    const rows = 200
    const published = publishedOf(rows)
    const urgent: boolean[] = []
    const noting: RowPolicy = {
      score: (_priority, _waited, isUrgent) => (urgent.push(isUrgent), 1),
      choose: (_scores, _bits, _count, _budget, chosen) => (chosen.fill(0), 0),
    }
    const encoder = new StateEncoder(published, noting)
    // Rows compete from the first tick on when the budget is one packet.
    const budgetBytes = 1_100
    const chooseFirst =
      (count: number): RowPolicy['choose'] =>
      (scores, _bits, all, _budget, chosen) => {
        let taken = 0
        for (let row = 0; row < all; row += 1) {
          chosen[row] = scores[row]! > 0 && taken < count ? 1 : 0
          taken += chosen[row]!
        }
        return taken
      }
    noting.choose = chooseFirst(5)
    encoder.encodeTick(requestOf(rows, { budgetBytes }), () => false)
    const sent = encoder.rowsSent
    expect(sent).toBeGreaterThan(0)
    expect(urgent.every((isUrgent) => !isUrgent)).toBe(true)
    urgent.length = 0
    published.publish(2, [], [])
    encoder.encodeTick(requestOf(rows, { budgetBytes, tick: 2 }), () => true)
    expect(urgent.map((isUrgent) => (isUrgent ? 1 : 0))).toEqual(
      Array.from({ length: rows }, (_, row) => (row < sent ? 1 : 0)),
    )
    // They have left now.
    urgent.length = 0
    published.publish(3, [], [])
    encoder.encodeTick(requestOf(rows, { budgetBytes, tick: 3 }), () => true)
    expect(urgent.some((isUrgent) => isUrgent)).toBe(false)
  })

  test('refuses a tick that is not the published one, or the same one again', () => {
    const encoder = new StateEncoder(publishedOf(1), policy)
    expect(() => encoder.encodeTick(requestOf(1, { tick: 2 }), () => true)).toThrow(/published 1/)
    encoder.encodeTick(requestOf(1), () => true)
    expect(() => encoder.encodeTick(requestOf(1), () => true)).toThrow(/encode it once/)
  })

  test('refuses a component whose row may not fit a packet', () => {
    const wide = Array.from({ length: 100 }, (_, offset) => ({ kind: 'scalar', offset, count: 1, bits: 32 }) as const)
    const published = new PublishedRows([schemaOf(wide)], 1)
    expect(() => new StateEncoder(published, policy)).toThrow(/split the component/)
  })
})
