// The three.js side: nothing here knows that there is a network.
import {
  AmbientLight,
  BoxGeometry,
  Color,
  DirectionalLight,
  Mesh,
  MeshStandardMaterial,
  PerspectiveCamera,
  Plane,
  Raycaster,
  Scene,
  Vector2,
  Vector3,
  WebGLRenderer,
} from 'three'

interface Columns {
  translation: { x: Float32Array; y: Float32Array; z: Float32Array }
  rotation: { x: Float32Array; y: Float32Array; z: Float32Array; w: Float32Array }
}

export interface View {
  /** Where the pressed pointer is, in meters on the plane z = 0. */
  pointer: [x: number, y: number] | undefined
  onPress: () => void
  draw(columns: Columns, eid: number): void
}

export function createView(): View {
  const renderer = new WebGLRenderer({ antialias: true })
  const camera = new PerspectiveCamera(50, 1, 0.1, 100)
  camera.position.z = 6
  const scene = new Scene()
  scene.background = new Color(0x10141c)
  const cube = new Mesh(new BoxGeometry(1, 1, 1), new MeshStandardMaterial({ color: 0xf2a541, roughness: 0.4 }))
  const sun = new DirectionalLight(0xffffff, 2.5)
  sun.position.set(2, 4, 5)
  scene.add(cube, sun, new AmbientLight(0x88aaff, 0.8))
  document.body.append(renderer.domElement)

  const resize = (): void => {
    renderer.setPixelRatio(devicePixelRatio)
    renderer.setSize(innerWidth, innerHeight)
    camera.aspect = innerWidth / innerHeight
    camera.updateProjectionMatrix()
  }
  addEventListener('resize', resize)
  resize()

  const view: View = {
    pointer: undefined,
    onPress: () => {},
    draw({ translation, rotation }, eid) {
      cube.position.set(translation.x[eid]!, translation.y[eid]!, translation.z[eid]!)
      cube.quaternion.set(rotation.x[eid]!, rotation.y[eid]!, rotation.z[eid]!, rotation.w[eid]!)
      renderer.render(scene, camera)
    },
  }
  const at = (event: PointerEvent): [number, number] => {
    const ray = new Raycaster()
    const point = new Vector2((event.clientX / innerWidth) * 2 - 1, 1 - (event.clientY / innerHeight) * 2)
    ray.setFromCamera(point, camera)
    const hit = ray.ray.intersectPlane(new Plane(new Vector3(0, 0, 1)), new Vector3())
    return [hit?.x ?? 0, hit?.y ?? 0]
  }
  addEventListener('pointerdown', (event) => {
    view.onPress()
    view.pointer = at(event)
  })
  addEventListener('pointermove', (event) => {
    if (view.pointer) view.pointer = at(event)
  })
  addEventListener('pointerup', () => (view.pointer = undefined))
  return view
}
