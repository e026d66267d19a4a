/**
 * One of the page's players: a network over real WebRTC links to the others, a world of its own, and the ways in
 * which it can be wronged.
 *
 * Invariant: players share nothing but the page's clock; what one knows of another came over a link.
 */
import type { HostChange, Network, NetworkState, Peer } from '@baton/core'
import { createReplication, type NetworkId, type Replication } from '@baton/replication'
import { joinRoom } from '@baton/transport-webrtc'
import { createWorld, query } from 'bitecs'
import { BALL_COUNT, createArena, step, type Arena } from '../sim/arena.ts'
import { watchWire, type WireWatch } from './wire-watch.ts'

export { drive } from '@baton/core'

/** `asleep`: its frames stand still. `gone`: it was killed, or left. */
export type ShownState = NetworkState | 'asleep' | 'gone'

/** Something a player went through, for the timeline. `nowMs` of the page's clock. */
export type Mark =
  | { readonly kind: 'snapshot'; readonly nowMs: number; readonly from: string }
  | { readonly kind: 'state'; readonly nowMs: number; readonly state: ShownState }
  | { readonly kind: 'vote'; readonly nowMs: number }
  | { readonly kind: 'host'; readonly nowMs: number; readonly host: string; readonly change: HostChange }

export type Fate = 'playing' | 'killed' | 'left'

export interface Player {
  readonly name: string
  readonly network: Network
  readonly replication: Replication
  readonly arena: Arena
  readonly fate: Fate
  /** Its frames stand still until then. */
  readonly asleepUntilMs: number
  /** Newest last; old ones are forgotten. Snapshots: those of hosts. */
  readonly marks: readonly Mark[]
  frame(nowMs: number): void
  /** No goodbye: its frames end, and nothing passes its links any more. */
  kill(): void
  /** With a goodbye, as a page that is closed. */
  leave(): void
  /** Its frames stand still, as those of a page that computes something long. */
  sleep(nowMs: number, lengthMs: number): void
  handOver(): void
  /** Shared ids of the balls it has. */
  ballIds(): NetworkId[]
}

const MAX_MARKS = 4_000
/** The links of a killed player are let go long after the others have given it up. */
const BURY_MS = 12_000

export interface JoinAs {
  readonly room: string
  readonly name: string
  /** Counts the players of this page, for a place to start at. */
  readonly index: number
}

export async function joinAs({ room, name, index }: JoinAs): Promise<Player> {
  const marks: Mark[] = []
  const names = new Map<string, string>()
  let nowMs = performance.now()
  let lastSentMs = 0
  let wire: WireWatch | undefined
  // Known only when it has joined, while its links are watched from their first packet.
  const self: { network?: Network } = {}
  const mark = (next: Mark): void => {
    if (marks.push(next) > MAX_MARKS) marks.splice(0, MAX_MARKS / 4)
  }

  const network = await joinRoom({
    room,
    displayName: name,
    condition(transport) {
      wire = watchWire(transport, (from) => {
        const isOwn = from === transport.local
        // The host's count: what guests send to it is theirs alone. To each guest one, in the same frame: one stroke.
        if (self.network === undefined || isOwn !== self.network.isHost || (isOwn && lastSentMs === nowMs)) return
        if (isOwn) lastSentMs = nowMs
        mark({ kind: 'snapshot', nowMs, from: names.get(from) ?? name })
      })
      return wire.transport
    },
  })
  self.network = network
  const meet = (peer: Peer): unknown => names.set(peer.id, peer.displayName)
  network.peers.forEach(meet)
  network.on('peerentered', meet)

  const world = createWorld()
  const arena = createArena(world)
  const { components, prefabs } = arena
  const replication = createReplication({ world, network, components, prefabs })
  if (network.isHost) for (let n = 0; n < BALL_COUNT; n += 1) arena.spawn(replication, 'ball', n)
  let puck = arena.spawn(replication, 'puck', BALL_COUNT + index)
  network.on('hostchanged', (host, change) => mark({ kind: 'host', nowMs, host: host.displayName, change }))

  let fate: Fate = 'playing'
  let asleepUntilMs = 0
  let shownState: ShownState | undefined
  let promised = 0
  let lastTick: number | undefined

  function note(state: ShownState): void {
    if (state !== shownState) mark({ kind: 'state', nowMs, state })
    shownState = state
    const seen = network.lower.inspect()
    if (!seen) return
    if (seen.promised > promised && seen.promised > seen.term) mark({ kind: 'vote', nowMs })
    promised = Math.max(promised, seen.promised)
  }

  return {
    name,
    network,
    replication,
    arena,
    marks,
    get fate() {
      return fate
    },
    get asleepUntilMs() {
      return asleepUntilMs
    },
    frame(frameMs) {
      if (fate !== 'playing' || frameMs < asleepUntilMs) return
      nowMs = frameMs
      replication.receive(nowMs)
      // Away for so long that it counted as gone: its puck went with its player, who is back.
      if (replication.networkId(puck) === 0 && replication.synced && network.state === 'stable') {
        puck = arena.spawn(replication, 'puck', BALL_COUNT + index)
      }
      const tick = network.tick(nowMs)
      // Ticks wrap as u32; so does the difference.
      step(arena, lastTick === undefined ? 0 : Math.max(0, (tick - lastTick) | 0))
      lastTick = tick
      replication.send(nowMs)
      note(network.state)
    },
    kill() {
      fate = 'killed'
      note('gone')
      wire!.isCut = true
      setTimeout(() => network.close(), BURY_MS)
    },
    leave() {
      fate = 'left'
      note('gone')
      network.close()
    },
    sleep(fromMs, lengthMs) {
      nowMs = fromMs
      asleepUntilMs = fromMs + lengthMs
      note('asleep')
    },
    handOver() {
      const taker = network.peers.find((peer) => peer.linked)
      if (taker) network.handOver(taker)
    },
    ballIds: () => [...query(world, [arena.Body, arena.Ball])].map((eid) => replication.networkId(eid)),
  }
}
