/**
 * The only file of this example that knows the network: joins the room, says what is replicated, and
 * stands at both ends of the frame.
 */
import type { Network, NetworkError, Peer } from '@baton/core'
import type { LinkConditions } from '@baton/core/testing'
import { createReplication, definePrefab, type Replication } from '@baton/replication'
import { addComponent, type World } from 'bitecs'
import { Avatar, Crate, Nameplate, Transform } from '../sim/components.ts'
import { crateLayout, spawnPoint } from '../sim/layout.ts'

export interface Session {
  readonly network: Network
  readonly replication: Replication
  /** This player's avatar. */
  readonly me: number
  /** Takes authority over what the avatar pushes. */
  touch(eids: Iterable<number>): void
}

export interface SessionOptions {
  readonly world: World
  readonly network: Network
  readonly displayName: string
  readonly crateCount: number
}

/** Crates belong to the room: when a peer goes they pass to the host. Avatars go with their player. */
export function startSession({ world, network, displayName, crateCount }: SessionOptions): Promise<Session> {
  const crate = definePrefab({ components: [Transform], setup: (eid) => addComponent(world, eid, Crate) })
  const avatar = definePrefab({
    components: [Transform, Nameplate],
    whenOwnerLeaves: 'despawn',
    claim: 'nobody',
    avatar: true,
    setup: (eid) => addComponent(world, eid, Avatar),
  })
  const replication = createReplication({ world, network, components: [Transform, Nameplate], prefabs: { crate, avatar } })
  if (network.isHost) for (const translation of crateLayout(crateCount)) replication.spawn(crate, { translation })
  const me = replication.spawn(avatar, {
    translation: spawnPoint(network.local.slot),
    name: displayName,
    hue: (network.local.slot * 67) % 256,
  })
  const touch = (eids: Iterable<number>): void => {
    for (const eid of eids) replication.touch(eid)
  }
  return Promise.resolve({ network, replication, me, touch })
}

export type { LinkConditions, NetworkError, Peer }
