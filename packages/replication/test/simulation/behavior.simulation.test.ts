import { createNetwork } from '@baton/core'
import {
  addComponent,
  addEntity,
  createWorld,
  entityExists,
  getRelationTargets,
  hasComponent,
  removeComponent,
  removeEntity,
} from 'bitecs'
import { describe, expect, it } from 'vitest'
import { ChildOf, createReplication, defineReplicated, definePrefab, uint, vec3 } from '../../src/index.ts'
import { acting, createRoom, networked, type Rig, type RigPeer } from '../rig.ts'

/** The same entity at another peer. */
const there = (from: RigPeer, eid: number, to: RigPeer): number =>
  to.replication!.entityOf(from.replication!.networkId(eid))
const room = (
  count: number,
  options: Partial<Parameters<typeof createRoom>[1]> = {},
): Rig & { host: RigPeer; guest: RigPeer } => {
  const rig = createRoom(count, { seed: 7, conditions: { latencyMs: 20 }, ...options })
  return Object.assign(rig, { host: rig.peers[0]!, guest: rig.peers[1]! })
}
const xOf = (peer: RigPeer, eid: number): number => peer.game.Transform.translation.x[eid]!

describe('lifecycle', () => {
  it('LC1: a spawn is usable at once on a guest, and everywhere once the host has heard of it', () => {
    const rig = room(3)
    const eid = rig.guest.replication!.spawn(rig.guest.game.crate, { translation: [3, 0, 0], points: 80 })
    expect(xOf(rig.guest, eid)).toBe(3)
    expect(acting(rig.guest)).toEqual([eid])
    rig.run(30)
    for (const peer of rig.peers) {
      const local = there(rig.guest, eid, peer)
      expect(xOf(peer, local), peer.name).toBeCloseTo(3, 2)
      expect(peer.game.Health.points[local]).toBe(80)
      expect(peer.replication!.ownerOf(local)?.id).toBe(rig.guest.network.local.id)
    }
  })

  it('LC2: spawned and despawned are told once per entity on every peer, and columns can be read while it goes', () => {
    const rig = room(3)
    const seen: number[] = []
    rig.guest.replication!.on('despawned', ({ eid }) => seen.push(xOf(rig.guest, eid)))
    const eid = rig.host.replication!.spawn(rig.host.game.crate, { translation: [5, 0, 0] })
    const id = rig.host.replication!.networkId(eid)
    rig.run(20)
    rig.host.replication!.despawn(eid)
    rig.run(20)
    for (const peer of rig.peers) {
      expect(peer.events.filter((event) => event.endsWith(String(id)))).toEqual([`spawned ${id}`, `despawned ${id}`])
      expect(networked(peer)).toEqual([])
    }
    expect(seen[0]).toBeCloseTo(5, 2)
  })

  it('LC4: children go with their parent on every peer', () => {
    const rig = room(2)
    const { crate } = rig.host.game
    const parent = rig.host.replication!.spawn(crate)
    const child = rig.host.replication!.spawn(crate, {}, { parent })
    rig.host.replication!.spawn(crate, {}, { parent: child })
    const other = rig.host.replication!.spawn(crate)
    rig.run(20)
    rig.host.replication!.despawn(parent)
    rig.run(20)
    expect(networked(rig.guest)).toEqual([there(rig.host, other, rig.guest)])
  })

  it('LC5: references follow their entity to every peer, and read 0 once it is gone', () => {
    const rig = room(3)
    const { crate, Health } = rig.guest.game
    const target = rig.guest.replication!.spawn(crate)
    const eid = rig.guest.replication!.spawn(crate, { target })
    rig.run(30)
    for (const peer of rig.peers) {
      expect(peer.game.Health.target[there(rig.guest, eid, peer)]).toBe(there(rig.guest, target, peer))
    }
    rig.guest.replication!.despawn(target)
    rig.run(30)
    for (const peer of rig.peers) expect(peer.game.Health.target[there(rig.guest, eid, peer)], peer.name).toBe(0)
    expect(Health.target[eid]).toBe(0)
  })

  it('LC5: setParent moves an entity under another on every peer, and out again', () => {
    const rig = room(2)
    const { crate } = rig.host.game
    const [parent, child] = [rig.host.replication!.spawn(crate), rig.host.replication!.spawn(crate)]
    const parentsAtGuest = (): number[] =>
      getRelationTargets(rig.guest.world, there(rig.host, child, rig.guest), ChildOf)
    rig.host.replication!.setParent(child, parent)
    rig.run(20)
    expect(parentsAtGuest()).toEqual([there(rig.host, parent, rig.guest)])
    rig.host.replication!.setParent(child, 0)
    rig.run(20)
    expect(parentsAtGuest()).toEqual([])
    expect(() => rig.host.replication!.setParent(child, child)).toThrow(/below the entity itself/)
  })

  it('LC6: components and entities that the game changes in the ECS are replicated', () => {
    const rig = room(3)
    const { crate, Mood, Frozen, Health } = rig.guest.game
    const eid = rig.guest.replication!.spawn(crate)
    rig.run(20)
    Mood.state[eid] = 1
    addComponent(rig.guest.world, eid, Mood)
    addComponent(rig.guest.world, eid, Frozen)
    removeComponent(rig.guest.world, eid, Health)
    rig.run(20)
    for (const peer of rig.peers) {
      const local = there(rig.guest, eid, peer)
      expect(
        [Mood, Frozen, Health].map((_, at) =>
          hasComponent(peer.world, local, [peer.game.Mood, peer.game.Frozen, peer.game.Health][at]!),
        ),
      ).toEqual([true, true, false])
      expect(peer.game.Mood.state[local]).toBe(1)
    }
    removeEntity(rig.guest.world, eid)
    // The eid may be another entity's at once.
    const reused = addEntity(rig.guest.world)
    rig.run(20)
    for (const peer of rig.peers) expect(networked(peer), peer.name).toEqual([])
    expect(entityExists(rig.guest.world, reused)).toBe(true)
  })

  it('LC6: the same without authority is undone and counted', () => {
    const rig = room(2)
    const eid = rig.host.replication!.spawn(rig.host.game.crate, { translation: [2, 0, 0], points: 9 })
    rig.run(20)
    const local = there(rig.host, eid, rig.guest)
    removeComponent(rig.guest.world, local, rig.guest.game.Health)
    rig.run(2)
    expect(hasComponent(rig.guest.world, local, rig.guest.game.Health)).toBe(true)
    removeEntity(rig.guest.world, local)
    rig.run(2)
    const again = there(rig.host, eid, rig.guest)
    expect(rig.guest.game.Health.points[again]).toBe(9)
    expect(xOf(rig.guest, again)).toBeCloseTo(2, 2)
    expect(rig.guest.replication!.counters.changesUndone).toBe(2)
    expect(networked(rig.host)).toEqual([eid])
  })

  it('LC7: a guest over its limits is refused and its entity taken back; the host and others are unhurt', () => {
    const rig = room(2, { replication: { limits: { entitiesPerPeer: 2 } } })
    for (let i = 0; i < 3; i += 1) rig.guest.replication!.spawn(rig.guest.game.crate)
    rig.run(30)
    expect(networked(rig.host)).toHaveLength(2)
    expect(networked(rig.guest)).toHaveLength(2)
    expect(rig.guest.events).toContain('refused Spawn limit')
  })

  it('LC8: a reliable component arrives when it changes, and only then', () => {
    const rig = room(3)
    const { crate, Health } = rig.guest.game
    const eid = rig.guest.replication!.spawn(crate, { points: 1 })
    rig.run(30)
    const sentBefore = rig.guest.network.peers[0]!.stats!.packetsSent
    Health.points[eid] = 77
    rig.run(30)
    for (const peer of rig.peers) expect(peer.game.Health.points[there(rig.guest, eid, peer)]).toBe(77)
    expect(rig.guest.network.peers[0]!.stats!.packetsSent - sentBefore).toBeLessThan(30 + 20)
  })

  it('LC8: a NaN in a column is told once, and nobody sees it', () => {
    const rig = room(2)
    const { crate, Transform } = rig.host.game
    const eid = rig.host.replication!.spawn(crate, { translation: [1, 0, 0] })
    rig.run(20)
    Transform.translation.x[eid] = NaN
    rig.run(20)
    expect(rig.host.events.filter((event) => event.startsWith('badvalue'))).toEqual(['badvalue Transform'])
    expect(xOf(rig.guest, there(rig.host, eid, rig.guest))).toBeCloseTo(1, 2)
    Transform.translation.x[eid] = 4
    rig.run(40)
    expect(xOf(rig.guest, there(rig.host, eid, rig.guest))).toBeCloseTo(4, 2)
    expect(() => rig.host.replication!.spawn(crate, { translation: [Infinity, 0, 0] })).toThrow(/give finite numbers/)
  })

  it('LC9: builds whose components or prefabs differ refuse each other with a sentence that names the difference', () => {
    for (const change of ['component', 'prefab'] as const) {
      const rig = createRoom(1, { seed: 3 })
      const world = createWorld()
      const { game } = rig.peers[0]!
      const refusals: string[] = []
      const network = createNetwork({ transport: rig.memory.join(), random: () => 1 })
      network.on('error', (error) => refusals.push(`${error.code}: ${error.message}`))
      const Transform = defineReplicated('Transform', {
        translation: vec3({ range: change === 'component' ? 64 : 128, step: 1 / 512 }),
      })
      let attached = false
      for (let i = 0; i < 300 && refusals.length === 0; i += 1) {
        rig.run(1)
        network.receive(rig.memory.now)
        network.flush(rig.memory.now)
        if (!network.isJoined || attached) continue
        attached = true
        const { Health, Label, Mood, Frozen } = game
        const components = [change === 'component' ? Transform : game.Transform, Health, Label, Mood, Frozen]
        const crate = definePrefab({ components: [components[0]!], whenOwnerLeaves: 'despawn' })
        createReplication({ world, network, components, prefabs: { crate } })
      }
      expect(refusals[0]).toMatch(
        change === 'component' ? /^protocol\/hash-mismatch: .*Transform/ : /^protocol\/hash-mismatch: .*prefab/,
      )
      expect(rig.peers[0]!.events.filter((event) => event.startsWith('error'))).toEqual([])
    }
  })

  it('LC10: a component with a rate of its own is sent on every n-th tick, and arrives', () => {
    const rig = room(1)
    const slow = defineReplicated('Slow', { at: vec3({ range: 64, step: 1 / 512 }) }, { rateHz: 10 })
    const prefab = definePrefab({ components: [slow] })
    const ticks: number[] = []
    const replication = createReplication({
      world: createWorld(),
      network: rig.host.network,
      components: [slow],
      prefabs: { prefab },
    })
    replication.tap.onCollected = (_schema, _id, tick) => void ticks.push(tick)
    const eid = replication.spawn(prefab)
    for (let i = 0; i < 120; i += 1) {
      rig.memory.advance(1000 / 60)
      replication.receive(rig.memory.now)
      slow.at.x[eid] = i
      replication.send(rig.memory.now)
    }
    expect(ticks.length).toBeGreaterThan(15)
    expect(ticks.every((tick) => tick % 6 === 0)).toBe(true)
  })

  it('LC2: a callback of the game that throws is counted, and the network goes on', () => {
    const rig = room(2)
    rig.guest.replication!.on('spawned', () => {
      throw new Error('mistake in the game')
    })
    const eid = rig.host.replication!.spawn(rig.host.game.crate, { translation: [1, 2, 3] })
    rig.run(20)
    expect(rig.guest.replication!.counters.callbackErrors).toBe(1)
    expect(xOf(rig.guest, there(rig.host, eid, rig.guest))).toBeCloseTo(1, 2)
  })

  it('LC1: spawn before joining, a value without a field and an eid over the capacity are said clearly', () => {
    const rig = room(1)
    const small = defineReplicated('Small', { value: uint(4) }, { capacity: 2 })
    const prefab = definePrefab({ components: [small] })
    const world = createWorld()
    const replication = createReplication({
      world,
      network: rig.host.network,
      components: [small],
      prefabs: { prefab },
    })
    replication.spawn(prefab)
    expect(() => replication.spawn(prefab)).toThrow(/eid 2 does not fit Small/)
    expect(() => rig.host.replication!.spawn(rig.host.game.crate, { nothing: 1 } as never)).toThrow(
      /no component has a field 'nothing'/,
    )
    const early = createNetwork({ transport: rig.memory.join(), random: () => 1 })
    const before = createReplication({ world, network: early, components: [small], prefabs: { prefab } })
    expect(() => before.spawn(prefab)).toThrow(/has not joined yet/)
  })
})

describe('ownership', () => {
  it('OW3, OW2: a claimant simulates at once, and everybody agrees a round trip later', () => {
    const rig = room(3)
    const eid = rig.host.replication!.spawn(rig.host.game.crate)
    rig.run(20)
    const local = there(rig.host, eid, rig.guest)
    rig.guest.replication!.claim(local)
    expect(acting(rig.guest)).toEqual([local])
    rig.run(8)
    for (const peer of rig.peers) {
      expect(peer.replication!.ownerOf(there(rig.host, eid, peer))?.slot, peer.name).toBe(rig.guest.network.local.slot)
      expect(acting(peer)).toEqual(peer === rig.guest ? [local] : [])
    }
  })

  it('OW5: what a refused claimant did is undone on its own screen and seen by nobody', () => {
    const rig = room(3)
    const { host, guest } = rig
    const third = rig.peers[2]!
    const eid = host.replication!.spawn(host.game.crate, { translation: [1, 0, 0], points: 5 })
    rig.run(40)
    const mine = there(host, eid, guest)
    const theirs = there(host, eid, third)
    third.replication!.claim(theirs)
    guest.replication!.claim(mine)
    guest.game.Transform.translation.x[mine] = 50
    guest.game.Health.points[mine] = 99
    rig.run(60, (peer) => {
      if (peer === third && acting(third).includes(theirs)) third.game.Transform.translation.x[theirs] = 2
    })
    const loser = guest.replication!.ownerOf(mine)?.isLocal ? third : guest
    expect(loser.events.some((event) => event.startsWith('refused Claim'))).toBe(true)
    const values = rig.peers.map((peer) => [
      xOf(peer, there(host, eid, peer)),
      peer.game.Health.points[there(host, eid, peer)],
    ])
    for (const [x, points] of values) {
      expect(x).toBeCloseTo(values[0]![0]!, 1)
      expect(points).toBe(values[0]![1])
    }
  })

  it('OW6: what was only touched goes back to its owner after half a second at rest', () => {
    const rig = room(2)
    const eid = rig.host.replication!.spawn(rig.host.game.crate)
    rig.run(20)
    const local = there(rig.host, eid, rig.guest)
    rig.guest.replication!.touch(local)
    rig.run(20, (peer) => {
      if (peer === rig.guest) rig.guest.game.Transform.translation.x[local]! += 0.1
    })
    expect(rig.host.replication!.authorityOf(eid)?.slot).toBe(rig.guest.network.local.slot)
    expect(rig.host.replication!.ownerOf(eid)?.isLocal).toBe(true)
    rig.run(60)
    expect(rig.host.replication!.authorityOf(eid)?.isLocal).toBe(true)
    expect(xOf(rig.host, eid)).toBeCloseTo(2, 1)
  })

  it('OW7: what a guest leaves goes by its policy: to the host, with it, or held', () => {
    const rig = room(3)
    const { guest, host } = rig
    const { crate, avatar, relic } = guest.game
    const [kept, gone, held] = [crate, avatar, relic].map((prefab) => guest.replication!.spawn(prefab)) as [
      number,
      number,
      number,
    ]
    rig.run(20)
    const ids = [kept, gone, held].map((eid) => guest.replication!.networkId(eid))
    rig.leave(guest)
    rig.run(20)
    for (const peer of rig.living) {
      const [keptThere, goneThere, heldThere] = ids.map((id) => peer.replication!.entityOf(id)) as [
        number,
        number,
        number,
      ]
      expect(peer.replication!.ownerOf(keptThere)?.isHost).toBe(true)
      expect(goneThere).toBe(0)
      expect(peer.replication!.authorityOf(heldThere)).toBeUndefined()
    }
    rig.run(31 * 60)
    expect(host.replication!.authorityOf(host.replication!.entityOf(ids[2]!))?.isLocal).toBe(true)
  })

  it('OW8: rows of a guest without authority are dropped and counted', () => {
    const rig = room(2, { conditions: { latencyMs: 60 } })
    const eid = rig.host.replication!.spawn(rig.host.game.crate)
    rig.run(40)
    const local = there(rig.host, eid, rig.guest)
    // Claimed, and moved before the claim can have arrived: unreliable rows overtake it under loss of order.
    rig.guest.replication!.claim(local)
    rig.host.replication!.transfer(eid, rig.host.network.local)
    rig.run(30, (peer) => {
      if (peer === rig.guest && acting(peer).includes(local)) rig.guest.game.Transform.translation.x[local]! += 1
    })
    expect(rig.host.replication!.counters.rowsWithoutAuthority).toBeGreaterThan(0)
    expect(xOf(rig.host, eid)).toBe(0)
  })

  it('OW9: a state that overtakes the word of its authority is not lost', () => {
    // The log is slow and rows are quick: the guest hears the host's new state while it still has authority.
    const rig = room(2)
    const eid = rig.host.replication!.spawn(rig.host.game.crate)
    rig.run(20)
    const local = there(rig.host, eid, rig.guest)
    rig.guest.replication!.claim(local)
    rig.run(20)
    rig.host.replication!.transfer(eid, rig.host.network.local)
    rig.host.game.Transform.translation.x[eid] = 6
    rig.memory.setConditions({ loss: 0.5, jitterMs: 80 })
    rig.run(30)
    rig.memory.setConditions({ loss: 0, jitterMs: 0 })
    rig.run(60)
    expect(xOf(rig.guest, local)).toBeCloseTo(6, 2)
  })

  it('OW10: an avatar cannot be claimed by others', () => {
    const rig = room(2)
    const eid = rig.host.replication!.spawn(rig.host.game.avatar)
    rig.run(20)
    rig.guest.replication!.claim(there(rig.host, eid, rig.guest))
    rig.run(10)
    expect(rig.guest.events).toContain('refused Claim forbidden')
    expect(acting(rig.guest)).toEqual([])
  })
})

describe('log and joins', () => {
  it('LG1, LG2: entries come in one order at every peer, and only the peer that asked settles its request', () => {
    const rig = room(3)
    const third = rig.peers[2]!
    const eid = rig.guest.replication!.spawn(rig.guest.game.crate)
    const other = third.replication!.spawn(third.game.crate)
    rig.run(30)
    rig.guest.game.Health.points[eid] = 3
    third.game.Health.points[other] = 4
    rig.run(30)
    expect(rig.peers.map((peer) => peer.replication!.describe())).toEqual(
      Array(3).fill(rig.host.replication!.describe()),
    )
    expect(rig.peers.map((peer) => peer.replication!.pendingCount)).toEqual([0, 0, 0])
  })

  it('LG3: a snapshot row that came before its component is not lost', () => {
    const rig = room(2, { conditions: { latencyMs: 10, loss: 0.4, jitterMs: 60 } })
    const { crate, Mood } = rig.host.game
    const eid = rig.host.replication!.spawn(crate)
    for (let i = 0; i < 12; i += 1) {
      rig.run(10)
      addComponent(rig.host.world, eid, Mood)
      Mood.state[eid] = i % 2
      rig.run(3)
      Mood.state[eid] = (i + 1) % 2
      const local = there(rig.host, eid, rig.guest)
      // Under such loss the log can be seconds late, and rows are not.
      for (let at = 0; at < 120 && !hasComponent(rig.guest.world, local, rig.guest.game.Mood); at += 1) rig.run(10)
      rig.run(60)
      expect(rig.guest.game.Mood.state[there(rig.host, eid, rig.guest)], `round ${i}`).toBe((i + 1) % 2)
      removeComponent(rig.host.world, eid, Mood)
    }
  })

  it('LG4: a request that the old host took with it is answered by the new one, once', () => {
    const rig = room(3)
    rig.memory.setConditions({ latencyMs: 100 })
    const third = rig.peers[2]!
    const eid = third.replication!.spawn(third.game.crate, { points: 42 })
    const id = third.replication!.networkId(eid)
    rig.leave(rig.host)
    rig.run(90)
    expect(rig.guest.network.isHost).toBe(true)
    const atHost = rig.guest.replication!.entityOf(id)
    expect(rig.guest.game.Health.points[atHost]).toBe(42)
    expect(rig.guest.events.filter((event) => event === `spawned ${id}`)).toHaveLength(1)
    expect(third.replication!.pendingCount).toBe(0)
  })

  it('LJ1: a late joiner is given the whole world, with progress', () => {
    const rig = room(2)
    for (let i = 0; i < 1_400; i += 1)
      rig.host.replication!.spawn(rig.host.game.crate, { translation: [i / 100, 0, 0], points: i % 256 })
    rig.run(30)
    const late = rig.join()
    const progress: number[] = []
    for (let i = 0; i < 600 && !late.replication?.synced; i += 1) {
      const had = late.replication
      rig.run(1)
      if (!had)
        late.replication?.on('progress', ({ receivedBytes, totalBytes }) => progress.push(receivedBytes / totalBytes))
    }
    rig.run(120)
    expect(progress.length).toBeGreaterThan(3)
    expect(progress.at(-1)).toBe(1)
    expect([...progress].sort((a, b) => a - b)).toEqual(progress)
    expect(late.replication!.describe()).toEqual(rig.host.replication!.describe())
  })

  it('PT1: a peer is where its avatar is', () => {
    const rig = room(2)
    const { avatar, Transform } = rig.guest.game
    const eid = rig.guest.replication!.spawn(avatar, { translation: [1, 2, 3], rotation: [0, 1, 0, 0] })
    rig.run(20)
    Transform.translation.x[eid] = 9
    rig.run(60)
    const seen = rig.host.network.peers[0]!
    expect([...seen.translation].map((value) => Math.round(value))).toEqual([9, 2, 3])
    expect(Math.abs(seen.rotation[1]!)).toBeCloseTo(1, 2)
    expect(rig.guest.network.local.translation[0]).toBe(9)
  })
})
