import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeRow } from './accept-update.ts'
import { decideDeparture } from './departure.ts'
import { decideClaim, decideRelease, decideTransfer, NOBODY, ownedBy, type OwnershipState } from './ownership.ts'

const HOST = 1
const u16 = fc.integer({ min: 0, max: 0xffff })
const slot = fc.integer({ min: 0, max: 6 })
const anyState: fc.Arbitrary<OwnershipState> = fc.record({
  owner: slot,
  authority: slot,
  ownershipSequence: u16,
  authoritySequence: u16,
})
const known = (state: OwnershipState): Pick<OwnershipState, 'ownershipSequence' | 'authoritySequence'> => ({
  ownershipSequence: state.ownershipSequence,
  authoritySequence: state.authoritySequence,
})

describe('ownership', () => {
  it('OW4: of any two claims made on the same knowledge at most the first is granted', () => {
    fc.assert(
      fc.property(anyState, slot, slot, fc.constantFrom('own', 'touch'), (state, first, second, kind) => {
        fc.pre(first !== second && first !== 0 && second !== 0 && state.authority !== first)
        const one = decideClaim(state, { from: first, kind: kind as 'own', ...known(state) }, 'anyone', HOST)
        fc.pre(one.granted)
        const two = decideClaim(
          one.granted ? one.next : state,
          { from: second, kind: kind as 'own', ...known(state) },
          'anyone',
          HOST,
        )
        expect(two.granted).toBe(false)
      }),
    )
  })

  it('OW4: the ownership sequence outranks the authority sequence', () => {
    const state = { owner: 2, authority: 2, ownershipSequence: 5, authoritySequence: 9 }
    const stale = { from: 3, kind: 'own', ownershipSequence: 4, authoritySequence: 9 } as const
    expect(decideClaim(state, stale, 'anyone', HOST)).toEqual({ granted: false, reason: 'stale' })
    const moved = { from: 3, kind: 'own', ownershipSequence: 5, authoritySequence: 1 } as const
    expect(decideClaim(state, moved, 'anyone', HOST).granted).toBe(true)
  })

  it('OW4: a grant moves the sequences, across their wrap', () => {
    const last = { owner: 2, authority: 2, ownershipSequence: 0xffff, authoritySequence: 0xffff }
    expect(ownedBy(last, 3)).toEqual({ owner: 3, authority: 3, ownershipSequence: 0, authoritySequence: 0 })
  })

  it('OW6: touch takes from the host and from nobody, never from another guest', () => {
    const base = { owner: HOST, ownershipSequence: 1, authoritySequence: 1 }
    const touch = { from: 3, kind: 'touch', ownershipSequence: 1, authoritySequence: 1 } as const
    expect(decideClaim({ ...base, authority: HOST }, touch, 'anyone', HOST)).toMatchObject({
      granted: true,
      next: { owner: HOST, authority: 3 },
    })
    expect(decideClaim({ ...base, authority: NOBODY }, touch, 'anyone', HOST).granted).toBe(true)
    expect(decideClaim({ ...base, authority: 2 }, touch, 'anyone', HOST)).toEqual({ granted: false, reason: 'busy' })
    expect(decideClaim({ ...base, owner: 3, authority: 2 }, touch, 'anyone', HOST).granted).toBe(true)
  })

  it('OW6: a touch that is released goes back to the owner, or to the host where nobody owns', () => {
    const held = { owner: 2, authority: 3, ownershipSequence: 0, authoritySequence: 4 }
    const release = { from: 3, kind: 'touch', ...known(held) } as const
    expect(decideRelease(held, release, HOST)).toMatchObject({ granted: true, next: { owner: 2, authority: 2 } })
    expect(decideRelease({ ...held, owner: NOBODY }, release, HOST)).toMatchObject({ next: { authority: HOST } })
    expect(decideRelease(held, { ...release, from: 4 }, HOST)).toEqual({ granted: false, reason: 'stale' })
  })

  it('OW10: what nobody may claim stays with its owner', () => {
    const avatar = { owner: 2, authority: 2, ownershipSequence: 0, authoritySequence: 0 }
    for (const kind of ['own', 'touch'] as const) {
      expect(decideClaim(avatar, { from: 3, kind, ...known(avatar) }, 'nobody', HOST)).toEqual({
        granted: false,
        reason: 'forbidden',
      })
      expect(decideClaim(avatar, { from: 2, kind, ...known(avatar) }, 'nobody', HOST).granted).toBe(true)
    }
  })

  it('OW1: only the owner and the host transfer', () => {
    const state = { owner: 2, authority: 2, ownershipSequence: 0, authoritySequence: 0 }
    expect(decideTransfer(state, 3, 3, HOST)).toEqual({ granted: false, reason: 'forbidden' })
    expect(decideTransfer(state, 2, 3, HOST)).toMatchObject({ granted: true, next: { owner: 3, authority: 3 } })
    expect(decideTransfer(state, HOST, 3, HOST).granted).toBe(true)
  })

  it('OW7: after a departure nobody who left is owner or authority, but the owner of what is held', () => {
    fc.assert(
      fc.property(
        anyState,
        fc.constantFrom('transfer', 'despawn', 'hold'),
        fc.integer({ min: 2, max: 6 }),
        (state, policy, gone) => {
          const departure = decideDeparture(state, policy as 'transfer', gone, HOST)
          if (departure.kind === 'keep') expect([state.owner, state.authority]).not.toContain(gone)
          if (departure.kind === 'despawn') expect(state.owner).toBe(gone)
          if (departure.kind === 'change') {
            expect(departure.next.authority).not.toBe(gone)
            expect(departure.next.owner === gone).toBe(departure.held)
          }
        },
      ),
    )
  })
})

describe('accept-update', () => {
  const judge = (
    over: Partial<{ host: boolean; sender: number; authority: number; row: number; known: number }>,
  ): string => {
    const { host = false, sender = 2, authority = 2, row = 100, known: knownTick = 99 } = over
    return judgeRow(host, sender, HOST, authority, row, knownTick, 100)
  }
  it('OW8: only the authority, or the host for others, is listened to', () => {
    expect(judge({})).toBe('apply')
    expect(judge({ sender: 3 })).toBe('not-authority')
    expect(judge({ sender: 3, host: true })).toBe('apply')
    expect(judge({ authority: HOST, host: true })).toBe('own')
  })
  it('OW8: an old row, a known one and one from the far future change nothing', () => {
    expect(judge({ known: 100 })).toBe('old')
    expect(judge({ known: 101 })).toBe('old')
    expect(judge({ row: 131 })).toBe('ahead')
    expect(judge({ row: 130 })).toBe('apply')
  })
  it('OW8: ticks are compared across the wrap', () => {
    expect(judgeRow(false, 2, HOST, 2, 3, 0xfffffff0, 4)).toBe('apply')
    expect(judgeRow(false, 2, HOST, 2, 0xfffffff0, 3, 4)).toBe('old')
  })
})
