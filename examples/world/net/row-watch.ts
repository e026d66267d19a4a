/**
 * Watches the rows of one peer pass: samples of positions to compare peers by, and how many crates move.
 *
 * Invariant: it only looks; nothing here changes what is sent or shown.
 */
import { positionOfRow, type NetworkId, type Replication, type RowTap } from '@baton/replication'
import { hasComponent } from 'bitecs'
import { Crate, Transform } from '../sim/components.ts'

/** Where an entity was at a tick, meters. */
export type Sample = readonly [id: NetworkId, tick: number, x: number, y: number, z: number]

export interface RowWatch {
  /** What this peer simulated: the exact numbers of its columns. */
  readonly truth: Sample[]
  /** What it was sent by others, as it decoded it. */
  readonly heard: Sample[]
  /** On the host: rows of guests as it passed them on, at the tick it gave them. */
  readonly passedOn: Sample[]
  /** For each whole second since the watch began, crates whose quantized state changed in it, whoever moved them. */
  readonly movedPerSecond: number[]
  /** Called every frame. */
  advance(nowMs: number): void
  stop(): void
}

/** Of so many ticks positions are kept for the first few: that meets every error that lasts, at any frame rate. */
const SAMPLE_TICKS = 20
const KEPT_TICKS = 3

const isKept = (tick: number): boolean => tick % SAMPLE_TICKS < KEPT_TICKS

export function watchRows(replication: Replication): RowWatch {
  const { world, tap } = replication
  const truth: Sample[] = []
  const heard: Sample[] = []
  const passedOn: Sample[] = []
  const movedPerSecond: number[] = []
  const lastLanes = new Map<NetworkId, Int32Array>()
  const moved = new Set<NetworkId>()
  let secondMs: number | undefined

  const look: RowTap = (schema, id, _tick, lanes, offset) => {
    let last = lastLanes.get(id)
    const isNew = !last
    if (!last) lastLanes.set(id, (last = new Int32Array(schema.laneCount)))
    let changed = false
    for (let lane = 0; lane < schema.laneCount; lane += 1) {
      if (last[lane] === lanes[offset + lane]) continue
      last[lane] = lanes[offset + lane]!
      changed = true
    }
    if (changed && !isNew && hasComponent(world, replication.entityOf(id), Crate)) moved.add(id)
  }
  tap.onCollected = (schema, id, tick, lanes, offset) => {
    if (schema.component !== Transform) return
    look(schema, id, tick, lanes, offset)
    if (!isKept(tick)) return
    const eid = replication.entityOf(id)
    const { x, y, z } = Transform.translation
    truth.push([id, tick, x[eid]!, y[eid]!, z[eid]!])
  }
  tap.onAccepted = (schema, id, tick, lanes, offset) => {
    if (schema.component !== Transform) return
    look(schema, id, tick, lanes, offset)
    if (isKept(tick)) heard.push([id, tick, ...positionOfRow(schema, lanes, offset)])
  }
  tap.onPassedOn = (schema, id, tick, lanes, offset) => {
    if (schema.component !== Transform || !isKept(tick)) return
    passedOn.push([id, tick, ...positionOfRow(schema, lanes, offset)])
  }
  return {
    truth,
    heard,
    passedOn,
    movedPerSecond,
    advance(nowMs) {
      secondMs ??= nowMs
      if (nowMs - secondMs < 1_000) return
      // A frame that took longer than a second ends all the seconds it slept through, as one.
      secondMs += 1_000 * Math.floor((nowMs - secondMs) / 1_000)
      movedPerSecond.push(moved.size)
      moved.clear()
    },
    stop() {
      tap.onCollected = tap.onAccepted = tap.onPassedOn = undefined
    },
  }
}
