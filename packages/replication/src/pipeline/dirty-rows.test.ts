import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { AckedRows } from './acked-rows.ts'
import { DirtyRows, planSection } from './dirty-rows.ts'
import { PublishedRows } from './published-rows.ts'

const schema = {
  index: 0,
  delivery: 'snapshot',
  groups: [{ kind: 'scalar', offset: 0, count: 1, bits: 8 }],
  laneCount: 1,
} as unknown as ComponentSchema

describe('DirtyRows', () => {
  test('PK4: rows of a list come together by source tick, each tick’s in order of their ids', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ source: fc.nat(6), isAcked: fc.boolean() }), { minLength: 1, maxLength: 60 }),
        (rows) => {
          const count = rows.length
          const published = new PublishedRows([schema], count)
          const acked = new AckedRows(count)
          const indices = Int32Array.from({ length: count }, (_, row) => row)
          const tick = Uint32Array.from(rows, ({ source }) => 0xffff_fffe + source)
          const lists = [{ component: 0, indices, count }]
          published.publish(5, lists, [{ current: new Int32Array(count), tick }])
          rows.forEach(({ isAcked }, row) => isAcked && acked.seed(row, 5))

          const dirty = new DirtyRows(1)
          dirty.collect(lists, published, [acked], 5)
          const found = Array.from({ length: dirty.count }, (_, at) => dirty.index(at))
          const wanted = rows.flatMap(({ isAcked }, row) => (isAcked ? [] : [row]))
          expect([...found].sort((a, b) => a - b)).toEqual(wanted)
          const runs: number[] = []
          found.forEach((row, at) => {
            expect([dirty.source(at), dirty.place(at)]).toEqual([tick[row], row])
            if (at > 0 && dirty.isSameSection(at - 1, at)) expect(row).toBeGreaterThan(found[at - 1]!)
            else runs.push(dirty.source(at))
          })
          // As many sections as source ticks, and no more.
          expect(runs.length).toBe(new Set(wanted.map((row) => tick[row])).size)
        },
      ),
    )
  })

  test('PK6: a section’s usual baseline is what most of its rows have', () => {
    const count = 30
    const published = new PublishedRows([schema], count)
    const acked = new AckedRows(count)
    const indices = Int32Array.from({ length: count }, (_, row) => row)
    const lists = [{ component: 0, indices, count }]
    const rows = { current: new Int32Array(count), tick: new Uint32Array(count).fill(9) }
    for (let row = 0; row < count; row += 1) {
      if (row % 5 === 0) continue
      acked.seed(row, row % 3 === 0 ? 1 : 2)
      acked.seed(row, 3)
    }
    published.publish(9, lists, [rows])
    const dirty = new DirtyRows(1)
    dirty.collect(lists, published, [acked], 9)
    const plan = { component: 0, source: 0, rowsAhead: 0, usualAge: 0, usualSpacing: 0, gapOrder: 0 }
    const ids = Uint32Array.from(indices, (row) => 10 + row * 5)
    planSection(dirty, 0, false, ids, plan)
    expect(plan).toEqual({ component: 0, source: 9, rowsAhead: 30, usualAge: 6, usualSpacing: 1, gapOrder: 2 })
  })
})
