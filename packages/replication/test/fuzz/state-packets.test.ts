/** State packets as a hostile peer could send them: cut, flipped, spliced and made up. */
import { BitWriter } from '@baton/core/bytes'
import { SeededRandom } from '@baton/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MAX_PACKET_LANES,
  MAX_PACKET_ROWS,
  createPacketHeader,
  peekHeader,
  writeHeader,
} from '../../src/pipeline/packet.ts'
import { ID_GONE, ID_UNKNOWN, StateDecoder } from '../../src/pipeline/state-decoder.ts'
import { LinkRig, TRANSFORM, laneMask, schemaOf } from '../link-rig.ts'

const SCHEMAS = [
  schemaOf(0, TRANSFORM),
  schemaOf(1, [
    { kind: 'scalar', count: 1, bits: 32 },
    { kind: 'scalar', count: 1, bits: 1 },
    { kind: 'vector', count: 2, bits: 31 },
  ]),
  schemaOf(2, [{ kind: 'scalar', count: 1, bits: 3 }]),
]
const ROWS = 40

/** Good packets of several hundred ticks, in order, without any loss. */
function recordPackets(seed: number): { packets: Uint8Array[]; rig: LinkRig } {
  const rig = new LinkRig({
    schemas: SCHEMAS,
    rows: ROWS,
    seed,
    wire: { loss: 0, duplicate: 0, delay: 2, jitter: 0 },
  })
  const packets: Uint8Array[] = []
  const { decoder } = rig
  const decode = decoder.decode.bind(decoder)
  decoder.decode = (packet) => {
    packets.push(packet.slice())
    return decode(packet)
  }
  for (let tick = 0; tick < 300; tick += 1) {
    rig.step(() => {
      for (let row = 0; row < ROWS; row += 1) {
        if (rig.random.chance(0.4)) rig.shake(rig.random.integer(0, 2), row, rig.random.chance(0.05))
      }
    })
  }
  return { packets, rig }
}

/** A decoder to which some ids are known, some are to come, and some are gone. */
function createVictim(rig: LinkRig): StateDecoder {
  const indexById = new Map([...rig.ids].map((id, index) => [id, index]))
  return new StateDecoder({
    schemas: SCHEMAS,
    capacity: ROWS,
    resolve: (id) => indexById.get(id) ?? (id % 3 === 0 ? ID_GONE : ID_UNKNOWN),
    maxHistoryPages: 4_000,
  })
}

/** Decodes and finds fault with what comes out. */
function feed(decoder: StateDecoder, packet: Uint8Array): string {
  const before = [decoder.hasAck, decoder.ack, decoder.ackBits].join()
  const result = decoder.decode(packet)
  const { rows } = decoder
  if (result !== 'accepted') {
    if ([decoder.hasAck, decoder.ack, decoder.ackBits].join() !== before) throw new Error(`${result}, but acked`)
    if (rows.count !== 0) throw new Error(`${result}, but with rows`)
    return result
  }
  if (rows.count > MAX_PACKET_ROWS || rows.lanes.length > MAX_PACKET_LANES) throw new Error('over the limits')
  for (let row = 0; row < rows.count; row += 1) {
    const schema = SCHEMAS[rows.component[row]!]!
    if (rows.index[row]! < 0 || rows.index[row]! >= ROWS) throw new Error(`entity index ${rows.index[row]}`)
    for (const group of schema.groups) {
      for (let lane = 0; lane < group.count; lane += 1) {
        const value = rows.lanes[rows.offset[row]! + group.offset + lane]!
        if ((value & ~laneMask(group, lane)) !== 0) throw new Error(`lane ${value} over ${group.bits} bits`)
      }
    }
  }
  return result
}

function mutate(random: SeededRandom, packets: readonly Uint8Array[], packet: Uint8Array): Uint8Array {
  const out = packet.slice()
  switch (random.integer(0, 5)) {
    case 0:
      return out.subarray(0, random.integer(0, out.length))
    case 1: {
      const longer = new Uint8Array(out.length + random.integer(1, 300))
      longer.set(out)
      for (let at = out.length; at < longer.length; at += 1) longer[at] = random.integer(0, 255)
      return longer
    }
    case 2: {
      // The head of one packet and the tail of another.
      const other = random.pick(packets)
      const at = random.integer(12, Math.min(out.length, other.length))
      const spliced = other.slice()
      spliced.set(out.subarray(0, at))
      return spliced
    }
    case 3:
      for (let flips = random.integer(1, 4); flips > 0; flips -= 1) flipBit(random, out, 0)
      return out
    default:
      // Behind the header, so that rows are what is wrong.
      for (let flips = random.integer(1, 6); flips > 0; flips -= 1) flipBit(random, out, 12)
      return out
  }
}

function flipBit(random: SeededRandom, bytes: Uint8Array, from: number): void {
  const at = random.integer(Math.min(from, bytes.length - 1), bytes.length - 1)
  bytes[at] = bytes[at]! ^ (1 << random.integer(0, 7))
}

describe('hostile state packets', () => {
  test('PK10: mutated packets never throw, and are refused whole or give lanes within their bits', () => {
    const results: Record<string, number> = {}
    for (const seed of [1, 2, 3]) {
      const { packets, rig } = recordPackets(seed)
      const random = new SeededRandom(seed)
      for (let round = 0; round < 4; round += 1) {
        const decoder = createVictim(rig)
        for (const packet of packets) {
          for (let copy = 0; copy < 6; copy += 1) {
            const result = feed(decoder, mutate(random, packets, packet))
            results[result] = (results[result] ?? 0) + 1
          }
          // What is good still gets through now and then, so that there is history to refer to.
          if (round < 3) feed(decoder, packet)
        }
      }
    }
    // Not one kind of answer alone: the mutations reach every part.
    expect(Object.keys(results).sort()).toEqual(['accepted', 'duplicate', 'malformed', 'unresolved'])
    expect(Math.min(...Object.values(results))).toBeGreaterThan(50)
  }, 30_000)

  test('PK10: every prefix of a packet is refused', () => {
    const { packets, rig } = recordPackets(4)
    const longest = packets.reduce((a, b) => (b.length > a.length ? b : a), packets[0]!)
    for (let length = 0; length < longest.length; length += 1) {
      const decoder = createVictim(rig)
      expect(feed(decoder, longest.subarray(0, length))).toBe('malformed')
    }
  })

  test('PK10: a packet is refused for any byte behind it, and for padding that is not zero', () => {
    const { packets, rig } = recordPackets(6)
    // Up to the first packet that refers to a state all are good for a newcomer.
    const good = packets.filter((packet) => feed(createVictim(rig), packet) === 'accepted').slice(0, 8)
    expect(good.length).toBeGreaterThan(0)
    for (const packet of good) {
      for (const last of [0, 1, 255]) {
        const longer = new Uint8Array(packet.length + 1)
        longer.set(packet)
        longer[packet.length] = last
        expect(feed(createVictim(rig), longer)).toBe('malformed')
      }
    }
    // One bit of padding, as docs/wire-format.md shows: the highest of the last byte.
    const header = { ...createPacketHeader(), slot: 1, term: 1 }
    for (const padding of [0, 1]) {
      const writer = new BitWriter(new Uint8Array(32))
      writeHeader(writer, header)
      writer.write(0, 1)
      const free = 8 * writer.byteLength - writer.bitPosition
      expect(free).toBeGreaterThan(0)
      writer.write(padding << (free - 1), free)
      expect(feed(createVictim(rig), writer.finish())).toBe(padding === 0 ? 'accepted' : 'malformed')
    }
  })

  test('PK10: made-up bytes behind a sound header never throw', () => {
    const { rig } = recordPackets(5)
    const decoder = createVictim(rig)
    let sequence = 0
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_085 }), fc.boolean(), (bytes, hasSection) => {
        const writer = new BitWriter(new Uint8Array(1_200))
        sequence = (sequence + 1) & 0xffff
        writeHeader(writer, { ...createPacketHeader(), slot: 3, term: 9, tick: sequence, sequence })
        if (hasSection) writer.write(1, 1)
        writer.writeBytes(bytes)
        expect(['accepted', 'malformed', 'unresolved']).toContain(feed(decoder, writer.finish()))
      }),
      { numRuns: 3_000 },
    )
  }, 30_000)

  test('PK1, PK3: a header comes back, and other kinds and versions are not touched', () => {
    const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
    const header = fc.record({
      sessionTag: uint(16),
      term: fc.oneof(uint(8), uint(16), uint(24), uint(32)),
      slot: uint(12),
      sequence: uint(16),
      tick: uint(32),
      hasAck: fc.boolean(),
      ack: uint(16),
      ackBits: fc.oneof(uint(32), fc.constant(0xffffffff)),
      refresh: uint(2),
    })
    fc.assert(
      fc.property(header, uint(8), (value, first) => {
        const writer = new BitWriter(new Uint8Array(32))
        writeHeader(writer, value)
        const bytes = writer.finish()
        const acks = value.hasAck ? {} : { ack: 0, ackBits: 0 }
        expect(peekHeader(bytes)).toEqual({ ...value, ...acks })
        expect(bytes[0]).toBe(0x11)
        bytes[0] = first
        expect(peekHeader(bytes) === undefined).toBe(first !== 0x11)
      }),
    )
  })
})
