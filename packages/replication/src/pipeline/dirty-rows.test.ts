import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ComponentSchema } from '../schema/component-schema.ts'
import { AckedRows } from './acked-rows.ts'
import { DirtyRows } from './dirty-rows.ts'
import { PublishedRows } from './published-rows.ts'
import { planSection } from './section-plan.ts'

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

  test('CG3: what is found among candidates is what is found among all rows', () => {
    const step = fc.record({
      changed: fc.array(fc.nat(39), { maxLength: 6 }),
      acked: fc.array(fc.record({ end: fc.nat(1), row: fc.nat(39) }), { maxLength: 12 }),
      forgotten: fc.option(fc.record({ end: fc.nat(1), row: fc.nat(39) }), { freq: 6 }),
      // Rows go from one audience to the other; a far end or the whole component sits a tick out.
      moved: fc.option(fc.nat(39), { freq: 5 }),
      absent: fc.option(fc.nat(2), { freq: 6 }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const count = 40
        const published = new PublishedRows([schema], count)
        const rows = { current: new Int32Array(count), tick: new Uint32Array(count) }
        const ends = [0, 1].map(() => ({ acked: new AckedRows(count), dirty: new DirtyRows(1) }))
        const audience = new Uint8Array(count)
        const lists = [1, 2].map((one) => ({ component: 0, indices: new Int32Array(count), count: 0, audience: one }))
        steps.forEach(({ changed, acked, forgotten, moved, absent }, at) => {
          const tick = at + 1
          for (const row of changed) rows.current[row]! += 1
          if (moved !== null) audience[moved]! ^= 1
          for (const list of lists) list.count = 0
          for (let row = 0; row < count; row += 1) {
            const list = lists[audience[row]!]!
            list.indices[list.count] = row
            list.count += 1
          }
          if (absent === 2) return
          published.publish(tick, lists, [rows])
          ends.forEach((end, who) => {
            if (absent === who) return
            // The second hears one audience alone.
            const heard = who === 0 ? lists : lists.slice(1)
            end.dirty.collect(heard, published, [end.acked], tick)
            const found = Array.from({ length: end.dirty.count }, (_, row) => end.dirty.index(row)).sort(
              (a, b) => a - b,
            )
            const { changedTick } = published.components[0]!
            const all = heard.flatMap((list) => [...list.indices.subarray(0, list.count)])
            const lacking = all.filter((row) => end.acked.isDirty(row, changedTick[row]!)).sort((a, b) => a - b)
            expect(found).toEqual(lacking)
          })
          for (const { end, row } of acked) ends[end]!.acked.seed(row, tick)
          if (forgotten === null) return
          ends[forgotten.end]!.acked.forget(forgotten.row)
          published.want(forgotten.row)
        })
      }),
      { numRuns: 500 },
    )
  })
})
