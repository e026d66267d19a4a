import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeNetworkId, counterOfId, MAX_COUNTER, MAX_SLOT, slotOfId } from '../pipeline/network-id.ts'
import { readBaseline, writeBaseline, type Baseline } from './baseline-bytes.ts'
import {
  ackChunk,
  CHUNK_BYTES,
  CHUNK_WINDOW,
  createBaselineReceiver,
  createBaselineSender,
  nextChunk,
  takeChunk,
  type Chunk,
} from './baseline-transfer.ts'
import { createEntityTable, insertEntity, isDead, removeEntityAt, subtreeOf, type EntityTable } from './entity-table.ts'

const record = (id: number, parent = 0): Parameters<typeof insertEntity>[1] => ({
  id,
  owner: slotOfId(id),
  authority: slotOfId(id),
  ownershipSequence: 0,
  authoritySequence: 0,
  parent,
  prefab: 0,
  policy: 'transfer',
})
const liveIds = (table: EntityTable): number[] =>
  Array.from({ length: table.count }, (_, i) => table.id[table.order[i]!]!)

describe('network ids', () => {
  it('LC3: slot and counter come back from every id, unsigned', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_SLOT }), fc.integer({ min: 1, max: MAX_COUNTER }), (slot, counter) => {
        const id = makeNetworkId(slot, counter)
        expect([slotOfId(id), counterOfId(id), id > 0]).toEqual([slot, counter, true])
      }),
    )
  })
})

describe('entity table', () => {
  it('LC3: agrees with a plain model through any spawns and despawns, and the dead stay dead', () => {
    const step = fc.record({ slot: fc.integer({ min: 1, max: 4 }), remove: fc.boolean(), pick: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const table = createEntityTable(4)
        const model = new Map<number, number>()
        const dead = new Set<number>()
        const counters = [0, 0, 0, 0, 0]
        let eid = 1
        for (const { slot, remove, pick } of steps) {
          if (remove && model.size > 0) {
            const id = [...model.keys()][pick % model.size]!
            removeEntityAt(table, table.indexById.get(id)!)
            model.delete(id)
            dead.add(id)
          } else {
            const id = makeNetworkId(slot, (counters[slot]! += 1))
            insertEntity(table, record(id), eid)
            model.set(id, eid)
            eid += 1
          }
        }
        expect(liveIds(table)).toEqual([...model.keys()].sort((a, b) => a - b))
        for (const [id, expected] of model) {
          const index = table.indexById.get(id)!
          expect(table.eid[index]).toBe(expected)
          expect(table.indexByEid.get(expected)).toBe(index)
          expect(isDead(table, id)).toBe(false)
        }
        for (const id of dead) expect(isDead(table, id)).toBe(true)
        for (let slot = 1; slot <= 4; slot += 1)
          expect(isDead(table, makeNetworkId(slot, counters[slot]! + 1))).toBe(false)
        expect(new Set(table.free).size + table.count).toBe(table.capacity)
      }),
    )
  })

  it('LC4: a subtree lists parents before children, also where ids do not', () => {
    const table = createEntityTable()
    const [root, child, grandchild, other] = [9, 4, 7, 5].map((counter) => makeNetworkId(1, counter)) as [
      number,
      number,
      number,
      number,
    ]
    insertEntity(table, record(root), 1)
    insertEntity(table, record(child, root), 2)
    insertEntity(table, record(grandchild, child), 3)
    insertEntity(table, record(other), 4)
    expect(subtreeOf(table, root)).toEqual([root, child, grandchild])
    expect(subtreeOf(table, other)).toEqual([other])
  })
})

const anyBaseline: fc.Arbitrary<Baseline> = fc.record({
  members: fc.array(fc.integer({ min: 0, max: MAX_SLOT }), { maxLength: 8 }),
  slots: fc.array(
    fc.record({
      slot: fc.integer({ min: 0, max: MAX_SLOT }),
      counter: fc.integer({ min: 0, max: MAX_COUNTER }),
      request: fc.integer({ min: 0, max: 0xffffffff }),
    }),
    { maxLength: 8 },
  ),
  held: fc.array(fc.tuple(fc.integer({ min: 1, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffffffff })), {
    maxLength: 8,
  }),
  entities: fc.array(
    fc.record({
      id: fc.integer({ min: 1, max: 0xffffffff }),
      prefab: fc.integer({ min: 0, max: 0xffff }),
      owner: fc.integer({ min: 0, max: MAX_SLOT }),
      authority: fc.integer({ min: 0, max: MAX_SLOT }),
      ownershipSequence: fc.integer({ min: 0, max: 0xffff }),
      authoritySequence: fc.integer({ min: 0, max: 0xffff }),
      parent: fc.integer({ min: 0, max: 0xffffffff }),
      policy: fc.constantFrom('transfer' as const, 'despawn' as const, 'hold' as const),
      components: fc.array(
        fc.record({
          component: fc.integer({ min: 0, max: 255 }),
          tick: fc.integer({ min: 0, max: 0xffffffff }),
          data: fc.uint8Array({ maxLength: 40 }),
        }),
        { maxLength: 5 },
      ),
    }),
    { maxLength: 20 },
  ),
})

describe('baseline', () => {
  it('BS1: reads back what was written', () => {
    fc.assert(
      fc.property(anyBaseline, (baseline) => {
        expect(readBaseline(writeBaseline(baseline))).toEqual(baseline)
      }),
    )
  })

  it('BS2: a byte less or a byte more is refused whole, and no bytes throw', () => {
    fc.assert(
      fc.property(anyBaseline, fc.uint8Array({ maxLength: 200 }), (baseline, noise) => {
        const bytes = writeBaseline(baseline)
        expect(readBaseline(bytes.subarray(0, bytes.length - 1))).toBeUndefined()
        expect(readBaseline(Uint8Array.from([...bytes, 0]))).toBeUndefined()
        expect(() => readBaseline(noise)).not.toThrow()
      }),
    )
  })

  it('BS2: a declared count that cannot be there is refused before anything is allocated for it', () => {
    // Members, slots, what is held, entities: each with nothing before it.
    for (const zeros of [0, 2, 4, 8]) {
      const claim = [...Array<number>(zeros).fill(0), 255, 255, 255, 255, 0, 0, 0, 0, 0, 0]
      expect(readBaseline(Uint8Array.from(claim)), `count after ${zeros} bytes`).toBeUndefined()
    }
  })

  it('LJ2: pieces arrive whole in order, never more than the window under way', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: CHUNK_BYTES * 9 }), (size) => {
        const bytes = Uint8Array.from({ length: size }, (_, i) => i * 31)
        const sender = createBaselineSender(7, 100, 3, 41, bytes)
        let receiver: ReturnType<typeof createBaselineReceiver>
        const underWay: Chunk[] = []
        for (let complete = false; !complete;) {
          for (let chunk = nextChunk(sender); chunk; chunk = nextChunk(sender)) underWay.push(chunk)
          expect(underWay.length).toBeLessThanOrEqual(CHUNK_WINDOW)
          const chunk = underWay.shift()!
          receiver ??= createBaselineReceiver(chunk)
          complete = takeChunk(receiver!, chunk) === 'complete'
          expect(ackChunk(sender, 7, chunk.index)).toBe(complete)
        }
        expect(receiver!.logIndex).toBe(41)
        expect(receiver!.bytes.every((byte, i) => byte === bytes[i])).toBe(true)
      }),
    )
  })

  it('LJ5: a transfer that declares too much, skips or changes its mind ends', () => {
    const data = new Uint8Array(20)
    const chunk = { baseline: 1, index: 0, tick: 0, totalBytes: 20, entityCount: 0, logIndex: 5, data }
    expect(createBaselineReceiver({ ...chunk, totalBytes: 2 ** 31 })).toBeUndefined()
    expect(createBaselineReceiver({ ...chunk, totalBytes: 0 })).toBeUndefined()
    expect(createBaselineReceiver({ ...chunk, index: 1 })).toBeUndefined()
    const receiver = createBaselineReceiver(chunk)!
    for (const wrong of [{ baseline: 2 }, { index: 1 }, { totalBytes: 21 }, { data: new Uint8Array(19) }]) {
      expect(takeChunk(receiver, { ...chunk, ...wrong })).toBe('invalid')
    }
    expect(takeChunk(receiver, chunk)).toBe('complete')
  })
})
