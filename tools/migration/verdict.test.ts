import { describe, expect, it } from 'vitest'
import type { Account, Entity } from './account.ts'
import { CRATE_COUNT } from './player.ts'
import { faultsOf, missedTicks } from './verdict.ts'

/** Two players when all is well: slot 1 hosts, has the crates, and each has its avatar, its bag and a marked body. */
function entities(slot: number): Entity[] {
  const one = (id: number, prefab: string, owner: number, mark = 0): Entity => ({
    id,
    prefab,
    mark,
    owner,
    authority: owner,
    isMoved: owner === slot,
  })
  return [
    ...Array.from({ length: CRATE_COUNT }, (_, n) => one(n + 1, 'crate', 1)),
    ...[1, 2].flatMap((owner) => [
      one(owner * 100, 'avatar', owner),
      one(owner * 100 + 1, 'bag', owner),
      one(owner * 100 + 2, 'marked', owner, owner * 100),
    ]),
  ]
}

function account(slot: number, changes: Partial<Account> = {}): Account {
  const all = entities(slot)
  return {
    name: `player ${slot}`,
    slot,
    state: 'stable',
    isHost: slot === 1,
    host: 1,
    term: 3,
    members: [1, 2],
    succession: [],
    voters: [1, 2],
    synced: true,
    pending: 0,
    fingerprint: 7,
    entities: all,
    spawned: all.map(({ id }) => id),
    despawned: [],
    told: [],
    reigns: slot === 1 ? [{ term: 3, firstMs: 2_000, lastMs: 9_000 }] : [{ term: 2, firstMs: 1_000, lastMs: 1_990 }],
    watches: [],
    marks: [slot * 100],
    refused: 0,
    reverted: 0,
    longestFrameMs: 17,
    frames: 100,
    intervalsMs: [],
    isHidden: false,
    errors: [],
    ...changes,
  }
}

const faults = (changes: Partial<Account>): string[] =>
  faultsOf({ accounts: [account(1), account(2, changes)], gone: [] })

/** The guest's entities, one of them changed. */
const withEntity = (id: number, change: Partial<Entity>): Partial<Account> => ({
  entities: entities(2).map((entity) => (entity.id === id ? { ...entity, ...change } : entity)),
})

describe('the verdict on a room', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(faults({})).toEqual([])
  })

  it.each<[string, Partial<Account>, RegExp]>([
    ['two hosts', { isHost: true }, /hosts by their own account: player 1, player 2/],
    ['another host', { host: 2 }, /follows 2/],
    ['another term', { term: 2 }, /is in term 2/],
    ['a state that is not stable', { state: 'frozen' }, /is frozen/],
    ['a world that is not whole', { synced: false }, /whole world/],
    ['unanswered requests', { pending: 2 }, /waits for 2 answers/],
    ['other members', { members: [2] }, /plays with 2, here are 1 2/],
    ['another world', { fingerprint: 8 }, /2 different worlds/],
    ['a lost entity', { entities: entities(2).slice(1) }, /13 crates/],
    ['a doubled entity', { entities: [...entities(2), entities(2)[0]!] }, /an id twice/],
    ['a spawn told twice', { spawned: [...entities(2), entities(2)[0]!].map(({ id }) => id) }, /a spawn twice/],
    [
      'a despawn told twice',
      { spawned: [...entities(2).map(({ id }) => id), 999], despawned: [999, 999] },
      /despawn twice/,
    ],
    ['a despawn of what never came', { despawned: [998] }, /998 went, which never came/],
    [
      'an entity it was not told of',
      {
        spawned: entities(2)
          .map(({ id }) => id)
          .slice(1),
      },
      /was told of 19/,
    ],
    ['another owner', withEntity(5, { owner: 2 }), /5 is owned by 2/],
    ['another authority', withEntity(5, { authority: 2 }), /moved by 2/],
    ['two that move one', withEntity(5, { isMoved: true }), /is moved by player 1, player 2/],
    ['one that nobody moves', withEntity(200, { isMoved: false }), /is moved by nobody/],
    ['a lost mark', withEntity(202, { mark: 0 }), /lacks 200, which player 2 spawned/],
    ['a doubled mark', withEntity(202, { mark: 100 }), /1 marked bodies twice/],
    ['two that act', { reigns: [{ term: 2, firstMs: 1_000, lastMs: 2_100 }] }, /both acted for 100 ms/],
  ])('finds %s', (_, changes, fault) => {
    expect(faults(changes).join('\n')).toMatch(fault)
  })

  it('counts the reigns and the bags of those who went', () => {
    const gone = account(3, { reigns: [{ term: 4, firstMs: 8_000, lastMs: 10_000 }] })
    const found = faultsOf({ accounts: [account(1), account(2)], gone: [gone] }).join('\n')
    expect(found).toContain('player 1 in term 3 and player 3 in term 4 both acted for 1000 ms')
    expect(found).toContain('2 bags of 3 players')
  })

  it('counts ticks without a host, over the wrap of the tick, too', () => {
    const watching = (term: number, firstTick: number, lastTick: number): Account =>
      account(term, { watches: [{ term, firstTick, lastTick }] })
    expect(missedTicks([watching(1, 0, 99), watching(2, 100, 200)])).toBe(0)
    expect(missedTicks([watching(1, 0, 99), watching(2, 98, 200)])).toBe(0)
    expect(missedTicks([watching(1, 0, 0xffff_fffe), watching(2, 2, 200)])).toBe(3)
  })
})
