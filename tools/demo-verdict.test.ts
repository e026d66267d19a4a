import { describe, expect, test } from 'vitest'
import type { HeadlessReport } from '../examples/world/net/headless.ts'
import { judgeReports } from './demo-verdict.ts'

/** What a player of a small room reports when all is well: one crate of the host, heard by the guest. */
function report(changes: Partial<HeadlessReport> = {}): HeadlessReport {
  return {
    name: 'host',
    isHost: true,
    joinMs: 100,
    rttMs: 20,
    upKbps: 10,
    downKbps: 10,
    framesPerSecond: 60,
    snapshotsReceived: 100,
    snapshotsLost: 0,
    movedPerSecond: [1, 1],
    truth: [[7, 20, 1, 2, 3]],
    heard: [[8, 20, 5, 5, 5]],
    passedOn: [],
    entities: 3,
    fingerprint: 0xabc,
    world: ['7 here', '8 there', '9 elsewhere'],
    ...changes,
  }
}

const guest = (changes: Partial<HeadlessReport> = {}): HeadlessReport =>
  report({
    name: 'guest 1',
    isHost: false,
    truth: [[8, 20, 5, 5, 5.001]],
    heard: [[7, 20, 1.0005, 2, 3]],
    ...changes,
  })

const CRATES = 1

describe('the verdict over a headless demo', () => {
  test('finds nothing wrong with equal worlds, and gives the worst error of each', () => {
    const { rows, faults, notes } = judgeReports([report(), guest()], CRATES)
    expect(faults).toEqual([])
    expect(rows.map((row) => row['worst error mm'])).toEqual(['1.00', '0.50'])
    expect(rows[0]).toMatchObject({ peer: 'host', entities: '3', world: '00000abc' })
    expect(notes[0]).toContain('at least 1, median 1')
  })

  test('names the peer whose world differs, and an entity in which it does', () => {
    const other = guest({ fingerprint: 0xdef, world: ['7 here', '8 beyond', '9 elsewhere'] })
    expect(judgeReports([report(), other], CRATES).faults).toEqual([
      'guest 1 holds another world than host in 1 entities: 8 beyond',
    ])
    expect(judgeReports([report(), guest({ entities: 2 })], CRATES).faults).toEqual(['guest 1 holds 2 entities, not 3'])
  })

  test('takes an error beyond what quantization makes, or nothing to compare, for a fault', () => {
    expect(judgeReports([report(), guest({ heard: [[7, 20, 1.01, 2, 3]] })], CRATES).faults).toEqual([
      'guest 1 was 0.0100 m off',
    ])
    const deaf = judgeReports([report(), guest({ heard: [] })], CRATES)
    expect(deaf.faults).toEqual(['guest 1 received nothing that could be compared'])
    expect(deaf.rows[1]!['worst error mm']).toBe('–')
    // Rows of another tick or of nobody's are no comparison.
    expect(judgeReports([report(), guest({ heard: [[7, 40, 1, 2, 3]] })], CRATES).faults).toHaveLength(1)
  })

  test('compares a guest with what the host passed on, and the host with the authority alone', () => {
    const far = [[9, 20, 50, 0, 0]] as const
    const passedOn = guest({ heard: [...far] })
    expect(judgeReports([report({ passedOn: [...far] }), passedOn], CRATES).faults).toEqual([])
    const host = report({ heard: [...far], passedOn: [...far] })
    expect(judgeReports([host, guest()], CRATES).faults).toEqual(['host received nothing that could be compared'])
  })

  test('with two peers that simulate one crate for a moment, the nearer is its authority', () => {
    const claiming = guest({
      truth: [
        [8, 20, 5, 5, 5],
        [7, 20, 9, 9, 9],
      ],
    })
    expect(judgeReports([report(), claiming], CRATES).faults).toEqual([])
  })

  test('wants hundreds of crates to move where there are hundreds', () => {
    const crates = 300
    const still = [report({ entities: 302, movedPerSecond: [250, 199] }), guest({ entities: 302 })]
    expect(judgeReports(still, crates).faults).toEqual(['only 199 crates moved in a second'])
    const lively = [report({ entities: 302, movedPerSecond: [250, 200] }), guest({ entities: 302 })]
    expect(judgeReports(lively, crates).faults).toEqual([])
  })

  test('misses a host', () => {
    expect(judgeReports([report({ isHost: false }), guest()], CRATES).faults).toEqual(['nobody is the host'])
  })
})
