/**
 * A small room, tried out: all that can go wrong in it, up to a number of things at once, and then at random.
 * `BATON_MODEL_STATES` sets how many states each start gets, `BATON_MODEL_WALKS` how many ways at random.
 */
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { explore, wander, type Exploration, type Limits } from '../model/explore.ts'
import { STARTS } from '../model/starts.ts'

const STATES = Number(process.env['BATON_MODEL_STATES'] ?? 8_000)
const WALKS = Number(process.env['BATON_MODEL_WALKS'] ?? 60)
const WALK_STEPS = 150

const LIMITS: Limits = { states: STATES, cost: 6, terms: 4, crashes: 1, appends: 2, releases: 1, rosters: 1 }

function failure({ violation }: Exploration): string | undefined {
  return violation && `${violation.message}\n  ${violation.path.join('\n  ')}`
}

describe('every way', () => {
  for (const [name, start] of Object.entries(STARTS)) {
    it(`I1 I2 I4 I5: from ${name}, no two hosts act, no vote is given twice, nothing committed is lost`, () => {
      const result = explore(start(), LIMITS)
      expect(failure(result)).toBeUndefined()
      expect(result.states).toBeGreaterThan(Math.min(STATES, 1_000) / 2)
      console.info(
        `model: ${name}: ${result.states} states, ${result.steps} steps, all up to cost ${result.completeCost}, won ${[...result.wins].sort().join(' ')}`,
      )
    })
  }
})

describe('ways at random', () => {
  for (const [name, start] of Object.entries(STARTS)) {
    it(`I1 I2 I4 I5: from ${name}, ${WALKS} ways of ${WALK_STEPS} steps`, () => {
      const result: Exploration = { states: 0, steps: 0, completeCost: 0, wins: new Set(), violation: undefined }
      for (let seed = 1; seed <= WALKS && result.violation === undefined; seed++) {
        const random = new SeededRandom(seed)
        wander(
          start(),
          { ...LIMITS, terms: Infinity, appends: 8, releases: 2, rosters: 3 },
          WALK_STEPS,
          () => random.float(),
          result,
        )
      }
      expect(failure(result)).toBeUndefined()
      expect(result.wins.size).toBeGreaterThan(2)
    })
  }
})
