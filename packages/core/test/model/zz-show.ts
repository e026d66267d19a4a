import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { actions, wander, explore, type Exploration, type Limits } from './explore.ts'
import { STARTS } from './starts.ts'
import { isActing, leaseAgeMs } from '../../src/host/council.ts'
const [name, from, to, steps, tail] = process.argv.slice(2)
const LIMITS: Limits = { states: 1e9, cost: 6, terms: Infinity, crashes: 1, appends: 8, releases: 2, rosters: 3 }
let total = 0
for (let seed = Number(from); seed <= Number(to); seed++) {
  const result: Exploration = { states: 0, steps: 0, completeCost: 0, wins: new Set(), violation: undefined }
  const random = new SeededRandom(seed)
  const worlds: any[] = []
  wander(
    STARTS[name!]!(),
    LIMITS,
    Number(steps),
    () => random.float(),
    result,
    (w: any) => worlds.push(w),
  )
  total += result.states
  if (result.violation) {
    console.log('seed', seed, result.violation.message, result.violation.path.length)
    const path = result.violation.path
    for (let i = Math.max(0, path.length - Number(tail)); i < path.length; i++) {
      const w = worlds[i]
      console.log(path[i])
      if (w)
        console.log(
          '     @' + w.nowMs,
          w.machines
            .map(
              (m: any) =>
                `[${m.self} t${m.term} h${m.host} ${m.role === 'host' ? 'HOST' : ''}${isActing(m) ? '*' : ''} lease${m.reign ? leaseAgeMs(m) : ''} p${m.promised}:${m.candidate} hi${m.highest} g-${w.nowMs - m.grantedMs} s-${w.nowMs - m.heardMs} rel${m.release} ${m.reign?.releasing ? 'R' : ''}${m.reign?.isBurned ? 'B' : ''} c${m.candidacy?.term ?? ''} log${m.log.entries.map((e: any) => e.term + e.body.type[0]).join(',')}/${m.log.commit}]`,
            )
            .join('\n      '),
        )
    }
    break
  }
}
console.log('states', total)
