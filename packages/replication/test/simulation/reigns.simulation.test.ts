/** Rows across a change of host: what the next host holds counts, also where somebody has heard later ones. */
import { expect, test } from 'vitest'
import { createRoom, networked, type RigPeer } from '../rig.ts'

test('OW13: a row of which the next host knows only an earlier state is that state everywhere, without mending', () => {
  const rig = createRoom(5, { seed: 'reigns', conditions: { latencyMs: 10 } })
  const [host, next, hearer, mover] = rig.peers as [RigPeer, RigPeer, RigPeer, RigPeer]
  const eid = mover.replication!.spawn(mover.game.crate, { translation: [3, 0, 0] })
  rig.run(60)
  // The next host does not hear what all others do.
  rig.memory.cut(host.network.local.id, next.network.local.id)
  for (let frame = 0; frame < 10; frame += 1) {
    mover.game.Transform.translation.x[eid]! += 0.5
    rig.run(1)
  }
  rig.run(6)
  const [seen] = networked(hearer) as [number]
  const [held] = networked(next) as [number]
  expect(hearer.game.Transform.translation.x[seen]).toBeGreaterThan(3)
  expect(next.game.Transform.translation.x[held]).toBe(3)
  rig.crash(host)
  rig.crash(mover)
  rig.run(600)
  expect(next.network.isHost).toBe(true)
  const prints = rig.living.map(({ replication }) => replication!.fingerprint())
  expect(new Set(prints).size).toBe(1)
  expect(rig.living.map(({ replication }) => replication!.counters.entitiesMended)).toEqual([0, 0, 0])
})
