/** What never moves: the square, its walls, planters and trees, the meadow around and the hills behind. */
import {
  BoxGeometry,
  CircleGeometry,
  Color,
  ConeGeometry,
  CylinderGeometry,
  IcosahedronGeometry,
  InstancedMesh,
  Matrix4,
  Mesh,
  MeshStandardMaterial,
  PlaneGeometry,
  Quaternion,
  Vector3,
  type BufferGeometry,
  type Material,
  type Object3D,
} from 'three'
import { PLANTERS, SQUARE_HALF_M, WALLS, type Block } from '../sim/layout.ts'
import { createChance, inlay, meadow, paving } from './textures.ts'

const STONE = 0xc9bda6
const STONE_TOP = 0xddd3bf

/** @param far where what stands outside of the square goes */
export function buildScenery(scene: Object3D, far: Object3D): void {
  const ground = flat(new PlaneGeometry(2 * SQUARE_HALF_M + 2, 2 * SQUARE_HALF_M + 2), { map: paving(8) }, 0)
  const middle = flat(new CircleGeometry(5, 64), { map: inlay() }, 0.012)
  const grass = flat(new PlaneGeometry(420, 420), { map: meadow(90) }, -0.06)
  scene.add(ground, middle, grass)
  for (const block of WALLS) addStone(scene, block)
  for (const block of PLANTERS) {
    addStone(scene, block)
    const soil = new Mesh(
      new BoxGeometry(2 * block.half[0] - 0.5, 0.1, 2 * block.half[2] - 0.5),
      new MeshStandardMaterial({ color: 0x5a4632, roughness: 1 }),
    )
    soil.position.set(block.at[0], 2 * block.half[1] + 0.09, block.at[2])
    soil.receiveShadow = true
    scene.add(soil)
  }
  plantTrees(far)
  raiseHills(far)
}

function flat(geometry: BufferGeometry, look: { map: MeshStandardMaterial['map'] }, y: number): Mesh {
  const mesh = new Mesh(geometry, new MeshStandardMaterial({ ...look, roughness: 0.92 }))
  mesh.rotation.x = -Math.PI / 2
  mesh.position.y = y
  mesh.receiveShadow = true
  return mesh
}

/** A block of stone with a cap that juts out. */
function addStone(scene: Object3D, { at, half }: Block): void {
  const body = new Mesh(
    new BoxGeometry(2 * half[0], 2 * half[1], 2 * half[2]),
    new MeshStandardMaterial({ color: STONE, roughness: 0.9 }),
  )
  body.position.set(...at)
  const cap = new Mesh(
    new BoxGeometry(2 * half[0] + 0.16, 0.14, 2 * half[2] + 0.16),
    new MeshStandardMaterial({ color: STONE_TOP, roughness: 0.85 }),
  )
  cap.position.set(at[0], 2 * half[1], at[2])
  for (const mesh of [body, cap]) mesh.castShadow = mesh.receiveShadow = true
  scene.add(body, cap)
}

interface Tree {
  readonly x: number
  readonly z: number
  /** Where the trunk begins, meters. */
  readonly y: number
  readonly size: number
  readonly round: boolean
}

/** One in each planter, a loose ring of them outside of the wall. */
function plantTrees(scene: Object3D): void {
  const chance = createChance(21)
  const trees: Tree[] = PLANTERS.map(({ at, half }) => ({ x: at[0], z: at[2], y: 2 * half[1], size: 1, round: true }))
  for (let i = 0; i < 130; i += 1) {
    const angleRad = chance() * 2 * Math.PI
    const away = SQUARE_HALF_M * (1.24 + 0.95 * Math.sqrt(chance()))
    const x = Math.cos(angleRad) * away * 1.15
    const z = Math.sin(angleRad) * away * 1.15
    if (Math.max(Math.abs(x), Math.abs(z)) < SQUARE_HALF_M + 4) continue
    trees.push({ x, z, y: 0, size: 1 + chance() * 1.1, round: chance() < 0.55 })
  }
  const leaf = new MeshStandardMaterial({ color: 0xffffff, roughness: 0.95, flatShading: true })
  const bark = new MeshStandardMaterial({ color: 0x7a5a3c, roughness: 1 })
  const at = new Vector3()
  const scale = new Vector3()
  const turn = new Quaternion()
  const up = new Vector3(0, 1, 0)
  const matrix = new Matrix4()
  const place = (mesh: InstancedMesh, i: number, tree: Tree, y: number, wide: number, high: number): void => {
    turn.setFromAxisAngle(up, tree.x * 3.1)
    at.set(tree.x, tree.y + y * tree.size, tree.z)
    mesh.setMatrixAt(i, matrix.compose(at, turn, scale.set(wide, high, wide).multiplyScalar(tree.size)))
  }
  const trunks = add(scene, new CylinderGeometry(0.16, 0.24, 1, 7), bark, trees.length)
  trees.forEach((tree, i) => place(trunks, i, tree, 0.8, 1, 1.7))
  const green = (mesh: InstancedMesh, i: number, hue: number): void => {
    mesh.setColorAt(i, new Color().setHSL(hue + chance() * 0.05, 0.36 + chance() * 0.12, 0.34 + chance() * 0.1))
  }
  const balls = trees.filter((tree) => tree.round)
  const crowns = add(scene, new IcosahedronGeometry(1, 1), leaf, balls.length * 3)
  balls.forEach((tree, i) => {
    const parts = [
      [0, 2.6, 0, 1.45],
      [0.75, 2.2, 0.3, 1],
      [-0.6, 2.3, -0.5, 1.05],
    ] as const
    parts.forEach(([dx, y, dz, size], part) => {
      const shifted = { ...tree, x: tree.x + dx * tree.size, z: tree.z + dz * tree.size }
      place(crowns, i * 3 + part, shifted, y, size, size * 0.9)
      green(crowns, i * 3 + part, 0.235)
    })
  })
  const firs = trees.filter((tree) => !tree.round)
  const cones = add(scene, new ConeGeometry(1, 1.6, 9), leaf, firs.length * 3)
  firs.forEach((tree, i) => {
    for (let part = 0; part < 3; part += 1) {
      place(cones, i * 3 + part, tree, 2 + part * 1.05, 1.65 - part * 0.42, 1.35 - part * 0.12)
      green(cones, i * 3 + part, 0.3)
    }
  })
}

function raiseHills(scene: Object3D): void {
  const chance = createChance(5)
  const count = 26
  const hills = add(
    scene,
    new IcosahedronGeometry(1, 2),
    new MeshStandardMaterial({ color: 0xffffff, roughness: 1, flatShading: true }),
    count,
  )
  hills.castShadow = false
  const matrix = new Matrix4()
  for (let i = 0; i < count; i += 1) {
    const angleRad = (i / count) * 2 * Math.PI + chance() * 0.2
    const away = 120 + chance() * 45
    const wide = 28 + chance() * 30
    matrix.makeScale(wide, 6 + chance() * 15, wide)
    matrix.setPosition(Math.cos(angleRad) * away, -2, Math.sin(angleRad) * away)
    hills.setMatrixAt(i, matrix)
    hills.setColorAt(i, new Color().setHSL(0.24 + chance() * 0.06, 0.26, 0.42 + chance() * 0.08))
  }
}

function add(scene: Object3D, geometry: BufferGeometry, material: Material, count: number): InstancedMesh {
  const mesh = new InstancedMesh(geometry, material, count)
  mesh.castShadow = mesh.receiveShadow = true
  mesh.frustumCulled = false
  scene.add(mesh)
  return mesh
}
