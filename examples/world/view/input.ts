/** Keyboard, mouse and touch become wishes in world space, seen from where the camera looks. */
import type { Wishes } from '../sim/avatar.ts'
import type { Look } from './follow.ts'

export interface Input extends Look {
  read(): Wishes
}

const KEYS: Readonly<Record<string, 'up' | 'down' | 'left' | 'right' | 'jump'>> = {
  KeyW: 'up',
  ArrowUp: 'up',
  KeyS: 'down',
  ArrowDown: 'down',
  KeyA: 'left',
  ArrowLeft: 'left',
  KeyD: 'right',
  ArrowRight: 'right',
  Space: 'jump',
}
const LOOK_RAD_PER_PIXEL = 0.005
/** Pixels the stick's knob can move. */
const STICK_REACH = 42

export function createInput(canvas: HTMLElement, stick: HTMLElement, jumpButton: HTMLElement): Input {
  const held = new Set<string>()
  const knob = stick.firstElementChild as HTMLElement
  let yaw = 0
  let pitch = 0.36
  let distanceM = 9.5
  let stickX = 0
  let stickY = 0
  let jumping = false

  addEventListener('keydown', (event) => {
    const key = KEYS[event.code]
    // Typing into the panel is not walking.
    if (!key || event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return
    held.add(key)
    event.preventDefault()
  })
  addEventListener('keyup', (event) => {
    const key = KEYS[event.code]
    if (key) held.delete(key)
  })
  addEventListener('blur', () => held.clear())

  canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId))
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return
    yaw -= event.movementX * LOOK_RAD_PER_PIXEL
    pitch = Math.min(1.2, Math.max(0.02, pitch + event.movementY * LOOK_RAD_PER_PIXEL))
  })
  canvas.addEventListener('wheel', (event) => {
    distanceM = Math.min(22, Math.max(4.5, distanceM * Math.exp(event.deltaY * 0.001)))
    event.preventDefault()
  })

  const steer = (event: PointerEvent): void => {
    const box = stick.getBoundingClientRect()
    const dx = event.clientX - (box.left + box.width / 2)
    const dy = event.clientY - (box.top + box.height / 2)
    const scale = Math.min(1, STICK_REACH / Math.max(1, Math.hypot(dx, dy)))
    stickX = (dx * scale) / STICK_REACH
    stickY = (dy * scale) / STICK_REACH
    knob.style.transform = `translate(${dx * scale}px, ${dy * scale}px)`
  }
  const letGo = (): void => {
    stickX = stickY = 0
    knob.style.transform = ''
  }
  stick.addEventListener('pointerdown', (event) => {
    stick.setPointerCapture(event.pointerId)
    steer(event)
  })
  stick.addEventListener('pointermove', (event) => {
    if (stick.hasPointerCapture(event.pointerId)) steer(event)
  })
  stick.addEventListener('pointerup', letGo)
  stick.addEventListener('pointercancel', letGo)
  jumpButton.addEventListener('pointerdown', () => (jumping = true))
  for (const end of ['pointerup', 'pointercancel', 'pointerleave']) {
    jumpButton.addEventListener(end, () => (jumping = false))
  }

  return {
    get yaw() {
      return yaw
    },
    get pitch() {
      return pitch
    },
    get distanceM() {
      return distanceM
    },
    read() {
      const right = Number(held.has('right')) - Number(held.has('left')) + stickX
      const back = Number(held.has('down')) - Number(held.has('up')) + stickY
      return {
        moveX: right * Math.cos(yaw) + back * Math.sin(yaw),
        moveZ: back * Math.cos(yaw) - right * Math.sin(yaw),
        jump: jumping || held.has('jump'),
      }
    },
  }
}
