import { query } from 'bitecs'
import { describe, expect, it } from 'vitest'
import { Avatar, Transform } from '../sim/components.ts'
import { crateLayout } from '../sim/layout.ts'
import { createRig, type Player } from './rig.ts'

const avatars = ({ plaza }: Player): number => query(plaza.world, [Transform, Avatar]).length

describe('a player that was away for so long that it counted as gone', () => {
  it('finds an avatar of its own again, though the number of its old one belongs to another entity by then', async () => {
    const rig = createRig({ crates: crateLayout(10), conditions: { latencyMs: 20 } })
    for (let n = 0; n < 3; n += 1) await rig.join()
    rig.run(300)
    const away = rig.players.shift()!
    rig.run(120)
    expect(rig.players.map(avatars)).toEqual([2, 2])
    // To the one that is away this avatar comes right after its own has gone, and takes its number.
    await rig.join()
    rig.run(30)
    rig.players.push(away)
    rig.run(600)
    expect(rig.players.map(avatars)).toEqual([4, 4, 4, 4])
    const ids = rig.players.map(({ session }) => session.replication.networkId(session.me))
    expect(new Set(ids).size).toBe(4)
    for (const { session } of rig.players) expect(session.replication.ownerOf(session.me)?.isLocal).toBe(true)
  })
})
