/** Where the crates of a new plaza stand: a wall, a pyramid, towers and a scatter, from one seed. */

/** Edge of a crate, meters. */
export const CRATE_SIZE_M = 1

export type Point = readonly [x: number, y: number, z: number]

/** @param count how many crates; the plaza fills from its most interesting part outward */
export function crateLayout(count: number): Point[] {
  const points: Point[] = []
  const half = CRATE_SIZE_M / 2
  const put = (x: number, level: number, z: number): void => {
    points.push([x, half + level * (CRATE_SIZE_M + 0.01), z])
  }
  // A pyramid of seven levels in the middle.
  for (let level = 0; level < 7; level += 1) {
    const edge = 7 - level
    for (let i = 0; i < edge; i += 1) {
      for (let j = 0; j < edge; j += 1) put((i - (edge - 1) / 2) * 1.04, level, (j - (edge - 1) / 2) * 1.04 - 14)
    }
  }
  // A wall to break through.
  for (let level = 0; level < 5; level += 1) {
    for (let i = 0; i < 14; i += 1) put((i - 6.5) * 1.03 + (level % 2) * 0.5, level, 12)
  }
  // Towers around the square.
  for (let tower = 0; tower < 8; tower += 1) {
    const angle = (tower / 8) * Math.PI * 2 + 0.4
    for (let level = 0; level < 6; level += 1) put(Math.cos(angle) * 22, level, Math.sin(angle) * 22)
  }
  // The rest lies about in rings.
  for (let i = 0; points.length < count; i += 1) {
    const angle = i * 2.399963
    const radius = 6 + 1.5 * Math.sqrt(i)
    put(Math.cos(angle) * radius, 0, Math.sin(angle) * radius)
  }
  return points.slice(0, count)
}

/** Where the n-th avatar appears. */
export function spawnPoint(n: number): Point {
  const angle = n * 1.2
  return [Math.sin(angle) * 4, 1.2, Math.cos(angle) * 4]
}
