/** What is found and what is marked: which writes of a game reach the others. */
import { expect, test } from 'vitest'
import { acting, createRoom, networked } from '../rig.ts'

type Rig = ReturnType<typeof createRoom>
type Peer = Rig['peers'][0]

function room(changes: 'found' | 'marked'): { rig: Rig; host: Peer; guest: Peer } {
  const rig = createRoom(2, { seed: `changes ${changes}`, replication: { changes } })
  const [host, guest] = rig.peers as [Peer, Peer]
  host.replication!.spawn(host.game.crate, { translation: [3, 0, 0] })
  rig.run(60)
  return { rig, host, guest }
}

test('CG1: whatever is written is found, also what was put back in between', () => {
  const { rig, host, guest } = room('found')
  const [eid] = networked(host) as [number]
  const [shown] = networked(guest) as [number]
  for (const x of [7, 3, 9]) {
    host.game.Transform.translation.x[eid] = x
    rig.run(40)
    expect(guest.game.Transform.translation.x[shown]).toBe(x)
  }
})

test('CG2: what is not marked is not sent, and all of it is with the next mark', () => {
  const { rig, host, guest } = room('marked')
  const [eid] = networked(host) as [number]
  const [shown] = networked(guest) as [number]
  const { x, y } = host.game.Transform.translation
  const seen = guest.game.Transform.translation
  // What it was spawned with arrived without a mark.
  expect(seen.x[shown]).toBe(3)
  x[eid] = 7
  rig.run(40)
  expect(seen.x[shown]).toBe(3)
  y[eid] = 2
  host.replication!.markChanged(eid)
  rig.run(40)
  expect([seen.x[shown], seen.y[shown]]).toEqual([7, 2])
  expect(() => host.replication!.markChanged(60_000)).not.toThrow()
})

test('CG2: a value that cannot travel is tried again without a mark', () => {
  const { rig, host, guest } = room('marked')
  const [eid] = networked(host) as [number]
  const [shown] = networked(guest) as [number]
  const { x } = host.game.Transform.translation
  x[eid] = Number.NaN
  host.replication!.markChanged(eid)
  rig.run(10)
  expect(host.events).toContain('badvalue Transform')
  x[eid] = 5
  rig.run(40)
  expect(guest.game.Transform.translation.x[shown]).toBe(5)
})

test('CG2: who comes to simulate an entity sends what its columns hold, and then what it marks', () => {
  const { rig, host, guest } = room('marked')
  const [eid] = networked(host) as [number]
  const [shown] = networked(guest) as [number]
  guest.replication!.claim(shown)
  rig.run(40)
  expect(acting(guest)).toEqual([shown])
  guest.game.Transform.translation.x[shown] = 11
  guest.replication!.markChanged(shown)
  rig.run(40)
  expect(host.game.Transform.translation.x[eid]).toBe(11)
  host.replication!.claim(eid)
  rig.run(40)
  expect(acting(host)).toEqual([eid])
  host.game.Transform.translation.x[eid] = -4
  rig.run(40)
  expect(guest.game.Transform.translation.x[shown]).toBe(11)
  host.replication!.markChanged(eid)
  rig.run(40)
  expect(guest.game.Transform.translation.x[shown]).toBe(-4)
})
