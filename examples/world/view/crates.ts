/** All crates in one instanced mesh, tinted by who simulates them. */
import {
  BoxGeometry,
  Color,
  DynamicDrawUsage,
  InstancedMesh,
  Matrix4,
  MeshStandardMaterial,
  Quaternion,
  Vector3,
  type BufferGeometry,
  type Scene,
} from 'three'
import { RoundedBoxGeometry } from 'three/addons/geometries/RoundedBoxGeometry.js'
import { CRATE_SIZE_M } from '../sim/layout.ts'
import { createPose } from '../sim/pose.ts'
import type { Moment } from './moment.ts'
import { planks } from './textures.ts'

export interface Crates {
  /** @param tintOf color of a crate, undefined for bare wood; left out, all are bare */
  draw(eids: ArrayLike<number>, moment: Moment, tintOf?: (eid: number) => Color | undefined): void
}

/** How much of a tinted crate's color is the tint. */
const TINT_PART = 0.72
/** Shades of wood, so that no two neighbors look the same. */
const WOODS = [0xffffff, 0xf2e2cf, 0xffeed8, 0xe9d3bb, 0xfff4e6].map((color) => new Color(color))

export function createCrates(scene: Scene, capacity: number): Crates {
  const { color, height } = planks()
  const material = new MeshStandardMaterial({ map: color, bumpMap: height, bumpScale: 1.6, roughness: 0.78 })
  const edge = CRATE_SIZE_M
  const round = new RoundedBoxGeometry(edge, edge, edge, 1, 0.035)
  const plain = new BoxGeometry(edge, edge, edge)
  const mesh = new InstancedMesh<BufferGeometry, MeshStandardMaterial>(round, material, capacity)
  mesh.instanceMatrix.setUsage(DynamicDrawUsage)
  mesh.castShadow = mesh.receiveShadow = true
  mesh.frustumCulled = false
  mesh.count = 0
  scene.add(mesh)

  const matrix = new Matrix4()
  const at = new Vector3()
  const turn = new Quaternion()
  const one = new Vector3(1, 1, 1)
  const shade = new Color()
  const pose = createPose()
  return {
    draw(eids, { part, isRough, poseOf }, tintOf) {
      mesh.geometry = isRough ? plain : round
      const count = Math.min(eids.length, capacity)
      for (let i = 0; i < count; i += 1) {
        const eid = eids[i]!
        poseOf(eid, part, pose)
        at.set(pose[0]!, pose[1]!, pose[2]!)
        turn.set(pose[3]!, pose[4]!, pose[5]!, pose[6]!)
        mesh.setMatrixAt(i, matrix.compose(at, turn, one))
        shade.copy(WOODS[(eid * 7) % WOODS.length]!)
        const tint = tintOf?.(eid)
        mesh.setColorAt(i, tint ? shade.lerp(tint, TINT_PART) : shade)
      }
      mesh.count = count
      mesh.instanceMatrix.needsUpdate = true
      if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true
    },
  }
}
