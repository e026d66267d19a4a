import { describe, expect, test } from 'vitest'
import { FUZZ_TARGETS } from './fuzz-targets.ts'
import { emptyReport, fuzz, inputOf, type FuzzTarget } from './fuzzing.ts'

const clock = () => 0

describe('the fuzzer', () => {
  const fragile: FuzzTarget = {
    name: 'fragile',
    input: (random) => Uint8Array.of(random(), random()),
    feed(input) {
      if (input[0] === 7) throw new Error('seven')
      return { accepted: input[0] === 8, workUnits: input[1] as number }
    },
  }

  test('counts, finds a throw, and makes the same input again from seed and case', () => {
    const report = emptyReport()
    fuzz(fragile, 1, 0, 10_000, report, clock)
    expect(report.inputs).toBe(10_000)
    expect(report.throws).toBeGreaterThan(10)
    expect(report.accepted).toBeGreaterThan(10)
    expect(report.worstWorkUnits).toBe(255)
    const [finding] = report.findings
    expect(inputOf(fragile, 1, finding!.caseNumber)).toEqual(finding!.input)
    expect((finding!.input as Uint8Array)[0]).toBe(7)
  })

  test('gives another seed, and another target, other inputs', () => {
    const inputs = (target: FuzzTarget, seed: number) => Array.from({ length: 8 }, (_, i) => inputOf(target, seed, i))
    expect(inputs(fragile, 1)).not.toEqual(inputs(fragile, 2))
    expect(inputs(fragile, 1)).not.toEqual(inputs({ ...fragile, name: 'other' }, 1))
  })
})

test.each(FUZZ_TARGETS)('SC11: $name takes a first thousand inputs without a throw', (target) => {
  const report = emptyReport()
  fuzz(target, 1, 0, 1_000, report, clock)
  expect(report.findings).toEqual([])
  expect(report.accepted).toBeGreaterThan(20)
  expect(report.accepted).toBeLessThan(800)
})
