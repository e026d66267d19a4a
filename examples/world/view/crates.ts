/** All crates in one instanced mesh, tinted by who simulates them. */
import { BoxGeometry, CanvasTexture, Color, DynamicDrawUsage, InstancedMesh, Matrix4, MeshStandardMaterial, Quaternion, SRGBColorSpace, Vector3, type Scene } from 'three'
import { Transform } from '../sim/components.ts'
import { CRATE_SIZE_M } from '../sim/layout.ts'

export interface Crates {
  /** @param tintOf color of a crate, or undefined for bare wood */
  draw(eids: ArrayLike<number>, tintOf: (eid: number) => Color | undefined): void
}

const WOOD = new Color(0xffffff)

export function createCrates(scene: Scene, capacity: number): Crates {
  const material = new MeshStandardMaterial({ map: planks(), roughness: 0.82 })
  const edge = CRATE_SIZE_M
  const mesh = new InstancedMesh(new BoxGeometry(edge, edge, edge), material, capacity)
  mesh.instanceMatrix.setUsage(DynamicDrawUsage)
  mesh.castShadow = mesh.receiveShadow = true
  mesh.frustumCulled = false
  mesh.count = 0
  scene.add(mesh)

  const matrix = new Matrix4()
  const at = new Vector3()
  const turn = new Quaternion()
  const one = new Vector3(1, 1, 1)
  return {
    draw(eids, tintOf) {
      const { translation, rotation } = Transform
      const count = Math.min(eids.length, capacity)
      for (let i = 0; i < count; i += 1) {
        const eid = eids[i]!
        at.set(translation.x[eid]!, translation.y[eid]!, translation.z[eid]!)
        turn.set(rotation.x[eid]!, rotation.y[eid]!, rotation.z[eid]!, rotation.w[eid]!)
        mesh.setMatrixAt(i, matrix.compose(at, turn, one))
        mesh.setColorAt(i, tintOf(eid) ?? WOOD)
      }
      mesh.count = count
      mesh.instanceMatrix.needsUpdate = true
      if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true
    },
  }
}

/** A wooden crate's side: planks, a frame, a brace. */
function planks(): CanvasTexture {
  const size = 256
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const draw = canvas.getContext('2d')!
  const woods = ['#c9965a', '#c18c50', '#d09e63', '#bd8649', '#cb995e']
  woods.forEach((wood, i) => {
    draw.fillStyle = wood
    draw.fillRect(0, (i * size) / 5, size, size / 5)
    draw.fillStyle = 'rgb(70 42 16 / 55%)'
    draw.fillRect(0, (i * size) / 5, size, 3)
  })
  draw.strokeStyle = '#a06f38'
  draw.lineWidth = 30
  draw.beginPath()
  draw.moveTo(18, 18)
  draw.lineTo(size - 18, size - 18)
  draw.stroke()
  draw.lineWidth = 34
  draw.strokeStyle = '#ad7b42'
  draw.strokeRect(15, 15, size - 30, size - 30)
  draw.lineWidth = 3
  draw.strokeStyle = 'rgb(60 34 10 / 60%)'
  draw.strokeRect(32, 32, size - 64, size - 64)
  draw.strokeRect(2, 2, size - 4, size - 4)
  const texture = new CanvasTexture(canvas)
  texture.colorSpace = SRGBColorSpace
  texture.anisotropy = 4
  return texture
}
