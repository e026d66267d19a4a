/**
 * A small game that does everything a game may do: it moves what it simulates, spawns, despawns, claims, touches,
 * transfers, releases, sets reliable values, adds components and hangs things under one another.
 *
 * Invariant: each peer draws from a generator of its own, so what one does never changes what another draws.
 */
import { InvariantError } from '@baton/core'
import type { SeededRandom } from '@baton/core/testing'
import {
  Authority,
  createReplication,
  defineReplicated,
  definePrefab,
  entity,
  enumeration,
  Networked,
  text,
  uint,
  vec3,
  type Replication,
} from '@baton/replication'
import type { Network } from '@baton/core'
import { addComponent, createWorld, hasComponent, query, removeComponent, type World } from 'bitecs'

function createParts() {
  const Transform = defineReplicated('Transform', { translation: vec3({ range: 128, step: 1 / 512 }) })
  const Health = defineReplicated('Health', { points: uint(8), target: entity() }, { delivery: 'reliable' })
  const Label = defineReplicated('Label', { text: text({ maxBytes: 32 }) }, { delivery: 'once' })
  const Mood = defineReplicated('Mood', { state: enumeration(['calm', 'cross']) })
  const crate = definePrefab({ components: [Transform, Health] })
  const avatar = definePrefab({
    components: [Transform, Label],
    whenOwnerLeaves: 'despawn',
    claim: 'nobody',
    avatar: true,
  })
  const relic = definePrefab({ components: [Transform], whenOwnerLeaves: 'hold' })
  return { Transform, Health, Label, Mood, crate, avatar, relic }
}

export interface Game {
  readonly world: World
  readonly replication: Replication
  /** Ids this peer asked to spawn, in order. */
  readonly spawned: number[]
  /** Moves what this peer simulates; to be called every frame. */
  move(): void
  /** One round of mischief. */
  act(): void
}

export function createGame(network: Network, random: SeededRandom, maxEntities: number): Game {
  const parts = createParts()
  const { Transform, Health, Label, Mood, crate, avatar, relic } = parts
  const world = createWorld()
  const replication = createReplication({
    world,
    network,
    components: [Transform, Health, Label, Mood],
    prefabs: { crate, avatar, relic },
    limits: { entitiesPerPeer: 10_000, spawnsPerSecond: 1_000 },
  })
  const spawned: number[] = []

  function spawn(all: readonly number[]): void {
    const prefab = random.pick([crate, crate, relic, avatar])
    const parent = all.length > 0 && random.chance(0.3) ? random.pick(all) : undefined
    const at: [number, number, number] = [random.range(-9, 9), 0, 0]
    const eid = replication.spawn(prefab, { translation: at }, parent === undefined ? {} : { parent })
    spawned.push(replication.networkId(eid))
  }

  function change(eid: number, all: readonly number[]): void {
    if (random.chance(0.5) && hasComponent(world, eid, Health)) {
      Health.points[eid] = random.integer(0, 255)
      Health.target[eid] = random.pick(all)
    }
    if (random.chance(0.3)) {
      if (hasComponent(world, eid, Mood)) removeComponent(world, eid, Mood)
      else addComponent(world, eid, Mood)
    }
    if (random.chance(0.1)) hang(eid, all)
  }

  function hang(eid: number, all: readonly number[]): void {
    try {
      replication.setParent(eid, random.chance(0.5) ? 0 : random.pick(all))
    } catch (mistake) {
      // Under itself, or below one of its own: the game is told so, and nothing has happened.
      if (!(mistake instanceof InvariantError)) throw mistake
    }
  }

  return {
    world,
    replication,
    spawned,
    move() {
      for (const eid of query(world, [Networked, Authority])) {
        if (random.chance(0.1))
          Transform.translation.x[eid] = Transform.translation.x[eid]! * 0.99 + random.float() - 0.5
      }
    },
    act() {
      const all = [...query(world, [Networked])]
      if (all.length < maxEntities && random.chance(0.3)) spawn(all)
      if (all.length === 0) return
      const any = random.pick(all)
      if (random.chance(0.2)) replication.claim(any)
      if (random.chance(0.3)) replication.touch(any)
      const owned = all.filter((eid) => replication.ownerOf(eid)?.isLocal)
      if (owned.length > 0) {
        const one = random.pick(owned)
        const draw = random.float()
        if (draw < 0.06) replication.release(one)
        else if (draw < 0.12 && network.peers.length > 0) replication.transfer(one, random.pick(network.peers))
        else if (draw < 0.2) replication.despawn(one)
      }
      const simulated = [...query(world, [Networked, Authority])]
      if (simulated.length > 0) change(random.pick(simulated), [...query(world, [Networked])])
    },
  }
}
