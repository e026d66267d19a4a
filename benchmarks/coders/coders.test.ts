/** Both coders give back every state exactly, whatever it is and whichever snapshot it refers to. */
import { BitReader, BitWriter } from '@baton/core/bytes'
import { SeededRandom } from '@baton/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recordScene } from '../scenes/scenes.ts'
import { BinaryDecoder, BinaryEncoder, SIGNED_CONTEXTS, codeSigned, createProbabilities } from './binary-coder.ts'
import { ContextCoder } from './context-coder.ts'
import { FiedlerPacking } from './fiedler-packing.ts'
import { BODY_INTS, quantizeTrajectory } from './quantized-trace.ts'
import { readRelativeIndex, relativeIndexBits, writeRelativeIndex } from './relative-index.ts'
import { fold, unfold } from './snapshot-coder.ts'
import { turnToLargest } from './turn-to-largest.ts'

const CODERS = { FiedlerPacking, ContextCoder } as const

const coordinate = fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -2_000_000, max: 2_000_000 }))
const rotationPart = fc.integer({ min: 0, max: 511 })
const body = fc
  .tuple(coordinate, coordinate, coordinate, fc.integer({ min: 0, max: 3 }), rotationPart, rotationPart, rotationPart)
  .map((values) => values as readonly number[])

describe.each(Object.entries(CODERS))('%s', (_name, Coder) => {
  test('gives back a recorded scene, the baseline six ticks back', async () => {
    const trajectory = await recordScene('pile', 5, 1)
    const [sender, receiver] = [new Coder(trajectory.count), new Coder(trajectory.count)]
    quantizeTrajectory(trajectory).forEach((values, tick) => {
      const baseline = tick >= 6 ? tick - 6 : -1
      const bytes = sender.encode(tick, values, baseline).slice()
      expect(Buffer.compare(bytesOf(receiver.decode(tick, bytes, baseline)), bytesOf(values))).toBe(0)
    })
  })

  test('gives back any states against any baseline that is held', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(body, { minLength: 5, maxLength: 5 }), { maxLength: 12 }),
        fc.nat(),
        (states, salt) => {
          const [sender, receiver] = [new Coder(5), new Coder(5)]
          states.forEach((bodies, tick) => {
            const values = Int32Array.from(bodies.flat())
            const baseline = ((salt >>> tick) % (tick + 1)) - 1
            const bytes = sender.encode(tick, values, baseline).slice()
            expect([...receiver.decode(tick, bytes, baseline)]).toEqual([...values])
          })
        },
      ),
      { numRuns: 200 },
    )
  })

  test('costs almost nothing at rest', () => {
    const sender = new Coder(901)
    const values = new Int32Array(901 * BODY_INTS).fill(100)
    for (let tick = 0; tick < 200; tick += 1) sender.encode(tick, values, tick - 1)
    expect(sender.encode(200, values, 199).length).toBeLessThan(4)
  })

  test('refuses a baseline that is not held any more', () => {
    const sender = new Coder(2)
    const values = new Int32Array(2 * BODY_INTS)
    for (let tick = 0; tick < 70; tick += 1) sender.encode(tick, values, tick - 1)
    expect(() => sender.encode(70, values, 3)).toThrow('not held')
  })
})

test('whole numbers come out of the binary coder as they went in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), fc.integer({ min: -1, max: 1 }))),
      (values) => {
        const encoder = new BinaryEncoder(values.length * 16 + 16)
        const decoder = new BinaryDecoder()
        encoder.begin(createProbabilities(SIGNED_CONTEXTS))
        for (const [value, hint] of values) codeSigned(encoder, 0, value, hint)
        decoder.begin(createProbabilities(SIGNED_CONTEXTS), encoder.finish().slice())
        for (const [value, hint] of values) expect(codeSigned(decoder, 0, 0, hint)).toBe(value)
      },
    ),
  )
})

test('a stream ends in one byte at most beyond what is settled, wherever its bounds stand', () => {
  const random = new SeededRandom(3)
  for (let round = 0; round < 20_000; round += 1) {
    const bits = Array.from({ length: random.integer(0, 40) }, () => random.integer(0, 1))
    const [encoder, decoder] = [new BinaryEncoder(16), new BinaryDecoder()]
    encoder.begin(createProbabilities(1))
    for (const bit of bits) encoder.codeFlat(bit)
    const bytes = encoder.finish()
    expect(bytes.length).toBeLessThanOrEqual(Math.floor(bits.length / 8) + 1)
    decoder.begin(createProbabilities(1), bytes.slice())
    expect(bits.map(() => decoder.codeFlat(0))).toEqual(bits)
  }
})

test('distances between indices take the bits they are counted at', () => {
  for (let distance = 1; distance <= 900; distance += 1) {
    const writer = new BitWriter(new Uint8Array(8))
    writeRelativeIndex(writer, distance, 10)
    expect(writer.bitPosition).toBe(relativeIndexBits(distance, 10))
    expect(readRelativeIndex(new BitReader(writer.finish()), 10)).toBe(distance)
  }
})

test('folding keeps every number', () => {
  for (const value of [0, -1, 1, 2 ** 30, -(2 ** 30), 2 ** 31 - 1, -(2 ** 31)]) expect(unfold(fold(value))).toBe(value)
})

test('a rotation seen from another largest component is the same rotation', () => {
  // A quarter turn about x: x and w are both the largest.
  const out = new Int32Array(3)
  turnToLargest(Int32Array.from([3, 511, 256, 256]), 0, 0, out)
  expect(out[2]).toBeGreaterThan(505)
  expect(Math.abs(out[0]! - 256)).toBeLessThan(2)
})

function bytesOf(values: Int32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}
