/** Encoder and decoder over bad wires: what the receiver holds was always really so, and it catches up. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LinkRig, TRANSFORM, schemaOf, type GroupShape, type LinkRigOptions } from '../link-rig.ts'
import { MAX_PACKET_BYTES } from '../../src/pipeline/packet.ts'
import { WAIT_TICKS } from '../../src/pipeline/state-decoder.ts'

const shape: fc.Arbitrary<GroupShape> = fc.oneof(
  fc.record({
    kind: fc.constant<'vector'>('vector'),
    count: fc.integer({ min: 1, max: 4 }),
    bits: fc.integer({ min: 1, max: 32 }),
  }),
  fc.record({ kind: fc.constant<'scalar'>('scalar'), count: fc.constant(1), bits: fc.integer({ min: 1, max: 32 }) }),
  fc.record({
    kind: fc.constant<'rotation'>('rotation'),
    count: fc.constant(4),
    bits: fc.integer({ min: 2, max: 16 }),
  }),
)
const shapes = fc.array(shape, { minLength: 1, maxLength: 6 })
const schemas = fc
  .array(fc.oneof(shapes, fc.constant(TRANSFORM)), { minLength: 1, maxLength: 3 })
  .map((all) => all.map((one, index) => schemaOf(index, one)))

const wire = fc.record({
  loss: fc.constantFrom(0, 0.05, 0.3, 0.7),
  duplicate: fc.constantFrom(0, 0.2),
  delay: fc.integer({ min: 0, max: 12 }),
  jitter: fc.integer({ min: 0, max: 10 }),
})
const clean = { loss: 0, duplicate: 0, delay: 2, jitter: 0 }

/** Ticks and sequences that begin at zero, or shortly before they wrap. */
const start = fc.record({
  firstTick: fc.constantFrom(1, 65_400, 2 ** 31 - 150, 2 ** 32 - 150),
  firstSequence: fc.constantFrom(0, 65_400),
})

/** Rows change for a while, some rest, some jump; then nothing does. */
function play(rig: LinkRig, ticks: number): void {
  const { random } = rig
  const moving = Float64Array.from({ length: rig.rows }, () => random.float() ** 2)
  for (let tick = 0; tick < ticks; tick += 1) {
    rig.step(() => {
      for (let component = 0; component < rig.schemas.length; component += 1) {
        // Rows that are relayed keep an older source tick.
        for (let row = 0; row < rig.rows; row += 1) {
          if (row % 3 !== 0) rig.current[component]!.tick[row] = rig.tick
          if (random.chance(moving[row]!)) {
            rig.shake(component, row, random.chance(0.02))
            if (row % 3 === 0) rig.current[component]!.tick[row] = (rig.tick - random.integer(0, 3)) >>> 0
          }
        }
      }
    })
  }
}

function settle(rig: LinkRig, ticks: number): void {
  rig.wire = clean
  for (let tick = 0; tick < ticks; tick += 1) rig.step()
}

describe('state link', () => {
  test('BL1, BL2: what is received was really so at its tick, and refers only to what was acked', () => {
    fc.assert(
      fc.property(schemas, wire, start, fc.nat(1e6), fc.integer({ min: 1, max: 25 }), (all, w, from, seed, rows) => {
        const rig = new LinkRig({ schemas: all, rows, seed, wire: w, audit: true, ...from })
        play(rig, 250)
        settle(rig, 24)
        expect(rig.faults).toEqual([])
        expect([rig.results.malformed, rig.results.unresolved]).toEqual([0, 0])
        expect(rig.staleRows()).toBe(0)
        expect(rig.encoder.rowsSent).toBe(0)
        expect(rig.largestPacket).toBeLessThanOrEqual(MAX_PACKET_BYTES)
      }),
      { numRuns: 40 },
    )
  }, 60_000)

  test('BL1: holds over thousands of ticks with several packets a tick, across all wraps', () => {
    for (const audit of [true, false]) {
      const rig = new LinkRig({
        schemas: [schemaOf(0, TRANSFORM), schemaOf(1, [{ kind: 'scalar', count: 1, bits: 7 }])],
        rows: audit ? 60 : 160,
        seed: 3,
        wire: { loss: 0.15, duplicate: 0.1, delay: 3, jitter: 5 },
        firstTick: 2 ** 32 - 700,
        firstSequence: 65_000,
        audit,
      })
      play(rig, audit ? 800 : 2_000)
      settle(rig, 20)
      expect(rig.faults).toEqual([])
      expect([rig.results.malformed, rig.results.unresolved, rig.staleRows()]).toEqual([0, 0, 0])
      expect(rig.packets).toBeGreaterThan(audit ? 800 : 2_500)
    }
  }, 60_000)

  test('BL5: a value that changes and changes back is sent again until acked', () => {
    const rig = rigOf({ rows: 1, wire: { ...clean, delay: 6 } })
    for (let tick = 0; tick < 30; tick += 1) rig.step()
    const before = rig.current[0]!.current.slice()
    rig.step(() => rig.shake(0, 0, true))
    for (let tick = 0; tick < 30; tick += 1) rig.step(() => rig.current[0]!.current.set(before))
    expect(rig.staleRows()).toBe(0)
    expect(rig.encoder.rowsSent).toBe(0)
  })

  test('BL5: rows at rest are sent until acked, and then cost nothing', () => {
    const rig = rigOf({ rows: 50, wire: { ...clean, delay: 4 } })
    for (let tick = 0; tick < 20; tick += 1) rig.step()
    const { packets } = rig
    for (let tick = 0; tick < 100; tick += 1) rig.step()
    expect(rig.packets).toBe(packets)
    expect(rig.staleRows()).toBe(0)
  })

  test('BL3: a far end that acks late is sent whole rows once it may have dropped their baseline', () => {
    const rig = rigOf({ rows: 4, wire: clean })
    play(rig, 20)
    // Packets arrive, acks do not: after 64 sendings nothing can be referred to any more.
    const { encoder } = rig
    const acknowledge = encoder.acknowledge.bind(encoder)
    encoder.acknowledge = () => {}
    for (let tick = 0; tick < 150; tick += 1) rig.step(() => [0, 1, 2, 3].forEach((row) => rig.shake(0, row, false)))
    encoder.acknowledge = acknowledge
    play(rig, 30)
    settle(rig, 20)
    expect(rig.faults).toEqual([])
    expect([rig.results.unresolved, rig.staleRows()]).toEqual([0, 0])
  })

  test('BL4: a row that rests longer than a baseline may be old is sent whole when it moves', () => {
    const rig = rigOf({ rows: 2, wire: clean })
    play(rig, 10)
    settle(rig, 20)
    for (const far of [65_470, 65_471, 65_472, 65_536, 200_000]) {
      rig.tick = (rig.tick + far) >>> 0
      rig.step(() => rig.shake(0, 0, false))
      settle(rig, 20)
      expect(rig.faults).toEqual([])
      expect([rig.results.malformed, rig.results.unresolved, rig.staleRows()]).toEqual([0, 0, 0])
    }
  })

  test('BL6: acks for an entity that is gone are not credited to the next one at its index', () => {
    fc.assert(
      fc.property(fc.nat(1e6), wire, (seed, w) => {
        const rig = new LinkRig({ schemas: [schemaOf(0, TRANSFORM)], rows: 12, seed, wire: w, audit: false })
        for (let life = 0; life < 25; life += 1) {
          play(rig, rig.random.integer(1, 12))
          // The entity ends and another takes its index, here and there at the same tick.
          const row = rig.random.integer(0, 11)
          rig.published.forget(row)
          rig.encoder.forget(row)
          rig.decoder.forget(row)
          rig.renew(row)
        }
        settle(rig, 40)
        expect(rig.faults).toEqual([])
        expect([rig.results.malformed, rig.staleRows()]).toEqual([0, 0])
      }),
      { numRuns: 40 },
    )
  })

  test('BL6: acks from before the far end forgot a row are not credited to it afterwards', () => {
    const rig = rigOf({ rows: 8, wire: { ...clean, delay: 6 } })
    const shakeAll = (): void => {
      for (let row = 0; row < 8; row += 1) rig.shake(0, row, false)
    }
    for (let tick = 0; tick < 30; tick += 1) rig.step(shakeAll)
    // The row leaves what the far end is interested in and enters again at once; the far end hears of
    // both after all that was sent before, and forgets what it had.
    rig.encoder.forget(3)
    for (let tick = 0; tick < 5; tick += 1) rig.step(shakeAll)
    rig.decoder.forget(3)
    for (let tick = 0; tick < 30; tick += 1) rig.step(shakeAll)
    settle(rig, 24)
    expect(rig.faults).toEqual([])
    expect([rig.results.malformed, rig.results.unresolved, rig.staleRows()]).toEqual([0, 0, 0])
  })

  test('AK2: packets that do not leave count as lost at once', () => {
    const rig = rigOf({ rows: 30, wire: clean })
    play(rig, 40)
    rig.isLinkStale = true
    play(rig, 40)
    rig.isLinkStale = false
    play(rig, 40)
    settle(rig, 20)
    expect(rig.faults).toEqual([])
    expect(rig.staleRows()).toBe(0)
  })

  test('AK4: a receiver that lost its states asks for whole rows, and gets them', () => {
    const rig = rigOf({ rows: 30, wire: { ...clean, loss: 0.1, jitter: 3 } })
    play(rig, 60)
    for (let row = 0; row < 30; row += 1) rig.decoder.forget(row)
    play(rig, 60)
    expect(rig.results.unresolved).toBeGreaterThan(0)
    // Well within the two seconds before it would ask again.
    const { unresolved } = rig.results
    play(rig, 60)
    expect(rig.results.unresolved).toBe(unresolved)
    settle(rig, 20)
    expect(rig.faults).toEqual([])
    expect(rig.staleRows()).toBe(0)
  })

  test('WR1: rows of entities that are not spawned yet wait, and are theirs when the spawn comes', () => {
    fc.assert(
      fc.property(fc.nat(1e6), wire, (seed, w) => {
        const rig = new LinkRig({ schemas: [schemaOf(0, TRANSFORM)], rows: 20, seed, wire: w, audit: true })
        rig.known.fill(0)
        for (let row = 0; row < 20; row += 1) {
          play(rig, rig.random.integer(0, 15))
          rig.spawn(row)
        }
        play(rig, 30)
        settle(rig, 24)
        expect(rig.faults).toEqual([])
        expect([rig.results.malformed, rig.results.unresolved, rig.staleRows()]).toEqual([0, 0, 0])
      }),
      { numRuns: 40 },
    )
  }, 30_000)

  test('WR1: rows are given up when their spawn has not come in time, and sent again when it has', () => {
    for (const ticks of [WAIT_TICKS - 60, WAIT_TICKS + 60]) {
      const isGivenUp = ticks > WAIT_TICKS
      const rig = rigOf({ rows: 6, wire: clean })
      rig.known[3] = 0
      play(rig, 20)
      // Acked and at rest: nothing is heard of it any more.
      settle(rig, ticks)
      // What was given up had been acked, so the receiver had to ask for it (AK4), and it waits anew.
      expect(rig.decoder.refresh).toBe(isGivenUp ? 1 : 0)
      expect(rig.spawn(3)).toBe(1)
      expect(rig.faults).toEqual([])
      expect([rig.results.malformed, rig.results.unresolved, rig.staleRows()]).toEqual([0, 0, 0])
    }
  })

  test('WR2: packets with rows of more unknown ids than can wait are not acked', () => {
    const rig = rigOf({ rows: 1_100, wire: clean })
    rig.known.fill(0)
    for (let tick = 0; tick < 40; tick += 1) rig.step()
    expect(rig.results.unresolved).toBeGreaterThan(0)
    for (let row = 0; row < 1_100; row += 1) rig.spawn(row)
    for (let tick = 0; tick < 20; tick += 1) rig.step()
    expect(rig.faults).toEqual([])
    expect(rig.staleRows()).toBe(0)
  })

  test('WR3: rows of entities that are gone are read over, and the packet is acked', () => {
    const rig = rigOf({ rows: 10, wire: clean })
    play(rig, 30)
    rig.gone.add(4)
    rig.decoder.forget(4)
    play(rig, 60)
    expect([rig.results.malformed, rig.results.unresolved]).toEqual([0, 0])
    settle(rig, 20)
    expect(rig.encoder.rowsLeft + rig.encoder.rowsSent).toBe(0)
  })

  test('BL8: a seeded state is a baseline without an ack', () => {
    const wireOfNoDelay = { ...clean, delay: 0 }
    const rig = rigOf({ rows: 40, wire: wireOfNoDelay, audit: false })
    const unseeded = rigOf({ rows: 40, wire: wireOfNoDelay, audit: false })
    for (const each of [rig, unseeded]) {
      for (let row = 0; row < 40; row += 1) each.shake(0, row, true)
      each.published.publish(each.tick, each.lists, each.current)
    }
    for (let row = 0; row < 40; row += 1) {
      rig.encoder.seed(0, row, rig.tick)
      rig.decoder.seed(0, row, rig.tick, rig.current[0]!.current, row * 7)
    }
    for (const each of [rig, unseeded]) {
      each.tick += 1
      each.step(() => {
        for (let row = 0; row < 40; row += 1) each.shake(0, row, false)
      })
      expect(each.staleRows()).toBe(0)
      expect(each.faults).toEqual([])
    }
    expect(rig.bytes).toBeLessThan(unseeded.bytes * 0.6)
  })

  test('PR3: rows that do not fit wait, and all are sent in the end', () => {
    fc.assert(
      fc.property(fc.nat(1e6), wire, fc.integer({ min: 160, max: 2_500 }), (seed, w, budgetBytes) => {
        const rig = new LinkRig({
          schemas: [schemaOf(0, TRANSFORM), schemaOf(1, [{ kind: 'scalar', count: 1, bits: 12 }])],
          rows: 120,
          seed,
          wire: w,
          budgetBytes,
          maxPackets: 3,
          audit: true,
        })
        for (let tick = 0; tick < 150; tick += 1) {
          const { bytes } = rig
          play(rig, 1)
          expect(rig.bytes - bytes).toBeLessThanOrEqual(budgetBytes)
        }
        rig.wire = clean
        let ticks = 0
        while (rig.encoder.rowsLeft + rig.encoder.rowsSent > 0 && ticks < 400) {
          rig.step()
          ticks += 1
        }
        expect(ticks).toBeLessThan(400)
        expect(rig.faults).toEqual([])
        expect(rig.staleRows()).toBe(0)
      }),
      { numRuns: 20 },
    )
  }, 60_000)

  test('grows while rows are under way', () => {
    const rig = rigOf({ rows: 20, wire: { ...clean, jitter: 4 } })
    play(rig, 40)
    rig.published.grow(4_000)
    rig.encoder.grow(4_000)
    rig.decoder.grow(4_000)
    play(rig, 40)
    settle(rig, 20)
    expect(rig.faults).toEqual([])
    expect([rig.results.unresolved, rig.staleRows()]).toEqual([0, 0])
  })
})

function rigOf(options: Pick<LinkRigOptions, 'rows' | 'wire'> & { audit?: boolean }): LinkRig {
  return new LinkRig({ schemas: [schemaOf(0, TRANSFORM)], seed: 5, audit: true, ...options })
}
