/** The three.js door: renderer, light, shadow, ground and sky. Nothing here knows that there is a network. */
import {
  ACESFilmicToneMapping,
  CanvasTexture,
  Color,
  DirectionalLight,
  Fog,
  HemisphereLight,
  Mesh,
  MeshStandardMaterial,
  PCFSoftShadowMap,
  PerspectiveCamera,
  PlaneGeometry,
  RepeatWrapping,
  Scene,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from 'three'

export interface Stage {
  readonly scene: Scene
  readonly camera: PerspectiveCamera
  readonly canvas: HTMLCanvasElement
  /** Moves the sun's shadow along with what the camera looks at. */
  lightUp(around: Vector3): void
  render(): void
}

/** Half the edge of the square that casts shadows, meters: larger makes them coarser. */
const SHADOW_REACH_M = 30
const SUN_FROM = new Vector3(24, 38, 18)

export function createStage(canvas: HTMLCanvasElement): Stage {
  const renderer = new WebGLRenderer({ canvas, antialias: true, powerPreference: 'high-performance' })
  renderer.shadowMap.enabled = true
  renderer.shadowMap.type = PCFSoftShadowMap
  renderer.toneMapping = ACESFilmicToneMapping
  renderer.toneMappingExposure = 1.05
  const scene = new Scene()
  scene.background = new Color(0xb9d3e8)
  scene.fog = new Fog(0xb9d3e8, 45, 110)
  const camera = new PerspectiveCamera(58, 1, 0.1, 200)

  scene.add(new HemisphereLight(0xdcecff, 0x8c7a62, 1.1))
  const sun = new DirectionalLight(0xfff0d8, 2.6)
  sun.castShadow = true
  sun.shadow.mapSize.set(2048, 2048)
  sun.shadow.bias = -0.0004
  sun.shadow.normalBias = 0.03
  const shadow = sun.shadow.camera
  shadow.left = shadow.bottom = -SHADOW_REACH_M
  shadow.right = shadow.top = SHADOW_REACH_M
  shadow.far = 120
  scene.add(sun, sun.target)

  const ground = new Mesh(new PlaneGeometry(260, 260), new MeshStandardMaterial({ map: paving(), roughness: 0.95 }))
  ground.rotation.x = -Math.PI / 2
  ground.receiveShadow = true
  scene.add(ground)

  const resize = (): void => {
    const { innerWidth, innerHeight } = window
    renderer.setPixelRatio(Math.min(devicePixelRatio, 2))
    renderer.setSize(innerWidth, innerHeight, false)
    camera.aspect = innerWidth / innerHeight
    camera.updateProjectionMatrix()
  }
  window.addEventListener('resize', resize)
  resize()

  return {
    scene,
    camera,
    canvas,
    lightUp(around) {
      sun.target.position.copy(around)
      sun.position.copy(around).add(SUN_FROM)
    },
    render: () => renderer.render(scene, camera),
  }
}

/** Paving stones, drawn once: a plain color would give no sense of speed. */
function paving(): CanvasTexture {
  const size = 256
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const draw = canvas.getContext('2d')!
  draw.fillStyle = '#8f9a86'
  draw.fillRect(0, 0, size, size)
  for (let i = 0; i < 4; i += 1) {
    for (let j = 0; j < 4; j += 1) {
      const shade = 150 + ((i * 7 + j * 13) % 5) * 6
      draw.fillStyle = `rgb(${shade} ${shade + 6} ${shade - 10})`
      draw.fillRect(i * 64 + 2, j * 64 + 2, 60, 60)
    }
  }
  const texture = new CanvasTexture(canvas)
  texture.wrapS = texture.wrapT = RepeatWrapping
  texture.repeat.set(65, 65)
  texture.anisotropy = 8
  texture.colorSpace = SRGBColorSpace
  return texture
}
