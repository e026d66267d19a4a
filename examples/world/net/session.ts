/**
 * The only file of this example that knows the network: joins the room, says what is replicated, and
 * stands at both ends of the frame.
 */
import { NetworkError, type Network, type Peer } from '@baton/core'
import { createReplication, definePrefab, type Prefab, type Replication } from '@baton/replication'
import { joinRoom } from '@baton/transport-webrtc'
import { addComponent, query, type World } from 'bitecs'
import { Avatar, Crate, Nameplate, Transform } from '../sim/components.ts'
import { crateLayout, spawnPoint } from '../sim/layout.ts'
import { createTraffic } from './traffic.ts'

export interface Session {
  readonly network: Network
  readonly replication: Replication
  /** This player's avatar. */
  readonly me: number
  receive(nowMs: number): void
  send(nowMs: number): void
  /** Takes authority over what the avatar pushes. */
  touch(eids: Iterable<number>): void
  readings(): ReturnType<typeof readingsOf>
  isHostsAvatar(eid: number): boolean
  /** The avatar of the player who simulates an entity. */
  avatarOfAuthority(eid: number): number | undefined
}

/** Crates belong to the room: when a peer goes they pass to the host. Avatars go with their player. */
export function plazaPrefabs(world: World): { crate: Prefab<[typeof Transform]>; avatar: Prefab<[typeof Transform, typeof Nameplate]> } {
  return {
    crate: definePrefab({ components: [Transform], setup: (eid) => void addComponent(world, eid, Crate) }),
    avatar: definePrefab({
      components: [Transform, Nameplate],
      whenOwnerLeaves: 'despawn',
      claim: 'nobody',
      avatar: true,
      setup: (eid) => void addComponent(world, eid, Avatar),
    }),
  }
}

/** Replicates the plaza over a network that has joined its room. Runs in a page and in plain Node. */
export function startSession(world: World, network: Network, displayName: string, crateCount: number): Session {
  const { crate, avatar } = plazaPrefabs(world)
  const components = [Transform, Nameplate]
  const replication = createReplication({ world, network, components, prefabs: { crate, avatar } })
  if (network.isHost) for (const translation of crateLayout(crateCount)) replication.spawn(crate, { translation })
  const me = replication.spawn(avatar, {
    translation: spawnPoint(network.local.slot),
    name: displayName,
    hue: (network.local.slot * 67) % 256,
  })
  const traffic = createTraffic(network)
  const avatarOf = (peer: Peer | undefined): number | undefined =>
    query(world, [Avatar]).find((eid) => replication.ownerOf(eid) === peer)
  return {
    network,
    replication,
    me,
    receive: (nowMs) => replication.receive(nowMs),
    send(nowMs) {
      replication.send(nowMs)
      traffic.sample(nowMs)
    },
    touch(eids) {
      for (const eid of eids) replication.touch(eid)
    },
    readings: () => readingsOf(network, replication, traffic.read()),
    isHostsAvatar: (eid) => replication.ownerOf(eid)?.isHost ?? false,
    avatarOfAuthority: (eid) => avatarOf(replication.authorityOf(eid)),
  }
}

export interface EnterOptions {
  readonly world: World
  readonly room: string
  readonly displayName: string
  readonly crateCount: number
  /** Impairments for play-testing; read all the time, so that sliders work. */
  readonly conditions: { readonly latencyMs: number; readonly jitterMs: number; readonly lossPercent: number }
  readonly onStage: (stage: string) => void
  readonly onNotice: (text: string) => void
}

/** Joins the room over WebRTC and starts the session in it. */
export async function enterPlaza(options: EnterOptions): Promise<Session> {
  const { conditions } = options
  const network = await joinRoom({
    room: options.room,
    displayName: options.displayName,
    onProgress: options.onStage,
    condition: {
      get latencyMs() {
        return conditions.latencyMs
      },
      get jitterMs() {
        return conditions.jitterMs
      },
      get loss() {
        return conditions.lossPercent / 100
      },
    },
  })
  const session = startSession(options.world, network, options.displayName, options.crateCount)
  network.on('error', (failure) => options.onNotice(failure.code === 'lobby/closed' ? '' : explainFailure(failure)))
  network.on('hostchanged', () => {
    options.onNotice(network.isHost ? 'You hold the baton now' : `${network.host?.displayName ?? 'Another peer'} holds the baton now`)
    setTimeout(() => options.onNotice(''), 3_000)
  })
  return session
}

function readingsOf(
  network: Network,
  replication: Replication,
  rates: { readonly upKbps: number; readonly downKbps: number },
): { peers: number; host: string; rttMs: number; lossPercent: number; upKbps: number; downKbps: number; entities: number; delayMs: number } {
  const linked = network.peers.filter((peer) => peer.linked)
  const mean = (pick: (peer: Peer) => number): number =>
    linked.length === 0 ? 0 : linked.reduce((sum, peer) => sum + pick(peer), 0) / linked.length
  return {
    peers: network.peers.length + 1,
    host: network.isHost ? 'you' : (network.host?.displayName ?? 'nobody'),
    rttMs: mean((peer) => peer.rttMs),
    lossPercent: 100 * mean((peer) => peer.loss),
    ...rates,
    entities: replication.entityCount,
    delayMs: replication.interpolationDelayMs,
  }
}

export function displayNameOf(given: string | null): string {
  const names = ['Ada', 'Grace', 'Linus', 'Alan', 'Edsger', 'Barbara', 'Ken', 'Radia']
  return given ?? `${names[Math.floor(Math.random() * names.length)]!} ${Math.floor(Math.random() * 90 + 10)}`
}

export function explainFailure(failure: unknown): string {
  if (failure instanceof NetworkError) return failure.message
  return failure instanceof Error ? failure.message : String(failure)
}
