/**
 * How Baton's cost grows: with entities, with guests whose acks differ, with guests whose acks are alike, and
 * what a world at rest costs.
 *
 * Invariant: one thing changes along a curve, everything else stays.
 */
import { baton, batonMarked } from '../contenders/baton.ts'
import { createSynthetic, type SyntheticOptions } from '../workloads/synthetic.ts'
import type { Workload } from '../workloads/workload.ts'
import { measureWorkload, type Figures } from './measure-workload.ts'
import { growth } from './statistics.ts'

export interface CurvePoint {
  readonly size: number
  readonly encodeUs: number
  readonly decodeUs: number
  readonly bytesPerTick: number
}

export interface Curve {
  readonly name: string
  readonly unit: string
  readonly points: readonly CurvePoint[]
  /** Power with which encode time grows; 1 is linear. */
  readonly growth: number
}

export interface RestFigures {
  readonly entities: number
  readonly movingUs: number
  readonly restingUs: number
  /** The same rest, where the game marks what it wrote. */
  readonly markedUs: number
}

const GUEST_ACK_TICKS = 6
const GUEST_LOSS = 0.02
const REST_ACK_TICKS = [3] as const

/** Each guest's own delay, 3 to 12 ticks. */
export function spreadAckTicks(guests: number): readonly number[] {
  return Array.from({ length: guests }, (_, guest) => 3 + (guest % 10))
}

export function alikeAckTicks(guests: number): readonly number[] {
  return Array.from({ length: guests }, () => GUEST_ACK_TICKS)
}

function measureBaton(
  workload: Workload,
  ackTicks: readonly number[],
  loss: number,
  ticks: number,
  contender = baton,
): Figures {
  const options = { ackTicks, loss, ticks, budgetMs: 2_000, allocations: false }
  return measureWorkload(workload, [contender], options)[0]!
}

function curve(name: string, unit: string, points: readonly CurvePoint[]): Curve {
  return { name, unit, points, growth: growth(points.map(({ size, encodeUs }) => [size, encodeUs])) }
}

function point(size: number, { encodeUs, decodeUs, bytesPerTick }: Figures): CurvePoint {
  return { size, encodeUs, decodeUs, bytesPerTick }
}

export function measureCurves(entityCounts: readonly number[], guestCounts: readonly number[], ticks: number): Curve[] {
  const world = (entities: number): SyntheticOptions => ({ entities, moving: entities / 10, churn: 0 })
  // Code is compiled before the first point is taken.
  measureBaton(createSynthetic(world(300)), [GUEST_ACK_TICKS], 0, 400)
  const byEntities = entityCounts.map((entities) =>
    point(entities, measureBaton(createSynthetic(world(entities)), [GUEST_ACK_TICKS], 0, ticks)),
  )
  const byGuests = guestCounts.map((guests) =>
    point(guests, measureBaton(createSynthetic(world(1_000)), spreadAckTicks(guests), GUEST_LOSS, ticks)),
  )
  const byAlike = guestCounts.map((guests) =>
    point(guests, measureBaton(createSynthetic(world(1_000)), alikeAckTicks(guests), 0, ticks)),
  )
  return [
    curve('entities, 10 % moving, one guest', 'entities', byEntities),
    curve('guests with acks of their own (3 to 12 ticks, 2 % loss), 1,000 entities, 10 % moving', 'guests', byGuests),
    curve('guests with equal acks, 1,000 entities, 10 % moving', 'guests', byAlike),
  ]
}

/** Everything moves, then nothing: the same world, one guest, found by scanning and by marks. Few ticks of acks, so that all packets that are under way are remembered. */
export function measureRest(entities: number, ticks: number): RestFigures {
  const moving = measureBaton(createSynthetic({ entities, moving: entities, churn: 0 }), REST_ACK_TICKS, 0, ticks)
  const still = createSynthetic({ entities, moving: 1, churn: 0 })
  const resting = { ...still, movedCount: 0, spawned: [], step: () => {} }
  const rest = measureBaton(resting, REST_ACK_TICKS, 0, ticks)
  const marked = measureBaton(resting, REST_ACK_TICKS, 0, ticks, batonMarked)
  return { entities, movingUs: moving.encodeUs, restingUs: rest.encodeUs, markedUs: marked.encodeUs }
}
