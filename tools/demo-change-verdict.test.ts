import { describe, expect, test } from 'vitest'
import type { Standing, ToldChange } from '../examples/world/net/host-watch.ts'
import { judgeCrash, judgeHandOver, type Crash } from './demo-change-verdict.ts'

const HANDED: ToldChange = { host: 'guest 1', term: 2, reason: 'handed-over', gapMs: 30 }
const LOST: ToldChange = { host: 'guest 1', term: 2, reason: 'lost', gapMs: 640 }

/** How a player of a room with two crates stands before anything changed. */
function standing(changes: Partial<Standing> = {}): Standing {
  return {
    name: 'guest 1',
    state: 'stable',
    isHost: false,
    host: 'host',
    term: 1,
    changes: [],
    reigns: [],
    usualMs: 17,
    ids: [1, 2, 11, 12],
    avatarId: 12,
    respawned: 0,
    crates: 2,
    ...changes,
  }
}

const OLD = standing({ name: 'host', isHost: true, avatarId: 11, reigns: [{ term: 1, firstTick: 0, lastTick: 100 }] })

describe('the verdict over a hand-over', () => {
  const before = [OLD, standing()]
  const after = (changes: Partial<Standing> = {}): Standing[] => [
    { ...OLD, isHost: false, host: 'guest 1', term: 2, changes: [HANDED] },
    standing({
      isHost: true,
      host: 'guest 1',
      term: 2,
      changes: [HANDED],
      reigns: [{ term: 2, firstTick: 99, lastTick: 200 }],
      ...changes,
    }),
  ]

  test('finds nothing wrong with one that went well, and shows what it added for those who only listened', () => {
    const { rows, faults, notes } = judgeHandOver(before, after())
    expect(faults).toEqual([])
    expect(rows.map((row) => [row['gap ms'], row['added ms']])).toEqual([
      ['–', '–'],
      ['30', '13'],
    ])
    expect(rows[1]).toMatchObject({ term: '1 → 2', entities: '4 → 4', lost: '0', doubled: '0' })
    expect(notes).toEqual(['ticks without a host: 0'])
  })

  test('counts ticks that nobody hosted, across the wrap as well, and not those of earlier changes', () => {
    const noteOf = (reigns: Standing['reigns'], former = OLD.reigns): string => {
      const [old, now] = after({ reigns }) as [Standing, Standing]
      return judgeHandOver(before, [{ ...old, reigns: former }, now]).notes[0]!
    }
    expect(noteOf([{ term: 2, firstTick: 104, lastTick: 200 }])).toBe('ticks without a host: 3')
    const last = [{ term: 1, firstTick: 0, lastTick: 0xffff_ffff }]
    expect(noteOf([{ term: 2, firstTick: 2, lastTick: 9 }], last)).toBe('ticks without a host: 2')
    const stumbled = [{ term: 0, firstTick: 0, lastTick: 10 }, ...OLD.reigns.map((one) => ({ ...one, firstTick: 50 }))]
    expect(noteOf([{ term: 2, firstTick: 99, lastTick: 200 }], stumbled)).toBe('ticks without a host: 0')
  })

  test('takes no word of it for a fault', () => {
    expect(judgeHandOver(before, after({ changes: [], term: 1 })).faults).toEqual([
      'guest 1 was not told of another host',
      'guest 1 went from term 1 to 1',
    ])
  })
})

describe('the verdict over a crash', () => {
  const before = [standing(), standing({ name: 'guest 2' })]
  const survivor = (changes: Partial<Standing> = {}): Standing =>
    standing({ host: 'guest 1', term: 2, changes: [LOST], ids: [1, 2, 12], ...changes })
  const crash = (changes: Partial<Crash> = {}): Crash => ({
    before,
    dead: OLD,
    after: [survivor({ isHost: true }), survivor({ name: 'guest 2' })],
    moved: [
      [2, 1],
      [2, 2],
    ],
    worlds: [0xabc, 0xabc],
    crates: 2,
    ...changes,
  })

  test('lets the avatar go with its player, and nothing else', () => {
    const { rows, faults } = judgeCrash(crash())
    expect(faults).toEqual([])
    expect(rows[0]).toMatchObject({ term: '1 → 2', 'gap ms': '640', entities: '3 → 3', 'crates moving/s': '1' })
    const poorer = crash({ after: [survivor({ isHost: true, ids: [1, 12] }), survivor({ name: 'guest 2' })] })
    expect(judgeCrash(poorer).faults).toEqual(['guest 1 has lost 1 of 3 entities'])
  })

  test.each([
    ['an entity that is there twice', { ids: [1, 2, 2, 12] }],
    ['an entity that nobody spawned', { ids: [1, 2, 7, 12] }],
    ['an avatar that outlives its player', { ids: [1, 2, 11, 12] }],
    ['an entity that was told of as new twice', { respawned: 1 }],
  ])('counts %s', (_what, changes) => {
    const doubled = crash({ after: [survivor({ isHost: true }), survivor({ name: 'guest 2', ...changes })] })
    expect(judgeCrash(doubled).faults).toEqual(['guest 2 has 1 entities twice, or that nobody spawned'])
  })

  test('knows a player again that was away and has another avatar', () => {
    const back = [
      survivor({ isHost: true, ids: [1, 2, 15], avatarId: 15 }),
      survivor({ name: 'guest 2', ids: [1, 2, 15], avatarId: 13 }),
    ]
    const two = [standing(), standing({ name: 'guest 2', avatarId: 13 })]
    const { faults, notes } = judgeCrash(crash({ before: two, after: back }))
    expect(faults).toEqual([])
    expect(notes).toEqual(['guest 1 was away for too long meanwhile, and came back with another avatar'])
  })

  test('wants one host that lives, one world, and crates that go on', () => {
    expect(judgeCrash(crash({ worlds: [1, 2] })).faults).toEqual(['the worlds are different at the end'])
    expect(judgeCrash(crash({ moved: [[2], [1, 0]] })).faults).toEqual(['guest 2: no crate moved after the change'])
    expect(judgeCrash(crash({ moved: [[2], []] })).faults).toEqual(['guest 2: no crate moved after the change'])
    const two = crash({ after: [survivor({ isHost: true }), survivor({ name: 'guest 2', isHost: true })] })
    expect(judgeCrash(two).faults).toEqual(['hosts by their own account: guest 1, guest 2'])
    const loyal = crash({ after: [survivor({ isHost: true }), survivor({ name: 'guest 2', host: 'host' })] })
    expect(judgeCrash(loyal).faults).toEqual(['guest 2 still follows the killed host'])
  })
})
