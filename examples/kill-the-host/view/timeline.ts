/**
 * The timeline: a lane per player, a stroke for each snapshot in the color of the host that sent it, the room's
 * state behind, votes, and the gap from the last of one host to the first of the next.
 *
 * Invariant: it draws marks and measures nothing of its own but where they are on the page.
 */
import type { Account } from '../net/episode.ts'
import type { Mark, Player } from '../net/player.ts'

export interface Scene {
  readonly players: readonly Player[]
  readonly color: (name: string) => string
  /** Of the page's clock: what is at the left and at the right edge. */
  readonly fromMs: number
  readonly toMs: number
  /** The press of the button, and what it said. */
  readonly press: { readonly atMs: number; readonly title: string } | undefined
  readonly accountOf: (player: Player) => Account | undefined
}

const BANDS: Readonly<Record<string, string>> = {
  stable: 'rgb(76 195 138 / 14%)',
  suspect: 'rgb(242 182 50 / 26%)',
  electing: 'rgb(255 140 66 / 42%)',
  frozen: 'rgb(106 168 255 / 34%)',
  asleep: 'rgb(167 176 194 / 30%)',
}
const TOP = 26
const BOTTOM = 22
const FONT = '12px system-ui, sans-serif'

export function createTimeline(canvas: HTMLCanvasElement): (scene: Scene) => void {
  const pen = canvas.getContext('2d')!

  return ({ players, color, fromMs, toMs, press, accountOf }) => {
    const width = canvas.clientWidth
    const height = canvas.clientHeight
    const ratio = devicePixelRatio
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, width, height)
    pen.font = FONT
    pen.textBaseline = 'middle'
    const left = width < 520 ? 54 : 84
    const lane = (height - TOP - BOTTOM) / Math.max(1, players.length)
    const xOf = (ms: number): number => left + ((ms - fromMs) / (toMs - fromMs)) * (width - left - 8)
    const clip = (x: number): number => Math.min(width - 8, Math.max(left, x))

    drawScale(xOf, { width, height, left, fromMs, toMs, zeroMs: press?.atMs })
    players.forEach((player, i) => {
      const top = TOP + i * lane
      pen.fillStyle = color(player.name)
      pen.textAlign = 'left'
      pen.fillText(player.name, 4, top + lane / 2)
      drawBands(player.marks, (from, to, state) => {
        const x = clip(xOf(from))
        const end = clip(xOf(Math.min(to, toMs)))
        pen.fillStyle = BANDS[state] ?? 'transparent'
        if (end > x) pen.fillRect(x, top + 3, end - x, lane - 6)
      })
      for (const mark of player.marks) {
        const x = xOf(mark.nowMs)
        if (x < left || x > width - 8) continue
        if (mark.kind === 'snapshot') {
          pen.fillStyle = color(mark.from)
          pen.fillRect(x - 0.6, top + lane * 0.42, 1.2, lane * 0.44)
        } else if (mark.kind === 'vote') drawDiamond(x, top + lane * 0.24)
      }
      const account = accountOf(player)
      if (press && account) drawGap(account, (ms) => xOf(press.atMs + ms), top, lane)
    })
    if (press) drawPress(clip(xOf(press.atMs)), press.title, height)
  }

  function drawScale(
    xOf: (ms: number) => number,
    at: { width: number; height: number; left: number; fromMs: number; toMs: number; zeroMs: number | undefined },
  ): void {
    const zeroMs = at.zeroMs ?? at.toMs
    const spanMs = at.toMs - at.fromMs
    const room = (at.width - at.left) / 70
    const stepMs = [100, 200, 250, 500, 1_000, 2_000, 5_000].find((step) => spanMs / step <= room) ?? 10_000
    pen.textAlign = 'center'
    for (let n = Math.ceil((at.fromMs - zeroMs) / stepMs); zeroMs + n * stepMs <= at.toMs; n += 1) {
      const x = xOf(zeroMs + n * stepMs)
      pen.fillStyle = 'rgb(255 255 255 / 9%)'
      pen.fillRect(x, TOP, 1, at.height - TOP - BOTTOM)
      pen.fillStyle = 'rgb(255 255 255 / 62%)'
      if (x < at.width - 24)
        pen.fillText(n === 0 && at.zeroMs === undefined ? 'now' : `${n * stepMs} ms`, x, at.height - 10)
    }
  }

  function drawDiamond(x: number, y: number): void {
    pen.fillStyle = '#fff'
    pen.beginPath()
    pen.moveTo(x, y - 5)
    pen.lineTo(x + 5, y)
    pen.lineTo(x, y + 5)
    pen.lineTo(x - 5, y)
    pen.fill()
  }

  function drawGap(account: Account, xOf: (ms: number) => number, top: number, lane: number): void {
    const { lastHeardMs, firstHeardMs, gapMs } = account
    if (lastHeardMs === undefined || firstHeardMs === undefined || gapMs === undefined) return
    const from = xOf(lastHeardMs)
    const to = xOf(firstHeardMs)
    const y = top + lane * 0.64
    const text = `${Math.round(gapMs)} ms`
    pen.strokeStyle = '#fff'
    pen.lineWidth = 1.4
    pen.beginPath()
    for (const x of [from, to]) {
      pen.moveTo(x, y - 6)
      pen.lineTo(x, y + 6)
    }
    pen.moveTo(from, y)
    pen.lineTo(to, y)
    pen.stroke()
    pen.font = `600 ${FONT}`
    const half = pen.measureText(text).width / 2 + 5
    const isRoomy = to - from > 2 * half + 8
    const x = isRoomy ? (from + to) / 2 : to + half + 6
    pen.fillStyle = '#1a2130'
    pen.fillRect(x - half, y - 9, 2 * half, 18)
    pen.fillStyle = '#fff'
    pen.textAlign = 'center'
    pen.fillText(text, x, y)
    pen.font = FONT
  }

  function drawPress(x: number, title: string, height: number): void {
    pen.fillStyle = '#ff6b57'
    pen.fillRect(x - 1, TOP - 6, 2, height - TOP - BOTTOM + 6)
    pen.textAlign = 'left'
    pen.fillText(title, x - 1, 10)
  }
}

/** Calls back with each stretch of one state. The last one has not ended. */
function drawBands(marks: readonly Mark[], draw: (fromMs: number, toMs: number, state: string) => void): void {
  let last: { nowMs: number; state: string } | undefined
  for (const mark of marks) {
    if (mark.kind !== 'state') continue
    if (last) draw(last.nowMs, mark.nowMs, last.state)
    last = mark
  }
  if (last) draw(last.nowMs, Infinity, last.state)
}
