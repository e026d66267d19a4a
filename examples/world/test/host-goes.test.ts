/**
 * The plaza while its host is away: who pushes goes on pushing, who walks goes on walking, and afterwards everything
 * is there once. In virtual time.
 */
import { expect, test } from 'vitest'
import { crateLayout, type CratePlace } from '../sim/layout.ts'
import { crateNear, createRig, placeOf, type Player, type Rig } from './rig.ts'

const CRATES: CratePlace[] = [
  { translation: [0, 0.5, -6], rotation: [0, 0, 0, 1] },
  { translation: [14, 0.5, 14], rotation: [0, 0, 0, 1] },
]

const myId = ({ session }: Player): number => session.replication.networkId(session.me)
const hostOf = ({ session }: Player): string | undefined => session.network.host?.displayName

/** Its process ends without a word. */
function crash(rig: Rig, player: Player): void {
  rig.players.splice(rig.players.indexOf(player), 1)
  rig.memory.crash(player.network.local.id)
}

/** Its page computes for so long that nothing else runs in it. */
function freeze(rig: Rig, player: Player, frames: number, look?: () => void): void {
  const index = rig.players.indexOf(player)
  rig.players.splice(index, 1)
  rig.run(frames, look)
  rig.players.splice(index, 0, player)
}

test('a host crashes while a guest pushes a crate: the crate and its pusher do not stop for a frame', async () => {
  const rig = createRig({ crates: CRATES, conditions: { latencyMs: 30 } })
  const host = await rig.join()
  const guest = await rig.join()
  const other = await rig.join()
  rig.run(240)
  const crate = crateNear(guest, 0, -6)
  rig.run(150, () => {
    const [x, , z] = placeOf(guest, myId(guest))
    guest.wishes = { moveX: -x! * 2, moveZ: (-4.6 - z!) * 2, jump: false }
  })
  guest.wishes = { moveX: 0, moveZ: -1, jump: false }
  rig.run(40)
  expect(placeOf(guest, crate)[2]).toBeLessThan(-6.3)
  const news: string[] = []
  for (const player of [guest, other]) {
    player.session.network.on('hostchanged', (_host, { reason }) =>
      news.push(`${player.session.baton.read().holder} ${reason}`),
    )
  }

  crash(rig, host)
  let beforeZ = placeOf(guest, crate)[2]!
  let stoodFrames = 0
  let gapFrames = 0
  while (hostOf(guest) !== 'player 2' || hostOf(other) !== 'player 2') {
    rig.run(1)
    gapFrames += 1
    const z = placeOf(guest, crate)[2]!
    if (beforeZ - z < 0.01) stoodFrames += 1
    beforeZ = z
    expect(gapFrames).toBeLessThan(300)
  }
  expect(gapFrames).toBeGreaterThan(10)
  expect(stoodFrames).toBe(0)
  expect(news).toEqual(['player 2 lost', 'player 2 lost'])

  guest.wishes = { moveX: 0, moveZ: 0, jump: false }
  rig.run(300)
  for (const player of [guest, other]) {
    const { replication, baton } = player.session
    expect(replication.entityCount).toBe(CRATES.length + 2)
    expect(baton.read()).toMatchObject({ holder: 'player 2', state: 'stable', term: 2, isMine: player === guest })
    expect(placeOf(player, crate)[2]).toBeLessThan(-8)
  }
  expect(guest.session.replication.fingerprint()).toBe(other.session.replication.fingerprint())
})

test('a host that froze is a guest when it wakes, and walks again', async () => {
  const rig = createRig({ crates: crateLayout(40), conditions: { latencyMs: 30 } })
  const host = await rig.join()
  const second = await rig.join()
  const third = await rig.join()
  rig.run(240)
  freeze(rig, host, 180)
  expect([hostOf(second), hostOf(third)]).toEqual(['player 2', 'player 2'])
  rig.run(300)
  expect(rig.players.map(hostOf)).toEqual(['player 2', 'player 2', 'player 2'])
  expect(host.session.replication.networkId(host.session.me)).not.toBe(0)
  const [x, , z] = placeOf(second, myId(host))
  host.wishes = { moveX: 1, moveZ: 1, jump: false }
  rig.run(90)
  const [laterX, , laterZ] = placeOf(second, myId(host))
  expect(Math.hypot(laterX! - x!, laterZ! - z!)).toBeGreaterThan(2)
  host.wishes = { moveX: 0, moveZ: 0, jump: false }
  rig.run(300)
  for (const { session } of rig.players) expect(session.replication.entityCount).toBe(43)
  expect(new Set(rig.players.map(({ session }) => session.replication.fingerprint())).size).toBe(1)
})

test('the card of a player says why it cannot hand the baton on, and hands it to whom it names', async () => {
  const rig = createRig({ crates: CRATES, conditions: { latencyMs: 30 } })
  const host = await rig.join()
  rig.run(30)
  expect(host.session.baton.read()).toMatchObject({
    isMine: true,
    takers: [],
    obstacle: 'Nobody else is here to take it',
  })
  const second = await rig.join()
  const third = await rig.join()
  rig.run(300)
  const card = host.session.baton
  expect(card.read().takers.map(({ name }) => name)).toEqual(['player 2', 'player 3'])
  expect(card.read().obstacle).toBeUndefined()
  expect(second.session.baton.read().obstacle).toBe('Only player 1 can hand it on')
  expect(second.session.baton.handOn(third.network.local.id)).toContain('only the host')
  expect(card.handOn('nobody')).toBe('That player has just left')
  expect(card.handOn(third.network.local.id)).toBeUndefined()
  rig.run(120)
  expect(rig.players.map(hostOf)).toEqual(['player 3', 'player 3', 'player 3'])
  expect(third.session.baton.read()).toMatchObject({ isMine: true, term: 2, state: 'stable' })
})
