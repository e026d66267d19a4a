/** Bytes that encoding allocates: none that grow with rows or with far ends. */
import { expect, test } from 'vitest'
import { countAllocatedBytes } from './allocated-bytes.ts'
import { CodecSender, codecId } from './codec-rig.ts'

const OPTIONS = { rangeM: 128, stepM: 1 / 512, rotationBits: 10 }

/** Median bytes of a tick in which all move. */
function bytesPerTick(rows: number, guests: number): number {
  const codec = new CodecSender(
    { ...OPTIONS, capacity: rows },
    Array.from({ length: guests }, (_, at) => 3 + (at % 5)),
  )
  const { translation, rotation } = codec.columns
  for (let row = 0; row < rows; row += 1) {
    codec.add(row, codecId(row + 1))
    rotation.w[row] = 1
  }
  codec.beginKnown()
  const take = (): boolean => true
  const samples: number[] = []
  for (let tick = 1; tick <= 400; tick += 1) {
    for (let row = 0; row < rows; row += 1) translation.x[row] = Math.sin(tick / 30 + row) * 9
    const bytes = countAllocatedBytes(() => codec.encode(tick, take))
    if (tick > 300) samples.push(bytes)
  }
  return samples.sort((a, b) => a - b)[samples.length >> 1]!
}

test('CG5: a tick allocates no more for many rows and far ends than for few', () => {
  // Beside the encoders: the rig notes what each guest answers.
  const rigBytes = 200
  expect(bytesPerTick(300, 2)).toBeLessThan(1_024 + 2 * rigBytes)
  expect(bytesPerTick(1_000, 16)).toBeLessThan(1_024 + 16 * rigBytes)
}, 60_000)
