/** What stands on the square: walls and planters that never move, and the crates of a new plaza. */

/** Edge of a crate, meters. */
export const CRATE_SIZE_M = 1
/** Half the edge of the square, meters. */
export const SQUARE_HALF_M = 34

export type Point = readonly [x: number, y: number, z: number]

/** An upright box that never moves: its middle and half its size, meters. */
export interface Block {
  readonly at: Point
  readonly half: Point
}

const WALL_HALF_M = 0.5
const EDGE_M = SQUARE_HALF_M + WALL_HALF_M

/** The low wall around the square. Players and crates meet an unseen one on top of it. */
export const WALLS: readonly Block[] = [
  { at: [0, 0.6, -EDGE_M], half: [EDGE_M + WALL_HALF_M, 0.6, WALL_HALF_M] },
  { at: [0, 0.6, EDGE_M], half: [EDGE_M + WALL_HALF_M, 0.6, WALL_HALF_M] },
  { at: [-EDGE_M, 0.6, 0], half: [WALL_HALF_M, 0.6, EDGE_M] },
  { at: [EDGE_M, 0.6, 0], half: [WALL_HALF_M, 0.6, EDGE_M] },
]

/** Stone planters with a tree each. */
export const PLANTERS: readonly Block[] = [
  [-15, -4],
  [15, -4],
  [-24, 18],
  [24, 18],
  [-26, -24],
  [26, -24],
].map(([x, z]) => ({ at: [x!, 0.4, z!], half: [1.6, 0.4, 1.6] }))

/** What a crate is spawned with; `rotation` is a unit quaternion x, y, z, w. */
export type CratePlace = Readonly<{
  translation: Point
  rotation: readonly [x: number, y: number, z: number, w: number]
}>

/** Radius around the middle that stays free for players to appear in, meters. */
const ARRIVAL_M = 6.5
/** Further than this from one another, two crates cannot overlap however they are turned, meters. */
const APART_M = CRATE_SIZE_M * Math.SQRT2

/**
 * Where the crates of a new plaza stand: the same for everyone who asks for the same number.
 * @param count how many; the plaza fills from its most interesting part outward
 */
export function crateLayout(count: number): CratePlace[] {
  const places: CratePlace[] = []
  const put = (x: number, level: number, z: number, yawRad = 0): void => {
    const y = CRATE_SIZE_M / 2 + level * (CRATE_SIZE_M + 0.005)
    places.push({ translation: [x, y, z], rotation: [0, Math.sin(yawRad / 2), 0, Math.cos(yawRad / 2)] })
  }
  putPyramid(put)
  putWall(put)
  putTowers(put)
  const taken = places.map(({ translation }) => translation)
  // A sunflower's spiral covers the square evenly; what would stand in something is left out.
  for (let i = 0; places.length < count && i < 4 * count; i += 1) {
    const angleRad = i * 2.399963
    const radius = ARRIVAL_M + 1.35 * Math.sqrt(i * 1.3)
    const x = Math.cos(angleRad) * radius
    const z = Math.sin(angleRad) * radius
    if (!isFree(x, z, taken)) continue
    put(x, 0, z, angleRad * 1.7)
    taken.push(places.at(-1)!.translation)
  }
  return places.slice(0, count)
}

type Put = (x: number, level: number, z: number, yawRad?: number) => void

/** Six levels in front of whoever arrives. */
function putPyramid(put: Put): void {
  for (let level = 0; level < 6; level += 1) {
    const edge = 6 - level
    for (let i = 0; i < edge; i += 1) {
      for (let j = 0; j < edge; j += 1) put((i - (edge - 1) / 2) * 1.03, level, (j - (edge - 1) / 2) * 1.03 - 15)
    }
  }
}

/** A wall to break through, in a bond like bricks. */
function putWall(put: Put): void {
  for (let level = 0; level < 5; level += 1) {
    for (let i = 0; i < 14; i += 1) put((i - 6.5) * 1.02 + (level % 2) * 0.5, level, 14)
  }
}

function putTowers(put: Put): void {
  for (let tower = 0; tower < 8; tower += 1) {
    const angleRad = (tower / 8) * Math.PI * 2 + 0.39
    for (let level = 0; level < 6; level += 1) {
      put(Math.cos(angleRad) * 21, level, Math.sin(angleRad) * 21, tower + level * 0.09)
    }
  }
}

function isFree(x: number, z: number, taken: readonly Point[]): boolean {
  const inPlanter = PLANTERS.some(
    ({ at, half }) => Math.abs(x - at[0]) < half[0] + APART_M && Math.abs(z - at[2]) < half[2] + APART_M,
  )
  const edge = SQUARE_HALF_M - CRATE_SIZE_M
  if (inPlanter || Math.abs(x) > edge || Math.abs(z) > edge) return false
  return !taken.some((point) => Math.hypot(point[0] - x, point[2] - z) < APART_M)
}

/** Where the n-th avatar appears: on a ring, looking at the pyramid. */
export function spawnPoint(n: number): Point {
  const angleRad = n * 2.399963
  return [Math.sin(angleRad) * 3.2, 1, Math.cos(angleRad) * 3.2 + 1]
}
