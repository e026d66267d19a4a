/** The renderer, the sun that goes with the player, and the sky. */
import {
  BackSide,
  Color,
  DirectionalLight,
  Fog,
  Group,
  HemisphereLight,
  Mesh,
  NeutralToneMapping,
  PCFShadowMap,
  PerspectiveCamera,
  Scene,
  ShaderMaterial,
  SphereGeometry,
  Vector3,
  WebGLRenderer,
} from 'three'
import { createQuality, type Quality, type QualityWish } from './quality.ts'

export interface Stage {
  readonly scene: Scene
  readonly camera: PerspectiveCamera
  readonly canvas: HTMLCanvasElement
  /** Drawn only where the machine can afford it. */
  readonly far: Group
  readonly quality: Quality
  /** Makes ready for everything that is in the scene, so that no frame of the game waits for it. */
  prepare(): void
  /**
   * Draws a frame.
   * @param focus what the camera looks at: shadows are sharp around it
   * @param elapsedMs since the last frame, by which the picture's quality follows what the machine can do
   */
  render(focus?: Vector3, elapsedMs?: number): void
}

/** Half the edge of the square that casts shadows, meters: larger makes them coarser. */
const SHADOW_REACH_M = 26
const SUN_DIRECTION = new Vector3(-0.52, 0.62, 0.58).normalize()
const HORIZON = 0xdfe9ee
const ZENITH = 0x5f9bd6

export function createStage(canvas: HTMLCanvasElement, wish: QualityWish): Stage {
  const renderer = new WebGLRenderer({ canvas, antialias: true, powerPreference: 'high-performance' })
  renderer.shadowMap.enabled = true
  renderer.shadowMap.type = PCFShadowMap
  renderer.toneMapping = NeutralToneMapping
  renderer.toneMappingExposure = 1.12
  const scene = new Scene()
  scene.fog = new Fog(HORIZON, 60, 210)
  const camera = new PerspectiveCamera(55, 1, 0.2, 400)
  camera.position.set(0, 6, 12)

  scene.add(new HemisphereLight(0xcfe3ff, 0xa58f6c, 1.55))
  const sun = new DirectionalLight(0xffe6bd, 3.4)
  sun.castShadow = true
  sun.shadow.bias = -0.0005
  sun.shadow.normalBias = 0.035
  sun.shadow.radius = 3
  const shadow = sun.shadow.camera
  shadow.left = shadow.bottom = -SHADOW_REACH_M
  shadow.right = shadow.top = SHADOW_REACH_M
  shadow.near = 5
  shadow.far = 120
  const far = new Group()
  scene.add(sun, sun.target, createSky(), far)

  const quality = createQuality(renderer, sun, wish)
  const resize = (): void => {
    const { innerWidth, innerHeight } = window
    renderer.setSize(innerWidth, innerHeight, false)
    camera.aspect = innerWidth / innerHeight
    // Held upright, a narrow picture would show little of what is left and right.
    camera.fov = innerWidth < innerHeight ? 70 : 55
    camera.updateProjectionMatrix()
  }
  window.addEventListener('resize', resize)
  resize()

  return {
    scene,
    camera,
    canvas,
    far,
    quality,
    prepare: () => renderer.compile(scene, camera),
    render(focus, elapsedMs) {
      if (focus) moveSun(sun, focus)
      if (elapsedMs !== undefined) quality.follow(elapsedMs)
      far.visible = !quality.isRough
      renderer.render(scene, camera)
    },
  }
}

/** In steps as wide as a texel of the shadow map, or the edges of shadows would crawl as the player walks. */
function moveSun(sun: DirectionalLight, focus: Vector3): void {
  const texelM = (2 * SHADOW_REACH_M) / sun.shadow.mapSize.x
  const snap = (value: number): number => Math.round(value / (texelM * 8)) * texelM * 8
  sun.target.position.set(snap(focus.x), 0, snap(focus.z))
  sun.position.copy(SUN_DIRECTION).multiplyScalar(60).add(sun.target.position)
}

/** A dome with a gradient, and the sun's glow in it. */
function createSky(): Mesh {
  const material = new ShaderMaterial({
    side: BackSide,
    depthWrite: false,
    fog: false,
    uniforms: {
      zenith: { value: new Color(ZENITH) },
      horizon: { value: new Color(HORIZON) },
      sunDirection: { value: SUN_DIRECTION },
    },
    vertexShader: `
      varying vec3 direction;
      void main() {
        direction = position;
        gl_Position = projectionMatrix * mat4(mat3(modelViewMatrix)) * vec4(position, 1.0);
      }`,
    fragmentShader: `
      uniform vec3 zenith;
      uniform vec3 horizon;
      uniform vec3 sunDirection;
      varying vec3 direction;
      void main() {
        vec3 ray = normalize(direction);
        float glow = max(dot(ray, sunDirection), 0.0);
        vec3 color = mix(horizon, zenith, pow(clamp(ray.y * 1.25, 0.0, 1.0), 0.62));
        color += vec3(1.0, 0.86, 0.6) * (pow(glow, 350.0) * 1.6 + pow(glow, 12.0) * 0.16);
        gl_FragColor = vec4(color, 1.0);
        #include <colorspace_fragment>
      }`,
  })
  const sky = new Mesh(new SphereGeometry(300, 32, 20), material)
  sky.frustumCulled = false
  sky.renderOrder = -1
  return sky
}
