/**
 * One player of the plaza as a process: the same simulation and the same session, over real WebRTC in
 * Node, without a picture. `pnpm demo --headless` starts several and compares what they report.
 *
 * Invariant: it ends when it is told to, or with the process that started it, and never by itself.
 */
import { joinRoom } from '@baton/transport-webrtc/node'
import { createWorld } from 'bitecs'
import { botWishes, stir } from '../sim/bot.ts'
import { crateLayout } from '../sim/layout.ts'
import { createPlaza } from '../sim/plaza.ts'
import { watchHost, type Standing } from './host-watch.ts'
import { watchRows, type RowWatch, type Sample } from './row-watch.ts'
import { drive, startSession } from './session.ts'

/**
 * What the parent says. `play`: everybody is there, figures count from now. `freeze`: stop all motion.
 * `world`: answer with the world's fingerprint. `report`: answer with a `HeadlessReport`. `standing`: answer with a
 * `Standing`. `moved`: answer with how many crates moved in each second since `play`. `hand on to <name>`: the host
 * hands the baton to that player. `leave`: end.
 */
export type HeadlessCommand =
  | 'play'
  | 'freeze'
  | 'world'
  | 'report'
  | 'standing'
  | 'moved'
  | `hand on to ${string}`
  | 'leave'

/** `synced`: this player holds the whole world. A number: its fingerprint. */
export type HeadlessAnswer = 'synced' | number | HeadlessReport | Standing | readonly number[]

export interface HeadlessReport {
  readonly name: string
  readonly isHost: boolean
  /** From the call of `joinRoom` to the whole world. */
  readonly joinMs: number
  /** Means over the time from `play` to `freeze`. */
  readonly rttMs: number
  readonly upKbps: number
  readonly downKbps: number
  readonly framesPerSecond: number
  readonly snapshotsReceived: number
  readonly snapshotsLost: number
  /** Crates whose quantized state changed, in each second. */
  readonly movedPerSecond: readonly number[]
  readonly truth: readonly Sample[]
  readonly heard: readonly Sample[]
  readonly passedOn: readonly Sample[]
  /** After everything has come to rest. */
  readonly entities: number
  readonly fingerprint: number
  /** The quantized world in words, a line per entity. */
  readonly world: readonly string[]
}

const [lobby, room, name, botText, crateText] = process.argv.slice(2) as [string, string, string, string, string]
process.on('disconnect', () => process.exit(1))

const world = createWorld()
const plaza = await createPlaza(world)
const joinedMs = performance.now()
const network = await joinRoom({ lobby, room, displayName: name })
const session = startSession(world, network, name, crateLayout(Number(crateText)))
const { replication } = session
const hosts = watchHost(network, replication)
let watch: RowWatch = watchRows(replication)
const isMine = (eid: number): boolean => replication.ownerOf(eid)?.isLocal ?? false
let joinMs = performance.now() - joinedMs
let state: 'waiting' | 'playing' | 'frozen' = 'waiting'
let stepCount = 0
let rttSumMs = 0
let frameCount = 0
let isOver = false
let before = { nowMs: 0, sent: 0, received: 0, packets: 0, lost: 0 }
let figures = before

network.on('closed', () => {
  if (isOver) return
  console.error(`${name}: is out of the room`)
  process.exit(1)
})
const pump = drive((nowMs) => {
  const frame = session.receive(nowMs)
  hosts.advance(nowMs)
  if (state === 'playing') {
    const wishes = botWishes(Number(botText), (nowMs - before.nowMs) / 1000)
    plaza.advance(frame.stepCount, session.me, wishes)
    for (let i = 0; i < frame.stepCount; i += 1) stir(plaza.physics, (stepCount += 1), isMine)
    session.touch(plaza.touched)
    rttSumMs += session.readings().rttMs
    frameCount += 1
    watch.advance(nowMs)
  } else if (state === 'waiting') plaza.advance(frame.stepCount, session.me, { moveX: 0, moveZ: 0, jump: false })
  session.send(nowMs)
})

process.on('message', (command: HeadlessCommand) => {
  if (command === 'play') {
    if (state === 'frozen') watch = watchRows(replication)
    before = count()
    state = 'playing'
  } else if (command === 'freeze') {
    figures = count()
    state = 'frozen'
    watch.stop()
  } else if (command === 'world') tell(replication.fingerprint())
  else if (command === 'report') tell(report())
  else if (command === 'standing') tell(hosts.read(name, session.me))
  else if (command === 'moved') tell(watch.movedPerSecond)
  else if (command === 'leave') leave()
  else handOn(command.slice('hand on to '.length))
})
if (replication.synced) tell('synced')
else {
  replication.once('synced', () => {
    joinMs = performance.now() - joinedMs
    tell('synced')
  })
}

function tell(answer: HeadlessAnswer): void {
  process.send!(answer)
}

/** What all links have carried so far. */
function count(): typeof before {
  const { packetsReceived: packets, packetsLost: lost } = replication.counters
  let sent = 0
  let received = 0
  for (const { stats } of network.peers) {
    sent += stats?.bytesSent ?? 0
    received += stats?.bytesReceived ?? 0
  }
  return { nowMs: performance.now(), sent, received, packets, lost }
}

function report(): HeadlessReport {
  const elapsedMs = figures.nowMs - before.nowMs
  return {
    name,
    isHost: network.isHost,
    joinMs,
    rttMs: rttSumMs / frameCount,
    upKbps: ((figures.sent - before.sent) * 8) / elapsedMs,
    downKbps: ((figures.received - before.received) * 8) / elapsedMs,
    framesPerSecond: (1_000 * frameCount) / elapsedMs,
    snapshotsReceived: figures.packets - before.packets,
    snapshotsLost: figures.lost - before.lost,
    movedPerSecond: watch.movedPerSecond,
    truth: watch.truth,
    heard: watch.heard,
    passedOn: watch.passedOn,
    entities: replication.entityCount,
    fingerprint: replication.fingerprint(),
    world: replication.describe(),
  }
}

function handOn(to: string): void {
  const taker = network.peers.find((peer) => peer.displayName === to)
  if (!taker) throw new Error(`${name}: nobody here is called ${to}`)
  network.handOver(taker)
}

function leave(): void {
  isOver = true
  pump.stop()
  network.close()
  // Native connections would keep the process alive for some seconds; the goodbye needs a moment.
  setTimeout(() => process.exit(0), 200)
}
