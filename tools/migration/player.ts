/**
 * One player of the game that the migration tests play: bodies that move, are grabbed from one another and spawned while
 * hosts come and go; and an account of everything this player saw of it. Runs in a page and in a Node process alike.
 *
 * Invariant: it only plays and writes down; whether that was right is judged by `verdict.ts`, from all accounts together.
 */
import { drive, type Network } from '@baton/core'
import {
  Authority,
  createReplication,
  defineReplicated,
  definePrefab,
  uint,
  vec3,
  type NetworkId,
} from '@baton/replication'
import { createWorld, query } from 'bitecs'
import type { Account, Entity, Reign, Told, Watch } from './account.ts'

/** Bodies that the founder makes, and that everybody grabs from everybody. */
export const CRATE_COUNT = 14
/** Bodies that each player makes for itself when it comes: an avatar, which goes with it, and a bag, which is kept for it. */
export const OWN_COUNT = 2
/** A player spawns a marked body every so often, until it has this many. */
export const MARK_COUNT = 12

const GRAB_INTERVAL_MS = 170
const MARK_INTERVAL_MS = 250

/** Some seconds of packets. */
const KEPT_INTERVALS = 300
/** Two clocks are read one after the other; the smallest of some differences was not interrupted in between. */
const CLOCK_SAMPLES = 50

export interface Player {
  account(): Account
  /** Moves, grabs and spawns from now on. */
  play(): void
  /** Everything stands still, so that the worlds can be compared. */
  rest(): void
  /** Computes for so long that no frame comes; returns when it is over. */
  stall(ms: number): void
  handOver(name: string): void
  leave(): void
}

export function startPlayer(network: Network, name: string): Player {
  const world = createWorld()
  const Body = defineReplicated('Body', {
    at: vec3({ range: 16, step: 1 / 512 }),
    mark: uint(16),
  })
  const components = [Body]
  const prefabs = {
    crate: definePrefab({ components }),
    marked: definePrefab({ components }),
    avatar: definePrefab({ components, whenOwnerLeaves: 'despawn', claim: 'nobody' }),
    bag: definePrefab({ components, whenOwnerLeaves: 'hold', claim: 'nobody' }),
  }
  const replication = createReplication({ world, network, components, prefabs })
  const prefabOf = new Map<NetworkId, string>()
  const spawned: NetworkId[] = []
  const despawned: NetworkId[] = []
  const told: Told[] = []
  const reigns: Reign[] = []
  const watches: Watch[] = []
  const marks: number[] = []
  const errors: string[] = []
  const counts = { refused: 0, reverted: 0, longestFrameMs: 0, frames: 0 }
  const intervalsMs: number[] = []
  let packets = 0
  let heardMs: number | undefined
  let isPlaying = false
  let lastFrameMs: number | undefined
  let lastGrabMs = 0
  let lastMarkMs = 0
  const wallMinusFrameMs = Math.min(...Array.from({ length: CLOCK_SAMPLES }, () => -performance.now() + Date.now()))

  replication.on('spawned', ({ id, prefab }) => {
    prefabOf.set(id, prefab)
    spawned.push(id)
  })
  replication.on('despawned', ({ id }) => despawned.push(id))
  replication.on('refused', () => (counts.refused += 1))
  replication.on('reverted', ({ requests }) => (counts.reverted += requests.length))
  network.on('hostchanged', (host, { term, reason, gapMs }) => {
    told.push({ host: host.slot, term, reason, gapMs, atMs: Date.now() })
  })
  network.on('error', ({ code, message }) => errors.push(`${code}: ${message}`))

  if (network.isHost) {
    for (let n = 0; n < CRATE_COUNT; n += 1) replication.spawn(prefabs.crate, { at: [n - 7, 0, 0] })
  }
  // By its shared id: the entity's number is given to another entity once it is gone.
  let avatar = replication.networkId(replication.spawn(prefabs.avatar))
  replication.spawn(prefabs.bag)

  /** Another crate each time, by a pattern of this player's own, so that players meet. */
  function grab(nowMs: number): void {
    const crates = replicatedOf('crate')
    if (nowMs - lastGrabMs < GRAB_INTERVAL_MS || crates.length === 0) return
    lastGrabMs = nowMs
    const eid = crates[(counts.frames * (network.local.slot + 1)) % crates.length]!
    if (replication.authorityOf(eid)?.isLocal) return
    if (counts.frames % 2 === 0) replication.claim(eid)
    else replication.touch(eid)
  }

  function replicatedOf(prefab: string): number[] {
    return [...query(world, [Body])].filter((eid) => prefabOf.get(replication.networkId(eid)) === prefab)
  }

  function mark(nowMs: number): void {
    if (marks.length === MARK_COUNT || nowMs - lastMarkMs < MARK_INTERVAL_MS) return
    lastMarkMs = nowMs
    const value = network.local.slot * 100 + marks.length
    marks.push(value)
    replication.spawn(prefabs.marked, { mark: value })
  }

  function write(nowMs: number): void {
    // Of the moment by which the lease is judged, however late in the frame this line is reached.
    const wallMs = nowMs + wallMinusFrameMs
    const seen = network.lower.inspect()
    if (seen?.isActing) {
      const reign = reigns.at(-1)
      if (reign?.term === seen.term) reign.lastMs = wallMs
      else reigns.push({ term: seen.term, firstMs: wallMs, lastMs: wallMs })
    }
    if (!network.isHost) return
    const tick = network.tick(nowMs)
    const watch = watches.at(-1)
    if (watch?.term === network.term) watch.lastTick = tick
    else watches.push({ term: network.term, firstTick: tick, lastTick: tick })
  }

  function listen(nowMs: number): void {
    const { packetsReceived } = replication.counters
    if (packetsReceived === packets) return
    packets = packetsReceived
    if (heardMs !== undefined && intervalsMs.push(nowMs - heardMs) > KEPT_INTERVALS) intervalsMs.shift()
    heardMs = nowMs
  }

  const pump = drive((nowMs) => {
    counts.frames += 1
    if (lastFrameMs !== undefined) counts.longestFrameMs = Math.max(counts.longestFrameMs, nowMs - lastFrameMs)
    lastFrameMs = nowMs
    replication.receive(nowMs)
    listen(nowMs)
    write(nowMs)
    if (isPlaying && network.isJoined) {
      for (const eid of query(world, [Body, Authority])) {
        Body.at.x[eid] = 8 * Math.sin(nowMs / 700 + eid)
        Body.at.z[eid] = 8 * Math.cos(nowMs / 900 + eid)
      }
      grab(nowMs)
      mark(nowMs)
    }
    // Who was away for too long finds its avatar gone: it went with its player.
    if (network.state === 'stable' && replication.synced && replication.entityOf(avatar) === 0) {
      avatar = replication.networkId(replication.spawn(prefabs.avatar))
    }
    replication.send(nowMs)
  })

  function entities(): Entity[] {
    const moved = new Set(query(world, [Body, Authority]))
    return [...query(world, [Body])]
      .map((eid) => {
        const id = replication.networkId(eid)
        return {
          id,
          prefab: prefabOf.get(id) ?? '?',
          mark: Body.mark[eid]!,
          owner: replication.ownerOf(eid)?.slot ?? 0,
          authority: replication.authorityOf(eid)?.slot ?? 0,
          isMoved: moved.has(eid),
        }
      })
      .sort((a, b) => a.id - b.id)
  }

  return {
    account: () => ({
      name,
      slot: network.local.slot,
      state: network.state,
      isHost: network.isHost,
      host: network.host?.slot ?? 0,
      term: network.term,
      members: [network.local, ...network.peers].map(({ slot }) => slot).sort((a, b) => a - b),
      succession: network.peers.map(({ displayName }) => displayName),
      voters: network.lower.inspect()?.voters ?? [],
      synced: replication.synced,
      pending: replication.pendingCount,
      fingerprint: replication.fingerprint(),
      entities: entities(),
      spawned,
      despawned,
      told,
      reigns,
      watches,
      marks,
      ...counts,
      intervalsMs,
      isHidden: (globalThis.document as Document | undefined)?.visibilityState === 'hidden',
      errors,
    }),
    play() {
      isPlaying = true
      counts.longestFrameMs = 0
    },
    rest() {
      isPlaying = false
    },
    stall(ms) {
      for (const endMs = performance.now() + ms; performance.now() < endMs;);
    },
    handOver(to) {
      const taker = network.peers.find(({ displayName }) => displayName === to)
      if (taker === undefined) throw new Error(`${name}: nobody here is called ${to}`)
      network.handOver(taker)
    },
    leave() {
      network.close()
      pump.stop()
    },
  }
}
