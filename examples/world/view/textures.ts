/** Pictures that are painted when the page loads: paving, planks, the motif in the middle. No files to fetch. */
import { CanvasTexture, RepeatWrapping, SRGBColorSpace } from 'three'

/** A small generator, so that every page paints the same. */
export function createChance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

function paint(size: number, draw: (pen: CanvasRenderingContext2D) => void, isColor = true): CanvasTexture {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  draw(canvas.getContext('2d')!)
  const texture = new CanvasTexture(canvas)
  if (isColor) texture.colorSpace = SRGBColorSpace
  texture.anisotropy = 8
  return texture
}

const gray = (value: number): string => `rgb(${value} ${value} ${value})`

/** Sandstone slabs of different sizes and shades. @param repeat how often in the ground's whole length */
export function paving(repeat: number): CanvasTexture {
  const size = 1024
  const chance = createChance(7)
  const slab = (pen: CanvasRenderingContext2D, x: number, y: number, wide: number, high: number): void => {
    const light = 62 + chance() * 9
    pen.fillStyle = `hsl(${32 + chance() * 10} ${16 + chance() * 8}% ${light}%)`
    pen.fillRect(x + 2, y + 2, wide - 4, high - 4)
    for (let i = 0; i < 70; i += 1) {
      pen.fillStyle = chance() < 0.5 ? 'rgb(255 250 235 / 10%)' : 'rgb(70 50 30 / 8%)'
      pen.fillRect(x + 4 + chance() * (wide - 12), y + 4 + chance() * (high - 12), 1 + chance() * 5, 1 + chance() * 4)
    }
    pen.fillStyle = 'rgb(255 252 240 / 22%)'
    pen.fillRect(x + 2, y + 2, wide - 4, 2)
    pen.fillStyle = 'rgb(60 40 20 / 16%)'
    pen.fillRect(x + 2, y + high - 4, wide - 4, 2)
  }
  const texture = paint(size, (pen) => {
    pen.fillStyle = '#7d7262'
    pen.fillRect(0, 0, size, size)
    const cell = size / 8
    for (let row = 0; row < 8; row += 1) {
      for (let x = row % 2 === 0 ? 0 : -cell / 2; x < size;) {
        const wide = cell * (chance() < 0.35 ? 1.5 : 1)
        slab(pen, x, row * cell, Math.min(wide, size - x), cell)
        x += wide
      }
    }
  })
  texture.wrapS = texture.wrapT = RepeatWrapping
  texture.repeat.set(repeat, repeat)
  return texture
}

/** Grass: many short strokes of green. */
export function meadow(repeat: number): CanvasTexture {
  const chance = createChance(3)
  const texture = paint(256, (pen) => {
    pen.fillStyle = '#7fa257'
    pen.fillRect(0, 0, 256, 256)
    for (let i = 0; i < 2_600; i += 1) {
      pen.fillStyle = `hsl(${82 + chance() * 22} ${32 + chance() * 16}% ${38 + chance() * 18}% / 55%)`
      pen.fillRect(chance() * 256, chance() * 256, 1.5, 3 + chance() * 6)
    }
  })
  texture.wrapS = texture.wrapT = RepeatWrapping
  texture.repeat.set(repeat, repeat)
  return texture
}

/** The inlay in the middle of the square: rings of stone and a star of eight. */
export function inlay(): CanvasTexture {
  const size = 1024
  return paint(size, (pen) => {
    const half = size / 2
    const ring = (radius: number, color: string): void => {
      pen.fillStyle = color
      pen.beginPath()
      pen.arc(half, half, radius * half, 0, 2 * Math.PI)
      pen.fill()
    }
    ring(1, '#6f6a66')
    ring(0.97, '#b9ad98')
    ring(0.84, '#77706a')
    ring(0.82, '#cfc4ae')
    for (let i = 0; i < 48; i += 1) {
      pen.save()
      pen.translate(half, half)
      pen.rotate((i / 48) * 2 * Math.PI)
      pen.fillStyle = i % 2 === 0 ? '#8d8173' : '#c6b79d'
      pen.fillRect(-half * 0.045, -half * 0.95, half * 0.09, half * 0.09)
      pen.restore()
    }
    for (let i = 0; i < 8; i += 1) {
      const long = i % 2 === 0 ? 0.78 : 0.5
      for (const side of [-1, 1]) {
        pen.save()
        pen.translate(half, half)
        pen.rotate((i / 8) * 2 * Math.PI)
        pen.fillStyle = side < 0 ? '#a4573c' : '#7d3f2d'
        pen.beginPath()
        pen.moveTo(0, -half * long)
        pen.lineTo(side * half * 0.12, -half * 0.16)
        pen.lineTo(0, 0)
        pen.fill()
        pen.restore()
      }
    }
    ring(0.1, '#d9a441')
    ring(0.07, '#f0c869')
  })
}

/** A crate's side in color and in height: planks, a frame around them, a brace across, nails. */
export function planks(): { readonly color: CanvasTexture; readonly height: CanvasTexture } {
  return {
    color: paint(512, (pen) => drawPlanks(pen, false)),
    height: paint(512, (pen) => drawPlanks(pen, true), false),
  }
}

function drawPlanks(pen: CanvasRenderingContext2D, asHeight: boolean): void {
  const size = 512
  const chance = createChance(11)
  const board = (x: number, y: number, wide: number, high: number, level: number): void => {
    const hue = 29 + chance() * 7
    const light = 50 + chance() * 9 + level * 4
    pen.fillStyle = asHeight ? gray(90 + level * 70) : `hsl(${hue} ${40 + chance() * 8}% ${light}%)`
    pen.fillRect(x, y, wide, high)
    const isFlat = wide > high
    for (let i = 0; i < 26; i += 1) {
      const shade = chance()
      const along = chance()
      const across = chance()
      pen.fillStyle = asHeight
        ? `rgb(0 0 0 / ${7 * shade}%)`
        : `rgb(${shade < 0.6 ? '70 38 10' : '255 226 180'} / ${5 + 12 * along}%)`
      if (isFlat) pen.fillRect(x + along * wide * 0.5, y + across * high, wide * (0.2 + shade * 0.7), 1.5)
      else pen.fillRect(x + across * wide, y + along * high * 0.5, 1.5, high * (0.2 + shade * 0.7))
    }
    pen.fillStyle = asHeight ? gray(20) : 'rgb(45 24 8 / 70%)'
    pen.fillRect(x, y, wide, 2.5)
    pen.fillRect(x, y + high - 2.5, wide, 2.5)
    pen.fillRect(x, y, 2.5, high)
    pen.fillRect(x + wide - 2.5, y, 2.5, high)
  }
  for (let i = 0; i < 5; i += 1) board(0, (i * size) / 5, size, size / 5, 0)
  const frame = 74
  pen.save()
  pen.beginPath()
  pen.rect(frame, frame, size - 2 * frame, size - 2 * frame)
  pen.clip()
  pen.translate(size / 2, size / 2)
  pen.rotate(-Math.PI / 4)
  board(-size, -36, size * 2, 72, 1)
  pen.restore()
  board(0, 0, frame, size, 2)
  board(size - frame, 0, frame, size, 2)
  board(frame, 0, size - 2 * frame, frame, 2)
  board(frame, size - frame, size - 2 * frame, frame, 2)
  for (const x of [frame / 2, size - frame / 2]) {
    for (const y of [20, frame - 16, size - frame + 16, size - 20]) {
      pen.fillStyle = asHeight ? gray(255) : '#4a3a2c'
      pen.beginPath()
      pen.arc(x, y, 5, 0, 2 * Math.PI)
      pen.fill()
    }
  }
}
