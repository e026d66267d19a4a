/** Players: a capsule with a face each, and a name that floats over it as plain HTML. */
import { CapsuleGeometry, Color, Group, Mesh, MeshStandardMaterial, SphereGeometry, Vector3, type PerspectiveCamera, type Scene } from 'three'
import { Nameplate, Transform } from '../sim/components.ts'
import { AVATAR_HALF_HEIGHT_M, AVATAR_RADIUS_M } from '../sim/physics.ts'

export interface Avatars {
  draw(eids: ArrayLike<number>, camera: PerspectiveCamera, isHost: (eid: number) => boolean): void
}

interface Figure {
  readonly group: Group
  readonly label: HTMLElement
}

/** A player's color from its hue column; also tints what it simulates. */
export function playerColor(hue: number): Color {
  return new Color().setHSL(hue / 256, 0.72, 0.56)
}

export function createAvatars(scene: Scene, names: HTMLElement): Avatars {
  const figures = new Map<number, Figure>()
  const body = new CapsuleGeometry(AVATAR_RADIUS_M, AVATAR_HALF_HEIGHT_M * 2, 8, 20)
  const eye = new SphereGeometry(0.085, 12, 8)
  const white = new MeshStandardMaterial({ color: 0xffffff, roughness: 0.3 })
  const dark = new MeshStandardMaterial({ color: 0x161b26, roughness: 0.3 })
  const head = new Vector3()

  function create(eid: number): Figure {
    const group = new Group()
    const skin = new MeshStandardMaterial({ color: playerColor(Nameplate.hue[eid]!), roughness: 0.5 })
    const torso = new Mesh(body, skin)
    torso.castShadow = torso.receiveShadow = true
    group.add(torso)
    for (const side of [-1, 1]) {
      const ball = new Mesh(eye, white)
      ball.position.set(side * 0.16, 0.5, AVATAR_RADIUS_M - 0.06)
      const pupil = new Mesh(eye, dark)
      pupil.scale.setScalar(0.55)
      pupil.position.set(side * 0.16, 0.5, AVATAR_RADIUS_M + 0.01)
      group.add(ball, pupil)
    }
    scene.add(group)
    const label = document.createElement('div')
    label.className = 'name'
    label.textContent = Nameplate.name[eid] || 'guest'
    names.append(label)
    const figure = { group, label }
    figures.set(eid, figure)
    return figure
  }

  function remove(eid: number, { group, label }: Figure): void {
    scene.remove(group)
    ;((group.children[0] as Mesh).material as MeshStandardMaterial).dispose()
    label.remove()
    figures.delete(eid)
  }

  function place(label: HTMLElement, camera: PerspectiveCamera): void {
    head.project(camera)
    label.style.display = head.z < 1 ? '' : 'none'
    const x = ((head.x + 1) / 2) * innerWidth
    const y = ((1 - head.y) / 2) * innerHeight
    label.style.transform = `translate(-50%, -100%) translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`
  }

  return {
    draw(eids, camera, isHost) {
      const { translation, rotation } = Transform
      const here = new Set<number>()
      for (let i = 0; i < eids.length; i += 1) {
        const eid = eids[i]!
        here.add(eid)
        const { group, label } = figures.get(eid) ?? create(eid)
        group.position.set(translation.x[eid]!, translation.y[eid]!, translation.z[eid]!)
        group.quaternion.set(rotation.x[eid]!, rotation.y[eid]!, rotation.z[eid]!, rotation.w[eid]!)
        label.classList.toggle('host', isHost(eid))
        head.copy(group.position).y += AVATAR_HALF_HEIGHT_M + AVATAR_RADIUS_M + 0.35
        place(label, camera)
      }
      for (const [eid, figure] of figures) if (!here.has(eid)) remove(eid, figure)
    },
  }
}
