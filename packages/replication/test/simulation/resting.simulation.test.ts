/** What rests costs little; here is what it must not cost: the game's mistakes, and claims that were refused. */
import { expect, test } from 'vitest'
import { createRoom, networked } from '../rig.ts'

test('IN12: what a game writes without authority does not stay, also where the entity rests', () => {
  const rig = createRoom(2, { seed: 'resting' })
  const [host, guest] = rig.peers as [(typeof rig.peers)[0], (typeof rig.peers)[0]]
  host.replication!.spawn(host.game.crate, { translation: [3, 0, 0] })
  rig.run(120)
  const [eid] = networked(guest) as [number]
  const { translation } = guest.game.Transform
  expect(translation.x[eid]).toBe(3)
  translation.x[eid] = 50
  rig.run(64)
  expect(translation.x[eid]).toBe(3)
})

test('IN12: an entity at rest that was claimed in vain is shown at once as its authority has it', () => {
  const rig = createRoom(2, { seed: 'resting', conditions: { latencyMs: 0 } })
  const [host, guest] = rig.peers as [(typeof rig.peers)[0], (typeof rig.peers)[0]]
  host.replication!.spawn(host.game.crate, { translation: [3, 0, 0] })
  rig.run(120)
  const [eid] = networked(guest) as [number]
  const { translation } = guest.game.Transform
  const [hosted] = networked(host) as [number]
  let refused = false
  guest.replication!.on('refused', () => {
    refused = true
  })
  // Both want it in one frame; the host is first.
  guest.replication!.claim(eid)
  host.replication!.claim(hosted)
  expect(guest.replication!.authorityOf(eid)).toBe(guest.network.local)
  for (let frame = 0; frame < 30 && !refused; frame += 1) {
    rig.run(1, (peer) => {
      if (peer === guest && !refused) translation.x[eid] = 50
    })
  }
  expect(refused).toBe(true)
  rig.run(1)
  expect(translation.x[eid]).toBe(3)
})
