/**
 * One player of the plaza as a process: the same simulation and the same session, over real WebRTC in
 * Node, without a picture. `tools/demo.ts` starts several and compares what they report.
 */
import { drive } from '@baton/core'
import { joinRoom } from '@baton/transport-webrtc/node'
import { positionOfRow } from '@baton/replication'
import { createWorld } from 'bitecs'
import { botWishes, stir } from '../sim/bot.ts'
import { Transform } from '../sim/components.ts'
import { crateLayout } from '../sim/layout.ts'
import { createPlaza } from '../sim/plaza.ts'
import { startSession } from './session.ts'

/**
 * What the parent says. `freeze`: stop all motion. `world`: answer with the fingerprint of the world.
 * `report`: answer with a `HeadlessReport`. `leave`: leave the room and end.
 */
export type HeadlessCommand = 'freeze' | 'world' | 'report' | 'leave'

/** [network id, tick, x, y, z]: meters, as this peer had it at that tick. */
export type Sample = readonly [id: number, tick: number, x: number, y: number, z: number]

export interface HeadlessReport {
  readonly name: string
  readonly isHost: boolean
  readonly entities: number
  readonly fingerprint: number
  readonly joinMs: number
  readonly rttMs: number
  readonly lossPercent: number
  readonly upKbps: number
  readonly downKbps: number
  readonly snapshotsReceived: number
  readonly snapshotsLost: number
  /** Crates whose quantized state changed within a second, in the stillest and the liveliest second of play. */
  readonly movingLeast: number
  readonly movingMost: number
  /** Rows this peer simulated, as exact numbers. */
  readonly truth: Sample[]
  /** On the host: rows of guests as it passed them on. */
  readonly passedOn: Sample[]
  /** Rows it was sent by others, as it decoded them. */
  readonly heard: Sample[]
}

/** Every so many ticks the rows are kept for comparison. */
const SAMPLE_TICKS = 20
const [lobby, room, name, indexText, crateText] = process.argv.slice(2) as [string, string, string, string, string]
const botIndex = Number(indexText)

const startedMs = performance.now()
const world = createWorld()
const plaza = await createPlaza(world)
const network = await joinRoom({ lobby, room, displayName: name })
const session = startSession(world, network, name, crateLayout(Number(crateText)))
const { replication } = session
const truth: Sample[] = []
const passedOn: Sample[] = []
const heard: Sample[] = []
let joinMs = performance.now() - startedMs
let readings = session.readings()
let frozen = false
let steps = 0
replication.once('synced', () => {
  joinMs = performance.now() - startedMs
})
replication.tap.onCollected = ({ component }, id, tick, lanes, offset) => {
  if (component !== Transform) return
  noteMotion(id, lanes, offset)
  if (!frozen && tick % SAMPLE_TICKS === 0) truth.push([id, tick, ...positionOf(replication.entityOf(id))])
}
replication.tap.onAccepted = (schema, id, tick, lanes, offset) => {
  if (schema.component !== Transform) return
  noteMotion(id, lanes, offset)
  if (!frozen && tick % SAMPLE_TICKS === 0) heard.push([id, tick, ...positionOfRow(schema, lanes, offset)])
}
replication.tap.onPassedOn = (schema, id, tick, lanes, offset) => {
  if (frozen || schema.component !== Transform || tick % SAMPLE_TICKS !== 0) return
  passedOn.push([id, tick, ...positionOfRow(schema, lanes, offset)])
}

/** Sums of lanes by id, and who changed since the second began. */
const last = new Map<number, number>()
const moved = new Set<number>()
const movedPerSecond: number[] = []
let secondEndsMs = 0

function noteMotion(id: number, lanes: Int32Array, offset: number): void {
  let sum = 0
  for (let lane = 0; lane < 7; lane += 1) sum = Math.imul(sum, 31) + lanes[offset + lane]!
  if (last.get(id) !== sum) moved.add(id)
  last.set(id, sum)
}

function countSeconds(nowMs: number): void {
  if (nowMs < secondEndsMs) return
  if (secondEndsMs > 0) movedPerSecond.push(moved.size)
  moved.clear()
  secondEndsMs = nowMs + 1_000
}

const pump = drive((nowMs) => {
  const { stepCount } = session.receive(nowMs)
  if (!frozen) {
    const seconds = (nowMs - startedMs) / 1000
    plaza.advance(stepCount, session.me, botWishes(botIndex, seconds))
    if (network.isHost) for (let i = 0; i < stepCount; i += 1) stir(plaza.physics, (steps += 1))
    session.touch(plaza.touched)
    countSeconds(nowMs)
  }
  session.send(nowMs)
})

process.on('message', (command: HeadlessCommand) => {
  if (command === 'freeze') {
    readings = session.readings()
    frozen = true
  } else if (command === 'world') tell(replication.fingerprint())
  else if (command === 'report') tell(report())
  else void leave()
})
// Whoever started this process has gone: nobody will say `leave`.
process.on('disconnect', () => process.exit(1))
tell('joined')

function report(): HeadlessReport {
  const { counters } = replication
  // The first second is still filling up.
  const seconds = movedPerSecond.slice(1)
  return {
    name,
    isHost: network.isHost,
    entities: replication.entityCount,
    fingerprint: replication.fingerprint(),
    joinMs,
    rttMs: readings.rttMs,
    lossPercent: readings.lossPercent,
    upKbps: readings.upKbps,
    downKbps: readings.downKbps,
    snapshotsReceived: counters.packetsReceived,
    snapshotsLost: counters.packetsLost,
    movingLeast: Math.min(...seconds),
    movingMost: Math.max(...seconds),
    truth,
    passedOn,
    heard,
  }
}

async function leave(): Promise<void> {
  pump.stop()
  network.close()
  await new Promise((resolve) => setTimeout(resolve, 300))
  process.exit(0)
}

function tell(message: HeadlessReport | number | 'joined'): void {
  process.send!(message)
}

function positionOf(eid: number): [number, number, number] {
  const { x, y, z } = Transform.translation
  return [x[eid]!, y[eid]!, z[eid]!]
}
