/**
 * The game that goes on while hosts come and go: balls that bounce about in a box, and a puck for each player.
 *
 * Invariant: only what `Authority` marks is moved here. Each player of the page has a world and columns of its own.
 */
import {
  Authority,
  defineReplicated,
  definePrefab,
  vec3,
  type Prefab,
  type Replication,
  type Vec3Columns,
} from '@baton/replication'
import { addComponent, query, type World } from 'bitecs'

/** Size of the box: twice these, meters. */
export const HALF_WIDTH_M = 1.6
export const HALF_HEIGHT_M = 1
export const BALL_COUNT = 8
export const BALL_RADIUS_M = 0.11
export const PUCK_RADIUS_M = 0.19

const STEP_SECONDS = 1 / 60
/** A page that slept does not catch up. */
const MAX_STEPS = 10

/** Everything one player needs to take part: its columns, and what is made of them. */
export interface Arena {
  readonly world: World
  readonly Body: { readonly at: Vec3Columns; readonly speed: Vec3Columns }
  /** Local tag: the room's, not a player's. */
  readonly Ball: object
  readonly components: readonly object[]
  readonly prefabs: { readonly ball: Prefab; readonly puck: Prefab }
  /** @param n which one: each begins elsewhere and goes its own way; @returns its eid */
  spawn(replication: Replication, kind: 'ball' | 'puck', n: number): number
}

export function createArena(world: World): Arena {
  // Speeds travel too: whoever hosts next goes on with them, and nothing jolts.
  const Body = defineReplicated('Body', {
    at: vec3({ range: 4, step: 1 / 1024 }),
    speed: vec3({ range: 4, step: 1 / 512 }),
  })
  const Ball = {}
  const components = [Body] as const
  const prefabs = {
    // Balls are the room's and pass to the next host. Pucks go with their player.
    ball: definePrefab({ components, setup: (eid) => addComponent(world, eid, Ball) }),
    puck: definePrefab({ components, whenOwnerLeaves: 'despawn', claim: 'nobody' }),
  }
  return {
    world,
    Body,
    Ball,
    components,
    prefabs,
    spawn: (replication, kind, n) => replication.spawn(prefabs[kind], startOf(n)),
  }
}

/** Values to spawn the n-th body with: spread over the box, each with its own way to go. */
function startOf(n: number): { at: [number, number, number]; speed: [number, number, number] } {
  const angleRad = n * 2.399963
  const speedMps = 0.75 + (n % 4) * 0.14
  return {
    at: [Math.cos(angleRad * 1.7) * 1.2, Math.sin(angleRad) * 0.7, 0],
    speed: [Math.cos(angleRad) * speedMps, Math.sin(angleRad) * speedMps, 0],
  }
}

export function step({ world, Body, Ball }: Arena, stepCount: number): void {
  const balls = new Set(query(world, [Body, Ball]))
  for (const eid of query(world, [Body, Authority])) {
    const radiusM = balls.has(eid) ? BALL_RADIUS_M : PUCK_RADIUS_M
    for (let i = Math.min(stepCount, MAX_STEPS); i > 0; i -= 1) {
      bounce(Body.at.x, Body.speed.x, eid, HALF_WIDTH_M - radiusM)
      bounce(Body.at.y, Body.speed.y, eid, HALF_HEIGHT_M - radiusM)
    }
  }
}

function bounce(at: Float32Array, speed: Float32Array, eid: number, limitM: number): void {
  at[eid]! += speed[eid]! * STEP_SECONDS
  if (Math.abs(at[eid]!) <= limitM) return
  const side = Math.sign(at[eid]!)
  at[eid] = side * limitM
  speed[eid] = -side * Math.abs(speed[eid]!)
}
