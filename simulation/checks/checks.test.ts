import type { LogEntry } from '@baton/core'
import { encodeControl, type ControlBody } from '@baton/schemas'
import { describe, expect, it } from 'vitest'
import type { Inspection } from '../inspection.ts'
import { NodeClock } from '../node-clock.ts'
import type { SimulatedPeer } from '../peer.ts'
import { LogOracle } from './log-oracle.ts'
import { PeerChecks, WITNESS } from './peer-checks.ts'
import { Violations } from './violations.ts'
import { WorldModel } from './world-model.ts'

const LEASE_MS = 600

interface Stub {
  readonly peer: SimulatedPeer
  term: number
  tick: number
  pending: number
  buffered: number
  committed: { index: number; lines: string[] }
  inspection: Mutable<Inspection>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A peer of which only that is there which checks look at. */
function createStub(slot: number, others: readonly string[] = []): Stub {
  const inspection: Mutable<Inspection> = {
    generation: 0,
    term: 1,
    promised: 1,
    role: 'host',
    isActing: true,
    isReleasing: false,
    commitIndex: 1,
    length: 1,
    firstIndex: 1,
    voters: [slot],
    learners: [],
    uncommittedRosters: 0,
    lastTerm: 1,
    councils: [[1, 2, 3]],
    resigned: [],
    entryAt: () => undefined,
  }
  const peers = others.map((id, index) => ({ id, slot: slot + 1 + index, displayName: id }))
  const stub: Mutable<Stub> = {
    peer: undefined as never,
    term: 1,
    tick: 0,
    pending: 0,
    buffered: 0,
    committed: { index: 0, lines: [] },
    inspection,
  }
  const network = {
    isJoined: true,
    isHost: true,
    get term() {
      return stub.term
    },
    sessionTag: 7,
    local: { slot, id: `id-${slot}` },
    peers,
    tick: () => stub.tick,
    lower: { inspect: () => stub.inspection, bufferedBytes: () => stub.buffered },
  }
  const replication = {
    synced: true,
    get pendingCount() {
      return stub.pending
    },
    get committedIndex() {
      return stub.committed.index
    },
    describeCommitted: () => stub.committed.lines,
  }
  const game = { replication }
  const peer = { name: `p${slot}`, id: `id-${slot}`, network, clock: new NodeClock(1, 0), game }
  stub.peer = peer as unknown as SimulatedPeer
  return stub
}

function createChecks() {
  const violations = new Violations(() => 0)
  const oracle = new LogOracle(violations)
  const checks = new PeerChecks(violations, oracle, LEASE_MS)
  const ids = (): string[] => violations.list.map((violation) => violation.id)
  return { violations, oracle, checks, ids }
}

function entry(index: number, body: ControlBody, requester = 1, term = 1): LogEntry {
  return { index, term, requester, body }
}

function spawn(id: number, request = 0, changes: Partial<Extract<ControlBody, { type: 'Spawn' }>> = {}): ControlBody {
  const rest = { owner: 1, authority: 1, ownershipSequence: 0, authoritySequence: 0, parent: 0, components: [] }
  return { type: 'Spawn', request, id, prefab: 'crate', departPolicy: 'transfer', ...rest, ...changes }
}

const ROWS = { term: 1, slot: 1, tick: 0, hasRows: true }

describe('the checks of a simulation', () => {
  it('I1 I3: find two that send as host of one term, and an old host after a new one', () => {
    const { checks, ids } = createChecks()
    const [a, b] = [createStub(1), createStub(2)]
    checks.sentAsHost(a.peer, ROWS)
    checks.frame(a.peer, 0)
    checks.sentAsHost(a.peer, ROWS)
    checks.frame(a.peer, 16)
    expect(ids()).toEqual([])
    checks.sentAsHost(b.peer, ROWS)
    checks.frame(b.peer, 16)
    expect(ids()).toEqual(['I1'])
    b.term = 2
    checks.sentAsHost(b.peer, { ...ROWS, term: 2 })
    checks.frame(b.peer, 32)
    a.inspection.isReleasing = true
    checks.sentAsHost(a.peer, ROWS)
    checks.frame(a.peer, 48)
    expect(ids().filter((id) => id === 'I3')).toEqual([])
    a.inspection.isReleasing = false
    checks.sentAsHost(a.peer, ROWS)
    checks.frame(a.peer, 64)
    expect(ids()).toContain('I3')
  })

  it('let acks without rows pass: they carry no authority', () => {
    const { checks, ids } = createChecks()
    const [a, b] = [createStub(1), createStub(2)]
    b.inspection.isActing = false
    checks.sentAsHost(a.peer, ROWS)
    checks.sentAsHost(b.peer, { ...ROWS, hasRows: false })
    for (const { peer } of [a, b]) checks.frame(peer, 0)
    expect(ids()).toEqual([])
  })

  it('I2 I10: find a term or generation that falls, and a tick that does, across the wrap', () => {
    const { checks, ids } = createChecks()
    const stub = createStub(1)
    stub.term = 5
    stub.tick = 0xffff_ffff
    checks.frame(stub.peer, 0)
    stub.tick = 3
    checks.frame(stub.peer, 16)
    expect(ids()).toEqual([])
    stub.tick = 2
    checks.frame(stub.peer, 32)
    expect(ids()).toEqual(['I10'])
    stub.term = 1
    stub.inspection.generation = 1
    checks.frame(stub.peer, 48)
    expect(ids()).toEqual(['I10'])
    stub.inspection.generation = 0
    checks.frame(stub.peer, 64)
    expect(ids()).toEqual(['I10', 'I2'])
  })

  it('I4: find a voter, or the witness, that grants a term twice', () => {
    const { checks, ids } = createChecks()
    const stub = createStub(1)
    const vote = (term: number, candidate: number): Uint8Array =>
      encodeControl({
        term,
        index: 0,
        body: { type: 'Vote', term, candidate, lastTerm: 1, length: 1, commit: 1, tick: 1 },
      })
    for (const candidate of [2, 2]) checks.sentControl(stub.peer, vote(4, candidate))
    checks.sentControl(stub.peer, vote(5, 3))
    checks.witnessed(stub.peer, vote(4, 3))
    expect(ids()).toEqual([])
    checks.sentControl(stub.peer, vote(4, 3))
    expect(ids()).toEqual(['I4'])
    checks.witnessed(stub.peer, vote(4, 2))
    expect(ids()).toEqual(['I4', 'I4'])
  })

  it('I5: find logs that differ, and one with a gap', () => {
    const { checks, ids } = createChecks()
    const [a, b] = [createStub(1), createStub(2)]
    for (const index of [1, 2]) checks.committed(a.peer, entry(index, spawn(index)))
    checks.committed(b.peer, entry(1, spawn(1)))
    expect(ids()).toEqual([])
    checks.committed(b.peer, entry(2, spawn(3)))
    expect(ids()).toEqual(['I5'])
    checks.committed(b.peer, entry(4, spawn(4)))
    expect(ids()).toEqual(['I5', 'I5'])
    checks.reset(b.peer, 9)
    checks.committed(b.peer, entry(10, spawn(10)))
    expect(ids()).toEqual(['I5', 'I5'])
  })

  it('I7 I8: find an id that is given twice, and a request that is applied twice', () => {
    const { checks, ids } = createChecks()
    const { peer } = createStub(1)
    checks.committed(peer, entry(1, spawn(1, 1)))
    checks.committed(peer, entry(2, spawn(2, 1), 2))
    expect(ids()).toEqual([])
    checks.committed(peer, entry(3, { type: 'Despawn', request: 1, ids: [2] }, 2))
    expect(ids()).toEqual(['I8'])
    checks.committed(peer, entry(4, spawn(1, 7)))
    expect(ids()).toEqual(['I8', 'I7'])
  })

  it('I9: find worlds that differ at the same place of the committed log, whatever is under way', () => {
    const { checks, ids } = createChecks()
    const [first, second] = [createStub(1), createStub(2)]
    first.pending = 3
    first.committed = { index: 4, lines: ['7:1/1', '8:2/2'] }
    second.committed = { index: 3, lines: ['7:1/1'] }
    for (const { peer } of [first, second]) checks.frame(peer, 1_000)
    second.committed = { index: 4, lines: ['7:1/1', '8:2/2'] }
    checks.frame(second.peer, 1_010)
    expect(ids()).toEqual([])
    first.committed = { index: 5, lines: ['7:1/1', '8:2/2'] }
    second.committed = { index: 5, lines: ['7:1/1', '8:1/2'] }
    for (const { peer } of [first, second]) checks.frame(peer, 1_020)
    expect(ids()).toEqual(['I9'])
  })

  it('I7 I11: find life after death, and callbacks out of order', () => {
    const { checks, ids } = createChecks()
    const { peer } = createStub(1)
    checks.spawned(peer, 1)
    checks.despawned(peer, 1)
    expect(ids()).toEqual([])
    checks.despawned(peer, 1)
    checks.spawned(peer, 1)
    checks.spawned(peer, 1)
    checks.despawned(peer, 2)
    expect(ids()).toEqual(['I11', 'I7', 'I11', 'I7', 'I11'])
  })

  it('I12: find a host that acts without having heard a quorum within its lease', () => {
    const { checks, ids } = createChecks()
    const host = createStub(1, ['id-2', 'id-3'])
    host.inspection.voters = [1, 2, 3]
    const act = (atMs: number): void => {
      checks.sentAsHost(host.peer, ROWS)
      checks.frame(host.peer, atMs)
    }
    checks.delivered('id-3', 'id-1', 1_000)
    act(1_000 + LEASE_MS - 20)
    expect(ids()).toEqual([])
    act(1_000 + LEASE_MS)
    expect(ids()).toEqual(['I12'])
    // Sent long ago and only now arrived is no sign of life.
    checks.delivered('id-2', 'id-1', 900)
    act(1_000 + LEASE_MS + 10)
    expect(ids()).toEqual(['I12', 'I12'])
    host.inspection.isActing = false
    checks.delivered('id-2', 'id-1', 1_700)
    act(1_710)
    expect(ids()).toEqual(['I12', 'I12', 'I12'])
  })

  it('I12: count the witness where voters are even, and nowhere else', () => {
    for (const voters of [
      [1, 2],
      [1, 2, 3],
    ]) {
      const { checks, ids } = createChecks()
      const host = createStub(1, ['id-2', 'id-3'])
      host.inspection.voters = voters
      checks.delivered(WITNESS, 'id-1', 1_000)
      checks.sentAsHost(host.peer, ROWS)
      checks.frame(host.peer, 1_100)
      expect(ids()).toEqual(voters.length === 2 ? [] : ['I12'])
    }
  })

  it('I14 I15: find queues over their caps, and two rosters of one term under way', () => {
    const { checks, ids } = createChecks()
    const stub = createStub(1, ['id-2'])
    stub.pending = 5_000
    checks.frame(stub.peer, 0)
    stub.pending = 0
    stub.buffered = 8_000_000
    checks.frame(stub.peer, 16)
    stub.buffered = 0
    stub.inspection.length = 20_000
    checks.frame(stub.peer, 32)
    expect(ids()).toEqual(['I14', 'I14', 'I14'])
    stub.inspection.length = 3
    stub.inspection.uncommittedRosters = 2
    const roster = entry(2, { type: 'Roster', nextSlot: 2, members: [], former: [], tick: 0 })
    stub.inspection.entryAt = (index) => (index === 2 ? roster : { ...roster, term: index === 3 ? 0 : 1 })
    checks.frame(stub.peer, 48)
    expect(ids()).toEqual(['I14', 'I14', 'I14'])
    stub.inspection.entryAt = () => roster
    checks.frame(stub.peer, 64)
    expect(ids()).toEqual(['I14', 'I14', 'I14', 'I15'])
  })
})

describe('the model of the world', () => {
  const roster = (...slots: number[]): ControlBody => ({
    type: 'Roster',
    nextSlot: 9,
    members: slots.map((slot) => ({ slot, peer: `p${slot}`, displayName: '', voter: true, canHost: true })),
    former: [],
    tick: 0,
  })
  const play = (bodies: readonly ControlBody[]): WorldModel => {
    const model = new WorldModel()
    bodies.forEach((body, at) => model.apply(entry(at + 1, body)))
    return model
  }

  it('ends what belonged to one that left, with what hung under it, and gives away the rest', () => {
    const model = play([
      roster(1, 2),
      spawn(10, 0, { owner: 2, departPolicy: 'despawn' }),
      spawn(11, 0, { owner: 1, parent: 10 }),
      spawn(12, 0, { owner: 2 }),
      spawn(13, 0, { owner: 2, departPolicy: 'hold' }),
      spawn(14, 0, { owner: 1 }),
      { type: 'Despawn', request: 0, ids: [14] },
      roster(1),
    ])
    expect([...model.entities.keys()]).toEqual([12, 13])
    expect(model.entities.get(12)?.owner).toBe(1)
    expect(model.entities.get(13)?.owner).toBe(2)
  })

  it('follows grants and parents', () => {
    const owned = { id: 12, owner: 2, authority: 2, ownershipSequence: 1, authoritySequence: 1 }
    const model = play([
      roster(1, 2),
      spawn(10, 0, { owner: 1 }),
      spawn(12, 0, { owner: 1 }),
      { type: 'ParentChanged', request: 0, id: 12, parent: 10 },
      { type: 'Grant', request: 0, requester: 2, tick: 0, entries: [owned] },
    ])
    expect(model.entities.get(12)).toMatchObject({ owner: 2, parent: 10 })
  })
})
