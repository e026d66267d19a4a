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

/** What the parent says. `freeze`: stop all motion. `report`: answer with a `HeadlessReport` and leave. */
export type HeadlessCommand = 'freeze' | 'report'

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
  readonly movingCrates: number
  /** Rows this peer simulated, as exact numbers. */
  readonly truth: Sample[]
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
const heard: Sample[] = []
let joinMs = performance.now() - startedMs
let frozen = false
let steps = 0
let mostMoving = 0

replication.once('synced', () => {
  joinMs = performance.now() - startedMs
})
replication.tap.onCollected = ({ component }, id, tick) => {
  if (component === Transform && tick % SAMPLE_TICKS === 0)
    truth.push([id, tick, ...positionOf(replication.entityOf(id))])
}
replication.tap.onAccepted = (schema, id, tick, lanes, offset) => {
  if (schema.component !== Transform || tick % SAMPLE_TICKS !== 0) return
  heard.push([id, tick, ...positionOfRow(schema, lanes, offset)])
}

const pump = drive((nowMs) => {
  const { stepCount } = session.receive(nowMs)
  if (!frozen) {
    const seconds = (nowMs - startedMs) / 1000
    plaza.advance(stepCount, session.me, botWishes(botIndex, seconds))
    if (network.isHost) stir(plaza.physics, (steps += 1))
    session.touch(plaza.touched)
  }
  session.send(nowMs)
  mostMoving = Math.max(mostMoving, countMoving())
})

process.on('message', (command: HeadlessCommand) => {
  frozen = true
  if (command === 'report') void report()
})
process.send?.('joined')

async function report(): Promise<void> {
  const readings = session.readings()
  const { counters } = replication
  const message: HeadlessReport = {
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
    movingCrates: mostMoving,
    truth,
    heard,
  }
  await new Promise<void>((sent) => process.send!(message, undefined, undefined, () => sent()))
  pump.stop()
  network.close()
  setTimeout(() => process.exit(0), 200)
}

function countMoving(): number {
  let count = 0
  for (const body of plaza.physics.bodies.values()) {
    if (body.kind === 'crate' && body.simulated && !body.rigid.isSleeping()) count += 1
  }
  return count
}

function positionOf(eid: number): [number, number, number] {
  const { x, y, z } = Transform.translation
  return [x[eid]!, y[eid]!, z[eid]!]
}
