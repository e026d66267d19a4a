/**
 * From a seed to a schedule: which kinds of fault there are in this run, how strong, and when.
 *
 * Invariant: each seed turns most kinds off. Runs in which everything goes wrong at once never reach the states
 * that only one thing going wrong leads to.
 */
import { SeededRandom } from '@baton/core/testing'
import type { Fault, FaultKind, PeerPlan, Schedule, Weather, Who } from './schedule.ts'

export interface SwarmOptions {
  /** Length of the part with faults; default 12 to 20 s by seed. */
  readonly faultMs?: number
  /** Kinds that may be chosen; default all. */
  readonly kinds?: readonly FaultKind[]
  readonly leaseMs?: number
  readonly peers?: number
}

export const ALL_KINDS: readonly FaultKind[] = [
  'crash',
  'close',
  'tabClose',
  'lobbyLoss',
  'pause',
  'cut',
  'clog',
  'partition',
  'weather',
  'handOver',
  'hide',
  'lobbyRestart',
  'lobbyCut',
]

/** Kinds after which a peer does not come back: at most so many in a run, that a quorum may be left. */
const ENDING: ReadonlySet<FaultKind> = new Set(['crash', 'close', 'tabClose'])

/** Small rooms are where a vote more or less matters; they are also cheap. */
const COUNTS = [2, 3, 3, 4, 4, 5, 5, 6, 7, 8]

const START_TICKS = [0, 0xffff - 300, 0x7fff_ffff - 300, 0xffff_ffff - 300]

export function planSchedule(seed: number, options: SwarmOptions = {}): Schedule {
  const random = new SeededRandom(seed).fork('swarm')
  const count = options.peers ?? (random.chance(0.05) ? random.integer(9, 12) : random.pick(COUNTS))
  const faultMs = options.faultMs ?? random.integer(12_000, 20_000)
  const kinds = (options.kinds ?? ALL_KINDS).filter(() => random.chance(0.35))
  const conditions = planWeather(random.fork('weather'), random.chance(0.3) ? 1 : 0.4)
  const peers = planPeers(random.fork('peers'), count, faultMs)
  return {
    version: 1,
    seed,
    peers,
    conditions,
    lobby: { latencyMs: random.integer(5, 80), jitterMs: random.integer(0, 40) },
    startTick: random.pick(START_TICKS),
    tickRateHz: random.pick([20, 20, 20, 30, 60]),
    // Shorter ones cannot be held over the slowest of these links.
    leaseMs: options.leaseMs ?? (random.chance(0.8) ? 600 : random.pick([450, 1_000])),
    quorumLoss: random.chance(0.8) ? 'wait' : 'fork',
    game: { actEveryMs: random.integer(150, 600), maxEntities: random.integer(6, 24) },
    warmMs: 600 + 150 * count,
    faultMs,
    settleMs: 5_000,
    faults: planFaults(random.fork('faults'), kinds, peers.length, faultMs),
    outcast: count >= 4 && random.chance(0.1) ? random.integer(0, count - 1) : undefined,
  }
}

function planPeers(random: SeededRandom, count: number, faultMs: number): PeerPlan[] {
  const late = random.chance(0.3) ? random.integer(1, 2) : 0
  return Array.from({ length: count }, (_, number) => {
    const isLate = number > 1 && number >= count - late
    return {
      joinMs: isLate ? 2_000 + random.integer(0, faultMs) : number * 150,
      frameMs: random.pick([8, 16, 33, 33, 33, 33]),
      clockRate: random.range(0.99, 1.01),
      clockOffsetMs: random.integer(0, 1_000_000),
      // The first of the room founds it, so it has to.
      canHost: number === 0 || !random.chance(0.1),
    }
  })
}

function planWeather(random: SeededRandom, strength: number): Weather {
  const loss = random.chance(0.6) ? random.range(0, 0.3 * strength) : 0
  return {
    latencyMs: random.range(1, 140 * strength),
    jitterMs: random.range(0, 60 * strength),
    loss,
    duplicate: random.chance(0.3) ? random.range(0, 0.2) : 0,
    reorder: random.chance(0.3) ? random.range(0, 0.3) : 0,
    reorderMs: 50,
    burst: random.chance(0.15) ? { enter: 0.01, leave: 0.2, loss: 0.9 } : { enter: 0, leave: 0.25, loss: 0.8 },
  }
}

function planFaults(random: SeededRandom, kinds: readonly FaultKind[], peerCount: number, faultMs: number): Fault[] {
  const faults: Fault[] = []
  let endings = Math.floor(peerCount / 2)
  for (const kind of kinds) {
    const draw = random.fork(kind)
    const count = draw.integer(1, ENDING.has(kind) ? 2 : 5)
    for (let index = 0; index < count; index++) {
      if (ENDING.has(kind) && endings-- <= 0) break
      faults.push(planFault(draw, kind, peerCount, draw.integer(0, faultMs - 500)))
    }
  }
  return faults.sort((a, b) => a.atMs - b.atMs)
}

function planFault(draw: SeededRandom, kind: FaultKind, peerCount: number, atMs: number): Fault {
  const who = (): Who => (draw.chance(0.4) ? 'host' : draw.chance(0.2) ? 'successor' : draw.integer(0, peerCount - 1))
  const ms = (): number => Math.floor(draw.chance(0.8) ? draw.range(50, 3_000) : draw.range(3_000, 7_000))
  switch (kind) {
    case 'crash':
    case 'close':
    case 'tabClose':
    case 'lobbyLoss':
      return { kind, atMs, who: who() }
    case 'pause':
      return { kind, atMs, who: who(), ms: Math.floor(draw.range(50, 5_000)), sleep: draw.chance(0.4) }
    case 'cut':
    case 'clog':
      return { kind, atMs, from: who(), to: who(), ms: ms() }
    case 'partition': {
      const side = Array.from({ length: peerCount }, (_, number) => number).filter(() => draw.chance(0.4))
      return { kind, atMs, side, lobbyInside: draw.chance(0.5), ms: ms() }
    }
    case 'weather':
      return { kind, atMs, ms: ms(), conditions: planWeather(draw, 1) }
    case 'handOver':
      return { kind, atMs, to: draw.integer(0, peerCount - 1) }
    case 'hide':
    case 'lobbyCut':
      return { kind, atMs, who: who(), ms: ms() }
    case 'lobbyRestart':
      return { kind, atMs, ms: draw.integer(200, 4_000) }
  }
}
