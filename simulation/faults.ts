/**
 * Does to a run what a schedule says, and undoes what ends.
 *
 * Invariant: a fault whose peer is not there any more does nothing.
 */
import { InvariantError, type PeerId } from '@baton/core'
import type { MigrationLog } from './migrations.ts'
import type { SimulatedNetwork } from './network.ts'
import type { SimulatedPeer } from './peer.ts'
import type { Fault, Schedule, Who } from './schedule.ts'

/** What faults need of a run. */
export interface Stage {
  readonly schedule: Schedule
  readonly network: SimulatedNetwork
  readonly peers: readonly SimulatedPeer[]
  readonly playing: SimulatedPeer[]
  readonly migrations: MigrationLog
  readonly nowMs: number
  /** All that was done to the network is undone, whatever was to end later. */
  readonly hasHealed: boolean
  log(line: string): void
  tryLink(action: () => void): void
}

export function applyFault(stage: Stage, fault: Fault): void {
  stage.log(`fault ${JSON.stringify(fault)}`)
  switch (fault.kind) {
    case 'crash':
    case 'close':
    case 'tabClose':
      return end(stage, find(stage, fault.who), fault.kind)
    case 'lobbyLoss':
      return withPeer(stage, fault.who, (peer) => stage.network.lobby.lose(peer.id))
    case 'pause':
      return withPeer(stage, fault.who, (peer) => pause(stage, peer, fault.ms, fault.sleep))
    case 'cut':
      return withPair(stage, fault.from, fault.to, (from, to) => cut(stage, from, to, fault.ms))
    case 'clog':
      return withPair(stage, fault.from, fault.to, (from, to) => clog(stage, from, to, fault.ms))
    case 'partition':
      return partition(stage, fault.side, fault.lobbyInside, fault.ms)
    case 'weather':
      stage.network.weather(fault.conditions)
      return after(stage, fault.ms, () => {
        if (!stage.hasHealed) stage.network.weather(calm(stage.schedule))
      })
    case 'handOver':
      return handOver(stage, fault.to)
    case 'hide':
      return withPeer(stage, fault.who, (peer) => hide(stage, peer, fault.ms))
    case 'lobbyRestart':
      stage.network.lobby.setUp(false)
      return after(stage, fault.ms, () => stage.network.lobby.setUp(true))
    case 'lobbyCut':
      return withPeer(stage, fault.who, (peer) => {
        lobbyCut(stage, peer.id, fault.ms)
      })
  }
}

function after(stage: Stage, ms: number, action: () => void): void {
  stage.network.time.at(stage.nowMs + ms, action)
}

/** The peer meant, as things stand. */
function find(stage: Stage, who: Who): SimulatedPeer | undefined {
  const { playing } = stage
  if (typeof who === 'number') return playing.find((peer) => peer.number === who)
  const host = playing.filter((peer) => peer.network.isHost).sort((a, b) => b.network.term - a.network.term)[0]
  if (who === 'host' || host === undefined) return host
  const next = host.network.peers[0]?.id
  return playing.find((peer) => peer.id === next)
}

function withPeer(stage: Stage, who: Who, action: (peer: SimulatedPeer) => void): void {
  const peer = find(stage, who)
  if (peer !== undefined) action(peer)
}

function withPair(stage: Stage, from: Who, to: Who, action: (from: PeerId, to: PeerId) => void): void {
  const [a, b] = [find(stage, from), find(stage, to)]
  if (a !== undefined && b !== undefined && a !== b) stage.tryLink(() => action(a.id, b.id))
}

function end(stage: Stage, peer: SimulatedPeer | undefined, kind: 'crash' | 'close' | 'tabClose'): void {
  // The last one stays, so that there is something to check.
  if (peer === undefined || stage.playing.length <= 1) return
  const { network, memory } = { network: peer.network, memory: stage.network.memory }
  const wasHost = network.isHost
  const causes = { crash: 'crash', close: 'left', tabClose: 'tab closed' } as const
  const isNext = stage.playing.some((one) => one.network.isHost && one.network.peers[0]?.id === peer.id)
  if (wasHost || (kind === 'crash' && isNext)) stage.migrations.ends(causes[kind], stage.nowMs)
  stage.log(`${peer.name}${wasHost ? ', the host,' : ''} ends by ${kind}`)
  if (kind === 'crash') {
    peer.fate = 'crashed'
    memory.crash(peer.id)
  } else if (kind === 'close') {
    peer.fate = 'closed'
    network.close()
  } else {
    peer.fate = 'tab-closed'
    peer.transport.close()
  }
}

function pause(stage: Stage, peer: SimulatedPeer, ms: number, sleep: boolean): void {
  const untilMs = stage.nowMs + ms
  if (peer.pausedUntilMs >= untilMs) return
  // A sleep within a pause only counts for what it adds.
  const addedMs = untilMs - Math.max(stage.nowMs, peer.pausedUntilMs)
  peer.pausedUntilMs = untilMs
  if (sleep) after(stage, ms, () => peer.clock.sleep(Math.min(addedMs, Math.max(0, stage.nowMs - (untilMs - addedMs)))))
}

function cut(stage: Stage, from: PeerId, to: PeerId, ms: number): void {
  stage.network.cut(from, to)
  after(stage, ms, () => {
    if (!stage.hasHealed) stage.network.heal(from, to)
  })
}

function lobbyCut(stage: Stage, peer: PeerId, ms: number): void {
  stage.network.lobby.cut(peer, true)
  after(stage, ms, () => {
    if (!stage.hasHealed) stage.network.lobby.cut(peer, false)
  })
}

function clog(stage: Stage, from: PeerId, to: PeerId, ms: number): void {
  stage.network.memory.clog(from, to)
  after(stage, ms, () => stage.network.memory.unclog(from, to))
}

function partition(stage: Stage, side: readonly Who[], lobbyInside: boolean, ms: number): void {
  const inside = new Set(side.map((who) => find(stage, who)))
  const [alone] = inside
  if (inside.size === 1 && !lobbyInside && alone?.network.isHost === true) {
    stage.migrations.isolated(alone, stage.nowMs, ms)
  }
  for (const one of stage.playing) {
    if (inside.has(one) !== lobbyInside) {
      lobbyCut(stage, one.id, ms)
    }
    for (const other of stage.playing) {
      if (one !== other && inside.has(one) !== inside.has(other)) stage.tryLink(() => cut(stage, one.id, other.id, ms))
    }
  }
}

function handOver(stage: Stage, to: Who): void {
  const host = find(stage, 'host')
  const next = find(stage, to)
  const peer = next && host?.network.peers.find((one) => one.id === next.id)
  if (host === undefined || peer === undefined) return
  try {
    host.network.handOver(peer)
    stage.migrations.ends('planned', stage.nowMs)
  } catch (mistake) {
    // Not linked just now, or one that cannot host: the game is told so.
    if (!(mistake instanceof InvariantError)) throw mistake
  }
}

function hide(stage: Stage, peer: SimulatedPeer, ms: number): void {
  peer.network.setHidden(true)
  if (peer.network.isHost && ms > 1_000) after(stage, 1_000, () => stage.migrations.ends('planned', stage.nowMs))
  after(stage, ms, () => {
    if (peer.isPlaying) peer.network.setHidden(false)
  })
}

/** What the network is like when nothing in particular happens to it. */
function calm({ conditions }: Schedule): Schedule['conditions'] {
  return {
    latencyMs: 0,
    jitterMs: 0,
    loss: 0,
    duplicate: 0,
    reorder: 0,
    burst: { enter: 0, leave: 0.25, loss: 0.8 },
    rateBytesPerSecond: Infinity,
    ...conditions,
  }
}
