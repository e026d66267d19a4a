/** One player's body: a bean with eyes, hands and feet, and the golden baton in the hand of whoever hosts. */
import { CapsuleGeometry, Color, CylinderGeometry, Group, Mesh, MeshStandardMaterial, SphereGeometry } from 'three'
import { AVATAR_HALF_HEIGHT_M, AVATAR_RADIUS_M } from '../sim/physics.ts'

export interface Figure {
  readonly group: Group
  /** @param strideM how far it has walked, meters; @param isUp in the air */
  walk(strideM: number, speedMps: number, isUp: boolean): void
  holdBaton(holds: boolean): void
  dispose(): void
}

const BOTTOM_M = -(AVATAR_HALF_HEIGHT_M + AVATAR_RADIUS_M)
/** Radians of a step's swing per meter walked. */
const STRIDE_RAD_PER_M = 2.6

const trunk = new CapsuleGeometry(AVATAR_RADIUS_M * 0.92, AVATAR_HALF_HEIGHT_M * 2 - 0.14, 10, 24)
const ball = new SphereGeometry(1, 18, 12)
const stick = new CylinderGeometry(0.045, 0.045, 0.62, 12)
const white = new MeshStandardMaterial({ color: 0xffffff, roughness: 0.25 })
const black = new MeshStandardMaterial({ color: 0x1a1d26, roughness: 0.2 })
const gold = new MeshStandardMaterial({ color: 0xf2b632, roughness: 0.28, metalness: 0.35, emissive: 0x5a3a00 })
const red = new MeshStandardMaterial({ color: 0xd8432f, roughness: 0.5 })

export function createFigure(color: Color): Figure {
  const group = new Group()
  const skin = new MeshStandardMaterial({ color, roughness: 0.55 })
  const pale = new MeshStandardMaterial({ color: color.clone().lerp(new Color(0xffffff), 0.55), roughness: 0.6 })
  const shoe = new MeshStandardMaterial({ color: color.clone().multiplyScalar(0.42), roughness: 0.6 })
  const body = new Group()
  group.add(body)
  const part = (
    parent: Group,
    material: MeshStandardMaterial,
    size: [number, number, number],
    at: [number, number, number],
  ): Mesh => {
    const mesh = new Mesh(ball, material)
    mesh.scale.set(...size)
    mesh.position.set(...at)
    mesh.castShadow = true
    parent.add(mesh)
    return mesh
  }
  const torso = new Mesh(trunk, skin)
  torso.position.y = 0.07
  torso.castShadow = torso.receiveShadow = true
  body.add(torso)
  part(body, pale, [0.27, 0.33, 0.12], [0, -0.1, 0.33])
  for (const side of [-1, 1]) {
    part(body, white, [0.115, 0.145, 0.08], [side * 0.15, 0.47, 0.35])
    part(body, black, [0.055, 0.075, 0.05], [side * 0.14, 0.47, 0.41])
  }
  const feet = [-1, 1].map((side) => part(group, shoe, [0.15, 0.1, 0.21], [side * 0.19, BOTTOM_M + 0.1, 0.05]))
  const hands = [-1, 1].map((side) => {
    const hand = new Group()
    hand.position.set(side * 0.47, 0, 0.06)
    part(hand, skin, [0.13, 0.13, 0.13], [0, 0, 0])
    body.add(hand)
    return hand
  })
  const baton = createBaton()
  hands[1]!.add(baton)

  return {
    group,
    walk(strideM, speedMps, isUp) {
      const swing = Math.sin(strideM * STRIDE_RAD_PER_M) * Math.min(1, speedMps / 4)
      const lift = Math.min(1, speedMps / 4) * 0.05
      body.position.y = isUp ? 0.03 : Math.abs(Math.cos(strideM * STRIDE_RAD_PER_M)) * lift
      body.rotation.x = Math.min(0.16, speedMps * 0.022)
      feet.forEach((foot, i) => {
        const way = i === 0 ? swing : -swing
        foot.position.z = 0.05 + way * 0.24
        foot.position.y = BOTTOM_M + 0.1 + (isUp ? 0.07 : Math.max(0, way) * 0.09)
      })
      hands.forEach((hand, i) => {
        const way = i === 0 ? -swing : swing
        hand.position.z = 0.06 + way * 0.26
        hand.position.y = isUp ? 0.28 : 0.02 + Math.abs(way) * 0.06
      })
    },
    holdBaton(holds) {
      baton.visible = holds
    },
    dispose() {
      for (const material of [skin, pale, shoe]) material.dispose()
    },
  }
}

function createBaton(): Group {
  const baton = new Group()
  const rod = new Mesh(stick, gold)
  rod.castShadow = true
  baton.add(rod)
  for (const end of [-1, 1]) {
    const ring = new Mesh(stick, red)
    ring.scale.set(1.12, 0.14, 1.12)
    ring.position.y = end * 0.27
    baton.add(ring)
  }
  baton.position.set(0.05, 0.16, 0.1)
  baton.rotation.set(0.5, 0, -0.25)
  baton.visible = false
  return baton
}
